"""A promise holds only on kinds that were seen from their first list to a proven end; what is absent counts as missing.

Each part of that proof is taken out of real recordings, of one kind and of all: then no promise that reads the kind
holds, and nobody is blamed for what it would have shown.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from stsconf import suite_files
from stsconf.judging.judge import judge
from stsconf.judging.promise import Promise, import_promises
from stsconf.judging.verdict import Outcome
from stsconf.record.file import FileState, read_records
from stsconf.timeline.events import Reason
from stsconf.timeline.recording import assemble
from stsconf.timeline.reduce import REDUCERS
from stsconf.timeline.timeline import Timeline, kinds_read
from tests.editor import REAL
from tests.tape import Record

PROMISES = tuple(import_promises(suite_files.conformance()).values())
KINDS = sorted(set(REDUCERS) - {"events"})
"""What promises read. Events only ever add an author: no verdict rests on their being complete."""
INTACT = FileState(sealed=True, records=0, sha256="", problem=None)
ONE_NAMESPACE = REAL.parents[1] / "faulty" / "SDN" / "run.ndjson.gz"
"""One scenario, recorded as a user's cluster is: no sentinel, so that bookmarks prove the end."""

Edit = Callable[[list[Record], str], list[Record]]


@cache
def records_of(path: Path) -> list[Record]:
    return [record for _, record in read_records(path)]


def outcomes(records: Sequence[Record]) -> dict[str, Outcome]:
    timelines = assemble(Path("damaged.ndjson"), enumerate(records, 1), INTACT).timelines
    return {promise.id: judge(promise, timelines).outcome for promise in PROMISES}


@cache
def intact(path: Path) -> tuple[Mapping[str, Outcome], Mapping[str, frozenset[str]]]:
    """The verdicts on the whole recording, and the kinds that each promise read for its own."""
    timelines = assemble(path, enumerate(records_of(path), 1), INTACT).timelines
    found, read = {}, {}
    for promise in PROMISES:
        kinds: set[str] = set()
        found[promise.id] = judge(_watched(promise, kinds), timelines).outcome
        read[promise.id] = frozenset(kinds)
    return found, read


def _watched(promise: Promise, kinds: set[str]) -> Promise:
    def check(timeline: Timeline) -> None:
        try:
            promise.check(timeline)
        finally:
            kinds.update(kinds_read.get())

    return replace(promise, check=check)


def without(*recs: str) -> Edit:
    """Take out all records of these types that belong to the kind."""
    return lambda records, kind: [r for r in records if r["rec"] not in recs or r["s"] != kind]


def without_lists(closing: bool) -> Edit:
    return lambda records, kind: [
        r for r in records if r["rec"] != "snap" or r["s"] != kind or (r["why"] == "closing") != closing
    ]


def without_last_probe(records: list[Record], kind: str) -> list[Record]:
    """As if the last probe had not asked for the kind."""
    last = max(index for index, record in enumerate(records) if record["rec"] == "probe")
    domains = [[k for k in domain if k != kind] for domain in records[last]["domains"]]
    return [*records[:last], {**records[last], "domains": domains}, *records[last + 1 :]]


def sealed_with(field: str, word: str | None) -> Edit:
    """As if the seal said ``word`` of the kind, or nothing."""

    def edit(records: list[Record], kind: str) -> list[Record]:
        *before, seal = records
        told = {key: value for key, value in seal[field].items() if key.partition("/")[0] != kind}
        mine = seal[field].keys() - told.keys()
        return [*before, {**seal, field: told if word is None else told | dict.fromkeys(mine, word)}]

    return edit


PARTS: dict[str, Edit] = {
    "first list": without_lists(closing=False),
    "watch": without("conn"),
    "bookmarks and versions": without("bm", "ev"),
    "closing list": without_lists(closing=True),
    "closing proof": sealed_with("closing", None),
    "closing proof, called forbidden": sealed_with("closing", "forbidden"),
    "frontier": sealed_with("frontier", None),
    "frontier before the closing list": sealed_with("frontier", "1"),
    "last probe": without_last_probe,
}


def everything(records: list[Record], kind: str) -> list[Record]:
    for edit in PARTS.values():
        records = edit(records, kind)
    return records


def assert_nothing_holds(path: Path, edit: Edit, kinds: Sequence[str]) -> None:
    whole, read = intact(path)
    records = records_of(path)
    for kind in kinds:
        records = edit(records, kind)
    damaged = outcomes(records)
    touched = {promise for promise, its_own in read.items() if its_own & set(kinds)}
    assert {whole[promise] for promise in touched} >= {Outcome.HOLDS}, "the recording shows nothing otherwise"
    assert not {p: damaged[p] for p in touched if damaged[p] in (Outcome.HOLDS, Outcome.ERROR)}
    blamed = {p for p, outcome in damaged.items() if outcome in (Outcome.VIOLATED, Outcome.DIFFERS)}
    assert blamed <= {p for p, outcome in whole.items() if outcome in (Outcome.VIOLATED, Outcome.DIFFERS)}


@pytest.mark.parametrize("kind", sorted(set(KINDS) - {"services"}))  # read after a cascade only, which is elsewhere
@pytest.mark.parametrize("part", PARTS)
def test_without_a_part_of_the_proof_nothing_holds_that_reads_the_kind(part: str, kind: str) -> None:
    assert_nothing_holds(ONE_NAMESPACE, PARTS[part], [kind])


@pytest.mark.parametrize("part", [*PARTS, "everything"])
def test_without_a_part_of_the_proof_of_all_kinds_nothing_holds(part: str) -> None:
    assert_nothing_holds(REAL, PARTS.get(part, everything), KINDS)


def test_bookmarks_are_needed_where_no_version_reaches_the_closing_list() -> None:
    records = records_of(ONE_NAMESPACE)
    closing = {r["s"]: int(r["rv"]) for r in records if r["rec"] == "snap" and r["why"] == "closing"}
    versions = {r["s"]: int(r["rv"]) for r in records if r["rec"] == "ev"}
    quiet = sorted(kind for kind in KINDS if versions.get(kind, 0) < closing[kind])
    assert quiet
    assert_nothing_holds(ONE_NAMESPACE, without("bm"), quiet)


def test_a_promise_that_does_not_read_the_kind_keeps_its_verdict() -> None:
    whole, read = intact(ONE_NAMESPACE)
    damaged = outcomes(everything(records_of(ONE_NAMESPACE), "endpointslices"))
    others = {promise for promise, kinds in read.items() if "endpointslices" not in kinds}
    assert Outcome.HOLDS in {whole[promise] for promise in others}
    assert {p: damaged[p] for p in others} == {p: whole[p] for p in others}


@pytest.mark.parametrize(
    ("part", "cause", "what"),
    [
        ("first list", Reason.GAP, "no list of pods"),
        ("watch", Reason.GAP, "no watch of pods"),
        ("bookmarks and versions", Reason.NOT_REACHED, "only, while the closing list is at"),
        ("closing list", Reason.NOT_REACHED, "there is no closing list"),
        ("closing proof", Reason.NOT_REACHED, "the seal does not name it"),
        ("closing proof, called forbidden", Reason.NOT_REACHED, "was not proven: forbidden"),
        ("frontier", Reason.NOT_REACHED, "does not say how far pods"),
        ("frontier before the closing list", Reason.NOT_REACHED, "up to revision 1 only"),
        ("last probe", Reason.UNORDERED_KINDS, "no probe after the closing lists"),
    ],
)
def test_each_missing_part_has_its_reason(part: str, cause: Reason, what: str) -> None:
    records = PARTS[part](records_of(ONE_NAMESPACE), "pods")
    (problem,) = assemble(Path("damaged.ndjson"), enumerate(records, 1), INTACT).problems
    assert (problem.kind, problem.cause) == ("pods", cause)
    assert what in problem.what


def test_a_version_left_out_takes_away_praise_and_blame() -> None:
    records = records_of(REAL)
    listed = {(i["uid"], i["rv"]) for r in records if r["rec"] == "snap" and r["why"] == "closing" for i in r["items"]}
    last = next(r for r in records if r["rec"] == "ev" and r["s"] == "pods" and (r["uid"], r["rv"]) in listed)
    recording = assemble(Path("damaged.ndjson"), enumerate((r for r in records if r is not last), 1), INTACT)
    (problem,) = recording.problems
    assert (problem.kind, problem.cause) == ("pods", Reason.INTEGRITY)
    assert f"does not lead to its closing list: ('{last['ns']}', '{last['name']}') differs" in problem.what
