"""Whole runs on a real cluster with real volumes."""

import json
from pathlib import Path

import pytest

from stsconf import judge, load, suite_files
from stsconf.act.scenarios import SCENARIOS
from stsconf.clusters import Cluster
from stsconf.judging.promise import import_promises
from stsconf.judging.verdict import Outcome
from stsconf.run.config import Config
from stsconf.run.run import record
from stsconf.waits import until
from tests.cluster.conftest import Suite

pytestmark = [pytest.mark.cluster, pytest.mark.usefixtures("nothing_left")]


def test_every_promise_holds_on_an_existing_cluster_and_judging_again_agrees(suite: Suite, tmp_path: Path) -> None:
    done = suite("--sts-scenario=create,scale_up,scale_down,rescale,rollout,rollback,background_delete")
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads((tmp_path / "out" / "verdict.json").read_text())
    assert {p["verdict"] for p in found["promises"]} == {"holds", "characterised"}
    assert all(p["obligations"] > 0 for p in found["promises"])
    (recording,) = (tmp_path / "out" / "timelines").iterdir()
    timelines = load(recording).timelines
    promises = import_promises(suite_files.conformance())
    assert len(found["promises"]) > 50
    for verdict in found["promises"]:
        assert judge(promises[verdict["id"]], timelines).outcome == verdict["verdict"]


def test_scenarios_in_one_namespace_do_not_disturb_each_other(cluster: Cluster, tmp_path: Path) -> None:
    space = "together"
    cluster.api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": space}})
    try:
        config = Config.from_options({"output-dir": tmp_path, "cluster": "existing", "namespace": space})
        both = [SCENARIOS["create"], SCENARIOS["scale_down"]]
        timelines = load(record(cluster, both, config, print)).timelines
    finally:
        cluster.api.delete("Namespace", space)
        assert until(
            lambda: (
                cluster.api.get("Namespace", space) is None
                and not [
                    v
                    for v in cluster.api.list("PersistentVolume")
                    if (v["spec"].get("claimRef") or {}).get("namespace") == space
                ]
            ),
            120,
        )
    assert {t.window.set_name for t in timelines} == {"web-create", "web-scaledown"}
    for promise in import_promises(suite_files.conformance()).values():
        if {"create", "scale_down"} & set(promise.scenarios):
            verdict = judge(promise, timelines)
            assert verdict.outcome is Outcome.HOLDS, verdict.explain()


def test_a_set_whose_first_pod_never_gets_ready_is_never_green(cluster: Cluster, tmp_path: Path) -> None:
    def never_ready(stateful_set: dict) -> None:  # type: ignore[type-arg]
        container = stateful_set["spec"]["template"]["spec"]["containers"][0]
        container["readinessProbe"] = {"exec": {"command": ["false"]}, "periodSeconds": 1}

    config = Config.from_options({"output-dir": tmp_path, "settle": "20"})
    said: list[str] = []
    path = record(cluster, [SCENARIOS["create"]], config, said.append, {"create": never_ready})
    timelines = load(path).timelines
    promises = import_promises(suite_files.conformance())
    verdicts = {name: judge(promises[name], timelines) for name in ("ORD-01", "ORD-02", "ORD-12", "STO-04")}
    assert verdicts["ORD-12"].outcome is Outcome.INCONCLUSIVE, "a probe is not the controller's"
    assert "Pod web-0 is there and is not Running and Ready" in verdicts["ORD-12"].explain()
    assert verdicts["ORD-01"].outcome is Outcome.INCONCLUSIVE
    assert verdicts["ORD-02"].outcome is Outcome.INCONCLUSIVE
    assert Outcome.HOLDS not in {v.outcome for v in verdicts.values()}
