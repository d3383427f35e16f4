"""Whether a state that was not reached is owed: what clears a set's controller of it, or what is not known.

That we waited, and it did not come, proves nothing by itself. It is owed where the controller could act: the scenario
was waited for to its end, the recording is whole, nothing around the controller blocked the set, nobody else acted on
it, the controller was alive, and what it had to react to was not a moment old.
"""

from collections.abc import Collection, Iterable, Iterator
from typing import Any

from stsconf.timeline.epochs import Epoch
from stsconf.timeline.events import GRACE_SECONDS, Change, Event, Reason
from stsconf.timeline.facts import Pod
from stsconf.timeline.questions import authors, pods, sets
from stsconf.timeline.timeline import Timeline

OWED_SECONDS = 10.0
"""How long after the last change of the spec a wait must have lasted: twice the grace."""
OWN_FINALIZERS = frozenset(
    {"kubernetes.io/pvc-protection", "kubernetes.io/pv-protection", "foregroundDeletion", "orphan"}
)
"""Finalizers that Kubernetes itself sets and removes."""
Excuse = tuple[Reason, str]
"""Why something is not owed, or not known to be: the reason, and a sentence."""


def excuse(timeline: Timeline, witness: Collection[Event[Any]], *, of_ready_pods: bool) -> Excuse | None:
    """What clears the controller of a state that was not reached when the scenario ended; ``None``: it owes it.

    ``witness`` are the objects that bear on the state. ``of_ready_pods``: Pods that are there and get Ready are part of
    it, which is the work of their node, and the controller's to make only the Pods that are missing.
    """
    window = timeline.window
    if around := window.end.environment:
        return Reason.ENVIRONMENT, f"not reached: {around}"
    if window.settled is None or timeline.problems:
        return Reason.NOT_REACHED, window.unfinished or "not reached while we watched"
    if late := _later(timeline, witness):
        return (Reason.ENVIRONMENT if window.settled else Reason.NOT_REACHED), late
    if held := next(_held(timeline, witness), ""):
        return Reason.ENVIRONMENT, f"not reached: {held}"
    if acts := authors.foreign(timeline):
        return Reason.INTERFERENCE, f"not reached, and {acts[0]}"
    if window.settled:
        return _last_moment(timeline)
    asked = max((e for e in sets.epochs(timeline)), key=lambda e: e.began.rv, default=None)
    if asked and window.ended - asked.began.seconds < OWED_SECONDS:
        return (
            Reason.NOT_REACHED,
            f"not reached within {window.ended - asked.began.seconds:.1f} s, which may be too short",
        )
    if asked and not _acted_since(timeline, asked):
        return (
            Reason.NOT_REACHED,
            "not reached, and since the last change of the spec the controller was not seen at work",
        )
    if of_ready_pods and (unready := next((e for e in pods.members(timeline) if not _is_well(e.fact)), None)):
        return Reason.ENVIRONMENT, f"not reached: Pod {unready.name} is there and is not Running and Ready"
    return None


def _acted_since(timeline: Timeline, asked: Epoch) -> bool:
    """Whether the set's controller did something, or noticed the change, since the set was last changed."""
    if any(
        e.now and e.rv > asked.began.rv and e.now.observed_generation >= asked.spec.generation
        for e in timeline.sets.events
    ):
        return True
    kinds = ("pods", "controllerrevisions", "persistentvolumeclaims")
    made = [e.rv for kind in kinds for e in timeline.of_kind(kind).created()]
    stopped = [stop.rv for stop, _ in pods.controller_stops(timeline)]
    return max(made + stopped, default=0) > asked.began.rv


def _held(timeline: Timeline, witness: Iterable[Event[Any]]) -> Iterator[str]:
    """Objects among these, and the set's pods, that are to go and are kept by a finalizer of somebody else.

    The claim of a pod that is missing counts as well: no pod is made again before its old claim is gone.
    """
    there = pods.members(timeline)
    mounted = {name for pod in there for name in pod.fact.claims.values()}
    unmounted = [claim for claim in timeline.claims.latest().values() if claim.name not in mounted]
    for event in (*witness, *there, *unmounted):
        versions = [e for e in timeline.of_kind(event.kind).named(event.name) if e.uid == event.uid]
        last = versions[-1].now if versions else None
        if last and last.terminating and (others := last.finalizers - OWN_FINALIZERS):
            yield f"{event.name} is kept by finalizer {', '.join(sorted(others))}"


def _is_well(pod: Pod) -> bool:
    return pod.healthy or pod.terminating or pod.finished


def _last_moment(timeline: Timeline) -> Excuse | None:
    """A change around the controller that its status could not yet tell of when the scenario ended."""
    ended, told = timeline.window.ended, max((e.rv for e in timeline.sets.events), default=0)
    for event in reversed(timeline.pods.events):
        recent = event.rv > told and event.line <= timeline.window.closed and ended - event.seconds <= GRACE_SECONDS
        if recent and event.change is not Change.ADDED and _worse(event):
            return Reason.RACED, f"Pod {event.name} changed {ended - event.seconds:.3f} s before the scenario ended"
    return None


def _worse(event: Event[Pod]) -> bool:
    """Whether a pod ceased to be Running and Ready at this moment."""
    return bool(event.before and event.before.healthy and not (event.now and event.now.healthy))


def _later(timeline: Timeline, witness: Iterable[Event[Any]]) -> str:
    """What happened only after the window had ended, and clears the controller of what was not reached, or "".

    Where the set had settled, one of these pods ceased to be Ready without having been asked to stop, such as on a node
    that was lost then. Where the wait had run out, one of these pods became Ready at last: it was slow, not stuck.
    """
    window, uids = timeline.window, {event.uid for event in witness}
    turned = timeline.pods.losing if window.settled else timeline.pods.becoming
    turns = [e for e in turned(lambda pod: pod.ready) if e.uid in uids]
    late = [e for e in turns if e.line > window.closed]
    if window.settled:
        left = (e for e in late if not e.fact.terminating)
        return next((f"Pod {e.name} stopped being Ready after the scenario had ended" for e in left), "")
    before = {e.uid for e in turns if e.line <= window.closed}
    seen = "not reached in time, but Pod {} became Ready after that for the first time: it was slow, not stuck"
    return next((seen.format(e.name) for e in late if e.uid not in before), "") if window.waited_for else ""
