"""The set's PersistentVolumeClaims: templates, owners, retention."""

from collections.abc import Callable

from stsconf.errors import UnknownFact
from stsconf.timeline import facts
from stsconf.timeline.events import Event
from stsconf.timeline.questions import ownership, pods, sets
from stsconf.timeline.timeline import Timeline


def retained_when_scaled(timeline: Timeline) -> bool:
    """Whether the retention policy was Retain all along, the default. Raises ``UnknownFact`` if some was missed."""
    return _all_along(timeline, lambda spec: spec.when_scaled == "Retain")


def retained(timeline: Timeline) -> bool:
    """Whether the retention policy was Retain all along, also for the deletion of the set. Raises the same."""
    return _all_along(timeline, lambda spec: spec.when_scaled == spec.when_deleted == "Retain")


def _all_along(timeline: Timeline, condition: Callable[[facts.StatefulSet], bool]) -> bool:
    if timeline.sets.gaps:
        raise UnknownFact("part of statefulsets was not seen")
    return all(condition(e.fact) for e in timeline.sets.events)


def admission(timeline: Timeline) -> str:
    """Who but the set's controller may have chosen what a claim asks for, in words, or "" where nobody else is."""
    return "" if timeline.alone else "admission on this cluster may have changed it"


def template_of(timeline: Timeline, claim: facts.Claim) -> facts.ClaimTemplate | None:
    """The template a claim was made from."""
    prefix = f"-{timeline.window.set_name}-"
    return next((t for t in sets.claim_templates(timeline) if claim.name.startswith(t.name + prefix)), None)


def mounting_again(timeline: Timeline, stop: Event[facts.Claim]) -> list[Event[facts.Pod]]:
    """Pods that were created with a claim of this name after that had been asked to go."""
    return [e for e in pods.created_by_set(timeline) if e.rv > stop.rv and stop.name in e.fact.claims.values()]


def of_set_at(timeline: Timeline, rv: int) -> list[Event[facts.Claim]]:
    """The set's claims right before a revision of another kind, but for those that somebody else controls."""
    timeline.same_domain("persistentvolumeclaims", "statefulsets")
    return [e for e in timeline.claims.at(rv) if not foreign(timeline, e.fact)]


def foreign(timeline: Timeline, claim: facts.Claim) -> bool:
    """Whether somebody else controls a claim: neither a set of this window nor one of its pods."""
    ours = ownership.set_uids(timeline) | ownership.pod_uids(timeline)
    return claim.owner_uid is not None and claim.owner_uid not in ours
