"""The catalogue as text: every promise in a line, or what there is to know about one."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from stsconf.errors import UsageError
from stsconf.judging.catalogue import MEANING, Row, named, rows
from stsconf.judging.promise import Promise


def judged(promises: Iterable[Promise]) -> Iterator[str]:
    """Two lines for each promise that is judged: id, level, scenarios, sentence; where it is documented."""
    for promise in sorted(promises, key=lambda p: p.id):
        yield f"{promise.id}  {promise.level:14}  {','.join(promise.scenarios):24}  {promise.title}"
        yield f"{'':8}{promise.source}"


def everything(promises: Mapping[str, Promise]) -> Iterator[str]:
    """A line for each row of the catalogue: id, standing, sentence; and why it is not judged."""
    for row in rows():
        yield f"{row.id}  {row.standing:15}  {sentence(row, promises)}"
        if why := _why(row):
            yield f"{'':8}{why}"


def about(ids: Sequence[str], promises: Mapping[str, Promise]) -> Iterator[str]:
    """What there is to know of each, or of all of an area: sentence, standing, page, the page's own words.

    Raises ``UsageError`` for a name that there is not.
    """
    try:
        names = named(ids)
    except ValueError as error:
        what = str(error)
        raise UsageError(f"{what[:1].upper()}{what[1:]}.") from None
    for row in (row for name in names for row in rows() if name in (row.id, row.area)):
        promise = promises.get(row.id)
        yield f"{row.id}  {sentence(row, promises)}"
        if promise:
            yield f"  judged      {promise.level}, rule revision {promise.revision}, on {', '.join(promise.scenarios)}"
            yield f"  documented  {promise.source}"
        else:
            yield f"  {row.standing}"
        if row.quote:
            yield f"  says        {row.quote}"
            yield f"  read        {row.quote.copy.read}, {row.quote.copy.page}: {row.quote.copy.where}"
        else:
            yield f"  says        unverified: no copy was found that says it ({', '.join(row.documents)})"
        if why := _why(row):
            yield f"  note        {why}"


def sentence(row: Row, promises: Mapping[str, Promise]) -> str:
    """The one sentence for a row: its promise's title, else its own."""
    promise = promises.get(row.id)
    return promise.title if promise else row.says


def _why(row: Row) -> str:
    """Why a row is not judged, or what else to know; empty where there is nothing to say."""
    reason = "" if row.standing == "judged" else f"{MEANING[row.standing][:1].upper()}{MEANING[row.standing][1:]}."
    return " ".join(filter(None, (reason, row.note)))
