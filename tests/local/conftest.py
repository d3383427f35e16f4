"""Control planes of processes, and what they leave behind."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from stsconf.clusters import Cluster, local
from stsconf.waits import Waits, until
from tests.signals import HEEDING_SIGNALS

SECONDS = 60
"""How long a test waits for anything on a busy machine."""


def say(text: str) -> None:
    print(text, file=sys.stderr)


def plane(folder: Path, settings: local.Settings | None = None) -> AbstractContextManager[Cluster]:
    return local.cluster("test", folder, settings or local.Settings(), {}, Waits(), say)


def command_lines() -> dict[int, list[str]]:
    """The command line of every process that runs, by pid; a zombie has none."""
    found = {}
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found[int(path.parent.name)] = path.read_bytes().decode(errors="replace").rstrip("\0").split("\0")
        except OSError:
            continue
    return {pid: words for pid, words in found.items() if words != [""]}


def of(data: Path) -> dict[str, int]:
    """The processes of the control plane whose data is in this folder, by program name."""
    mine = {pid: words for pid, words in command_lines().items() if str(data) in " ".join(words)}
    return {"keeper" if "keeper.py" in " ".join(w) else Path(w[0]).name: pid for pid, w in mine.items()}


def status(pid: int) -> list[str]:
    """State and parent of a process: ``Z`` once it is dead and its parent has not asked, ``X`` when it is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[:2]
    except (FileNotFoundError, ProcessLookupError):
        return ["X", "0"]


def data_of(run: int) -> Path | None:
    """Where the control plane of a process keeps its data, once it has one."""
    for pid, words in command_lines().items():
        if "keeper.py" in " ".join(words) and int(status(pid)[1]) == run:
            return Path(words[-1])
    return None


def assert_nothing_left(data: Path) -> None:
    """No process and no file of a control plane is there, or it goes by itself."""
    assert until(lambda: not of(data) and not data.exists(), SECONDS), (of(data), data.exists())


class Run:
    """A command under way, with what it said."""

    def __init__(self, command: list[str], folder: Path) -> None:
        self._log = folder / "said"
        with self._log.open("w") as out:
            self.process = subprocess.Popen(
                [*HEEDING_SIGNALS, sys.executable, *command],
                stdout=out,
                stderr=subprocess.STDOUT,
                stdin=subprocess.PIPE,
                cwd=folder,
                env={**os.environ, "PYTEST_ADDOPTS": ""},
            )

    @property
    def said(self) -> str:
        return self._log.read_text()

    def wait_for(self, text: str) -> Path:
        """Wait until it has said something, and return where its control plane keeps its data."""
        assert until(lambda: text in self.said or self.process.poll() is not None, SECONDS), self.said
        data = data_of(self.process.pid)
        assert data, self.said
        return data


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[[list[str]], Run]]:
    """Start Python commands; what still runs at the end of the test is killed."""
    runs: list[Run] = []

    def begin(command: list[str]) -> Run:
        runs.append(Run(command, tmp_path))
        return runs[-1]

    yield begin
    for run in runs:
        run.process.kill()
        run.process.communicate()


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with plane(tmp_path_factory.mktemp("local")) as found:
        yield found
