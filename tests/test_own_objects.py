"""No verdict names an object that stsconf makes for itself: the sentinel, and the probe of the storage."""

from pathlib import Path

import pytest

from stsconf.clusters.storage import PROBE
from stsconf.errors import NotApplicable, UnknownFact
from stsconf.judging.expect import judged, obligations
from stsconf.judging.judge import judge
from stsconf.judging.verdict import Obligation
from stsconf.record.file import read_records
from stsconf.record.sentinel import NAME
from stsconf.timeline.recording import load
from stsconf.timeline.timeline import Timeline
from tests.bug_table import PROMISES
from tests.recordings.take_faulty import EXAMPLES

OWN = (NAME, PROBE)
REAL = Path(__file__).with_name("recordings") / "local-1.37.2" / "run.ndjson.gz"
PATHS = [REAL, *(example.path for example in EXAMPLES.values())]


def checked(timeline: Timeline) -> list[Obligation]:
    """Everything that the promises check on a timeline, what holds included."""
    found: list[Obligation] = []
    tokens = obligations.set(found), judged.set(timeline)
    try:
        for promise in PROMISES.values():
            try:
                promise.check(timeline)
            except (NotApplicable, UnknownFact):
                continue
    finally:
        obligations.reset(tokens[0])
        judged.reset(tokens[1])
    return found


def test_the_recordings_hold_such_objects() -> None:
    assert any(NAME in str(record.get("obj")) for _, record in read_records(REAL))


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.parent.name)
def test_no_sentence_and_no_event_of_a_verdict_names_one(path: Path) -> None:
    recording = load(path)
    told = [verdict.explain() for verdict in (judge(promise, recording.timelines) for promise in PROMISES.values())]
    told += [
        " ".join((each.expected, each.seen, *map(str, each.witness)))
        for timeline in recording.timelines
        for each in checked(timeline)
    ]
    assert told
    assert [text for text in told if any(name in text for name in OWN)] == []
