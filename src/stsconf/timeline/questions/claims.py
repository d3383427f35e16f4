"""The set's PersistentVolumeClaims: templates, owners, retention."""

from collections.abc import Callable

from stsconf.errors import UnknownFact
from stsconf.timeline import facts
from stsconf.timeline.events import Change, Event
from stsconf.timeline.questions import authors, ownership, pods, sets
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


def template_of(timeline: Timeline, claim: Event[facts.Claim]) -> tuple[facts.ClaimTemplate | None, str]:
    """The template a claim was made from, and in words why that is not certain, or "".

    ``None`` where the set's controller did not make it: it was there before any set, or another client made it.
    """
    versions = [e for e in timeline.claims.named(claim.name) if e.uid == claim.uid]
    made, doubt = versions[0], ""
    if made.change is Change.ADDED:
        by, own = authors.of_write(timeline, made), sets.life_at(timeline, made)
        if own is None or by.author is authors.Author.OTHER:
            return None, ""
    else:
        own, doubt = (
            sets.life(timeline),
            f"{claim.name} was there before the recording" if timeline.window.passive else "",
        )
    prefix = f"-{timeline.window.set_name}-"
    return next(
        (t for t in (own.claim_templates if own else ()) if claim.name.startswith(t.name + prefix)), None
    ), doubt


def at_end_of_set(timeline: Timeline, uid: str | None, name: str) -> Event[facts.Claim] | None:
    """A claim when the set of this uid was asked to go, or at the end; what happens later is another promise's."""
    asked = timeline.sets.deletion_of(uid) if uid else None
    if asked is None:
        return timeline.claims.latest().get(name)
    timeline.same_domain("persistentvolumeclaims", "statefulsets")
    found = timeline.claims.before(asked.rv, name)
    return found if found and found.now is not None else None


def owners_of_ours(timeline: Timeline, claim: facts.Claim) -> frozenset[str]:
    """Uids of the owners of a claim that are sets of this window or their pods; a user may add others."""
    return claim.owner_uids & (ownership.set_uids(timeline) | ownership.pod_uids(timeline))


def mounting_again(timeline: Timeline, stop: Event[facts.Claim]) -> list[Event[facts.Pod]]:
    """Pods that were created with a claim of this name after that had been asked to go."""
    return [e for e in pods.created_by_set(timeline) if e.rv > stop.rv and stop.name in e.fact.own_claims.values()]


def of_set_at(timeline: Timeline, rv: int) -> list[Event[facts.Claim]]:
    """The set's claims right before a revision of another kind, but for those that somebody else controls."""
    timeline.same_domain("persistentvolumeclaims", "statefulsets")
    return [e for e in timeline.claims.at(rv) if not foreign(timeline, e.fact)]


def foreign(timeline: Timeline, claim: facts.Claim) -> bool:
    """Whether somebody else controls a claim: neither a set of this window nor one of its pods."""
    ours = ownership.set_uids(timeline) | ownership.pod_uids(timeline)
    return claim.owner_uid is not None and claim.owner_uid not in ours
