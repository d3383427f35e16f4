"""What the benchmarks compute from a recording; measuring itself is done by hand (``benchmarks/README.md``)."""

from pathlib import Path

import pytest
from benchmarks.loss import compare
from benchmarks.parallel import measure
from benchmarks.rate import REPORT, SECOND, busiest, most_within

from tests.tape import Tape, created, is_event, write


def test_the_busiest_second_is_found_wherever_it_begins() -> None:
    assert most_within([]) == 0
    assert most_within([0, SECOND]) == 1
    assert most_within([3 * SECOND, 0, SECOND // 2, SECOND + 1, SECOND + 2]) == 3


def test_a_real_run_has_a_busiest_second() -> None:
    assert busiest(REPORT) > 10


def test_a_version_that_was_answered_and_not_recorded_is_lost(tmp_path: Path) -> None:
    records = created(2).records
    pods = [(r["uid"], r["rv"]) for r in records if r["rec"] == "ev" and r["s"] == "pods"]
    whole = compare(pods, write(records, tmp_path / "whole.ndjson"), "ns")
    assert (whole.answered, whole.recorded, whole.lost, whole.double, whole.out_of_order) == (
        len(pods),
        len(pods),
        0,
        0,
        0,
    )
    dropped = next(r for r in records if is_event("pods", "web-0", "MODIFIED")(r))
    holed = compare(pods, write([r for r in records if r is not dropped], tmp_path / "holed.ndjson"), "ns")
    assert holed.lost == 1
    doubled = compare(pods, write([*records, dropped], tmp_path / "doubled.ndjson"), "ns")
    assert (doubled.lost, doubled.double, doubled.out_of_order) == (0, 1, 1)


def test_scenarios_side_by_side_are_held_against_the_longest(tmp_path: Path) -> None:
    tape = created(2)
    phase = measure(write(tape.records, tmp_path / "run.ndjson"))
    assert phase.longest == "create"
    assert phase.ratio == pytest.approx(1)
    real = measure(REPORT)
    assert 1 <= real.ratio < sum(real.scenarios.values()) / real.scenarios[real.longest]


def test_a_run_in_which_nothing_settled_has_no_ratio(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no scenario"):
        measure(write(Tape().open("create").close(settled=False).records, tmp_path / "run.ndjson"))
