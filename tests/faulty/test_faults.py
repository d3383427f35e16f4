"""Each fault shows in some story, and names a row of the catalogue."""

import re
from functools import cache

import pytest

from stsconf.judging.catalogue import rows
from tests.faulty.controller import Controller
from tests.faulty.faults import FAULTS, Fault
from tests.faulty.stories import STORIES, told

AREAS_OF_THE_INSTRUMENT = ("IDN", "ORD", "SDN", "STO")


@cache
def correct(story: str) -> list[str]:
    return told(Controller(), STORIES[story]).trace


@pytest.mark.parametrize("fault", FAULTS.values(), ids=lambda f: f.name)
def test_a_fault_acts_differently_in_some_story(fault: Fault) -> None:
    assert any(told(fault.controller(), act).trace != correct(name) for name, act in STORIES.items())


@pytest.mark.parametrize("fault", FAULTS.values(), ids=lambda f: f.name)
def test_a_fault_names_a_row_of_the_catalogue_in_one_sentence(fault: Fault) -> None:
    assert fault.promise in {row.id for row in rows()}
    assert fault.says.endswith(".")
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", fault.name)


def test_there_are_enough_of_them() -> None:
    early = [f for f in FAULTS.values() if f.area in AREAS_OF_THE_INSTRUMENT]
    assert len(early) >= 12
    assert len(FAULTS) - len(early) >= 18
