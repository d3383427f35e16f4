"""Every exit code of a run, as its user gets it: under ``stsconf run`` and under plain pytest alike."""

import json
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from stsconf import suite_files
from stsconf.errors import ExitCode
from tests import forked
from tests.local.conftest import Run

WAYS = {
    "run": (["stsconf", "run"], "--"),
    "pytest": (["pytest", str(suite_files.conformance()), "-p", "no:cacheprovider"], "--sts-"),
}
CREATE = {"cluster": "local", "scenario": "create", "profile": "core", "promises": "ORD-01,ORD-02,ORD-12"}
"""ORD-12 is not of the core, so it is not asked for and makes no run partial."""
FAULTY = (
    f'cd "{Path(__file__).parents[2]}" && exec "{sys.executable}" -m tests.faulty --fault creates-from-the-top "$@"'
)
IDLE = "exec sleep 1000"


@dataclass(frozen=True)
class Ended:
    """One way's end."""

    code: int
    said: str
    result: dict[str, Any] | None


def command(way: str, options: dict[str, str], more: tuple[str, ...] = ()) -> list[str]:
    start, prefix = WAYS[way]
    return [*start, *(f"{prefix}{name}={value}" for name, value in options.items()), *more]


def both(folder: Path, options: dict[str, str], *more: str) -> dict[str, Ended]:
    """Run both ways side by side."""
    running = {}
    for way in WAYS:
        (folder / way).mkdir()
        words = command(way, {**options, "output-dir": "out"}, more)
        running[way] = forked.Process(words, folder / way, {**os.environ, "PYTEST_ADDOPTS": ""})
    found = {}
    for way, process in running.items():
        said = "".join(process.communicate())
        assert process.returncode is not None
        path = folder / way / "out" / "verdict.json"
        found[way] = Ended(process.returncode, said, json.loads(path.read_text()) if path.exists() else None)
        print(said)
    return found


def assert_both(found: dict[str, Ended], code: ExitCode, sentence: str) -> None:
    """Both ways ended with the code, say why, and agree with what they wrote."""
    assert {way: end.code for way, end in found.items()} == dict.fromkeys(WAYS, code)
    for end in found.values():
        assert sentence in " ".join(end.said.split())
        assert "Traceback" not in end.said
        assert end.result is None or end.result["run"]["exit_code"] == code


def outcomes(found: dict[str, Ended]) -> list[dict[str, str]]:
    return [{p["id"]: p["verdict"] for p in end.result["promises"]} for end in found.values() if end.result]


def controller(folder: Path, script: str) -> str:
    """A folder with a program in the place of the StatefulSet controller."""
    programs = folder / "programs"
    programs.mkdir()
    (programs / "statefulset-controller").write_text(f"#!/bin/sh\n{script}\n")
    (programs / "statefulset-controller").chmod(0o755)
    return str(programs)


@pytest.fixture(scope="module")
def held(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Ended]:
    """Both ways of a run that keeps its promises, each with a baseline saved."""
    return both(tmp_path_factory.mktemp("held"), {**CREATE, "save-baseline": "../baseline.json"})


@pytest.fixture
def larger(held: dict[str, Ended], tmp_path: Path) -> str:
    """A baseline with one promise more than the run asks for: coverage that is lost."""
    doc = held["run"].result
    assert doc
    doc = {**doc, "promises": [*doc["promises"], {**doc["promises"][0], "id": "SDN-02"}]}
    doc["counts"] = {**doc["counts"], "holds": doc["counts"]["holds"] + 1}
    path = tmp_path / "baseline.json"
    path.write_text(json.dumps(doc))
    return str(path)


# Before anything acts.


def test_4_is_a_usage_error(tmp_path: Path) -> None:
    assert_both(both(tmp_path, {"cluster": "local", "namespace": "mine"}), ExitCode.USAGE, "namespace: applies only to")


def test_4_is_a_choice_that_there_is_not_in_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STS_PROFILE", "tiny")
    assert_both(both(tmp_path, {"cluster": "local"}), ExitCode.USAGE, "STS_PROFILE: 'tiny' is none of core, full.")


def test_3_is_a_result_that_was_tampered_with(tmp_path: Path) -> None:
    saved = tmp_path / "saved"
    saved.mkdir()
    accepted = json.loads(
        (Path(__file__).parents[2] / "reports" / "v1.37.2" / "kind" / "verdict.json").read_text(encoding="utf-8")
    )
    (saved / "verdict.json").write_text(json.dumps({**accepted, "counts": {"holds": 1}}))
    found = both(tmp_path, {"cluster": "local", "baseline": str(saved)})
    assert_both(found, ExitCode.HARNESS, "contradicts itself")


def test_11_is_a_server_that_does_not_answer(tmp_path: Path) -> None:
    kubeconfig = tmp_path / "kubeconfig"
    one = {"name": "one"}
    context = {**one, "context": {"cluster": "one", "user": "one"}}
    server = {**one, "cluster": {"server": "http://127.0.0.1:1"}}
    parts = {"clusters": [server], "users": [{**one, "user": {}}], "contexts": [context], "current-context": "one"}
    kubeconfig.write_text(json.dumps({"apiVersion": "v1", "kind": "Config", **parts}))
    found = both(tmp_path, {"cluster": "existing", "kubeconfig": str(kubeconfig)})
    assert_both(found, ExitCode.REFUSED, "does not answer")


def test_5_is_a_selection_of_nothing(tmp_path: Path) -> None:
    found = both(tmp_path, {"cluster": "local", "promises": "UPD-19"})
    assert_both(found, ExitCode.NOTHING_TO_JUDGE, "deselected")


# With a control plane.


@pytest.mark.local
def test_0_is_all_that_was_asked_for_holds(held: dict[str, Ended]) -> None:
    assert_both(held, ExitCode.HOLDS, "Exit 0: every required promise holds.")
    assert outcomes(held) == [{"ORD-01": "holds", "ORD-02": "holds"}] * 2


@pytest.mark.local
def test_20_is_coverage_that_was_lost(larger: str, tmp_path: Path) -> None:
    found = both(tmp_path, {**CREATE, "baseline": larger})
    assert_both(found, ExitCode.REGRESSION, "this run did not ask for it")


@pytest.mark.local
def test_1_is_a_violation_also_where_coverage_was_lost(larger: str, tmp_path: Path) -> None:
    found = both(tmp_path, {**CREATE, "baseline": larger, "local-bin": controller(tmp_path, FAULTY)})
    assert_both(found, ExitCode.VIOLATED, "this run did not ask for it")
    assert all(one["ORD-01"] == "violated" for one in outcomes(found))


@pytest.mark.local
def test_10_is_evidence_that_does_not_decide_also_where_something_was_not_judged(tmp_path: Path) -> None:
    found = both(tmp_path, {**CREATE, "settle": "1", "local-bin": controller(tmp_path, IDLE)}, "-x")
    assert_both(found, ExitCode.INCONCLUSIVE, "Exit 10:")
    assert [sorted(one.values()) for one in outcomes(found)] == [["inconclusive", "not judged"]] * 2


@pytest.mark.local
def test_20_comes_before_10(larger: str, tmp_path: Path) -> None:
    options = {**CREATE, "settle": "1", "baseline": larger, "local-bin": controller(tmp_path, IDLE)}
    found = both(tmp_path, options)
    assert_both(found, ExitCode.REGRESSION, "Exit 20:")
    assert [set(one.values()) for one in outcomes(found)] == [{"inconclusive"}] * 2


@pytest.mark.local
def test_12_is_a_deadline_that_came_first_also_where_nothing_was_judged(tmp_path: Path) -> None:
    found = both(tmp_path, {**CREATE, "deadline": "1"})
    assert_both(found, ExitCode.NOT_JUDGED, "The run ended early: the deadline of 1 s passed.")
    assert outcomes(found) == [{"ORD-01": "not judged", "ORD-02": "not judged"}] * 2
    assert all((tmp_path / way / "out" / "index.html").exists() for way in WAYS)


@pytest.mark.local
def test_5_is_a_run_in_which_nothing_applies(tmp_path: Path) -> None:
    found = both(tmp_path, {"cluster": "local", "promises": "STO-06"})
    assert_both(found, ExitCode.NOTHING_TO_JUDGE, "Exit 5:")
    assert outcomes(found) == [{"STO-06": "not applicable"}] * 2


@pytest.mark.local
@pytest.mark.parametrize("way", WAYS)
def test_2_is_a_run_that_was_interrupted(way: str, start: Callable[[list[str]], Run], tmp_path: Path) -> None:
    run = start(["-P", "-m", *command(way, {**CREATE, "output-dir": str(tmp_path / "out")})])
    run.wait_for("local: starting etcd")
    run.process.send_signal(signal.SIGINT)
    assert run.process.wait(60) == ExitCode.INTERRUPTED, run.said
