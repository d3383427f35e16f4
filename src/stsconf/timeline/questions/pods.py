"""The set's pods: which were created, which were there, which were asked to stop, which replaced which."""

from collections.abc import Iterator
from typing import cast

from stsconf.timeline import facts
from stsconf.timeline.events import Event
from stsconf.timeline.question import question
from stsconf.timeline.questions import authors, harness, ownership, sets
from stsconf.timeline.timeline import Timeline


@question
def created_by_set(timeline: Timeline) -> tuple[Event[facts.Pod], ...]:
    """Pods created by the set's controller: they carry its controller reference from the start."""
    created = timeline.pods.created()
    return tuple(e for e in created if ownership.owns(timeline, e.fact) and e.fact.ordinal is not None)


def names_below(timeline: Timeline, event: Event[facts.Pod]) -> list[str]:
    """Names of all pods with a lower ordinal, from the first ordinal up."""
    ordinal, start = cast(int, event.fact.ordinal), sets.first_ordinal(timeline)
    if any(e.fact.start != start for e in timeline.sets.events):
        spec = sets.spec_at(timeline, event.rv)
        start = spec.start if spec else start
    return [timeline.pod_name(lower) for lower in range(start, ordinal)]


def members(timeline: Timeline) -> list[Event[facts.Pod]]:
    """The set's pods that were there when the window ended, as last seen."""
    return [e for e in timeline.pods.latest().values() if ownership.owns(timeline, e.fact)]


def members_at(timeline: Timeline, rv: int) -> list[Event[facts.Pod]]:
    """The set's pods that were there, and not terminating, right before a revision of another kind."""
    timeline.same_domain()
    return [e for e in timeline.pods.at(rv) if ownership.owns(timeline, e.fact) and not e.fact.terminating]


def higher_at(timeline: Timeline, event: Event[facts.Pod]) -> list[Event[facts.Pod]]:
    """Pods in excess with a higher ordinal that existed since the spec in force began: they must go first."""
    epoch = next((e for e in reversed(sets.epochs(timeline)) if e.began.rv < event.rv), None)
    ordinal, wanted = cast(int, event.fact.ordinal), epoch.spec.ordinals if epoch else ()
    excess = {e.name for e in timeline.pods.events if (e.fact.ordinal or 0) > ordinal and e.fact.ordinal not in wanted}
    found = []
    for higher in sorted(excess):
        for uid in {e.uid for e in timeline.pods.named(higher) if e.rv < event.rv}:
            end = timeline.pods.end_of(uid)
            if end is None or epoch is None or end.rv > epoch.began.rv:
                found.append(next(e for e in reversed(timeline.pods.named(higher)) if e.uid == uid))
    return found


def names_that_stay(timeline: Timeline, stop: Event[facts.Pod]) -> list[str]:
    """Names of the pods the set still wants when it asks an excess one to stop."""
    spec = sets.spec_at(timeline, stop.rv)
    return [timeline.pod_name(ordinal) for ordinal in spec.ordinals] if spec else []


def excess_stops(timeline: Timeline) -> Iterator[Event[facts.Pod]]:
    """Pods asked to stop because the set no longer wants their ordinal: not evicted, not deleted by the harness."""
    for stop, spec in controller_stops(timeline):
        if stop.fact.ordinal not in spec.ordinals:
            yield stop


def controller_stops(timeline: Timeline) -> Iterator[tuple[Event[facts.Pod], facts.StatefulSet]]:
    """Pods that nobody but the set's controller is known to have asked to stop, with the spec in force."""
    for stop in timeline.pods.stopping():
        spec = sets.spec_at(timeline, stop.rv)
        if spec is None or spec.terminating or stop.fact.ordinal is None:
            continue
        others = stop.fact.disrupted or stop.uid in by_hand(timeline) or authors.known_other(timeline, stop)
        if not others:
            yield stop, spec


@question
def by_hand(timeline: Timeline) -> frozenset[str]:
    """Uids of the pods that the harness deleted or evicted; where it only watched, those that other clients did."""
    if not timeline.window.passive:
        return harness.deleted_pods(timeline)
    ends = (*timeline.pods.stopping(), *timeline.pods.gone())
    return frozenset(e.uid for e in ends if authors.known_other(timeline, e))


def successor_of(timeline: Timeline, event: Event[facts.Pod]) -> Event[facts.Pod] | None:
    """The next pod that the set created under the same name, from the same Service and claim templates."""
    later = (e for e in created_by_set(timeline) if e.name == event.name and e.rv > event.rv and e.uid != event.uid)
    found = next(later, None)
    return found if found and sets.alike(timeline, event.fact.owner_uid, found.fact.owner_uid) else None


def wanted_at(timeline: Timeline, event: Event[facts.Pod]) -> bool:
    """Whether there was a set, not being deleted, that wanted the pod's ordinal."""
    spec = sets.spec_at(timeline, event.rv)
    return spec is not None and not spec.terminating and event.fact.ordinal in spec.ordinals


def deleted_and_replaced(timeline: Timeline) -> Iterator[tuple[Event[facts.Pod], Event[facts.Pod]]]:
    """Replacements of pods that were deleted by hand."""
    return ((old, new) for old, new in replacements(timeline) if old.uid in by_hand(timeline))


def replacements(timeline: Timeline) -> Iterator[tuple[Event[facts.Pod], Event[facts.Pod]]]:
    """Pods created under the name of one that the set had before: that one as last seen, and the new one.

    Not where a set was made again with another Service or other claim templates: that replaces nothing.
    """
    for event in created_by_set(timeline):
        lane = timeline.pods.named(event.name)
        index = lane.index(event)
        was = lane[index - 1]
        mine = was.fact.owner_uid is None or ownership.owns(timeline, was.fact)
        mine = mine and sets.alike(timeline, was.fact.owner_uid, event.fact.owner_uid)
        if index and was.uid != event.uid and mine and not timeline.pods.unseen(was.rv - 1, event.rv):
            yield was, event


def healthy_members(timeline: Timeline) -> list[Event[facts.Pod]]:
    """The set's pods that were Running and Ready when the window ended, as last seen."""
    return [e for e in members(timeline) if e.fact.healthy]
