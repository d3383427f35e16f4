"""A lost node: who asks for it, what is promised of its Pods, and how kind's nodes reach each other."""

from collections.abc import Callable
from pathlib import Path

import pytest

from stsconf import suite_files
from stsconf.act.scenarios import ORDINARY
from stsconf.clusters import kind
from stsconf.errors import UsageError
from stsconf.judging.judge import judge
from stsconf.judging.promise import import_promises
from stsconf.judging.verdict import Outcome
from stsconf.record.file import TimelineWriter, read_records
from stsconf.run.config import Config
from stsconf.run.plan import plan
from stsconf.timeline.recording import load
from tests.tape import Tape

REAL = Path(__file__).parent / "recordings" / "node-lost-1.37.2" / "run.ndjson.gz"
PROMISES = import_promises(suite_files.conformance())


def scenarios(**options: object) -> set[str]:
    config = Config.from_options(options)
    return {one.name for one in config.scenarios_of([p for p in PROMISES.values() if config.wants(p)])}


def test_a_node_is_taken_away_on_request_only() -> None:
    apart = {"drain", "node_lost"}
    assert not scenarios() & apart
    assert scenarios(disruptive=True, nodes=3) == scenarios() | apart
    assert scenarios(scenario="drain", nodes=3) == {"drain"}
    assert not Config.from_options({}).wants(PROMISES["REC-05"])
    assert Config.from_options({"disruptive": True, "nodes": 3}).wants(PROMISES["REC-05"])


def test_what_no_ordinary_run_decides_is_what_no_ordinary_scenario_shows() -> None:
    assert {id_ for id_, promise in PROMISES.items() if promise.on_request} == {
        id_ for id_, promise in PROMISES.items() if set(promise.scenarios).isdisjoint(ORDINARY)
    }


@pytest.mark.parametrize("asked", [{"disruptive": True}, {"scenario": "node_lost"}, {"scenario": "drain", "nodes": 2}])
def test_a_node_is_taken_away_only_where_its_pods_find_another(asked: dict[str, object]) -> None:
    with pytest.raises(UsageError, match="--cluster=kind --nodes=3"):
        Config.from_options(asked)


@pytest.mark.parametrize("asked", [{"nodes": 0}, {"nodes": "two"}, {"nodes": 2, "cluster": "local"}])
def test_a_number_of_nodes_that_cannot_be_is_refused(asked: dict[str, object]) -> None:
    with pytest.raises(UsageError, match=r"^--nodes: "):
        Config.from_options(asked)


def node(tape: Tape, verb: str) -> None:
    what = {"id": verb, "verb": verb, "resource": "nodes", "ns": tape.namespace, "name": tape.set_name}
    tape.seconds += 1
    tape.add(rec="act", phase="begin", **what, body={"node": "worker-1"})
    tape.add(rec="act", phase="end", **what, result=None)


def stays(_: Tape) -> None:
    """Nothing happens to the Pod."""


def asked_to_stop(tape: Tape) -> None:
    tape.change("pods", "web-1", {"metadata": {"deletionTimestamp": "2026-11-28T10:00:00Z"}})


def gone(tape: Tape) -> None:
    tape.delete("pods", "web-1")


@pytest.mark.parametrize(
    ("meanwhile", "place", "outcome"),
    [
        (stays, "worker-1", Outcome.HOLDS),
        (asked_to_stop, "worker-1", Outcome.HOLDS),
        (gone, "worker-1", Outcome.VIOLATED),
        (gone, "worker-2", Outcome.INCONCLUSIVE),
    ],
)
def test_a_pod_stays_while_its_node_is_away(
    meanwhile: Callable[[Tape], None], place: str, outcome: Outcome, tmp_path: Path
) -> None:
    tape = Tape(replicas=2).open("node_lost").set_created()
    tape.records[0]["capabilities"] = ["kubelet", "nodes", "storage"]
    for ordinal in (0, 1):
        tape.volume(ordinal).pod_created(ordinal)
        tape.change("pods", f"web-{ordinal}", {"spec": {"nodeName": place if ordinal else "worker-2"}})
        tape.pod_ready(ordinal)
    node(tape, "lose")
    meanwhile(tape)
    node(tape, "return")
    if meanwhile is not gone:
        gone(tape)
    verdict = judge(PROMISES["REC-05"], tape.close().recording(tmp_path / "run.ndjson").timelines)
    assert verdict.outcome is outcome, verdict.explain()


def test_kind_is_asked_for_the_nodes_of_the_run(tmp_path: Path) -> None:
    from tests.test_kind import Stage

    config = kind._config(Stage(tmp_path).engine, (), 3)
    assert [one["role"] for one in config["nodes"]] == ["control-plane", "worker", "worker"]


def test_a_plan_says_that_a_node_goes() -> None:
    config = Config.from_options({"scenario": "drain,node_lost", "nodes": 3})
    told = [*plan(config, config.scenarios_of(PROMISES.values()), 2)]
    assert "Takes away: a node for the time of drain and of node_lost, alone, after all others" in told


def test_a_real_lost_node_keeps_the_promise_and_a_pod_removed_meanwhile_breaks_it(tmp_path: Path) -> None:
    assert judge(PROMISES["REC-05"], load(REAL).timelines).outcome is Outcome.HOLDS
    header, *records, end = (record for _, record in read_records(REAL))
    lost, back = (next(r for r in records if r.get("verb") == verb) for verb in ("lose", "return"))
    pods = [r for r in records if r["rec"] == "ev" and r["s"] == "pods" and r["ns"] == lost["ns"]]
    there = {r["uid"] for r in pods if r["t"] < lost["t"] and r["obj"]["spec"].get("nodeName") == lost["body"]["node"]}
    gone = next(r for r in pods if r["uid"] in there and r["type"] == "DELETED")
    gone["t"] = back["t"] - 1
    writer = TimelineWriter(
        tmp_path / "run.ndjson", {k: v for k, v in header.items() if k not in ("rec", "schema", "v")}
    )
    for record in records:
        writer.write(record)
    writer.seal(end["frontier"], end["closing"])
    verdict = judge(PROMISES["REC-05"], load(writer.path).timelines)
    assert verdict.outcome is Outcome.VIOLATED
    assert f"end of Pod {gone['name']} while its node {lost['body']['node']} cannot be reached" in verdict.explain()
