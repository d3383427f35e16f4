"""The tutorial on a real cluster, and what an interrupted one leaves behind."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from stsconf.clusters import Cluster
from stsconf.errors import ExitCode
from tests.signals import HEEDING_SIGNALS

pytestmark = [pytest.mark.cluster, pytest.mark.usefixtures("nothing_left")]

Begin = Callable[[], subprocess.Popen[str]]


@pytest.fixture
def begin(cluster: Cluster, tmp_path: Path) -> Begin:
    """Start a walkthrough on the cluster as a user would; results go to ``tmp_path / "out"``."""
    images = [f"--image={key}={cluster.images[key]}" for key in ("nginx_old", "nginx_new")]

    def start() -> subprocess.Popen[str]:
        return subprocess.Popen(
            [
                *(
                    *HEEDING_SIGNALS,
                    sys.executable,
                    "-P",
                    "-m",
                    "stsconf",
                    "walkthrough",
                    "--cluster=existing",
                    *images,
                ),
                *(f"--kubeconfig={cluster.kubeconfig}", f"--output-dir={tmp_path / 'out'}"),
            ],
            cwd=tmp_path,
            env={**os.environ, "PATH": f"{Path(cluster.kubectl).parent}{os.pathsep}{os.environ['PATH']}"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    return start


def test_the_tutorial_is_followed_to_its_end(begin: Begin, tmp_path: Path) -> None:
    with begin() as process:
        shown, progress = process.communicate()
    assert process.returncode == ExitCode.HOLDS, shown + progress
    assert "web-0 is Ready" in shown
    page = (tmp_path / "out" / "walkthrough.md").read_text(encoding="utf-8")
    assert "What was missed" not in page
    assert "not reached" not in page
    assert {path.name for path in (tmp_path / "out").iterdir()} >= {"walkthrough.json", "verdict.json", "timelines"}
    assert not list((tmp_path / "out").glob("kubectl-*"))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_walkthrough_leaves_nothing(begin: Begin, tmp_path: Path, number: signal.Signals) -> None:
    with begin() as process:
        assert process.stderr is not None
        assert any("rollout status" in line for line in process.stderr)
        process.send_signal(number)
        said = process.communicate()[1]
    assert process.returncode == ExitCode.INTERRUPTED, said
    assert not list((tmp_path / "out").glob("kubectl-*"))
