"""What was asked of the set, when, and whether its controller got there."""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from stsconf.timeline import facts
from stsconf.timeline.epochs import Epoch
from stsconf.timeline.events import END, Event
from stsconf.timeline.question import question
from stsconf.timeline.timeline import Timeline


@question
def epochs(timeline: Timeline) -> tuple[Epoch, ...]:
    """The versions of the set's spec, in order; a generation is one of them."""
    versions = (e for e in timeline.sets.events if e.now is not None)
    turns = [e for e in versions if e.before is None or e.before.generation != e.fact.generation]
    holes = [gap.after_rv + 1 for gap in timeline.sets.gaps]
    ends = [*(turn.rv for turn in turns), END][1:]
    return tuple(
        Epoch(turn, min([end, *(hole for hole in holes if hole > turn.rv)]))
        for turn, end in zip(turns, ends, strict=True)
    )


def scalings(timeline: Timeline) -> list[tuple[facts.StatefulSet, Epoch]]:
    """Each change of ``spec.replicas`` that was seen: the spec before it, and the epoch it began."""
    timeline.same_domain("statefulsets")
    return [
        (was.spec, now)
        for was, now in pairwise(epochs(timeline))
        if was.spec.replicas != now.spec.replicas and not timeline.sets.unseen(was.began.rv, now.began.rv)
    ]


def rest(timeline: Timeline, epoch: Epoch) -> Event[facts.StatefulSet] | None:
    """The last version of the set within an epoch, if its status says that everything asked for is done.

    An earlier one may say so as well: a controller notes that it has seen a spec before it acts on it.
    """
    own = [e for e in timeline.sets.events if epoch.began.rv <= e.rv < epoch.until_rv and e.now is not None]
    return own[-1] if own and own[-1].fact.at_rest and not own[-1].fact.terminating else None


def rests(timeline: Timeline) -> list[tuple[Epoch, Event[facts.StatefulSet]]]:
    """The epochs that came to rest, and when."""
    return [(epoch, done) for epoch in epochs(timeline) if (done := rest(timeline, epoch))]


def in_force(timeline: Timeline, rv: int) -> Epoch | None:
    """The epoch that a revision of another kind falls into."""
    return next((e for e in reversed(epochs(timeline)) if e.began.rv < rv <= e.until_rv), None)


def spec_at(timeline: Timeline, rv: int) -> facts.StatefulSet | None:
    """The set as stored right before revision ``rv`` of another kind; ``None`` before it existed."""
    timeline.same_domain("statefulsets")
    event = timeline.sets.before(rv, timeline.window.set_name)
    return event.now if event else None


def first_ordinal(timeline: Timeline) -> int:
    """``spec.ordinals.start`` of the first version of the set that was seen."""
    return timeline.sets.events[0].fact.start if timeline.sets.events else 0


def life(timeline: Timeline, uid: str | None = None) -> facts.StatefulSet | None:
    """The set of this uid as last seen; without one, or of an unknown one, the last set of the window's name."""
    events = timeline.sets.events
    own = next((e for e in reversed(events) if e.uid == uid), events[-1] if events else None)
    return own.fact if own else None


def life_at(timeline: Timeline, event: Event[Any]) -> facts.StatefulSet | None:
    """The set that was there last when something else happened, as last seen; ``None`` if none had been.

    A name can be used by one set after another. Raises ``UnknownFact`` where kinds must be compared and cannot be.
    """
    uids = {e.uid for e in timeline.sets.events}
    if len(uids) < 2:
        return life(timeline)
    timeline.same_domain("statefulsets", event.kind)
    past = [e.uid for e in timeline.sets.events if e.rv < event.rv]
    return life(timeline, past[-1]) if past else None


def alike(timeline: Timeline, one: str | None, other: str | None) -> bool:
    """Whether two sets of the window's name, by uid, give their pods the same Service and the same claims.

    ``None`` is a set that is not known: it may have been any of them.
    """
    lives = [life(timeline, uid) for uid in {e.uid for e in timeline.sets.events} if None in (one, other)]
    lives += [life(timeline, one), life(timeline, other)] if None not in (one, other) else []
    return len({(s.service_name, tuple(t.name for t in s.claim_templates)) for s in lives if s}) < 2


def claim_templates(timeline: Timeline, uid: str | None = None) -> tuple[facts.ClaimTemplate, ...]:
    """The claim templates of a set, by uid as in ``life``; they cannot change."""
    own = life(timeline, uid)
    return own.claim_templates if own else ()


def service_name(timeline: Timeline, uid: str | None = None) -> str | None:
    """The name of a set's governing Service, by uid as in ``life``; ``None`` where it has none."""
    own = life(timeline, uid)
    return (own.service_name or None) if own else None


def template_volumes(timeline: Timeline, uid: str | None = None) -> frozenset[str]:
    """Names of the volumes in a set's pod template, by uid as in ``life``."""
    own = life(timeline, uid)
    return own.template_volumes if own else frozenset()


def selector(timeline: Timeline, uid: str | None = None) -> Mapping[str, str]:
    """The labels a set selects its pods by, by uid as in ``life``; they cannot change."""
    own = life(timeline, uid)
    return own.selector if own else {}


def noticed(timeline: Timeline, epoch: Epoch) -> int:
    """The revision from which the set's own status says that its controller has seen the epoch's spec."""
    for event in timeline.sets.events:
        if event.rv >= epoch.began.rv and event.fact.observed_generation >= epoch.spec.generation:
            return event.rv
    return epoch.until_rv


def changes(timeline: Timeline) -> list[tuple[Epoch, Epoch]]:
    """Each change of one set's spec that was seen: the epoch before it, and the one it began."""
    timeline.same_domain("statefulsets")
    return [
        (was, now)
        for was, now in pairwise(epochs(timeline))
        if was.began.uid == now.began.uid and not timeline.sets.unseen(was.began.rv, now.began.rv)
    ]


@question
def deletions(timeline: Timeline) -> tuple[Event[facts.StatefulSet], ...]:
    """The moments at which a set was asked to go or, where nothing held it back, was gone; in order."""
    timeline.same_domain("statefulsets")
    asked = [timeline.sets.deletion_of(uid) for uid in {e.uid for e in timeline.sets.events}]
    return tuple(sorted((e for e in asked if e), key=lambda e: e.rv))


def leaving(timeline: Timeline, uid: str, rv: int) -> bool:
    """Whether this very set was gone, or being deleted, right before a revision of another kind."""
    found = [e for e in timeline.sets.events if e.uid == uid and e.rv < rv]
    return bool(found) and (found[-1].now is None or found[-1].fact.terminating)
