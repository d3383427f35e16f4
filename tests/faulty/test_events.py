"""Events as the real controller writes them: the words are those of recordings of v1.37.2, the counting client-go's."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.faulty.controller import Action, Create, Delete, Patch, WriteStatus
from tests.faulty.events import BURST, COMBINED, REFILL_SECONDS, SIMILAR, SIMILAR_SECONDS, Correlator, Told, told
from tests.faulty.objects import Object

SET: Object = {"metadata": {"name": "web", "namespace": "space", "uid": "uid-1", "resourceVersion": "7"}}
POD: Object = {"kind": "Pod", "metadata": {"name": "web-0"}}
CLAIM: Object = {"kind": "PersistentVolumeClaim", "metadata": {"name": "www-web-0"}}
GIVEN_UP: Object = {"metadata": {"ownerReferences": []}}


class Clock:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize(
    ("action", "error", "said"),
    [
        (Create(POD), None, ["SuccessfulCreate: Create Pod web-0 in StatefulSet web successful"]),
        (
            Create(CLAIM, "web-0"),
            None,
            ["SuccessfulCreate: Create Claim www-web-0 Pod web-0 in StatefulSet web success"],
        ),
        (Delete("Pod", "web-0", "uid"), None, ["SuccessfulDelete: Delete Pod web-0 in StatefulSet web successful"]),
        (
            Patch("Pod", "web-0", {"metadata": {"labels": {"a": "b"}}}),
            None,
            ["SuccessfulUpdate: Update Pod web-0 in StatefulSet web successful"],
        ),
        (Create(POD), "no", ["FailedCreate: Create Pod web-0 in StatefulSet web failed error: no"]),
        (
            Create(CLAIM, "web-0"),
            "no",
            [
                "FailedCreate: Create Claim www-web-0 for Pod web-0 in StatefulSet web failed error: no",
                "FailedCreate: Create Pod web-0 in StatefulSet web failed error: failed to create PVC www-web-0: no",
            ],
        ),
        (
            Patch("PersistentVolumeClaim", "www-web-0", GIVEN_UP),
            "no",
            [
                (
                    "FailedUpdate: Update Pod web-0 in StatefulSet web failed error: "
                    "could not update claim www-web-0 for delete policy ownerRefs: no"
                )
            ],
        ),
        (Patch("Pod", "web-0", GIVEN_UP), None, []),
        (Patch("PersistentVolumeClaim", "www-web-0", GIVEN_UP), None, []),
        (Delete("PersistentVolumeClaim", "www-web-0", "uid"), None, []),
        (WriteStatus({}), None, []),
    ],
)
def test_the_words_are_those_of_the_real_one(action: Action, error: str | None, said: list[str]) -> None:
    found = told("web", action, error)
    assert [f"{one.reason}: {one.message}" for one in found] == said
    assert all(one.ok == (error is None) for one in found)


def test_the_event_is_about_the_set_and_names_who_wrote_it() -> None:
    found = Correlator(Clock()).correlate(SET, Told("SuccessfulDelete", "gone"))
    assert found
    event, count = found
    involved = event["involvedObject"]
    assert (involved["kind"], involved["uid"], involved["resourceVersion"]) == ("StatefulSet", "uid-1", "7")
    assert event["source"] == {"component": "statefulset-controller"}
    assert event["reportingComponent"] == "statefulset-controller"
    assert (event["type"], event["count"], count) == ("Normal", 1, 1)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def write(clock: Clock) -> Callable[[str], Any]:
    """Say something of the set; the Event that is written, if one is."""
    correlator = Correlator(clock)

    def say(message: str) -> Any:
        found = correlator.correlate(SET, Told("SuccessfulCreate", message))
        return found and found[0]

    return say


def test_the_same_again_raises_the_count_of_the_same_event(write: Callable[[str], Any], clock: Clock) -> None:
    first = write("again")
    clock.now += 5
    second = write("again")
    assert second["metadata"] == first["metadata"]
    assert second["firstTimestamp"] == first["firstTimestamp"] != second["lastTimestamp"]
    assert (first["count"], second["count"]) == (1, 2)


def test_from_the_tenth_message_on_they_are_combined(write: Callable[[str], Any], clock: Clock) -> None:
    single = [write(str(number)) for number in range(SIMILAR - 1)]
    assert not any(event["message"].startswith(COMBINED) for event in single)
    tenth, eleventh = write("tenth"), write("eleventh")
    assert (tenth["message"], tenth["count"]) == (f"{COMBINED}tenth", 1)
    assert (eleventh["message"], eleventh["count"]) == (f"{COMBINED}eleventh", 2)
    assert tenth["metadata"] == eleventh["metadata"]
    clock.now += SIMILAR_SECONDS + 1
    assert write("later")["message"] == "later"


@settings(deadline=None)
@given(st.lists(st.floats(0, 900), max_size=60))
def test_no_more_come_through_than_the_budget_has(waits: list[float]) -> None:
    clock = Clock()
    correlator, began = Correlator(clock), clock.now
    written = 0
    for number, seconds in enumerate(waits, 1):
        clock.now += seconds
        found = correlator.correlate(SET, Told("SuccessfulCreate", "again"))
        written += found is not None
        assert found is None or found[1] == number  # what was dropped was counted
        assert written <= BURST + (clock.now - began) / REFILL_SECONDS
        assert found is not None or number > BURST
