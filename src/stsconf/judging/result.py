"""verdict.json: the result of a run, from which every other report can be made again.

Its ``promises`` depend on the recordings alone, so that judging a saved recording again gives the same bytes.
"""

from collections import Counter
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, Literal

from msgspec import Struct, structs

from stsconf import documents
from stsconf.errors import PRECEDENCE, ExitCode, ResultFileError
from stsconf.judging.promise import Level
from stsconf.judging.verdict import JSON_NAMES, Outcome, TimelineVerdict, Verdict, Witness, count
from stsconf.timeline.events import Reason
from stsconf.timeline.recording import Recording

SCHEMA: Final = "stsconf-verdict"
VERSION: Final = 1

CUT_SHORT = (ExitCode.INTERRUPTED, ExitCode.HARNESS, ExitCode.REFUSED)
"""What a run ends with that did not get to its end."""
UNREACHED = "the run ended before it"
"""The reason of a promise that was asked for when the run ended without it."""

_NOBODY_ASKED = frozenset({Outcome.NOT_APPLICABLE, Outcome.NOT_JUDGED})

OTHERS = 20
"""How many acts of other clients a report lists by name; verdict.json has them all."""


class RunInfo(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where and how a run happened.

    ``started`` is ISO 8601 in UTC, ``seconds`` how long the whole run took, ``suite`` the version of this suite.
    ``cluster`` holds version, uid, context and the like; ``environment`` at least ``stand_ins``, the parts that were
    not the real ones. ``accepted`` are the promises whose deviation a file of accepted ones excuses. ``ended`` says
    what ended the run before its end, ``remains`` what of it is still there, a sentence each: neither is a verdict.
    ``others`` is what other clients are known to have done to the run's objects, a sentence each.
    """

    id: str
    started: str
    seconds: float
    suite: str
    provider: str
    cluster: Mapping[str, Any]
    environment: Mapping[str, Any]
    scenarios: tuple[str, ...]
    exit_code: ExitCode
    accepted: tuple[str, ...] = ()
    ended: str = ""
    remains: tuple[str, ...] = ()
    others: tuple[str, ...] = ()

    @property
    def remarks(self) -> tuple[str, ...]:
        """What a reader must know of the run beside the verdicts, a sentence each."""
        ended = (f"The run ended early: {self.ended}.",) if self.ended else ()
        more = [f"{len(self.others) - OTHERS} more acts of others"] if len(self.others) > OTHERS else []
        others = (*self.others[:OTHERS], *more)
        return (
            *ended,
            *(f"Still there: {one}" for one in self.remains),
            *(f"Not by this run: {one}" for one in others),
        )

    @property
    def stand_ins(self) -> tuple[str, ...]:
        """The parts of the cluster that were not the real ones."""
        return tuple(self.environment.get("stand_ins") or ())


class RecordingEntry(Struct, frozen=True):
    """One recording that was judged; ``sha256`` is of its uncompressed lines before the seal."""

    file: str
    sha256: str
    sealed: bool
    events: int


class Run(RunInfo, frozen=True, kw_only=True, omit_defaults=True):
    """Where and how a run happened (``RunInfo``), and what was recorded."""

    recordings: tuple[RecordingEntry, ...]


class PromiseEntry(Struct, frozen=True, kw_only=True, rename=JSON_NAMES):
    """One promise: its words, its verdict, and why. ``witness`` are the events that decided."""

    id: str
    title: str
    area: str = ""
    level: Level
    revision: int
    source: str
    quote: str = ""
    outcome: Outcome
    reason: str
    cause: Reason | None = None
    required: bool
    obligations: int
    witness: tuple[Witness, ...]
    timelines: tuple[TimelineVerdict, ...]


class Document(Struct, frozen=True, kw_only=True):
    """verdict.json version 1. Promises are ordered by id, counts worst first."""

    schema: Literal["stsconf-verdict"]
    version: Literal[1]
    run: Run
    counts: dict[Outcome, int]
    promises: tuple[PromiseEntry, ...]


def exit_code(verdicts: Iterable[Verdict], *also: ExitCode) -> ExitCode:
    """What the process ends with: the first in ``PRECEDENCE`` of what the verdicts say and ``also``.

    Only required promises can make a run fail; an error of ours always does. Outcomes that accuse nobody (differs,
    characterised, not applicable) are neutral, but a run in which nothing else was found has judged nothing.
    """
    verdicts = tuple(verdicts)
    required = {verdict.outcome for verdict in verdicts if verdict.required}
    found = {ExitCode.HOLDS, *also}
    if any(verdict.outcome is Outcome.ERROR for verdict in verdicts):
        found.add(ExitCode.HARNESS)
    if Outcome.VIOLATED in required:
        found.add(ExitCode.VIOLATED)
    if Outcome.INCONCLUSIVE in required:
        found.add(ExitCode.INCONCLUSIVE)
    if Outcome.NOT_JUDGED in required:
        found.add(ExitCode.NOT_JUDGED)
    if all(verdict.outcome in _NOBODY_ASKED for verdict in verdicts):
        found.add(ExitCode.NOTHING_TO_JUDGE)
    return min(found, key=PRECEDENCE.index)


def excused(verdicts: Iterable[Verdict], accepted: Container[str]) -> list[Verdict]:
    """The verdicts, with those of accepted promises no longer required: they fail nobody, but stay what they are."""
    return [replace(verdict, required=False) if verdict.id in accepted else verdict for verdict in verdicts]


def document(run: RunInfo, verdicts: Iterable[Verdict], recordings: Sequence[Recording]) -> Document:
    """The whole result."""
    verdicts = sorted(verdicts, key=lambda verdict: verdict.id)
    told = {
        **structs.asdict(run),
        "seconds": round(run.seconds, 3),
        "cluster": dict(sorted(run.cluster.items())),
        "environment": {**dict(sorted(run.environment.items())), "stand_ins": list(run.stand_ins)},
    }
    recorded = tuple(RecordingEntry(r.path.name, r.sha256, r.sealed, r.events) for r in recordings)
    return Document(
        schema=SCHEMA,
        version=VERSION,
        run=Run(**told, recordings=recorded),
        counts=count(verdicts),
        promises=tuple(map(promise, verdicts)),
    )


def read(path: Path) -> Document:
    """Read a verdict.json. Raises ``ResultFileError`` when it cannot be relied on."""
    next_step = "Name the output folder of a finished run, or judge the recording beside it with `stsconf judge`."
    doc = documents.read(path, Document, next_step, SCHEMA, VERSION)
    if Counter(entry.outcome for entry in doc.promises) != Counter(doc.counts):
        raise ResultFileError(f"{path} contradicts itself: its counts are not those of its promises.", next_step)
    return doc


def promise(verdict: Verdict) -> PromiseEntry:
    """One verdict as it stands in ``promises``."""
    return PromiseEntry(
        id=verdict.id,
        title=verdict.title,
        area=verdict.id.split("-")[0],
        level=Level(verdict.level),
        revision=verdict.revision,
        source=verdict.source,
        quote=verdict.quote,
        outcome=verdict.outcome,
        reason=verdict.reason,
        cause=verdict.cause,
        required=verdict.required,
        obligations=verdict.obligations,
        witness=verdict.witness,
        timelines=verdict.timelines,
    )
