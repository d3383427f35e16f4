"""A recording of each area is kept that was made under a faulty controller; the promise names the fault in it."""

import pytest

from stsconf.judging.catalogue import AREAS
from stsconf.judging.judge import judge
from stsconf.judging.promise import Level
from stsconf.judging.verdict import Outcome
from stsconf.timeline.recording import load
from tests.bug_table import PROMISES
from tests.faulty.faults import FAULTS
from tests.recordings.take_faulty import EXAMPLES, FOLDER, Example

OF_NO_CONTROLLER = {"FRC", "API"}
"""Areas of which no promise is judged."""
MOST_BYTES = 600_000


def test_each_area_has_one() -> None:
    assert set(EXAMPLES) == set(AREAS) - OF_NO_CONTROLLER == {promise.area for promise in PROMISES.values()}


@pytest.mark.parametrize("example", EXAMPLES.values(), ids=lambda e: e.fault)
def test_the_promise_names_the_fault(example: Example) -> None:
    recording = load(example.path)
    assert recording.sealed
    assert not recording.problems
    assert [timeline.window.scenario for timeline in recording.timelines] == [example.scenario]
    promise = PROMISES[example.promise]
    verdict = judge(promise, recording.timelines)
    expected = Outcome.VIOLATED if promise.level is Level.DOCUMENTED else Outcome.DIFFERS
    assert verdict.outcome is expected, verdict.explain()
    assert verdict.witness


def test_the_faults_are_those_of_the_table_and_the_files_are_small() -> None:
    assert {example.fault for example in EXAMPLES.values()} <= set(FAULTS)
    files = [path for path in FOLDER.rglob("*") if path.is_file()]
    assert set(files) == {example.path for example in EXAMPLES.values()}
    assert sum(path.stat().st_size for path in files) < MOST_BYTES
