"""The committed page has every fault of the code, and each is named by its promise."""

import re

import pytest

from tests.bug_table import NAMED, NOT_YET, PAGE, PROMISES
from tests.faulty.faults import FAULTS, Fault

TEXT = PAGE.read_text(encoding="utf-8")
ROWS = {cells[0]: cells for line in TEXT.splitlines() if len(cells := line.strip("| ").split(" | ")) > 3}


def test_the_page_has_exactly_the_faults_there_are() -> None:
    assert set(ROWS) - {"fault", "---"} == set(FAULTS), "make it again: python -m tests.bug_table"


@pytest.mark.parametrize("fault", FAULTS.values(), ids=lambda f: f.name)
def test_each_fault_is_named_by_its_promise_or_waits_for_it(fault: Fault) -> None:
    _, says, promise, found, *_ = ROWS[fault.name]
    assert (says, promise) == (fault.says, fault.promise), "make it again: python -m tests.bug_table"
    assert found in NAMED if fault.promise in PROMISES else found == NOT_YET


def test_the_correct_controller_violates_nothing() -> None:
    assert "none violated" in TEXT


def test_the_page_says_when_and_on_what_it_was_made() -> None:
    assert re.search(r"on 20\d\d-\d\d-\d\d: provider `local`, Kubernetes v1\.\d+\.\d+", TEXT)
