"""A recording that is taken keeps the Events of the set's controller, and everything that is no Event."""

from collections import Counter
from pathlib import Path

import pytest

from stsconf.record.file import Record, inspect, read_records
from tests.recordings.take import STREAM, WRITER, take

RUN = Path(__file__).parents[2] / "reports" / "v1.37.2" / "kind" / "run.ndjson.gz"


@pytest.fixture(scope="module")
def before() -> list[Record]:
    return [record for _, record in read_records(RUN)]


@pytest.fixture(scope="module")
def taken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return take(RUN, tmp_path_factory.mktemp("taken"))


@pytest.fixture(scope="module")
def after(taken: Path) -> list[Record]:
    return [record for _, record in read_records(taken)]


def writers(records: list[Record]) -> Counter[str]:
    return Counter(r["obj"]["source"].get("component") for r in records if r["rec"] == "ev" and r["s"] == STREAM)


def test_only_events_of_the_controller_stay(before: list[Record], after: list[Record]) -> None:
    assert writers(after) == {WRITER: writers(before)[WRITER]}


def test_what_is_no_event_stays_as_it_was(before: list[Record], after: list[Record]) -> None:
    others = [[r for r in records[1:-1] if r.get("s") != STREAM] for records in (before, after)]
    assert others[0] == others[1] != []


def test_lists_name_no_event_that_was_left_out(after: list[Record]) -> None:
    records = [r for r in after if r.get("s") == STREAM]
    known = {r["uid"] for r in records if r["rec"] == "ev"}
    listed = [item for r in records if r["rec"] == "snap" for item in r["items"]]
    assert known
    assert {item.get("uid") or item["metadata"]["uid"] for item in listed} <= known


def test_it_is_sealed_anew(taken: Path) -> None:
    state = inspect(taken)
    assert state.sealed
    assert not state.problem
