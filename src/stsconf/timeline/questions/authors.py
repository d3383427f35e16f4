"""Who did it: the author of an act that a verdict rests on.

A watch shows what happened, never who asked for it. What does, best first: our own calls; the API server's audit log,
where the recording has it; the condition DisruptionTarget of a pod (evicted, preempted, its node lost); the managers in
``metadata.managedFields``, for creations and changes; the Event that a StatefulSet's controller writes for each pod it
stops. An Event may be missing (clients drop them under load): its absence proves nothing, and the author is unknown.
"""

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from stsconf.timeline import facts
from stsconf.timeline.events import GRACE_SECONDS, Change, Event
from stsconf.timeline.question import question
from stsconf.timeline.questions import harness, sets
from stsconf.timeline.timeline import Timeline
from stsconf.timeline.window import PASSIVE
from stsconf.timeline.writes import Write

CONTROLLER_USER = "system:serviceaccount:kube-system:statefulset-controller"
"""Who the StatefulSet controller is to an API server, where controllers have accounts of their own (the default)."""
CLUSTER_USERS = re.compile(
    r"system:(serviceaccount:kube-system:.+|kube-controller-manager|kube-scheduler|apiserver|node:.+)"
    r"|stsconf:(kwok|provisioner)"
)
"""Users of an audit log that are parts of the cluster itself; the last two stand in for a kubelet and a provisioner."""
CLUSTER_MANAGERS = frozenset({"kube-controller-manager", "kube-scheduler", "kubelet", "stsconf"})
"""Field managers (metadata.managedFields) whose writes are expected: the cluster's own programs, and this suite."""
AUDITED = ", by the audit log"
"""How an author is known from the audit log."""
CLOCK = 2.0
"""Seconds that two whole-second timestamps of one act may lie apart: of a deletion, and of the Event about it."""
EVENTS_OF_ONE_OBJECT = 25
"""How many Events a client may write about one object before it drops some (client-go, events_cache.go)."""
STOPPED = re.compile(r"delete Pod (\S+) in StatefulSet \S+ successful", re.IGNORECASE)
"""What the controller's Event of reason SuccessfulDelete says (stateful_pod_control.go)."""


class Author(StrEnum):
    """Who did something to an object."""

    US = "this run"
    CONTROLLER = "the StatefulSet's controller"
    CLUSTER = "another part of the cluster"
    OTHER = "another client"
    UNKNOWN = "an unknown author"


@dataclass(frozen=True, slots=True)
class Authorship:
    """An author, and how that is known: ``kubernetes-admin, by the audit log``."""

    author: Author
    how: str

    def __str__(self) -> str:
        return f"{self.author} ({self.how})"

    @property
    def may_be_blamed(self) -> bool:
        """Whether the act may be charged to the cluster. What this run did itself is known to the promises."""
        return self.author not in (Author.OTHER, Author.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Foreign:
    """Something that another client, or nobody knows who, did to the set or to what belongs to it."""

    line: int
    seconds: float
    uid: str
    what: str
    by: Authorship

    def __str__(self) -> str:
        return f"{self.what} at {self.seconds:.3f} s: {self.by}"


def of(timeline: Timeline, event: Event[Any]) -> Authorship:
    """Who brought this version of an object about."""
    if event.change in (Change.LISTED, Change.LOST):
        return Authorship(Author.UNKNOWN, "it was not seen happening")
    if event.change is Change.DELETED or event.fact.terminating:
        return of_end(timeline, event)
    return of_write(timeline, event)


def touched_before(timeline: Timeline, event: Event[Any]) -> Foreign | None:
    """What another client did to this very object before a moment: the controller may have acted because of it."""
    return next((act for act in foreign(timeline) if act.uid == event.uid and act.line < event.line), None)


def of_end(timeline: Timeline, event: Event[Any]) -> Authorship:
    """Who asked for the end of this object, from any of its versions since then."""
    if event.uid in harness.deleted(timeline, event.kind):
        return Authorship(Author.US, "its own request")
    for write in timeline.writes:
        if write.uid == event.uid and (write.verb == "delete" or write.subresource == "eviction"):
            return _user(write)
    if isinstance(event.fact, facts.Pod) and event.fact.node in {node for node, _, _ in harness.absent_nodes(timeline)}:
        return Authorship(Author.US, f"it took node {event.fact.node} away")
    if isinstance(event.fact, facts.Pod) and event.fact.disrupted:
        return Authorship(Author.OTHER, f"condition DisruptionTarget, {event.fact.disruption}")
    if timeline.audited:
        return Authorship(Author.UNKNOWN, "no request in the audit log")
    if timeline.window.passive:
        return _in_passing(timeline, event)
    if event.kind == "pods":
        if event.uid in _stopped_by_controller(timeline):
            return Authorship(Author.CONTROLLER, "its Event SuccessfulDelete")
        if event.fact.owner_uid is None or sets.leaving(timeline, event.fact.owner_uid, event.rv):
            return Authorship(Author.CLUSTER, "garbage collection of a deleted StatefulSet")
    if timeline.alone:
        return Authorship(Author.CONTROLLER, "nobody else acts on a cluster that the run made")
    return Authorship(Author.UNKNOWN, "no Event, and no audit log")


def _in_passing(timeline: Timeline, event: Event[Any]) -> Authorship:
    """Who asked for an end that was only watched: users are at work there too, and there is no audit log.

    A StatefulSet's controller writes an Event for each pod it stops. Where it was seen to write, had not written so
    many that some were dropped, and had time to write this one, no Event means that another client asked.
    """
    if event.uid in _stopped_by_controller(timeline):
        return Authorship(Author.CONTROLLER, "its Event SuccessfulDelete")
    owners = event.fact.owner_uids
    if event.kind == "services" and not owners:
        return Authorship(Author.OTHER, "nothing owns it, and a StatefulSet's controller may not delete Services")
    if event.kind == "pods" and not any(sets.leaving(timeline, uid, event.rv) for uid in owners):
        said = sum(note.fact.count - (note.before.count if note.before else 0) for note in timeline.notes)
        if 0 < said < EVENTS_OF_ONE_OBJECT and _last_second(timeline) - event.seconds > GRACE_SECONDS:
            return Authorship(Author.OTHER, "the controller wrote Events, and none that it stopped this Pod")
    return Authorship(Author.UNKNOWN, "no Event, and no audit log")


@question
def _last_second(timeline: Timeline) -> float:
    """When the last version of any of this was seen."""
    histories = (timeline.sets, timeline.pods, timeline.claims, timeline.revisions)
    return max((e.seconds for history in histories for e in history.events), default=0.0)


def known_other(timeline: Timeline, end: Event[Any]) -> bool:
    """Whether it is known that somebody other than this run and the set's controller asked for the end of an object."""
    by = of_end(timeline, end)
    return by.author is Author.OTHER or (by.author is Author.CLUSTER and by.how.endswith(AUDITED))


def of_write(timeline: Timeline, event: Event[Any]) -> Authorship:
    """Who wrote this version."""
    if event.rv in harness.wrote(timeline):
        return Authorship(Author.US, "its own request")
    for write in timeline.writes:
        if write.rv == event.rv and write.name == event.name:
            return _user(write)
    before = event.before.managers if event.before else {}
    strangers = {name for name in event.fact.managers if name not in CLUSTER_MANAGERS}
    wrote = {name for name, when in event.fact.managers.items() if before.get(name) != when}
    if wrote & strangers or (strangers and not wrote):
        return Authorship(Author.OTHER, f"field manager {', '.join(sorted(wrote & strangers or strangers))}")
    return Authorship(Author.CONTROLLER, "no other field manager")


def _user(write: Write) -> Authorship:
    how = f"{write.user}{AUDITED}"
    if CONTROLLER_USER in (write.user, *write.agent.split("/")):
        return Authorship(Author.CONTROLLER, how)
    return Authorship(Author.CLUSTER if CLUSTER_USERS.fullmatch(write.user) else Author.OTHER, how)


@question
def foreign(timeline: Timeline) -> tuple[Foreign, ...]:
    """What others did in this window to the set, its pods, claims and revisions, in the order of the recording.

    Only what can change what happens next: the set's spec, an end, an owner, a label. In a recording of a user's own
    namespace the spec is theirs to change.
    """
    found = [_as_foreign(e, by) for e, by in _spec_changes(timeline)]
    for history in (timeline.pods, timeline.claims, timeline.revisions):
        ends = (*history.stopping(), *(e for e in history.gone() if not (e.before and e.before.terminating)))
        found += [_as_foreign(e, by) for e in ends if not (by := of_end(timeline, e)).may_be_blamed]
        for event in history.events:
            before, now = event.before, event.now
            if before and now and (before.owner_uids, before.labels) != (now.owner_uids, now.labels):
                by = of_write(timeline, event)
                found += [_as_foreign(event, by)] if not by.may_be_blamed else []
    return tuple(sorted(found, key=lambda act: act.line))


def _spec_changes(timeline: Timeline) -> Iterator[tuple[Event[facts.StatefulSet], Authorship]]:
    ours, managers = harness.wrote(timeline), timeline.window.plan.managers
    for event in timeline.sets.events if timeline.window.scenario != PASSIVE else ():
        before, now = event.before, event.now
        if before and now and before.generation != now.generation and not now.terminating and event.rv not in ours:
            wrote = {name for name, when in now.managers.items() if before.managers.get(name) != when}
            if not wrote or wrote - {"stsconf", *managers}:
                by = of_write(timeline, event)
                yield event, by if not by.may_be_blamed else Authorship(Author.UNKNOWN, "not by this run")


def _as_foreign(event: Event[Any], by: Authorship) -> Foreign:
    ended = event.now is None or event.fact.terminating
    verb = "was deleted" if ended else "was changed"
    return Foreign(event.line, event.seconds, event.uid, f"{event.kind} {event.name} {verb}", by)


@question
def _stopped_by_controller(timeline: Timeline) -> frozenset[str]:
    """Uids of the pods whose stop the Events of the set's controller name.

    One Event may stand for several stops of one pod name: its count rises. Each rise is matched, in revision order, to
    the latest stop before it that nobody else explains and that happened at the Event's second.
    """
    stops: dict[str, list[Event[facts.Pod]]] = defaultdict(list)
    for event in (*timeline.pods.stopping(), *timeline.pods.gone()):
        if event.uid not in {e.uid for e in stops[event.name]} | harness.deleted(timeline, "pods"):
            stops[event.name].append(event)
    found: set[str] = set()
    for note in timeline.notes:
        named = STOPPED.match(note.fact.message or "") if note.fact.reason == "SuccessfulDelete" else None
        rise = note.fact.count - (note.before.count if note.before else 0)
        candidates = [
            e
            for e in stops[named[1] if named else ""]
            if e.rv < note.rv and e.uid not in found and _same_second(e, note)
        ]
        found |= {e.uid for e in sorted(candidates, key=lambda e: e.rv)[-rise:]} if rise > 0 else set()
    return frozenset(found)


def _same_second(stop: Event[facts.Pod], note: Event[facts.Note]) -> bool:
    """Whether an Event can be about this stop, by the clocks of the servers that wrote them."""
    then, said = stop.fact.written, note.fact.last_seen
    return then is None or said is None or abs(said - then) <= CLOCK
