"""Whatever pytest and its plugins do with the suite: no verdict changes, and nothing is left behind.

The suite runs as users run it, on a saved recording in which one promise is broken (``tests/replay.py``).
"""

import json
import os
import resource
import shutil
import signal
from pathlib import Path
from typing import Any

import pytest

from stsconf import suite_files
from stsconf.clusters.shield import uninterruptible
from stsconf.documents import dumps
from stsconf.judging.promise import import_promises
from stsconf.judging.result import document
from stsconf.report.results import rejudge
from stsconf.timeline.recording import load
from stsconf.waits import until
from tests import forked
from tests.edits import EDITS, seal

BROKEN = "ORD-02"
BROKEN_TEST = "test_a_pod_is_created_only_when_every_lower_pod_is_running_and_ready"
ONCE = ["cluster made", "scenarios begun", "scenarios ended", "cluster removed"]
FILES = ("test_creation.py", "test_scaling.py")
ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    (edit,) = [e for e in EDITS if e.breaks == (BROKEN,)]
    return seal(edit.records(), tmp_path_factory.mktemp("recording") / "run.ndjson")


@pytest.fixture(scope="module")
def judged(recording: Path) -> dict[str, Any]:
    """What judging the recording without pytest gives, by promise."""
    recordings = [load(recording)]
    promises = import_promises(suite_files.conformance()).values()
    results = rejudge(recordings, [p for p in promises if Path(p.check.__code__.co_filename).name in FILES], Path())
    return {p["id"]: p for p in json.loads(dumps(document(results.info(), results.verdicts, recordings)))["promises"]}


class Suite:
    """A copy of a part of the suite below ``folder``, so that caches of pytest stay there too."""

    def __init__(self, recording: Path, folder: Path) -> None:
        self.tests = folder / "conformance"
        self.tests.mkdir()
        for name in (*FILES, "pytest.ini"):
            shutil.copy(suite_files.conformance() / name, self.tests)
        self.out = folder / "out"
        self._log = folder / "log"
        self._environment = {
            **os.environ,
            "PYTEST_ADDOPTS": "",
            "PYTHONDONTWRITEBYTECODE": "1",  # a limit on files is for results alone
            "PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]),
            "PATH": "",  # no Node: Allure's page has tests of its own
            "ARTIFACTS": str(self.out),
            "REPLAY_RECORDING": str(recording),
            "REPLAY_LOG": str(self._log),
        }

    def start(self, *arguments: str, act: str = "", room: int = resource.RLIM_INFINITY) -> forked.Process:
        """Begin; ``act`` as ``tests/replay.py`` says, ``room`` is the most bytes that a file may have."""
        self._log.unlink(missing_ok=True)
        shutil.rmtree(self.out, ignore_errors=True)
        command = ["pytest", str(self.tests), "-p", "tests.replay", "-q", *arguments]
        return forked.Process(command, self.tests.parent, {**self._environment, "REPLAY_ACT": act}, room=room)

    def run(self, *arguments: str, act: str = "", room: int = resource.RLIM_INFINITY) -> tuple[int | None, str]:
        process = self.start(*arguments, act=act, room=room)
        text = "".join(process.communicate())
        return process.returncode, text

    @property
    def log(self) -> list[str]:
        return self._log.read_text(encoding="utf-8").splitlines() if self._log.exists() else []

    @property
    def verdicts(self) -> dict[str, Any]:
        return {p["id"]: p for p in json.loads((self.out / "verdict.json").read_text(encoding="utf-8"))["promises"]}


@pytest.fixture
def suite(recording: Path, tmp_path: Path) -> Suite:
    return Suite(recording, tmp_path)


@pytest.mark.parametrize(
    "arguments",
    [(), ("--random-order", "--random-order-seed=1"), ("--reruns=2", "--timeout=60")],
    ids=lambda given: " ".join(given) or "plain",
)
def test_no_way_to_run_all_promises_changes_a_verdict(
    suite: Suite, judged: dict[str, Any], arguments: tuple[str, ...]
) -> None:
    code, text = suite.run(*arguments)
    assert code == 1, text
    assert suite.verdicts == judged
    assert suite.log == ONCE


def test_some_of_the_promises_get_the_verdicts_that_all_of_them_get(suite: Suite, judged: dict[str, Any]) -> None:
    code, text = suite.run("-k", "creation")
    assert code == 1, text
    some = suite.verdicts
    assert 0 < len(some) < len(judged)
    assert some.items() <= judged.items()
    assert suite.log == ONCE


def test_choosing_no_promise_makes_no_cluster(suite: Suite) -> None:
    code, text = suite.run("-k", "nothing_is_called_this")
    assert code == 5, text
    assert suite.log == []


def test_stopping_at_the_first_failure_says_what_was_not_judged_and_why(suite: Suite, judged: dict[str, Any]) -> None:
    code, text = suite.run("-x")
    assert code == 1, text
    found = suite.verdicts
    assert found[BROKEN] == judged[BROKEN]
    assert found.keys() == judged.keys()
    unreached = [p for p in found.values() if p["reason"] == "the run ended before it"]
    assert unreached
    assert {p["verdict"] for p in unreached} == {"not judged"}
    assert {p["id"]: p for p in found.values() if p not in unreached}.items() <= judged.items()
    assert suite.log == ONCE


def test_the_last_failures_alone_get_the_same_verdicts(suite: Suite, judged: dict[str, Any]) -> None:
    code, text = suite.run()
    assert (code, suite.verdicts) == (1, judged), text
    code, text = suite.run("--lf")
    assert code == 1, text
    assert suite.verdicts == {BROKEN: judged[BROKEN]}
    assert suite.log == ONCE


@pytest.mark.parametrize(
    ("act", "arguments", "said"),
    [("hangs", ("--timeout=1", "--reruns=2"), "Timeout (>1.0s)"), ("breaks", ("--reruns=2",), "a fault of the suite")],
    ids=["timeout", "fault"],
)
def test_acting_that_fails_is_not_begun_again_and_blames_nobody(
    suite: Suite, act: str, arguments: tuple[str, ...], said: str
) -> None:
    code, text = suite.run(*arguments, act=act)
    assert code == 3, text
    assert said in text
    assert "1 error in" in text
    assert suite.log == ONCE
    assert not (suite.out / "verdict.json").exists()


def test_a_report_that_fails_does_not_end_as_a_violated_promise(suite: Suite) -> None:
    code, text = suite.run(act="unwritable")
    assert code == 3, text
    assert "RuntimeError: a fault of the report" in text
    assert "a fault of stsconf, not of the cluster" in text
    assert suite.log == ONCE


def test_a_terminal_of_another_encoding_is_told_all_the_same(
    recording: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    suite = Suite(recording, tmp_path)
    code, text = suite.run()
    assert code == 1, text
    assert "Exit 1: a required promise is violated." in text
    assert f"Results are in {suite.out}" in text


def test_a_run_that_is_told_to_end_leaves_nothing(suite: Suite) -> None:
    process = suite.start("--reruns=2", "--timeout=300", act="hangs")
    assert until(lambda: "scenarios begun" in suite.log or process.poll() is not None, 60, every=0.05)
    process.send_signal(signal.SIGTERM)
    text = "".join(process.communicate(60))
    assert process.returncode == 2, text
    assert suite.log == ONCE


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("-n2",), "one recorder must see the whole run"),
        (("--dist=load", "--tx=2*popen"), "one recorder must see the whole run"),
        (("--timeout=60", "--timeout-method=thread"), "what the run made would stay"),
    ],
    ids=lambda given: given[0] if isinstance(given, tuple) else "",
)
def test_what_no_run_survives_is_a_usage_error_before_anything_is_made(
    suite: Suite, arguments: tuple[str, ...], sentence: str
) -> None:
    code, text = suite.run(*arguments)
    assert code == 4, text
    assert sentence in text
    assert suite.log == []
    assert not suite.out.exists()


def test_reports_that_no_longer_fit_on_the_disk_take_no_verdict_with_them(suite: Suite) -> None:
    code, text = suite.run(room=10 << 10)
    assert code == 3, text
    assert f"The results cannot be written to {suite.out}" in text
    assert text.count("Allure's results are not complete") == 1
    assert f"{BROKEN} violated" in text
    assert "Traceback" not in text
    assert "INTERNALERROR" not in text
    assert suite.log == ONCE


def test_time_that_runs_out_while_cleaning_up_does_not_stop_it() -> None:
    said: list[str] = []
    with uninterruptible(said.append):
        signal.raise_signal(signal.SIGALRM)
    assert said == ["cleaning up; this ends by itself"]
