"""What was asked of the set, when, and whether its controller got there."""

from collections.abc import Mapping
from itertools import pairwise

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


def claim_templates(timeline: Timeline) -> tuple[facts.ClaimTemplate, ...]:
    """The set's claim templates, which cannot change."""
    return timeline.sets.events[-1].fact.claim_templates if timeline.sets.events else ()


def service_name(timeline: Timeline) -> str | None:
    """The governing Service's name."""
    return timeline.sets.events[-1].fact.service_name if timeline.sets.events else None


def template_volumes(timeline: Timeline) -> frozenset[str]:
    """Names of the volumes in the set's pod template."""
    return timeline.sets.events[-1].fact.template_volumes if timeline.sets.events else frozenset()


def selector(timeline: Timeline) -> Mapping[str, str]:
    """The labels the set selects its pods by, which cannot change."""
    return timeline.sets.events[-1].fact.selector if timeline.sets.events else {}


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
