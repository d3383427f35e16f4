"""A control plane that stays after its run, until ``stsconf clean`` ends it."""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from stsconf.timeline.questions import authors
from stsconf.timeline.questions.authors import Author
from stsconf.timeline.recording import load
from tests.local.conftest import assert_nothing_left, of

pytestmark = [pytest.mark.local]


def test_a_kept_control_plane_answers_until_it_is_cleaned(tmp_path: Path) -> None:
    def stsconf(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-P", "-m", "stsconf", *arguments]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False)

    options = ("--cluster=local", "--scenario=create", "--promises=ORD-01", "--keep=always", "--output-dir=out")
    done = stsconf("run", *options)
    assert done.returncode == 0, done.stdout + done.stderr
    (timeline,) = load(next((tmp_path / "out" / "timelines").glob("run.ndjson*"))).timelines
    assert timeline.audited, "the audit log of a cluster that we made is part of the recording"
    assert {authors.of(timeline, e).author for e in timeline.pods.created()} == {Author.CONTROLLER}
    assert not authors.foreign(timeline)
    (remains,) = json.loads((tmp_path / "out" / "verdict.json").read_text())["run"]["remains"]
    look, remove = (shlex.split(command) for command in re.findall("`(.*?)`", remains))
    data = Path(look[1].removeprefix("--kubeconfig=")).parent
    try:
        pods = subprocess.run(look, capture_output=True, text=True, check=False)
        assert "web-0" in pods.stdout, pods.stderr
    finally:
        assert set(of(data)) >= {"keeper", "kube-apiserver"}
        cleaned = stsconf(*remove[1:])
    assert cleaned.returncode == 0, cleaned.stdout + cleaned.stderr
    assert_nothing_left(data)
