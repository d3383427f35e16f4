"""Who controls which pod: owner references, adoption and release."""

from collections.abc import Iterator

from stsconf.timeline import facts
from stsconf.timeline.events import Event
from stsconf.timeline.question import question
from stsconf.timeline.questions import sets
from stsconf.timeline.timeline import Timeline


def strays(timeline: Timeline) -> Iterator[Event[facts.Pod]]:
    """Pods that came to carry the set's controller reference, under a name it would not give."""
    name = timeline.window.set_name
    owned = timeline.pods.becoming(lambda pod: owns(timeline, pod))
    return (e for e in owned if (facts.ordinal_of(e.name) or ("", 0))[0] != name)


def owned_at(timeline: Timeline, rv: int, uid: str) -> list[Event[facts.Pod]]:
    """The pods that carried a set's controller reference right before a revision of another kind."""
    timeline.same_domain()
    return [e for e in timeline.pods.at(rv) if e.fact.owner_uid == uid]


def orphans_at(timeline: Timeline, rv: int) -> list[Event[facts.Pod]]:
    """Pods without an owner that a set created at this revision must adopt: its labels, one of its names."""
    timeline.same_domain("statefulsets")
    there = timeline.pods.at(rv)
    made = next((e.uid for e in timeline.sets.created() if e.rv == rv), None)
    return [e for e in there if not e.fact.owner_uids and not e.fact.terminating and matches(timeline, e.fact, made)]


def owns(timeline: Timeline, pod: facts.Pod) -> bool:
    """Whether the pod carries the controller reference of a set of this window."""
    return pod.owner_uid in set_uids(timeline)


@question
def set_uids(timeline: Timeline) -> frozenset[str]:
    """Uids of every set that carried the name in this window."""
    return frozenset(e.uid for e in timeline.sets.events)


@question
def pod_uids(timeline: Timeline) -> frozenset[str]:
    """Uids of every pod of this window."""
    return frozenset(e.uid for e in timeline.pods.events)


def matches(timeline: Timeline, pod: facts.Pod, uid: str | None = None) -> bool:
    """Whether the pod carries the labels that a set selects by: the one of this uid, or else the pod's own."""
    return sets.selector(timeline, uid or pod.owner_uid).items() <= pod.labels.items()


def unmatched(timeline: Timeline) -> Iterator[Event[facts.Pod]]:
    """The moments at which a pod lost a label that the set selects by, or was gone."""
    return timeline.pods.losing(lambda pod: matches(timeline, pod))


def orphaned(timeline: Timeline, uid: str) -> Event[facts.Pod] | None:
    """The moment at which a pod lost its owner."""
    losing = timeline.pods.losing(lambda pod: pod.owner_uid is not None)
    return next((e for e in losing if e.uid == uid and e.now is not None), None)


def adopted(timeline: Timeline, uid: str, owner: str) -> Event[facts.Pod] | None:
    """The moment at which a pod that was there came to carry this set's controller reference."""
    becoming = timeline.pods.becoming(lambda pod: pod.owner_uid == owner)
    return next((e for e in becoming if e.uid == uid and e.before is not None), None)
