"""Whatever the server does wrong: what was recorded is what was served, or a gap says where it is not."""

import errno
import io
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from stsconf.record import feed as feeds
from stsconf.record.file import TimelineWriter, inspect, read_records
from stsconf.record.recorder import Recorder, RecorderError, Seal, WaitTimeout
from stsconf.record.streams import STREAMS, Scope
from stsconf.record.versions import Broken
from stsconf.record.waits import RecorderWaits
from tests.recorder.scripted import KINDS, NAMESPACE, Fault, Server, World

WAITS = RecorderWaits(
    connect=5, answer=5, silence=3, start=20, back_off=(0, 0.01, 0.05), closing=20, sentinel=0.5, stop=5
)
"""A watch that a busy machine takes for silent is opened anew, and the fault of the one before is never played."""
BRIEF = replace(WAITS, silence=0.3)
"""Where the fault is silence."""


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server() as running:
        yield running


def record(
    server: Server, world: World, path: Path, act: Callable[[Recorder], object], **options: Any
) -> tuple[Seal, list[dict[str, Any]]]:
    """Record while ``act`` happens in the world; the seal and all records."""
    server.world = world
    path.unlink(missing_ok=True)
    path.with_name(path.name + ".gz").unlink(missing_ok=True)
    options.setdefault("waits", WAITS)
    recorder = Recorder(server.client(), path, run_id="test", **options)
    try:
        with recorder:
            act(recorder)
        seal = recorder.close()
    finally:
        world.ended = True
    return seal, [found for _, found in read_records(seal.path)]


def of(records: list[dict[str, Any]], rec: str, stream: str = "pods") -> list[dict[str, Any]]:
    return [r for r in records if r["rec"] == rec and r.get("s") == stream]


def summary(event: dict[str, Any]) -> tuple[str, str, str, str]:
    return (event["type"], event["rv"], event["uid"], event["name"])


def check(world: World, seal: Seal, records: list[dict[str, Any]]) -> None:
    """Recorded equals served, in order; what is missing lies in a gap that was not repaired."""
    state = inspect(seal.path)
    assert (state.sealed, state.problem, state.records) == (True, None, len(records) - 1)
    start = int(of(records, "snap")[0]["rv"])
    served = [h for h in world.log["pods"] if start < h.rv <= int(of(records, "snap")[-1]["rv"])]
    events = of(records, "ev")
    holes = [
        (int(g["after_rv"]), int(g["until_rv"]) if g["until_rv"] else 10**9)
        for g in of(records, "gap")
        if not g["repaired"]
    ]
    recorded = {summary(event): event for event in events}
    assert len(recorded) == len(events), "no version twice"
    assert [int(e["rv"]) for e in events] == sorted(int(e["rv"]) for e in events)
    for happening in served:
        if happening.summary in recorded:
            assert recorded[happening.summary]["obj"] == happening.obj
        else:
            assert any(after < happening.rv <= until for after, until in holes), happening.summary
    assert set(recorded) <= {h.summary for h in world.log["pods"]}
    assert seal.closing["pods"] == "equal"


ENDINGS = ["eof", "cut", "silent", "expired", "malformed", "error_500", "double", "null_bookmark", "early_bookmark"]
NAMES = st.sampled_from(["web-0", "web-1"])
FAULTS = st.one_of(
    st.builds(
        Fault,
        how=st.sampled_from(ENDINGS),
        after=st.integers(0, 3),
        cut_bytes=st.integers(0, 200),
        chunk=st.sampled_from([0, 1, 2, 7, 64]),
    ),
    st.builds(
        Fault, how=st.just("http"), status=st.sampled_from([410, 429, 500, 503]), retry_after=st.sampled_from(["", "0"])
    ),
)
STEPS = st.tuples(NAMES, st.booleans())


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(faults=st.lists(FAULTS, max_size=5), steps=st.lists(STEPS, max_size=12), kept=st.booleans())
@example(faults=[Fault("cut", cut_bytes=5), Fault("http", status=410)], steps=[("web-0", False)] * 3, kept=False)
@example(faults=[Fault("expired"), Fault("expired"), Fault("malformed")], steps=[("web-0", True)] * 5, kept=True)
def test_recorded_is_served_or_a_gap_says_so(
    server: Server, tmp_path: Path, faults: list[Fault], steps: list[tuple[str, bool]], kept: bool
) -> None:
    world = World(faults=list(faults))
    world.toggle("web-0")

    def act(recorder: Recorder) -> None:
        for name, remove in steps:
            world.toggle(name, remove=remove)
        if not kept:
            world.compacted = world.rv - 1
        recorder.wait_for(lambda: recorder.objects("pods", NAMESPACE) == world.state("pods", world.rv), 20, "the end")

    seal, records = record(server, world, tmp_path / "run.ndjson", act, waits=BRIEF)
    check(world, seal, records)
    if not ({"expired", "malformed", "early_bookmark"} & set(world.played)) and "410" not in str(of(records, "gap")):
        assert not of(records, "gap"), "what a reconnection cures needs no gap"


def test_a_version_left_out_is_noticed_when_the_chain_shows_it(server: Server, tmp_path: Path) -> None:
    world = World(faults=[Fault("drop", after=1)])
    world.toggle("web-0")

    def act(recorder: Recorder) -> None:
        world.toggle("web-1")
        world.toggle("web-0", remove=True)  # never told
        world.toggle("web-0")  # a new uid under a name that, as far as was told, still lives
        recorder.wait_for(lambda: recorder.gaps, 20, "a gap")

    seal, records = record(server, world, tmp_path / "run.ndjson", act)
    check(world, seal, records)
    (gap,) = of(records, "gap")
    assert (gap["why"], gap["repaired"]) == ("chain", False)


@pytest.mark.parametrize("how", ["eof", "cut", "silent", "error_500", "double", "null_bookmark"])
def test_what_a_reconnection_cures_leaves_no_gap(server: Server, tmp_path: Path, how: str) -> None:
    world = World(faults=[Fault(how, after=1, chunk=7)])
    world.toggle("web-0")

    def act(recorder: Recorder) -> None:
        for _number in range(3):
            world.toggle("web-0")
        recorder.wait_for(lambda: recorder.objects("pods", NAMESPACE) == world.state("pods", world.rv), 20, "the end")

    waits = BRIEF if how == "silent" else WAITS
    seal, records = record(server, world, tmp_path / "run.ndjson", act, waits=waits)
    check(world, seal, records)
    assert not of(records, "gap")
    assert records[-1]["duplicates"] == (1 if how == "double" else 0)


@pytest.mark.parametrize("how", ["early_bookmark", "late_bookmark"])
def test_a_bookmark_that_cannot_be_true_is_noticed(server: Server, tmp_path: Path, how: str) -> None:
    world = World(faults=[Fault(how, after=1)])
    world.toggle("web-0")

    def act(recorder: Recorder) -> None:
        world.toggle("web-0")
        world.toggle("web-0")
        recorder.wait_for(lambda: recorder.gaps, 20, "a gap")

    seal, records = record(server, world, tmp_path / "run.ndjson", act)
    check(world, seal, records)
    assert [(gap["why"], gap["repaired"]) for gap in of(records, "gap")] == [("order", False)]


def test_a_jump_of_the_generation_is_noticed(server: Server, tmp_path: Path) -> None:
    world = World()
    first = world.toggle("web-0")

    def act(_: Recorder) -> None:
        world.toggle("web-0", metadata={**first.obj["metadata"], "resourceVersion": str(world.rv + 1), "generation": 3})

    seal, records = record(server, world, tmp_path / "run.ndjson", act)
    check(world, seal, records)
    assert [gap["why"] for gap in of(records, "gap")] == ["chain"]


def test_a_410_is_repaired_exactly_while_the_revisions_are_there(server: Server, tmp_path: Path) -> None:
    world = World(faults=[Fault("eof")])
    world.toggle("web-0")

    def act(recorder: Recorder) -> None:
        with world.changed:  # an API server that restarts: its memory begins at the newest revision
            world.toggle("web-0", remove=True)
            world.toggle("web-1")
            world.toggle("web-1", remove=True)
            world.toggle("web-2")
            world.write("services", "web", "ADDED")
            world.oldest = world.rv
        recorder.wait_for(lambda: recorder.current("pods", NAMESPACE, "web-2"), 20, "web-2")

    seal, records = record(server, world, tmp_path / "run.ndjson", act)
    check(world, seal, records)
    (gap,) = of(records, "gap")
    assert (gap["why"], gap["repaired"], gap["until_rv"]) == ("410", True, str(world.rv))
    assert [(e["type"], e["name"], e["rebuilt"]) for e in of(records, "ev")] == [
        ("DELETED", "web-0", True),
        ("ADDED", "web-1", True),
        ("DELETED", "web-1", True),
        ("ADDED", "web-2", True),
    ]
    assert [s["why"] for s in of(records, "snap")] == ["start", "closing"]


def test_a_410_over_compacted_revisions_is_a_gap(server: Server, tmp_path: Path) -> None:
    world = World(faults=[Fault("eof"), Fault("expired")])
    world.toggle("web-0")

    def act(recorder: Recorder) -> None:
        with world.changed:
            world.toggle("web-0", remove=True)
            world.toggle("web-1")
            world.toggle("web-2")
            world.compacted = world.rv - 1
        recorder.wait_for(lambda: recorder.current("pods", NAMESPACE, "web-2"), 20, "web-2")

    seal, records = record(server, world, tmp_path / "run.ndjson", act)
    check(world, seal, records)
    (gap,) = of(records, "gap")
    assert (gap["why"], gap["repaired"]) == ("410", False)
    assert [s["why"] for s in of(records, "snap")] == ["start", "gap", "closing"]


def test_revisions_that_hold_more_than_one_write_are_not_taken_for_exact(server: Server, tmp_path: Path) -> None:
    class Coarse(World):
        known = 10**9

        def state(self, kind: str, rv: int) -> dict[str, dict[str, Any]]:
            return super().state(kind, self.known if self.known < rv < self.rv else rv)

    world = Coarse(faults=[Fault("expired")])
    world.toggle("web-0")

    def act(recorder: Recorder) -> None:
        with world.changed:
            world.toggle("web-1")
            world.toggle("web-2")
            world.known = 11
        recorder.wait_for(lambda: recorder.current("pods", NAMESPACE, "web-2"), 20, "web-2")

    world.faults.insert(0, Fault("eof"))
    seal, records = record(server, world, tmp_path / "run.ndjson", act)
    check(world, seal, records)
    assert [(gap["why"], gap["repaired"]) for gap in of(records, "gap")] == [("410", False)]


def test_a_loss_that_a_repair_brings_to_light_is_a_gap_since_the_last_list(server: Server, tmp_path: Path) -> None:
    world = World(faults=[Fault("drop"), Fault("expired")])
    world.toggle("web-0")

    def act(recorder: Recorder) -> None:
        world.toggle("web-0")  # never told, and no later version of web-0 shows it
        world.toggle("web-1")
        recorder.wait_for(lambda: recorder.current("pods", NAMESPACE, "web-1"), 20, "web-1")
        world.hang_up()
        recorder.wait_for(lambda: recorder.gaps, 20, "a gap")

    seal, records = record(server, world, tmp_path / "run.ndjson", act)
    check(world, seal, records)
    (gap,) = of(records, "gap")
    assert (gap["why"], gap["repaired"]) == ("chain", False)


def test_retry_after_is_heeded_and_written_down(server: Server, tmp_path: Path) -> None:
    world = World(faults=[Fault("http", status=429, retry_after="1")])
    world.toggle("web-0")
    seal, records = record(server, world, tmp_path / "run.ndjson", lambda _: world.toggle("web-0"))
    check(world, seal, records)
    refusal, opened = [c for c in of(records, "conn") if c["what"] in ("http-429", "open")][:2]
    assert refusal["what"] == "http-429"
    assert opened["t"] - refusal["t"] >= 1e9


def test_a_long_line_in_small_pieces_is_stored_byte_by_byte(server: Server, tmp_path: Path) -> None:
    world = World(faults=[Fault("eof", after=3, chunk=1000)])
    world.toggle("web-0")
    seal, records = record(
        server, world, tmp_path / "run.ndjson", lambda _: world.toggle("web-0", note="x" * 1_500_000, umlaut="ä\\u0000")
    )
    check(world, seal, records)
    assert len(of(records, "ev")) == 1


def test_a_line_without_end_breaks_the_stream_not_the_memory(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feeds, "MAX_LINE_BYTES", 100_000)
    world = World(faults=[Fault("eof", after=3)])
    world.toggle("web-0")
    seal, records = record(server, world, tmp_path / "run.ndjson", lambda _: world.toggle("web-0", note="x" * 400_000))
    check(world, seal, records)
    assert {gap["why"] for gap in of(records, "gap")} == {"malformed"}


def test_a_slow_disk_slows_the_readers_and_loses_nothing(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = threading.Event()
    gate.set()
    append = TimelineWriter._append

    def slow(self: TimelineWriter, line: bytes) -> None:
        assert gate.wait(30)
        append(self, line)

    monkeypatch.setattr(TimelineWriter, "_append", slow)
    world = World()
    world.toggle("web-0")

    def act(_: Recorder) -> None:
        gate.clear()
        for _number in range(300):
            world.toggle("web-0", note="x" * 20_000)
        gate.set()

    seal, records = record(server, world, tmp_path / "run.ndjson", act)
    check(world, seal, records)
    assert not of(records, "gap")


def test_a_full_disk_ends_the_waits_and_the_file_is_not_whole(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class FullDisk(io.FileIO):
        def write(self, data: Any, /) -> int:
            if self.tell() > 3000:
                raise OSError(errno.ENOSPC, "No space left on device")
            return super().write(memoryview(data)[:100])

    class Writer(TimelineWriter):
        def __init__(self, path: Path, header: Mapping[str, object]) -> None:
            super().__init__(path, header)
            self._file.close()
            self._file = FullDisk(path, "ab")

    monkeypatch.setattr("stsconf.record.recorder.TimelineWriter", Writer)
    server.world = world = World()
    recorder = Recorder(server.client(), tmp_path / "run.ndjson", run_id="test", waits=WAITS).start()
    world.toggle("web-0", note="x" * 4000)
    with pytest.raises(RecorderError, match="No space left on device"):
        recorder.wait_for(lambda: None, 20, "what never comes")
    seal = recorder.close()
    world.ended = True
    assert "Free space" in (recorder.failed or "")
    assert not seal.complete
    assert not inspect(seal.path).sealed


def test_a_fault_of_our_own_is_a_gap(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    world.toggle("web-0")
    line, failures = feeds.Feed._line, iter([True])

    def faulty(self: feeds.Feed, raw: bytes, at: int) -> None:
        if self.stream.name == "pods" and next(failures, False):
            raise RuntimeError("ours")
        line(self, raw, at)

    monkeypatch.setattr(feeds.Feed, "_line", faulty)
    seal, records = record(server, world, tmp_path / "run.ndjson", lambda _: world.toggle("web-0"))
    check(world, seal, records)
    assert [(gap["why"], gap["repaired"]) for gap in of(records, "gap")] == [("thread", False)]


def test_a_server_that_went_back_in_time_leaves_nothing_provable(server: Server, tmp_path: Path) -> None:
    world = World()
    world.toggle("web-0")

    def act(recorder: Recorder) -> None:
        world.toggle("web-1")
        recorder.wait_for(lambda: recorder.current("pods", NAMESPACE, "web-1"), 20, "web-1")
        with world.changed:
            world.rv -= 1
            world.log["pods"].pop()

    seal, _ = record(server, world, tmp_path / "run.ndjson", act)
    assert "older than what was watched" in seal.closing["pods"]
    assert not seal.complete


def test_after_a_restored_backup_nothing_of_the_kind_is_known(server: Server, tmp_path: Path) -> None:
    world = World()
    world.toggle("web-0")

    def act(recorder: Recorder) -> None:
        world.toggle("web-1")
        recorder.wait_for(lambda: recorder.current("pods", NAMESPACE, "web-1"), 20, "web-1")
        with world.changed:
            world.rv -= 1
            world.log["pods"].pop()
            world.faults = [Fault("http", status=410)]
            world.hang_up()
        recorder.wait_for(lambda: recorder.gaps, 20, "a gap")

    _, records = record(server, world, tmp_path / "run.ndjson", act)
    (gap,) = of(records, "gap")
    assert (gap["until_rv"], gap["repaired"]) == (None, False)


def test_a_loss_that_only_the_closing_list_shows_is_a_mismatch(server: Server, tmp_path: Path) -> None:
    world = World(faults=[Fault("drop")])
    world.toggle("web-0")

    def act(recorder: Recorder) -> None:
        world.toggle("web-0")  # never told
        world.toggle("web-1")
        recorder.wait_for(lambda: recorder.current("pods", NAMESPACE, "web-1"), 20, "web-1")

    seal, _ = record(server, world, tmp_path / "run.ndjson", act)
    assert seal.closing["pods"] == "mismatch: 1 objects differ, such as ('ns', 'web-0')"
    assert not seal.complete


def test_an_end_that_was_not_reached_is_not_proven(server: Server, tmp_path: Path) -> None:
    world = World(without_bookmarks={"services"})
    waits = replace(WAITS, closing=0.5)
    seal, _ = record(server, world, tmp_path / "run.ndjson", lambda _: world.toggle("web-0"), waits=waits)
    assert seal.closing["services"].startswith("not reached")
    assert seal.closing["pods"] == "equal"
    assert not seal.complete


def test_a_hole_of_unknown_place_keeps_the_end_unproven(server: Server, tmp_path: Path) -> None:
    server.world = world = World()
    with Recorder(server.client(), tmp_path / "run.ndjson", run_id="test", waits=WAITS) as recorder:
        (feed,) = recorder._feeds_of("pods", NAMESPACE)
        feed.replica.goal = feed.replica.frontier
        assert feed.reached
        feed._hole = Broken("chain", "", since_list=True)
        assert not feed.reached
        feed._hole = None
        feed.replica.goal = None
    world.ended = True


def test_what_comes_after_the_seal_is_not_written(server: Server, tmp_path: Path) -> None:
    server.world = world = World()
    with Recorder(server.client(), tmp_path / "run.ndjson", run_id="test", waits=WAITS) as recorder:
        (feed,) = recorder._feeds_of("pods", NAMESPACE)
        seal = recorder.close()
        feed._line(world.toggle("web-0").line.strip(), 0)
        recorder.close_window("late")
    world.ended = True
    assert recorder.failed is None
    assert inspect(seal.path).problem is None


def test_a_forbidden_kind_is_a_gap_and_the_rest_is_recorded(server: Server, tmp_path: Path) -> None:
    world = World(refused={"persistentvolumes": 403})
    world.toggle("web-0")
    seal, records = record(server, world, tmp_path / "run.ndjson", lambda _: world.toggle("web-0"))
    check(world, seal, records)
    assert [gap["why"] for gap in of(records, "gap", "persistentvolumes")] == ["forbidden"]
    assert seal.closing["persistentvolumes"] == "forbidden"
    probes = [r for r in records if r["rec"] == "probe"]
    assert all(p["result"] == "ok" and "persistentvolumes" not in p["domains"][0] for p in probes)


def test_the_closing_list_is_asked_for_again(server: Server, tmp_path: Path) -> None:
    world = World()
    world.toggle("web-0")

    def act(recorder: Recorder) -> None:
        world.refused["services"] = 503
        recorder.open_window("x", NAMESPACE, "web")

    def recover() -> None:
        assert world.refusals.wait(20)
        world.refused.clear()

    mend = threading.Thread(target=recover)
    mend.start()
    seal, _ = record(server, world, tmp_path / "run.ndjson", act)
    mend.join()
    assert set(seal.closing.values()) == {"equal"}


def test_start_says_which_feed_was_refused_and_how(server: Server, tmp_path: Path) -> None:
    with pytest.raises(RecorderError, match="statefulsets was refused: HTTP 401"):
        record(server, World(refused={"statefulsets": 401}), tmp_path / "run.ndjson", lambda _: None)


def test_start_says_which_feed_never_came(server: Server, tmp_path: Path) -> None:
    waits = RecorderWaits(start=0.3, back_off=(0, 0.01))
    with pytest.raises(RecorderError, match=r"pods did not start within 0\.3 s: http-500 refused by the test"):
        record(server, World(refused={"pods": 500}), tmp_path / "run.ndjson", lambda _: None, waits=waits)


def test_no_server_is_one_sentence(tmp_path: Path) -> None:
    with Server() as gone:
        client = gone.client()
    with pytest.raises(RecorderError, match="does not answer"):
        Recorder(client, tmp_path / "run.ndjson", run_id="test", waits=WAITS).start()


def test_a_wait_that_fails_says_what_was_seen(server: Server, tmp_path: Path) -> None:
    world = World()

    def act(recorder: Recorder) -> None:
        world.toggle("web-0")
        assert recorder.wait_for(lambda: recorder.objects("pods", NAMESPACE), 20, "a pod")
        recorder.wait_for(lambda: None, 0.05, "nothing at all")

    with pytest.raises(
        WaitTimeout, match=r"Timed out after 0.05 s waiting for nothing at all.*pods web-0 ADDED at revision 11"
    ):
        record(server, world, tmp_path / "run.ndjson", act)


def test_what_we_do_is_recorded_with_what_came_back(server: Server, tmp_path: Path) -> None:
    def act(recorder: Recorder) -> None:
        window = recorder.open_window("create", NAMESPACE, "web", replicas=3)
        with recorder.act("patch", "statefulsets", NAMESPACE, "web", {"spec": {"replicas": 3}}) as call:
            call.returned({"metadata": {"resourceVersion": "7", "uid": "u"}})
        with pytest.raises(OSError, match="no route"), recorder.act("delete", "pods", NAMESPACE, "web-0"):
            raise OSError("no route")
        with recorder.act("delete", "pods", NAMESPACE, "web-1") as call:
            call.returned({"kind": "Status", "code": 200})
        recorder.close_window(window, settled=True)

    _, records = record(server, World(), tmp_path / "run.ndjson", act)
    ends = [r for r in records if r["rec"] == "act" and r["phase"] == "end"]
    assert [e["result"] for e in ends] == [{"rv": "7", "uid": "u"}, None, {"code": 200}]
    assert ends[1]["error"] == "OSError: no route"
    marks = [r for r in records if r["rec"] == "mark"]
    assert [(m["phase"], m["id"], m["plan"]) for m in marks] == [
        ("open", marks[0]["id"], {"replicas": 3}),
        ("close", marks[0]["id"], {"settled": True}),
    ]


def test_someone_elses_cluster_leaves_no_secret_in_the_file(server: Server, tmp_path: Path) -> None:
    world = World()
    canary: dict[str, Any] = {
        "spec": {
            "containers": [{"env": [{"name": "PASSWORD", "value": "canary-1"}, {"name": "X", "valueFrom": {}}]}],
            "claimRef": {"namespace": "elsewhere"},
        },
        "metadata_note": "kept",
    }
    hidden = {"annotations": {"note": "canary-2"}, "managedFields": [{"manager": "m", "fieldsV1": {"f:canary-3": {}}}]}

    def act(_: Recorder) -> None:
        for _number in range(2):
            pod = world.toggle("web-0", **canary)
            pod.obj["metadata"] |= hidden
        world.write("persistentvolumes", "pv-elsewhere", "ADDED", **canary)
        world.write("persistentvolumes", "pv-here", "ADDED", spec={"claimRef": {"namespace": NAMESPACE}})

    world.toggle("web-0")
    seal, records = record(server, world, tmp_path / "run.ndjson", act, scope=Scope((NAMESPACE,)))
    assert "canary" not in json.dumps(records)
    assert "pv-elsewhere" not in json.dumps(records)
    assert [e["name"] for e in of(records, "ev", "persistentvolumes")] == ["pv-here"]
    assert {e["obj"]["spec"]["containers"][0]["env"][0]["value"][:9] for e in of(records, "ev")} == {"redacted:"}
    assert {e["ns"] for e in of(records, "ev")} == {NAMESPACE}
    assert set(seal.closing.values()) == {"equal"}
    assert not any("secrets" in path for path in world.requests)


def test_revisions_of_two_counters_are_no_domain(server: Server, tmp_path: Path) -> None:
    class Twisted(World):
        def state(self, kind: str, rv: int) -> dict[str, dict[str, Any]]:
            if threading.current_thread() is not threading.main_thread() and kind == "services":
                self.rv -= 1
            return super().state(kind, rv)

    world = Twisted(rv=1000)
    server.world = world
    recorder = Recorder(server.client(), tmp_path / "run.ndjson", run_id="test", waits=WAITS)
    recorder.start()
    seal = recorder.close()
    world.ended = True
    results = [r["result"] for _, r in read_records(seal.path) if r["rec"] == "probe"]
    assert "failed" in results


def test_cancelling_wakes_who_waits_and_leaves_the_file_unsealed(server: Server, tmp_path: Path) -> None:
    server.world = world = World()
    path = tmp_path / "run.ndjson"

    def wait_in_vain(recorder: Recorder) -> None:
        threading.Thread(target=recorder.cancel).start()
        recorder.wait_for(lambda: None, 60, "what never comes")

    with (
        pytest.raises(RecorderError, match="cancelled"),
        Recorder(server.client(), path, run_id="test", waits=WAITS) as recorder,
    ):
        wait_in_vain(recorder)
    world.ended = True
    assert not inspect(path).sealed
    assert not [t for t in threading.enumerate() if t.name.startswith("stsconf-")]


def test_the_sentinel_proves_every_kind_without_a_second_watch(server: Server, tmp_path: Path) -> None:
    world = World(refused_pods=1)
    world.write("pods", "stsconf-sentinel", "ADDED")  # left by a run that was killed
    world.toggle("web-0")
    waits = replace(WAITS, silence=60, sentinel=20)
    seal, records = record(
        server, world, tmp_path / "run.ndjson", lambda _: world.toggle("web-0"), waits=waits, sentinel_namespace="own"
    )
    check(world, seal, records)
    assert set(seal.closing) == {s.name for s in STREAMS}
    assert set(seal.closing.values()) == {"equal"}
    assert sum("watch=1" in path for path in world.requests) == len(STREAMS)
    assert [(r["how"], r["result"]) for r in records if r["rec"] == "probe"] == [("active", "ok")] * 2
    assert not any("sentinel" in name for kind in KINDS for name in world.state(kind, world.rv))


def test_the_sentinel_keeps_quiet_kinds_fresh(server: Server, tmp_path: Path) -> None:
    def act(recorder: Recorder) -> None:
        seen = set[str]()

        def version() -> bool:
            found = recorder.current("services", NAMESPACE, "stsconf-sentinel")
            seen.add(found["metadata"]["resourceVersion"] if found else "")
            return len(seen) > 3

        recorder.wait_for(version, 20, "writes to the sentinel")

    waits = replace(WAITS, freshen=0.01)
    seal, _ = record(server, World(), tmp_path / "run.ndjson", act, waits=waits, sentinel_namespace="own")
    assert seal.complete


def test_a_sentinel_that_cannot_be_made_is_one_sentence(server: Server, tmp_path: Path) -> None:
    waits = replace(WAITS, start=0)
    with pytest.raises(RecorderError, match="sentinel objects in namespace own cannot be made: HTTP 403"):
        record(
            server, World(refused_pods=9), tmp_path / "run.ndjson", lambda _: 0, waits=waits, sentinel_namespace="own"
        )
