"""A timeline as lanes: one for each object, with the states it was in, from when to when.

Seconds are those of the recording's clock, the same as in every witness.
"""

import bisect
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from stsconf.judging.verdict import TimelineVerdict, Verdict, singular
from stsconf.timeline import facts
from stsconf.timeline.events import Action, Event, Observation
from stsconf.timeline.history import History
from stsconf.timeline.timeline import Timeline


class State(StrEnum):
    """What people call the state of an object. Pods: the first six; claims and volumes; sets; revisions."""

    PENDING = "Pending"
    NOT_READY = "Running, not Ready"
    READY = "Ready"
    TERMINATING = "Terminating"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    BOUND = "Bound"
    RELEASED = "Released"
    MOVING = "Moving"
    """A set whose status does not yet show everything that was asked for."""
    SETTLED = "Settled"
    KEPT = "Kept"
    """A revision that exists."""


@dataclass(frozen=True, slots=True)
class Span:
    """One object in one state. ``detail`` is what else changed: revision, ready count, volume. ``line`` began it."""

    start: float
    end: float
    state: State
    detail: str
    uid: str
    line: int
    rv: int


@dataclass(frozen=True, slots=True)
class Lane:
    """Everything that ever carried one name, when it was gone, and the periods in which its kind was not seen."""

    kind: str
    name: str
    spans: tuple[Span, ...]
    gone: tuple[Event[Any], ...] = ()
    unseen: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Lanes:
    """All lanes of a timeline: the set, its revisions, pods, claims, volumes; ``start`` to ``end`` holds them all."""

    start: float
    end: float
    lanes: tuple[Lane, ...]
    events: int
    revisions: Mapping[str, str]
    """Names of ControllerRevisions to the words shown for them: ``rev 1``."""

    def lane(self, kind: str, name: str) -> Lane | None:
        """The lane of one object; ``kind`` in the API's singular, as witnesses have it."""
        return next((lane for lane in self.lanes if lane.kind == kind and lane.name == name), None)


def lanes(timeline: Timeline) -> Lanes:
    """Reduce a timeline to lanes. A state that was found in a list begins when the list was read."""
    histories: list[History[Any]] = [
        timeline.sets,
        timeline.revisions,
        timeline.pods,
        timeline.claims,
        timeline.volumes,
    ]
    moments = sorted((e.rv, e.seconds) for history in histories for e in history.events)
    seconds = [s for _, s in moments]
    seconds += [action.seconds for action in timeline.actions] + [seen.seconds for seen in timeline.observations]
    start, end = (min(seconds), max(seconds)) if seconds else (0.0, 0.0)
    revisions = _revisions(timeline.revisions)
    states: Mapping[str, Callable[[Any], tuple[State, str]]] = {
        "statefulsets": _set,
        "controllerrevisions": lambda fact: (State.KEPT, f"revision {fact.number}"),
        "pods": lambda fact: _pod(fact, revisions),
        "persistentvolumeclaims": _claim,
        "persistentvolumes": _volume,
    }
    found: list[Lane] = []
    for history in histories:
        unseen = tuple(_unseen(history, moments, start, end))
        names = dict.fromkeys(event.name for event in history.events)
        if history.kind != "controllerrevisions":
            names = dict.fromkeys(sorted(names, key=_natural))
        for name in names:
            spans = tuple(_spans(history.named(name), states[history.kind], end))
            if spans:
                gone = tuple(event for event in history.named(name) if event.now is None)
                found.append(Lane(singular(history.kind), name, spans, gone, unseen))
    return Lanes(start, end, tuple(found), len(moments), revisions)


def on(timeline: Timeline, verdict: Verdict) -> TimelineVerdict | None:
    """What a verdict says about this timeline."""
    window = timeline.window
    key = (window.scenario, window.namespace, window.set_name)
    return next((t for t in verdict.timelines if (t.scenario, t.namespace, t.set_name) == key), None)


def say_action(action: Action, set_name: str) -> str:
    """One call of the harness in a few words: ``scale web to 1``, ``patch web: partition 2``."""
    name = action.name if action.name == set_name else f"{singular(action.resource)} {action.name}"
    body = action.body if isinstance(action.body, Mapping) else {}
    replicas = (body.get("spec") or {}).get("replicas") if isinstance(body.get("spec"), Mapping) else None
    if action.verb == "scale" and replicas is not None:
        return f"scale {name} to {replicas}"
    if action.verb in ("create", "apply"):
        return f"{action.verb} {name}" + (f", {replicas} replicas" if replicas is not None else "")
    said = list(_leaves(body)) if action.verb == "patch" else []
    more = ", ..." if len(said) > 2 else ""
    return f"{action.verb} {name}" + (f": {', '.join(said[:2])}{more}" if said else "")


def say_observation(seen: Observation) -> str:
    """What the harness wrote to a volume or found on one: ``wrote 2_4f1c to www-web-2``."""
    if seen.verb == "write":
        return f"wrote {seen.marker} to {seen.claim}"
    found = "found nothing" if seen.content is None else f"found {seen.content}"
    return f"looked for {seen.marker} in {seen.claim} over {seen.via}: {found}"


def _leaves(body: object, key: str = "") -> Iterable[str]:
    """The values of a patch with the name each is under."""
    if isinstance(body, Mapping):
        for name, value in body.items():
            yield from _leaves(value, str(name))
    elif isinstance(body, list):
        for value in body:
            yield from _leaves(value, key)
    elif key not in ("name", "apiVersion", "kind"):
        yield f"{key} {body}"


def _natural(name: str) -> tuple[str, int]:
    return facts.ordinal_of(name) or (name, -1)


def _revisions(history: History[facts.Revision]) -> dict[str, str]:
    """Revisions in order of appearance, each called by the number it had first: going back raises its number."""
    found: dict[str, str] = {}
    for event in history.events:
        found.setdefault(event.name, f"rev {event.fact.number}")
    return found


def _set(fact: facts.StatefulSet) -> tuple[State, str]:
    detail = f"{fact.ready_replicas}/{fact.replicas}"
    if fact.terminating:
        return State.TERMINATING, detail
    seen = fact.observed_generation >= fact.generation
    settled = seen and fact.status_replicas == fact.ready_replicas == fact.replicas
    return State.SETTLED if settled else State.MOVING, detail


def _pod(fact: facts.Pod, revisions: Mapping[str, str]) -> tuple[State, str]:
    detail = revisions.get(fact.revision or "", fact.revision or "")
    if fact.terminating:
        return State.TERMINATING, detail
    if fact.phase == "Running":
        return State.READY if fact.ready else State.NOT_READY, detail
    known = {"Failed": State.FAILED, "Succeeded": State.SUCCEEDED}
    return known.get(fact.phase or "", State.PENDING), detail


def _claim(fact: facts.Claim) -> tuple[State, str]:
    if fact.terminating:
        return State.TERMINATING, fact.volume_name or ""
    known = {"Bound": State.BOUND, "Lost": State.FAILED}
    return known.get(fact.phase or "", State.PENDING), fact.volume_name or ""


def _volume(fact: facts.Volume) -> tuple[State, str]:
    if fact.terminating:
        return State.TERMINATING, fact.place or ""
    known = {"Bound": State.BOUND, "Released": State.RELEASED, "Failed": State.FAILED}
    return known.get(fact.phase or "", State.PENDING), fact.place or ""


def _spans(events: Iterable[Event[Any]], state_of: Callable[[Any], tuple[State, str]], end: float) -> Iterable[Span]:
    current: Span | None = None
    for event in events:
        state = state_of(event.now) if event.now is not None else None
        if current and state and (current.state, current.detail, current.uid) == (*state, event.uid):
            continue
        if current:
            yield _until(current, event.seconds)
        current = None
        if state:
            current = Span(event.seconds, event.seconds, *state, event.uid, event.line, event.rv)
    if current:
        yield _until(current, end)


def _until(span: Span, end: float) -> Span:
    return replace(span, end=max(span.start, end))


def _unseen(
    history: History[Any], moments: list[tuple[int, float]], start: float, end: float
) -> Iterable[tuple[float, float]]:
    """Gaps as periods: from the last moment known before the missing versions to the first one after."""
    if not history.gaps:
        return
    known: dict[int, float] = defaultdict(float)
    for rv, seconds in moments:
        known[rv] = max(known[rv], seconds)
    versions = sorted(known)
    for gap in history.gaps:
        low = bisect.bisect_right(versions, gap.after_rv) - 1
        high = bisect.bisect_right(versions, gap.until_rv)
        began = known[versions[low]] if low >= 0 else start
        ended = known[versions[high]] if high < len(versions) else end
        yield began, max(began, ended)
