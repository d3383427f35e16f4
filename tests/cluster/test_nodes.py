"""A node of three is drained, and one is lost, while a set with data on its volumes runs on them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from stsconf.timeline.questions import content, pods
from stsconf.timeline.recording import load

pytestmark = [pytest.mark.nodes]


def test_a_set_and_its_data_survive_a_drained_and_a_lost_node(tmp_path: Path) -> None:
    folder = Path(os.environ.get("ARTIFACTS", tmp_path))
    command = ["run", "--nodes=3", "--scenario=drain,node_lost", f"--output-dir={folder}"]
    done = subprocess.run(
        [sys.executable, "-P", "-m", "stsconf", *command], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    document = json.loads((folder / "verdict.json").read_text(encoding="utf-8"))
    outcomes = {one["id"]: one["verdict"] for one in document["promises"]}
    assert outcomes["REC-05"] == outcomes["IDN-08"] == "holds"
    for name, verb in (("drain", "cordon"), ("node_lost", "lose")):
        (timeline,) = load(folder / "timelines" / f"{name}.ndjson.gz").timelines
        (taken,) = [action for action in timeline.actions if action.verb == verb]
        left = [pod for pod in timeline.pods.when(taken.seconds).values() if pod.fact.node == taken.body["node"]]
        assert left
        for pod in left:
            written, successor = content.written(timeline, pod.uid), pods.successor_of(timeline, pod)
            assert written is not None
            assert successor is not None
            after = [seen for seen in content.readings(timeline, written) if seen.seconds > successor.seconds]
            assert {(seen.via, seen.content) for seen in after} == {("http", written), ("nfs", written)}
