"""Changes of the pod template, and the pods that were stopped for them."""

from itertools import pairwise
from typing import cast

from stsconf.timeline import facts
from stsconf.timeline.epochs import Epoch, Rollout, UpdateStop
from stsconf.timeline.events import Event
from stsconf.timeline.question import question
from stsconf.timeline.questions import pods, sets
from stsconf.timeline.timeline import Timeline


def target_of(timeline: Timeline, spec: facts.StatefulSet) -> str | None:
    """Name of the revision that stores this spec's pod template; ``None`` where none was seen."""
    found = [e.name for e in timeline.revisions.events if e.fact.template == spec.template]
    return found[-1] if found else None


@question
def rollouts(timeline: Timeline) -> tuple[Rollout, ...]:
    """Each change of the pod template that was seen."""
    timeline.same_domain("statefulsets", "controllerrevisions")
    found = []
    for was, now in pairwise(sets.epochs(timeline)):
        if was.began.uid == now.began.uid and was.spec.template != now.spec.template:
            if timeline.sets.unseen(was.began.rv, now.began.rv):
                continue
            target = target_of(timeline, now.spec)
            known = timeline.revisions.first(target) if target else None
            found.append(Rollout(was.spec, now, target, bool(known and known.rv < now.began.rv)))
    return tuple(found)


@question
def stops(timeline: Timeline) -> tuple[UpdateStop, ...]:
    """Pods that the controller asked to stop although the set wants their ordinal, other than finished ones.

    Those that go by strategy Recreate, which go together, are left out. Until its status says that it has seen a
    new spec, a controller may still act on the one before: of the two, the one that explains the stop is given.
    """
    epochs = sets.epochs(timeline)
    targets = {epoch.began.rv: target_of(timeline, epoch.spec) for epoch in epochs}
    timeline.same_domain("statefulsets", "controllerrevisions")
    found = []
    for stop, spec in pods.controller_stops(timeline):
        if stop.fact.ordinal not in spec.ordinals or (stop.before or stop.fact).finished:
            continue
        past = [e for e in epochs if e.began.rv < stop.rv]
        known = [e for e in past if e is past[-1] or sets.noticed(timeline, past[past.index(e) + 1]) > stop.rv]
        if any(stop.fact.ordinal not in epoch.spec.ordinals for epoch in known):
            continue
        readings = [UpdateStop(stop, epoch, targets[epoch.began.rv]) for epoch in reversed(known)]
        chosen = next((reading for reading in readings if reading.explained), readings[0])
        if not (chosen.explained and chosen.epoch.spec.strategy == "Recreate"):
            found.append(chosen)
    return tuple(found)


def outdated_above(timeline: Timeline, update: UpdateStop) -> list[Event[facts.Pod]]:
    """Pods with a higher ordinal that had to be updated when the epoch began: they must go first."""
    ordinal = cast(int, update.stop.fact.ordinal)
    spec = update.epoch.spec
    return [
        member
        for member in pods.members_at(timeline, max(update.epoch.began.rv, timeline.sets.begins_rv + 1))
        if member.fact.revision != update.target
        and member.fact.ordinal in spec.ordinals
        and member.fact.ordinal not in spec.held_by_partition
        and cast(int, member.fact.ordinal) > ordinal
    ]


def stops_in(timeline: Timeline, epoch: Epoch) -> list[UpdateStop]:
    """Those of ``stops`` that one version of the spec explains."""
    return [update for update in stops(timeline) if update.epoch.began.rv == epoch.began.rv]


def stopped_before(timeline: Timeline, update: UpdateStop) -> list[Event[facts.Pod]]:
    """The pods that were asked to stop earlier for the same update, as they were then."""
    return [earlier.stop for earlier in stops_in(timeline, update.epoch) if earlier.stop.rv < update.stop.rv]


def was_due(timeline: Timeline, stop: Event[facts.Pod]) -> bool:
    """Whether an update explains that the controller stopped this pod, under Recreate too."""
    past = [e for e in sets.epochs(timeline) if e.began.rv < stop.rv]
    known = [e for e in past if e is past[-1] or sets.noticed(timeline, past[past.index(e) + 1]) > stop.rv]
    return any(UpdateStop(stop, epoch, target_of(timeline, epoch.spec)).explained for epoch in known)


def restarts(timeline: Timeline) -> list[Epoch]:
    """Each rollout restart that was only watched and came to rest, under RollingUpdate without a partition."""
    return [
        now
        for was, now in sets.changes(timeline)
        if timeline.window.passive
        if now.spec.restarted not in (None, was.spec.restarted)
        if now.spec.strategy == "RollingUpdate" and not now.spec.held_by_partition and sets.rest(timeline, now)
    ]


@question
def never_ready(timeline: Timeline, revision: str | None) -> tuple[Event[facts.Pod], ...]:
    """Pods of a revision that were never Running and Ready, at their creation.

    Not those that ended without: a node that refuses or evicts a Pod makes it Failed, whatever its template says.
    """
    ready = {e.uid for e in timeline.pods.becoming(lambda pod: pod.healthy or (pod.finished and not pod.terminating))}
    return tuple(e for e in pods.created_by_set(timeline) if e.fact.revision == revision and e.uid not in ready)


def revisions_at(timeline: Timeline, rv: int) -> list[Event[facts.Revision]]:
    """The set's revisions right before a revision of another kind."""
    timeline.same_domain("controllerrevisions", "statefulsets")
    return timeline.revisions.at(rv)
