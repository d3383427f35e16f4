"""A whole run whose recording no longer fits on the disk: it stops, says so, blames nobody, and leaves nothing."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from stsconf import suite_files
from stsconf.record.file import inspect
from tests.local.conftest import assert_nothing_left, data_of
from tests.local.small_files import ROOM

pytestmark = [pytest.mark.local]
ROOT = Path(__file__).parents[2]


def test_a_run_whose_recording_fills_the_disk_ends_with_one_paragraph(tmp_path: Path) -> None:
    out = tmp_path / "out"
    command = [sys.executable, "-P", "-m", "pytest", str(suite_files.conformance()), "-p", "no:cacheprovider"]
    options = ["--sts-cluster=local", f"--sts-output-dir={out}", "-k", "creation", "-p", "tests.local.small_files"]
    paths = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    with subprocess.Popen(
        [*command, *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "PYTEST_ADDOPTS": "", "PYTHONPATH": paths},
    ) as run:
        assert run.stdout
        said = ""
        for line in run.stdout:
            said += line
            if "recording: every watch is open" in line:
                data = data_of(run.pid)
    assert run.returncode == 3, said
    assert said.count("ended early after") == 1
    assert "Free space on that disk, or choose another output folder, and run again." in said
    assert "Traceback" not in said
    assert "INTERNALERROR" not in said
    assert data
    assert_nothing_left(data)

    recording = out / "timelines" / "run.ndjson"
    assert recording.stat().st_size == ROOM
    assert not inspect(recording).sealed
    judged = subprocess.run(
        [sys.executable, "-P", "-m", "stsconf", "judge", str(recording), f"--output-dir={tmp_path / 'again'}"],
        capture_output=True,
        text=True,
        check=False,
    )
    verdicts = {p["verdict"] for p in json.loads((tmp_path / "again" / "verdict.json").read_text())["promises"]}
    assert judged.returncode == 10, judged.stdout
    assert not verdicts & {"violated", "holds", "error"}
