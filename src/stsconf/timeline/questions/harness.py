"""What the harness itself did to the set, its pods, claims and nodes, and to the control plane."""

import math

from stsconf.timeline import facts
from stsconf.timeline.events import Action, Event, evicted
from stsconf.timeline.question import question
from stsconf.timeline.questions import sets
from stsconf.timeline.timeline import Timeline


def deleted_pods(timeline: Timeline) -> frozenset[str]:
    """Uids of the pods that the harness deleted or evicted."""
    return deleted(timeline, "pods")


@question
def deleted(timeline: Timeline, kind: str) -> frozenset[str]:
    """Uids of the objects of one kind that the harness deleted or evicted."""
    deletions = [a for a in timeline.actions if a.resource == kind and a.verb == "delete"]
    answered = {a.uid for a in deletions if a.uid} | (evicted(timeline.actions) if kind == "pods" else set())
    unanswered = {e.uid for a in deletions if not a.uid for e in timeline.of_kind(kind).named(a.name)}
    return frozenset(answered | unanswered)


def wrote(timeline: Timeline) -> frozenset[int]:
    """The revisions that the harness's own writes returned."""
    return frozenset(action.rv for action in timeline.actions if action.rv)


def deleted_claims(timeline: Timeline) -> set[str]:
    """Names of the claims that the harness deleted."""
    return {a.name for a in timeline.actions if a.verb == "delete" and a.resource == "persistentvolumeclaims"}


def upgrades(timeline: Timeline) -> list[Action]:
    """The moments at which the harness began to exchange the version of the control plane."""
    return [action for action in timeline.actions if action.verb == "upgrade"]


def absent_nodes(timeline: Timeline) -> list[tuple[str, Action, float]]:
    """The nodes that the harness took away: name, the action, and the second at which it gave the node back."""

    def back(lost: Action) -> float:
        returns = (a.seconds for a in timeline.actions if a.verb == "return" and a.body == lost.body)
        return next((seconds for seconds in returns if seconds > lost.seconds), math.inf)

    return [(lost.body["node"], lost, back(lost)) for lost in timeline.actions if lost.verb == "lose"]


def cascades(timeline: Timeline, policy: str) -> list[Event[facts.StatefulSet]]:
    """Those of ``sets.deletions`` that were asked for with this propagation policy: by the harness, or by a user.

    What a user asked for is read off the version that was asked to go: with finalizer ``orphan``, with
    ``foregroundDeletion``, or gone at once.
    """
    if timeline.window.passive:
        return [event for event in sets.deletions(timeline) if _policy(event) == policy]
    wanted = {"propagationPolicy": policy}
    asked = [a for a in timeline.actions if a.verb == "delete" and a.resource == "statefulsets" and a.body == wanted]
    found = (next((e for e in sets.deletions(timeline) if e.seconds >= action.seconds), None) for action in asked)
    return [event for event in found if event is not None]


def _policy(asked: Event[facts.StatefulSet]) -> str:
    """The propagation policy that a deletion shows; "" where another finalizer hides it."""
    if asked.now is None:
        return "Background"
    shown = {"orphan": "Orphan", "foregroundDeletion": "Foreground"}
    return next((policy for finalizer, policy in shown.items() if finalizer in asked.fact.finalizers), "")
