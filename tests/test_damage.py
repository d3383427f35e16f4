"""Whatever is missing from a recording, no verdict gets kinder, and nobody is blamed for what could not be seen."""

import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import cache, partial
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stsconf import suite_files
from stsconf.errors import NotApplicable, UnknownFact
from stsconf.judging.expect import judged, obligations
from stsconf.judging.judge import judge
from stsconf.judging.promise import Promise, import_promises
from stsconf.judging.verdict import Outcome
from stsconf.record import file
from stsconf.record.file import FileState, inspect, read_records, slice_file
from stsconf.timeline.facts import Fact
from stsconf.timeline.recording import assemble, load
from stsconf.timeline.reduce import REDUCERS
from stsconf.timeline.timeline import Timeline, kinds_read
from tests.editor import SCENARIOS
from tests.edits import EDITS, REAL, unedited, windows
from tests.tape import KINDS, Record, Tape, created, finished, records_of

PROMISES = import_promises(suite_files.conformance())
ALL = tuple(PROMISES.values())
BLAME = (Outcome.VIOLATED, Outcome.DIFFERS)

Outcomes = dict[str, Outcome]


def timelines_of(records: Sequence[Record], *, sealed: bool = True) -> tuple[Timeline, ...]:
    """Records that end with or without a seal, read as a file; with one they end as the recorder would end them."""
    records = finished(records) if sealed else records
    problem = None if sealed else "the file has no seal"
    state = FileState(sealed=sealed, records=len(records), sha256="", problem=problem)
    return assemble(Path("damaged.ndjson"), enumerate(records, 1), state).timelines


def outcomes(records: Sequence[Record], *, sealed: bool = True, promises: Iterable[Promise] = ALL) -> Outcomes:
    """Promises judged on records that end with or without a seal."""
    timelines = timelines_of(records, sealed=sealed)
    return {promise.id: judge(promise, timelines).outcome for promise in promises}


def assert_never_kinder(whole: Outcomes, damaged: Outcomes, what: str) -> None:
    kinder = {
        promise: f"{whole[promise]} became {outcome}"
        for promise, outcome in damaged.items()
        if (outcome is Outcome.HOLDS and whole[promise] is not Outcome.HOLDS)
        or (outcome in BLAME and whole[promise] not in BLAME)
        or (outcome is Outcome.ERROR)
    }
    assert not kinder, f"{what}: {kinder}"


class Whole:
    """A recording of one window as it was made: its verdicts, and which of them a damage can reach."""

    def __init__(self, records: list[Record]) -> None:
        self.records = records
        with reduced_once():
            (self._timeline,) = timelines_of(records)
        self.outcomes = {promise.id: judge(promise, [self._timeline]).outcome for promise in ALL}
        self._reads = {promise.id: kinds_of(promise, self._timeline) for promise in ALL}
        self._versions = versions(self._timeline)

    def damaged(self, records: Sequence[Record], *, sealed: bool = True, promises: Iterable[Promise] = ALL) -> Outcomes:
        """Of these promises, those that read something that the damage changed, judged on what it left."""
        return self._judged(records, sealed, promises, reached=True)

    def untouched(self, records: Sequence[Record]) -> Outcomes:
        """All other promises, judged on what the damage left."""
        return self._judged(records, True, ALL, reached=False)

    def _judged(
        self, records: Sequence[Record], sealed: bool, promises: Iterable[Promise], *, reached: bool
    ) -> Outcomes:
        with reduced_once():
            timelines = timelines_of(records, sealed=sealed)
        changed = self._changed(timelines)
        found = [p for p in promises if (changed is None or bool(changed & self._reads[p.id])) is reached]
        return {promise.id: judge(promise, timelines).outcome for promise in found}

    def _changed(self, timelines: Sequence[Timeline]) -> set[str] | None:
        """The kinds that are not as they were, or ``None`` where more than kinds is not."""
        if len(timelines) != 1 or frame(timelines[0]) != frame(self._timeline):
            return None
        now = versions(timelines[0])
        problems = {*timelines[0].problems} ^ {*self._timeline.problems}
        changed = {kind for kind in KINDS if now[kind] != self._versions[kind]} | {p.kind for p in problems}
        return None if None in changed else {kind for kind in changed if kind}


def frame(timeline: Timeline) -> tuple[object, ...]:
    """All that a promise may read of a timeline beside its kinds; in which lines it stood is left out."""
    did = [replace(action, line=0) for action in timeline.actions]
    saw = [replace(observation, line=0) for observation in timeline.observations]
    return replace(timeline.window, closed=0), did, saw, timeline.domain, timeline.header


def versions(timeline: Timeline) -> dict[str, list[object]]:
    """Each kind's history; in which lines it stood is left out."""
    histories = {kind: timeline.of_kind(kind) for kind in KINDS}
    return {
        kind: [
            history.gaps,
            history.begins_rv,
            *((e.rv, e.change, e.uid, e.name, e.seconds, e.late, e.before, e.now) for e in history.events),
        ]
        for kind, history in histories.items()
    }


def kinds_of(promise: Promise, timeline: Timeline) -> frozenset[str]:
    """The kinds that judging the promise on the timeline reads."""
    read: set[str] = set()
    if promise.wants(timeline):
        tokens = obligations.set([]), judged.set(timeline), kinds_read.set(read)
        with suppress(NotApplicable, UnknownFact):
            promise.check(timeline)
        obligations.reset(tokens[0])
        judged.reset(tokens[1])
        kinds_read.reset(tokens[2])
    return frozenset(read)


@contextmanager
def reduced_once() -> Iterator[None]:
    """Reduce each stored object once, however often it is read; nobody may change one meanwhile."""
    reducers = dict(REDUCERS)
    with pytest.MonkeyPatch.context() as patch:
        for kind, reduce in reducers.items():
            patch.setitem(REDUCERS, kind, partial(_reduced, reduce))  # type: ignore[arg-type]
        yield


_REDUCED: dict[int, tuple[Record, Fact]] = {}


def _reduced(reduce: Callable[[Record], Fact], obj: Record) -> Fact:
    if id(obj) not in _REDUCED:
        _REDUCED[id(obj)] = obj, reduce(obj)  # as long as the object is kept, no other has its id
    return _REDUCED[id(obj)][1]


# Damage.


def feed_of(record: Record) -> tuple[str, str]:
    return record["s"], record.get("ns") or ""


def key_of(obj: Record) -> tuple[str, str]:
    return obj["metadata"].get("namespace") or "", obj["metadata"]["name"]


def feeds(records: Sequence[Record]) -> dict[tuple[str, str], list[int]]:
    """Where the events of each feed stand: of one namespace, or of the whole cluster as its first list says."""
    wide = {record["s"] for record in records if record["rec"] == "snap" and not record.get("ns")}
    found: dict[tuple[str, str], list[int]] = defaultdict(list)
    for index, record in enumerate(records):
        if record["rec"] == "ev":
            found[(record["s"], "") if record["s"] in wide else feed_of(record)].append(index)
    return found


def with_gap(records: Sequence[Record], feed: tuple[str, str], first: int, last: int) -> list[Record]:
    """As if the feed's events ``first`` to ``last`` had been missed, and its recorder had listed again after them."""
    kind, namespace = feed
    mine = feeds(records)[feed]
    missed = mine[first : last + 1]
    state: dict[tuple[str, str], Record] = {}
    seen = "0"
    for index, record in enumerate(records[: missed[-1] + 1]):
        if record["rec"] == "snap" and feed_of(record) == feed and not record.get("brief"):
            state = {key_of(item): item for item in record["items"]}
        elif index in mine and record["type"] == "DELETED":
            state.pop(key_of(record["obj"]), None)
        elif index in mine:
            state[key_of(record["obj"])] = record["obj"]
        if index < missed[0] and (index in mine or (record["rec"] in ("snap", "bm") and feed_of(record) == feed)):
            seen = record["rv"]
    end = records[missed[-1]]
    place: Record = {"s": kind} | ({"ns": namespace} if namespace else {})
    hole = {"rec": "gap", **place, "t": end["t"], "after_rv": seen, "until_rv": end["rv"]}
    hole |= {"why": "410", "repaired": False}
    snap = {"rec": "snap", **place, "seq": 0, "t0": end["t"], "t1": end["t"], "rv": end["rv"], "why": "gap"}
    snap["items"] = list(state.values())
    away = [i for i in range(missed[0], missed[-1]) if records[i]["rec"] == "bm" and feed_of(records[i]) == feed]
    before = [record for index, record in enumerate(records[: missed[-1]]) if index not in (*missed, *away)]
    return [*before, hole, snap, *records[missed[-1] + 1 :]]


# What is damaged: recordings made by hand, each window of the real one by itself, and each named fault in it.


def flapped() -> Tape:
    """web-0 ceases to be Ready just before web-1 is created: a race."""
    tape = Tape().open("create").set_created().volume(0).pod_created(0).pod_ready(0)
    tape.set_status(replicas=1, readyReplicas=1).pod_ready(0, ready=False).volume(1)
    return tape.pod_created(1, after=0.5).pod_ready(0).pod_ready(1).set_status(replicas=2, readyReplicas=2).close()


def twice_lost() -> Tape:
    """Two pods flap while a third is created, and the status counts one of them only."""
    tape = Tape(replicas=3).open("create").set_created().pod_created(0).pod_ready(0).pod_created(1).pod_ready(1)
    tape.set_status(replicas=2, readyReplicas=2).pod_ready(0, ready=False).pod_ready(1, ready=False)
    tape.set_status(replicas=2, readyReplicas=1).pod_ready(0)
    return tape.pod_created(2).pod_ready(1).pod_ready(2).close()


def out_of_order() -> Tape:
    """web-1 before web-0, without a claim, and two volumes on one path."""
    tape = Tape().open("create").set_created().pod_created(1).volume(1, path="/same").volume(0, path="/same")
    return tape.pod_ready(1).pod_created(0).pod_ready(0).set_status(replicas=2, readyReplicas=2).close()


def unfinished() -> Tape:
    """web-1 is never created, and the wait runs out."""
    tape = Tape().open("create").set_created().volume(0).pod_created(0).pod_ready(0)
    return tape.set_status(replicas=1, readyReplicas=1).close(settled=False, waited_for="web to be settled")


def rescaled(stop_first: int = 2, hasty: bool = False) -> Tape:
    """3 replicas, 1, 3 again; ``stop_first`` goes first, ``hasty``: before the other is gone."""
    tape = created(3)
    tape.records.pop()
    other = 3 - stop_first
    for replicas in (1, 3):
        scale(tape, replicas)
        if replicas == 1:
            stop(tape, stop_first)
            if not hasty:
                tape.delete("pods", f"web-{stop_first}")
            stop(tape, other)
            if hasty:
                tape.delete("pods", f"web-{stop_first}")
            tape.delete("pods", f"web-{other}")
            tape.published(0)
            tape.set_status(replicas=1, readyReplicas=1)
        else:
            for ordinal in (1, 2):
                tape.pod_created(ordinal, uid=f"again-{ordinal}").pod_ready(ordinal).published(*range(ordinal + 1))
                tape.set_status(replicas=ordinal + 1, readyReplicas=ordinal + 1)
    return tape.close()


def scale(tape: Tape, replicas: int) -> None:
    """As the harness does it."""
    generation = tape.objects["statefulsets", "web"]["metadata"]["generation"] + 1
    act = {"rec": "act", "id": f"a{generation}"}
    tape.add(**act, phase="begin", verb="scale", resource="statefulsets", ns="ns", name="web")
    scaled = {"metadata": {"generation": generation}, "spec": {"replicas": replicas}}
    rv = tape.change("statefulsets", "web", scaled)["metadata"]["resourceVersion"]
    tape.add(**act, phase="end", result={"rv": rv})


def stop(tape: Tape, ordinal: int) -> None:
    marked = {"deletionTimestamp": "2026-01-01T00:00:00Z", "deletionGracePeriodSeconds": 30}
    tape.change("pods", f"web-{ordinal}", {"metadata": marked})


def passive() -> Tape:
    """No scenario: the set and one pod were there before."""
    tape = created(2)
    tape.records = [record for record in tape.records if record["rec"] != "mark"]
    return tape


TAPES = {
    "created": created(3),
    "flapped": flapped(),
    "twice lost": twice_lost(),
    "out of order": out_of_order(),
    "unfinished": unfinished(),
    "rescaled": rescaled(),
    "rescaled ascending": rescaled(stop_first=1),
    "rescaled hasty": rescaled(hasty=True),
    "passive": passive(),
}


@cache
def whole_run() -> list[Record]:
    return records_of(REAL)


@cache
def faulty(index: int) -> Whole:
    return Whole(EDITS[index].records())


@cache
def undamaged(name: str) -> Whole:
    return Whole(TAPES[name].records if name in TAPES else windows()[name])


NAMES = sorted({*TAPES, *SCENARIOS})
EXHAUSTIVE = bool(os.environ.get("STS_EXHAUSTIVE"))
"""Whether to damage the real recording at every place, which takes minutes, or at some of each feed and window."""


def places(name: str, found: Sequence[int]) -> Sequence[int]:
    """Where to damage a recording: everywhere in one made by hand."""
    return found if EXHAUSTIVE or name in TAPES else found[:: max(1, len(found) // 12)]


@pytest.mark.parametrize("name", NAMES)
def test_a_recording_cut_off_anywhere_is_never_kinder(name: str) -> None:
    whole = undamaged(name)
    ends = [n for n, record in enumerate(whole.records, 1) if record["rec"] not in ("conn", "bm")]
    for length in places(name, ends):
        damaged = whole.damaged(whole.records[:length], sealed=False)
        assert damaged.keys() == PROMISES.keys()
        assert Outcome.HOLDS not in damaged.values()
        assert_never_kinder(whole.outcomes, damaged, f"{name} cut off after record {length}")


@pytest.mark.parametrize("name", NAMES)
def test_a_gap_over_any_event_is_never_kinder(name: str) -> None:
    whole = undamaged(name)
    for feed, events in feeds(whole.records).items():
        for index in places(name, range(len(events))):
            damaged = whole.damaged(with_gap(whole.records, feed, index, index))
            assert_never_kinder(whole.outcomes, damaged, f"{name}, gap over event {index} of {feed}")


@pytest.mark.parametrize("name", NAMES)
def test_a_promise_that_does_not_read_what_was_damaged_is_judged_as_before(name: str) -> None:
    whole = undamaged(name)
    every = feeds(whole.records)
    chosen = sorted(every) if EXHAUSTIVE else [sorted(every)[NAMES.index(name) % len(every)]]
    for feed in chosen:
        left = whole.untouched(with_gap(whole.records, feed, 0, len(every[feed]) - 1))
        changed = {id_: outcome for id_, outcome in left.items() if outcome is not whole.outcomes[id_]}
        # What was not reached is nobody's fault where anything at all was missed.
        assert not {id_ for id_ in changed if whole.outcomes[id_] not in BLAME}, feed
        assert set(changed.values()) <= {Outcome.INCONCLUSIVE}, feed


@st.composite
def damage(draw: st.DrawFn, records: list[Record]) -> tuple[list[Record], bool]:
    """Up to three gaps of up to nine events each, and perhaps a cut: the records, and whether they end with a seal."""
    for _ in range(draw(st.integers(1, 3))):
        where = feeds(records)
        feed = draw(st.sampled_from(sorted(where)))
        first = draw(st.integers(0, len(where[feed]) - 1))
        records = with_gap(records, feed, first, draw(st.integers(first, min(first + 8, len(where[feed]) - 1))))
    length = draw(st.none() | st.integers(1, len(records)))
    return records[:length], length is None


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_gaps_of_any_length_and_a_cut_are_never_kinder(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(NAMES))
    whole = undamaged(name)
    records, sealed = data.draw(damage(whole.records))
    assert_never_kinder(whole.outcomes, whole.damaged(records, sealed=sealed), name)


@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_a_whole_run_cut_off_anywhere_is_never_kinder(data: st.DataObject) -> None:
    records = whole_run()
    cut = data.draw(st.integers(1, len(records)))
    with reduced_once():
        damaged = outcomes(records[:cut], sealed=False)
    assert Outcome.HOLDS not in damaged.values()
    assert_never_kinder(dict.fromkeys(PROMISES, Outcome.HOLDS), damaged, f"cut off after record {cut}")


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_no_damage_hides_a_fault_or_adds_one(data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(EDITS) - 1))
    whole = faulty(index)
    records, sealed = data.draw(damage(whole.records))
    assert_never_kinder(whole.outcomes, whole.damaged(records, sealed=sealed), EDITS[index].name)


@pytest.mark.parametrize("index", range(len(EDITS)), ids=lambda index: EDITS[index].name)
def test_a_gap_over_an_event_hides_no_fault(index: int) -> None:
    own = PROMISES[EDITS[index].breaks[0]]
    whole = faulty(index)
    for feed, events in feeds(whole.records).items():
        step = 1 if EXHAUSTIVE else max(3, len(events) // 8)
        for event in range(index % step, len(events), step):
            damaged = whole.damaged(with_gap(whole.records, feed, event, event), promises=[own])
            assert_never_kinder(whole.outcomes, damaged, f"gap over event {event} of {feed}")


# Situations in which a judge could go wrong.


def hole(tape: Tape, kind: str, after: Record, until: Record, items: Sequence[Record]) -> None:
    """From one version to another everything of this kind was missed; a list showed ``items``."""
    after_rv, rv = after["metadata"]["resourceVersion"], until["metadata"]["resourceVersion"]
    tape.add(rec="gap", s=kind, after_rv=after_rv, until_rv=rv, why="410", repaired=False)
    now = round(tape.seconds * 1e9)
    tape.records.append(
        {"rec": "snap", "s": kind, "seq": 0, "t0": now, "t1": now, "rv": rv, "why": "gap", "items": list(items)}
    )


def of(tape: Tape, promise: str) -> Outcome:
    return outcomes(tape.records)[promise]


def without(tape: Tape, kind: str, name: str, *changes: str) -> None:
    """Drop what was recorded of one object."""
    tape.records = [
        r
        for r in tape.records
        if not (r["rec"] == "ev" and (r["s"], r["name"]) == (kind, name) and r["type"] in changes)
    ]


def test_the_end_of_a_kind_that_lags_behind_in_a_cut_off_recording_is_unknown() -> None:
    tape = Tape().open("create").set_created().pod_created(0)
    verdicts = outcomes(tape.records, sealed=False)
    assert verdicts["ORD-08"] is Outcome.INCONCLUSIVE
    assert verdicts["STO-01"] is Outcome.INCONCLUSIVE


def test_what_a_list_shows_after_a_gap_may_have_been_there_before() -> None:
    tape = Tape().open("create").set_created().volume(0).pod_created(0)
    claim = tape.objects["persistentvolumeclaims", "www-web-0"]
    later = tape.change("persistentvolumeclaims", "www-web-0", {"status": {"phase": "Bound"}})
    without(tape, "persistentvolumeclaims", "www-web-0", "ADDED", "MODIFIED")
    hole(tape, "persistentvolumeclaims", tape.objects["statefulsets", "web"], later, [later])
    assert claim["metadata"]["resourceVersion"] < later["metadata"]["resourceVersion"]
    assert of(tape.close(), "ORD-08") is Outcome.INCONCLUSIVE


def test_a_pod_that_may_have_been_ready_inside_a_gap_blames_nobody() -> None:
    tape = Tape().open("create").set_created().pod_created(0).pod_ready(0).pod_ready(0, ready=False)
    unready = tape.objects["pods", "web-0"]
    tape.pod_ready(0, after=9.0).pod_ready(0, ready=False)
    del tape.records[-2:]
    hole(tape, "pods", unready, tape.objects["pods", "web-0"], [tape.objects["pods", "web-0"]])
    assert of(tape.pod_created(1).close(), "ORD-02") is Outcome.INCONCLUSIVE


@pytest.mark.parametrize("why", ["rebuilt", "reconnected"])
def test_a_version_that_came_late_proves_no_age(why: str) -> None:
    tape = Tape().open("create").set_created().pod_created(0).pod_ready(0).pod_ready(0, ready=False)
    if why == "reconnected":
        tape.add(rec="conn", s="pods", what="error", from_rv="1")
        tape.seconds += 60
        tape.add(rec="conn", s="pods", what="open", from_rv="1")
    tape.pod_created(1, after=0.1 if why == "reconnected" else 60)
    if why == "rebuilt":
        tape.records[-1]["rebuilt"] = True
    assert of(tape.close(), "ORD-02") is Outcome.INCONCLUSIVE


@pytest.mark.parametrize(("created", "outcome"), [("00:00:31", Outcome.INCONCLUSIVE), ("00:00:50", Outcome.VIOLATED)])
def test_a_connection_that_stalled_does_not_make_a_view_older(created: str, outcome: Outcome) -> None:
    tape = Tape().open("create").set_created().pod_created(0).pod_ready(0)
    managed = [{"manager": "kubelet", "subresource": "status", "time": "2026-01-01T00:00:30Z"}]
    tape.pod_ready(0, ready=False)
    tape.records[-1]["obj"]["metadata"]["managedFields"] = managed
    tape.pod_created(1, after=20)
    tape.records[-1]["obj"]["metadata"]["creationTimestamp"] = f"2026-01-01T{created}Z"
    assert of(tape.close(), "ORD-02") is outcome


def test_a_pod_found_unready_when_the_recording_began_may_just_have_become_so() -> None:
    tape = Tape().open("create").set_created().pod_created(0)
    first = tape.records.pop()["obj"]
    tape.pod_created(1)
    start = next(r for r in tape.records if r["rec"] == "snap" and r["s"] == "pods")
    start["items"] = [first]
    assert of(tape.close(), "ORD-02") is Outcome.INCONCLUSIVE


def test_a_status_that_counts_another_pods_loss_proves_nothing() -> None:
    assert undamaged("twice lost").outcomes["ORD-02"] is Outcome.INCONCLUSIVE


def test_a_call_of_ours_that_was_cut_off_was_still_made() -> None:
    tape = created(3)
    tape.records.pop()
    scale(tape, 1)
    tape.add(rec="act", id="delete", phase="begin", verb="delete", resource="pods", ns="ns", name="web-1")
    stop(tape, 1)
    assert outcomes(tape.records, sealed=False)["SDN-01"] is not Outcome.VIOLATED


def test_a_set_that_was_never_seen_is_no_fault_of_ours() -> None:
    assert Outcome.ERROR not in outcomes(Tape().open("create").close().records).values()


def test_what_nobody_was_allowed_to_read_is_not_missing() -> None:
    tape = created(2)
    tape.records = [r for r in tape.records if r.get("s") != "persistentvolumes"]
    tape.add(rec="gap", s="persistentvolumes", after_rv="0", until_rv=None, why="forbidden", repaired=False)
    verdicts = outcomes(tape.records)
    assert verdicts["STO-04"] is Outcome.INCONCLUSIVE
    assert verdicts["ORD-02"] is Outcome.HOLDS


def test_a_gap_in_another_namespace_is_not_ours() -> None:
    tape = created(2)
    tape.add(rec="gap", s="pods", ns="elsewhere", after_rv="1", until_rv="2", why="410", repaired=False)
    assert of(tape, "ORD-02") is Outcome.HOLDS


def test_a_replay_that_differs_from_the_closing_list_takes_away_all_blame() -> None:
    tape = out_of_order()
    tape.add(rec="seal", closing={"pods": "mismatch: 1 objects differ, such as web-0"})
    verdicts = outcomes(tape.records)
    assert verdicts["ORD-01"] is Outcome.INCONCLUSIVE
    assert verdicts["IDN-01"] is Outcome.INCONCLUSIVE


def test_an_end_that_was_not_proven_is_no_proof_of_absence() -> None:
    tape = Tape().open("create").set_created().pod_created(0)
    tape.add(rec="seal", closing={"persistentvolumeclaims": "not reached: timeout"})
    assert of(tape, "STO-01") is Outcome.INCONCLUSIVE


def test_a_scale_up_inside_a_gap_allows_pods() -> None:
    tape = created(3)
    tape.records.pop()
    for generation, replicas in ((2, 1), (3, 3), (4, 1)):
        scale(tape, replicas)
        if replicas == 1:
            tape.set_status(replicas=1, readyReplicas=1)
        for ordinal in (2, 1):
            if generation == 2:
                stop(tape, ordinal)
                tape.delete("pods", f"web-{ordinal}")
            if generation == 3:
                tape.pod_created(3 - ordinal, uid=f"again-{ordinal}").pod_ready(3 - ordinal)
    sets = feeds(tape.close().records)["statefulsets", ""]
    tape.records = with_gap(tape.records, ("statefulsets", ""), len(sets) - 3, len(sets) - 2)
    assert of(tape, "SDN-06") is Outcome.INCONCLUSIVE


def test_scaling_up_may_still_remove_what_an_earlier_scale_down_left() -> None:
    tape = created(3)
    tape.records.pop()
    scale(tape, 1)
    scale(tape, 2)
    stop(tape, 2)
    tape.delete("pods", "web-2")
    assert of(tape.close(), "ORD-06") is Outcome.HOLDS


INSPECTED = cache(inspect)


@cache
def read_once(path: Path) -> list[tuple[int, Record]]:
    return list(read_records(path))


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_slice_gives_the_verdicts_of_its_window(
    scenario: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    timeline = unedited()[scenario]
    monkeypatch.setattr(file, "inspect", INSPECTED)
    monkeypatch.setattr(file, "read_records", read_once)
    child = slice_file(SCENARIOS[scenario], tmp_path / "slice.ndjson", timeline.window.namespace)
    monkeypatch.undo()
    (sliced,) = load(child).timelines
    for promise in ALL:
        assert judge(promise, [sliced]).outcome is judge(promise, [timeline]).outcome
