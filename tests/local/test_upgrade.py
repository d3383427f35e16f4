"""A control plane is exchanged for another of the same version: nothing moves, and nothing is missed meanwhile."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from stsconf.timeline.questions import harness
from stsconf.timeline.recording import load

pytestmark = [pytest.mark.local]


def test_an_exchange_for_the_same_version_moves_nothing(tmp_path: Path) -> None:
    version = ["--from", "v1.37.2", "--to", "v1.37.2"]
    done = subprocess.run(
        [sys.executable, "-P", "-m", "stsconf", "upgrade", *version, "--output-dir", str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    document = json.loads((tmp_path / "verdict.json").read_text())
    assert document["run"]["environment"]["upgrade"] == {"from": "v1.37.2", "to": "v1.37.2", "moved": {}}
    recording = load(tmp_path / "timelines" / "run.ndjson.gz")
    assert recording.sealed
    assert recording.problems == ()
    assert len(recording.timelines) == 7
    for timeline in recording.timelines:
        (upgrade,) = harness.upgrades(timeline)
        assert timeline.pods.when(upgrade.seconds)
    before, after = (json.loads((tmp_path / f"{name}.json").read_text()) for name in ("before", "after"))
    assert before["sets"] == after["sets"]
