"""The time limit of a run: what it leaves undone is not judged, and what was seen before it counts."""

import signal
import threading
from pathlib import Path

import pytest

from stsconf import suite_files
from stsconf.deadline import Deadline, seconds
from stsconf.errors import ExitCode
from stsconf.judging.judge import judge
from stsconf.judging.promise import import_promises
from stsconf.judging.verdict import Outcome, Verdict
from stsconf.report.page import page
from stsconf.report.results import Results, rejudge
from stsconf.report.summary import summary
from stsconf.timeline.recording import Recording
from tests.tape import Tape, created

PROMISES = import_promises(suite_files.conformance())
PASSED = "the deadline of 60 s passed before scenario create ended"


def stopped(tape: Tape, folder: Path) -> Recording:
    """The scenario of a tape was stopped."""
    tape.add(rec="mark", id="w", phase="close", plan={"stopped": PASSED})
    return tape.recording(folder / "run.ndjson")


def unbegun(scenario: str, folder: Path) -> Recording:
    """A set was created in full, and then there was no time left for a scenario."""
    tape = created(3)
    tape.add(rec="mark", id="late", phase="open", scenario=scenario, namespace="late", set="web", plan={})
    tape.add(rec="mark", id="late", phase="close", plan={"stopped": PASSED})
    return tape.recording(folder / "run.ndjson")


def verdict(promise: str, recording: Recording) -> Verdict:
    return judge(PROMISES[promise], recording.timelines)


@pytest.mark.parametrize(("text", "value"), [("90", 90), ("1.5s", 1.5), ("10m", 600), ("2h", 7200)])
def test_a_time_is_a_number_of_seconds_or_has_a_unit(text: str, value: float) -> None:
    assert seconds(text) == value


@pytest.mark.parametrize("text", ["", "0", "0m", "-1", "inf", "nan", "10 m", "1d", "m"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=f"^'{text}' is not a duration"):
        seconds(text)


def test_without_a_limit_it_never_passes_and_stops_nobody() -> None:
    never = Deadline()
    never.arm()
    never.disarm()
    assert not never.passed
    assert not never.interrupted


def test_armed_it_stops_the_main_thread_and_says_so() -> None:
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        deadline = Deadline(0.01)

        def wait() -> None:
            deadline.arm()
            threading.Event().wait(60)

        with pytest.raises(KeyboardInterrupt):
            wait()
    finally:
        signal.signal(signal.SIGTERM, before)
    assert deadline.interrupted
    assert deadline.passed
    assert str(deadline) == "the deadline of 0.01 s passed"


def test_what_was_fine_until_a_scenario_was_stopped_is_not_judged(tmp_path: Path) -> None:
    tape = Tape().open("create").set_created().volume(0).pod_created(0).pod_ready(0)
    found = verdict("ORD-02", stopped(tape, tmp_path))
    assert found.outcome is Outcome.NOT_JUDGED
    assert found.reason == PASSED


def test_what_was_broken_before_it_was_stopped_is_violated(tmp_path: Path) -> None:
    tape = Tape().open("create").set_created().volume(0).pod_created(0).volume(1).pod_created(1).pod_ready(0)
    assert verdict("ORD-02", stopped(tape, tmp_path)).outcome is Outcome.VIOLATED


def test_a_scenario_that_never_began_takes_nothing_from_those_that_ended(tmp_path: Path) -> None:
    recording = unbegun("rollback", tmp_path)
    assert verdict("IDN-01", recording).outcome is Outcome.HOLDS
    assert verdict("REV-05", recording).outcome is Outcome.NOT_JUDGED


def test_a_promise_holds_only_when_all_its_scenarios_ended(tmp_path: Path) -> None:
    assert set(PROMISES["ORD-02"].scenarios) == {"create", "scale_up"}
    recording = unbegun("scale_up", tmp_path)
    assert verdict("ORD-02", recording).outcome is Outcome.NOT_JUDGED


def test_the_reports_say_that_the_deadline_ended_the_run(tmp_path: Path) -> None:
    recording = unbegun("scale_up", tmp_path)
    results = rejudge([recording], [PROMISES["ORD-02"]], tmp_path)
    results.save_baseline = tmp_path / "baseline.json"
    assert results.finish() is ExitCode.NOT_JUDGED
    info = results.info()
    said = f"The run ended early: {PASSED}."
    assert info.ended == PASSED
    assert said in summary(info, results.verdicts, [recording])
    assert said in page(info, results.verdicts, [recording])
    assert f'"ended": "{PASSED}"' in (tmp_path / "verdict.json").read_text()
    assert not (tmp_path / "baseline.json").exists()


def test_before_any_scenario_nothing_is_judged_and_the_report_is_there(tmp_path: Path) -> None:
    results = Results("r", "local", tmp_path)
    results.expected = [PROMISES["ORD-01"], PROMISES["ORD-02"]]
    results.ended = PASSED
    assert results.finish() is ExitCode.NOT_JUDGED
    assert {(v.outcome, v.reason) for v in results.verdicts} == {(Outcome.NOT_JUDGED, PASSED)}
    assert (tmp_path / "index.html").exists()
