"""The walkthrough where a controller breaks a promise: it says so, and ends with 1."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from stsconf.errors import ExitCode

pytestmark = [
    pytest.mark.local,
    pytest.mark.skipif(shutil.which("kubectl") is None, reason="there is no kubectl to follow the tutorial with"),
]

FAULTY = """#!/bin/sh
cd {root} && exec {python} -m tests.faulty --fault={fault} "$@"
"""


@pytest.mark.parametrize(
    ("fault", "promise"),
    [("rolls-from-the-bottom", "UPD-02"), ("removes-from-the-bottom", "SDN-01"), ("replaces-orphans", "ADP-02")],
)
def test_a_fault_shows_at_the_step_that_brings_it_out(tmp_path: Path, fault: str, promise: str) -> None:
    program = tmp_path / "bin" / "statefulset-controller"
    program.parent.mkdir()
    program.write_text(FAULTY.format(root=Path(__file__).parents[2], python=sys.executable, fault=fault))
    program.chmod(0o755)
    done = subprocess.run(
        [
            *(sys.executable, "-P", "-m", "stsconf", "walkthrough", "--cluster=local", "--settle=60"),
            *(f"--local-bin={program.parent}", f"--output-dir={tmp_path / 'out'}"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == ExitCode.VIOLATED, done.stdout + done.stderr
    page = (tmp_path / "out" / "walkthrough.md").read_text(encoding="utf-8")
    assert f"| {promise} | ✗ violated |" in page
