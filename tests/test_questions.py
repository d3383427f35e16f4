"""Questions are answered once, and whoever asks has read what the answer rests on."""

from collections.abc import Iterator
from typing import Any

import pytest

from stsconf import Timeline
from stsconf.timeline.events import Action
from stsconf.timeline.question import question
from stsconf.timeline.questions import harness
from stsconf.timeline.timeline import kinds_read
from stsconf.timeline.window import Window

asked: list[Any] = []


@question
def pods_and_claims(timeline: Timeline) -> int:
    asked.append(None)
    return len(timeline.pods.events) + len(timeline.claims.events)


@question
def sets_and(timeline: Timeline, what: str) -> str:
    asked.append(what)
    return f"{pods_and_claims(timeline)} {what} {len(timeline.sets.events)}"


@question
def only_once(timeline: Timeline) -> Iterator[str]:
    return (e.name for e in timeline.pods.events)


@question
def never(timeline: Timeline) -> int:
    return len(timeline.slices.events) // 0


def window(*actions: Action) -> Timeline:
    asked.clear()
    return Timeline(Window("create", "ns", "web"), {}, actions, (), (), frozenset(), {})


def read_by(ask: Any, *arguments: Any) -> set[str]:
    """The kinds that count as read after one question."""
    read: set[str] = set()
    token = kinds_read.set(read)
    try:
        ask(*arguments)
    finally:
        kinds_read.reset(token)
    return read


def test_each_asker_has_read_the_kinds_of_an_answer_found_for_another() -> None:
    timeline = window()
    assert [read_by(pods_and_claims, timeline) for _ in range(2)] == [{"pods", "persistentvolumeclaims"}] * 2
    assert asked == [None]


def test_the_kinds_of_a_question_inside_a_question_count_for_both() -> None:
    timeline = window()
    read_by(pods_and_claims, timeline)
    for _ in range(2):
        assert read_by(sets_and, timeline, "and") == {"pods", "persistentvolumeclaims", "statefulsets"}


def test_an_answer_is_kept_for_its_arguments_and_its_timeline() -> None:
    timeline = window()
    assert {sets_and(timeline, "a"), sets_and(timeline, "b"), sets_and(timeline, "a")} == {"0 a 0", "0 b 0"}
    assert asked == ["a", None, "b"]
    assert sets_and(window(), "a") == "0 a 0"
    assert asked == ["a", None]


def test_an_answer_that_can_be_read_only_once_is_refused() -> None:
    with pytest.raises(TypeError, match="only_once must answer with what can be read twice"):
        only_once(window())


def test_what_was_read_counts_although_there_is_no_answer() -> None:
    read: set[str] = set()
    token = kinds_read.set(read)
    try:
        with pytest.raises(ZeroDivisionError):
            never(window())
    finally:
        kinds_read.reset(token)
    assert read == {"endpointslices"}


def test_every_promise_that_asks_which_pods_we_deleted_has_read_pods() -> None:
    """A deletion that the server answered without a uid is known by the pod's name alone."""
    timeline = window(Action(1, 0.0, "delete", "pods", "web-0", None))
    assert [read_by(harness.deleted_pods, timeline) for _ in range(2)] == [{"pods"}] * 2
