"""The control plane of a kind node is upgraded by kubeadm under sets of every kind, whose volumes hold data."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from stsconf.act.scenarios.upgrades import UPGRADED
from stsconf.timeline.questions import content, harness
from stsconf.timeline.recording import load

pytestmark = [pytest.mark.upgrade]

FROM, TO = "v1.36.3", "v1.37.2"


def test_an_upgrade_by_kubeadm_moves_no_set_and_leaves_its_data_in_place(tmp_path: Path) -> None:
    folder = Path(os.environ.get("ARTIFACTS", tmp_path))
    command = ["upgrade", "--cluster", "kind", "--from", FROM, "--to", TO, "--output-dir", str(folder)]
    done = subprocess.run(
        [sys.executable, "-P", "-m", "stsconf", *command], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    document = json.loads((folder / "verdict.json").read_text(encoding="utf-8"))
    assert document["run"]["environment"]["upgrade"] == {"from": FROM, "to": TO, "moved": {}}
    assert {one["id"]: one["verdict"] for one in document["promises"]}["UPD-19"] == "holds"
    recording = load(folder / "timelines" / "run.ndjson.gz")
    assert recording.sealed
    assert recording.problems == ()
    with_claims = 0
    for timeline in recording.timelines:
        (upgrade,) = harness.upgrades(timeline)
        for pod in timeline.pods.when(upgrade.seconds).values():
            if pod.fact.claims:
                written = content.written(timeline, pod.uid)
                assert written is not None
                after = [seen for seen in content.readings(timeline, written) if seen.seconds > upgrade.seconds]
                assert {(seen.via, seen.content) for seen in after} == {("http", written), ("nfs", written)}
                with_claims += 1
    assert {timeline.window.scenario for timeline in recording.timelines} == set(UPGRADED)
    assert with_claims == 17
