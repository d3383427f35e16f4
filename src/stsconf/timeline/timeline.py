"""A recording as frozen timelines, one per scenario window, and the questions that promises ask of them.

Order inside one kind is resourceVersion order. Order across kinds is the same integer order, but only where the
recording's own probe has shown that the server counts one revision for all of them (KEP-5504 promises it inside one
resource type only). Timestamps in objects are never used for order.
"""

import math
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from itertools import pairwise
from typing import Any, Generic, TypeVar, cast

from stsconf.errors import UnknownFact
from stsconf.timeline import facts
from stsconf.timeline.writes import Write

F = TypeVar("F", bound=facts.Fact)

GRACE_SECONDS = 5.0
"""How long a controller may act on a view that has already changed: the one grace of the whole suite.

Measured on Kubernetes v1.37.2: the oldest view a correct controller acted on was 0.18 s old, under pods that flapped
every 200 ms; its slowest reaction was 0.52 s (see docs/decisions/grace.md).
"""

END = 2**63
"""Past every revision: where a hole ends that was never closed."""

kinds_read: ContextVar[set[str]] = ContextVar("kinds_read", default=set())  # noqa: B039 - the default is a sink
"""Which kinds the promise being judged has looked at: its verdict depends on those being complete."""


class Change(StrEnum):
    """How a version of an object came to be known."""

    ADDED = "ADDED"
    MODIFIED = "MODIFIED"
    DELETED = "DELETED"
    LISTED = "LISTED"
    """Found in a list: it was there before the recording began, or changed unseen inside a gap."""
    LOST = "LOST"
    """Missing from the list after a gap: it went away unseen."""


class Trouble(StrEnum):
    """Why evidence is not enough. The closed list of reasons of an inconclusive verdict."""

    GAP = "gap"
    TRUNCATED = "truncated"
    NOT_REACHED = "not reached"
    VACUOUS = "nothing to check"
    UNORDERED_KINDS = "unordered kinds"
    RACED = "raced"
    INTERFERENCE = "interference"
    INTEGRITY = "integrity"
    FORBIDDEN = "forbidden"
    ENVIRONMENT = "environment"


def trouble_of(unknown: UnknownFact) -> Trouble:
    """The reason that an unknown fact is."""
    return Trouble.UNORDERED_KINDS if str(unknown).startswith(Trouble.UNORDERED_KINDS) else Trouble.GAP


@dataclass(frozen=True, slots=True)
class Problem:
    """A hole in the evidence. ``kind`` is the stream it belongs to, ``None`` for all of them."""

    trouble: Trouble
    kind: str | None
    what: str


@dataclass(frozen=True, slots=True)
class Event(Generic[F]):
    """One version of one object. ``line`` is the line in the recording.

    ``seconds`` is the recorder's clock when the version came to be known; ``late``: that may be long after it happened
    (found in a list, rebuilt after a gap, or delivered right after a broken connection).
    """

    line: int
    seconds: float
    kind: str
    change: Change
    rv: int
    uid: str
    name: str
    before: F | None
    now: F | None
    late: bool = False

    @property
    def fact(self) -> F:
        """The object at this moment; for a deletion, as it was last stored."""
        return cast(F, self.now if self.now is not None else self.before)


@dataclass(frozen=True, slots=True)
class Gap:
    """Versions of one kind in ``after_rv < rv <= until_rv`` were not seen."""

    after_rv: int
    until_rv: int


@dataclass(frozen=True, slots=True)
class Action:
    """One call of the harness. ``rv`` and ``uid`` are what the server returned, ``None`` where it returns none."""

    line: int
    seconds: float
    verb: str
    resource: str
    name: str
    rv: int | None
    uid: str | None = None
    body: Any = None


def evicted(actions: Iterable[Action]) -> set[str]:
    """Uids of the pods that the harness evicted; the server answers with none, so each asks for one."""
    return {a.body["deleteOptions"]["preconditions"]["uid"] for a in actions if a.verb == "evict"}


@dataclass(frozen=True, slots=True)
class Observation:
    """Something the harness wrote to, or read from, a volume; the API does not show content.

    ``via`` is ``exec``, ``http`` (from the pod that mounts it) or ``nfs`` (from the server, past the pod). ``marker``
    is what was written or looked for, ``content`` what was found; ``None``: nothing.
    """

    line: int
    seconds: float
    verb: str
    via: str
    claim: str
    pod_uid: str
    marker: str
    content: str | None

    @property
    def what(self) -> str:
        """In words, for an obligation."""
        return f"content of {self.claim} read over {self.via}"


class History(Generic[F]):
    """Every recorded version of one kind inside one window, in resourceVersion order.

    ``begins_rv`` is the revision of the first list: how things came to be as it shows them was not seen.
    """

    def __init__(self, kind: str, events: Iterable[Event[F]], gaps: Iterable[Gap] = (), begins_rv: int = 0) -> None:
        self.kind = kind
        self.events = tuple(events)
        self.gaps = tuple(gaps)
        self.begins_rv = begins_rv

    @cached_property
    def _by_name(self) -> dict[str, list[Event[F]]]:
        lanes: dict[str, list[Event[F]]] = defaultdict(list)
        for event in self.events:
            lanes[event.name].append(event)
        return lanes

    def named(self, name: str) -> list[Event[F]]:
        """All versions that ever carried this name."""
        return self._by_name.get(name, [])

    def first(self, name: str, condition: Callable[[F], bool] = lambda _: True) -> Event[F] | None:
        """The first version of this name for which the condition holds."""
        return next((e for e in self.named(name) if e.now is not None and condition(e.now)), None)

    def stop_of(self, uid: str) -> Event[F] | None:
        """The moment at which this very object was asked to stop."""
        return next((e for e in self.stopping() if e.uid == uid), None)

    def end_of(self, uid: str) -> Event[F] | None:
        """The moment at which this very object ceased to exist."""
        return next((e for e in self.gone() if e.uid == uid), None)

    def going_of(self, uid: str) -> Event[F] | None:
        """The moment at which this very object was asked to stop or, where nothing held it back, was gone."""
        return self.stop_of(uid) or self.end_of(uid)

    def lost(self, name: str, condition: Callable[[F], bool], rv: int) -> Event[F] | None:
        """The event that ended the last time the condition held for ``name`` before ``rv``; ``None`` if none did."""
        lost: Event[F] | None = None
        held = False
        for event in self.named(name):
            if event.rv >= rv:
                break
            holds = event.now is not None and condition(event.now)
            if held and not holds:
                lost = event
            held = holds
        return lost

    def unmet(self, name: str, condition: Callable[[F], bool], rv: int) -> Event[F] | None:
        """The version of ``name`` since which the condition has not held until ``rv``.

        ``None`` if there was no version, or the condition held in the last one.
        """
        since: Event[F] | None = None
        for event in self.named(name):
            if event.rv >= rv:
                break
            if event.now is not None and condition(event.now):
                since = None
            elif since is None:
                since = event
        return since

    def since(self, name: str, condition: Callable[[F], bool], rv: int) -> Event[F] | None:
        """The version of ``name`` since which the condition has held until ``rv``; ``None`` if it did not hold then."""
        since: Event[F] | None = None
        for event in self.named(name):
            if event.rv >= rv:
                break
            holds = event.now is not None and condition(event.now)
            since = (since or event) if holds else None
        return since

    def created(self) -> Iterator[Event[F]]:
        """The moments at which an object was created while we watched."""
        return (e for e in self.events if e.change is Change.ADDED)

    def stopping(self) -> Iterator[Event[F]]:
        """The first version of each object that carries a deletionTimestamp: it was asked to stop."""
        return (
            e
            for e in self.events
            if e.change is Change.MODIFIED and e.fact.terminating and not (e.before and e.before.terminating)
        )

    def gone(self) -> Iterator[Event[F]]:
        """The moments at which an object ceased to exist."""
        return (e for e in self.events if e.change is Change.DELETED)

    def becoming(self, condition: Callable[[F], bool]) -> Iterator[Event[F]]:
        """The moments at which ``condition`` turned true for an object."""
        return (
            e for e in self.events if e.now is not None and condition(e.now) and not (e.before and condition(e.before))
        )

    def when(self, seconds: float) -> dict[str, Event[F]]:
        """The version of each object that was there at a second of the recorder's clock, by name."""
        lanes = {name: [e for e in lane if e.seconds < seconds] for name, lane in self._by_name.items()}
        return {name: lane[-1] for name, lane in lanes.items() if lane and lane[-1].now is not None}

    def losing(self, condition: Callable[[F], bool]) -> Iterator[Event[F]]:
        """The moments at which ``condition`` ceased to hold for an object, its end included."""
        return (
            e for e in self.events if e.before and condition(e.before) and not (e.now is not None and condition(e.now))
        )

    def latest(self) -> dict[str, Event[F]]:
        """The last version of every object that still exists, by name.

        Raises ``UnknownFact`` when the end was not seen.
        """
        if any(gap.until_rv >= END for gap in self.gaps):
            raise UnknownFact(f"how {self.kind} are in the end was not seen")
        return {name: lane[-1] for name, lane in self._by_name.items() if lane[-1].now is not None}

    def before(self, rv: int, name: str) -> Event[F] | None:
        """The version of ``name`` in force right before revision ``rv``; ``None`` if no such object was known.

        Raises ``UnknownFact`` when ``rv`` lies in a gap of this kind, or before its first list.
        """
        if rv <= self.begins_rv or any(gap.after_rv < rv <= gap.until_rv for gap in self.gaps):
            raise UnknownFact(f"{self.kind} {name} at revision {rv} was not seen")
        lane = self.named(name)
        index = bisect_left(lane, rv, key=lambda e: e.rv)
        return lane[index - 1] if index else None

    def at(self, rv: int) -> list[Event[F]]:
        """The versions of all objects that existed right before revision ``rv``. Raises like ``before``."""
        found = [self.before(rv, name) for name in sorted(self._by_name)]
        return [event for event in found if event is not None and event.now is not None]

    def unseen(self, low: int, high: int) -> bool:
        """Whether some revision in ``low < rv < high`` was not seen; what was before the recording only if all was."""
        return high <= self.begins_rv or any(gap.after_rv < high and low < gap.until_rv for gap in self.gaps)


@dataclass(frozen=True, slots=True)
class Epoch:
    """One version of the set's spec: in force from ``began`` until ``until_rv``, as far as was seen."""

    began: Event[facts.StatefulSet]
    until_rv: int

    @property
    def spec(self) -> facts.StatefulSet:
        """The set as it was asked for."""
        return self.began.fact

    @property
    def is_last(self) -> bool:
        """Whether nothing else was asked for until the window ended."""
        return self.until_rv >= END


@dataclass(frozen=True, slots=True)
class Rollout:
    """A change of the pod template. ``target`` is the name of the revision that stores it, as far as one was seen.

    ``returns``: the revision was there before, so this is a rollback.
    """

    before: facts.StatefulSet
    epoch: Epoch
    target: str | None
    returns: bool


@dataclass(frozen=True, slots=True)
class UpdateStop:
    """A pod that the set still wants, asked to stop by its controller, and the spec and revision that explain it."""

    stop: Event[facts.Pod]
    epoch: Epoch
    target: str | None

    @property
    def explained(self) -> bool:
        """Whether the pod is of another revision, and is not kept back by the partition or by OnDelete."""
        pod, spec = self.stop.fact, self.epoch.spec
        return pod.revision != self.target and pod.ordinal not in spec.kept_back and spec.strategy != "OnDelete"


@dataclass(frozen=True, slots=True)
class Window:
    """What the harness did in one namespace with one set. ``settled`` is whether it reached what it waited for.

    ``closed`` is the line of the recording at which it ended, 0 where it did not.
    """

    scenario: str
    namespace: str
    set_name: str
    settled: bool | None = None
    plan: Mapping[str, Any] = field(default_factory=dict)
    waited_for: str = ""
    closed: int = 0


class Timeline:
    """One scenario window: all kinds, the harness's own calls, and what is missing. Read-only."""

    def __init__(
        self,
        window: Window,
        histories: Mapping[str, History[Any]],
        actions: Iterable[Action],
        observations: Iterable[Observation],
        problems: Iterable[Problem],
        domain: frozenset[str],
        header: Mapping[str, Any],
        writes: Iterable[Write] = (),
        *,
        audited: bool = False,
    ) -> None:
        self.window = window
        self.actions = tuple(actions)
        self.observations = tuple(observations)
        self.problems = tuple(problems)
        self.domain = domain
        self.header = header
        self.writes = tuple(writes)
        """What the server's audit log says of this window's namespace and volumes, in the log's order."""
        self.audited = audited
        """Whether ``writes`` is all of it. If not, a missing write proves nothing."""
        self._histories = histories

    def of_kind(self, kind: str) -> History[Any]:
        """One kind's history, by its plural; the properties below name them."""
        kinds_read.get().add(kind)
        return self._histories.get(kind) or History(kind, ())

    @property
    def sets(self) -> "History[facts.StatefulSet]":
        """The StatefulSet of this window."""
        return self.of_kind("statefulsets")

    @property
    def pods(self) -> "History[facts.Pod]":
        """Pods that the set owned at some time, or whose name it would give."""
        return self.of_kind("pods")

    @property
    def claims(self) -> "History[facts.Claim]":
        """PersistentVolumeClaims that carry the name of one of the set's templates and ordinals."""
        return self.of_kind("persistentvolumeclaims")

    @property
    def volumes(self) -> "History[facts.Volume]":
        """PersistentVolumes whose claimRef points into the window's namespace."""
        return self.of_kind("persistentvolumes")

    @property
    def revisions(self) -> "History[facts.Revision]":
        """ControllerRevisions that the set owned at some time."""
        return self.of_kind("controllerrevisions")

    @property
    def services(self) -> "History[facts.Service]":
        """Services of the window's namespace."""
        return self.of_kind("services")

    @property
    def slices(self) -> "History[facts.EndpointSlice]":
        """EndpointSlices of the window's namespace."""
        return self.of_kind("endpointslices")

    def epochs(self) -> list[Epoch]:
        """The versions of the set's spec, in order; a generation is one of them."""
        kinds_read.get().add("statefulsets")
        return self._epochs

    @cached_property
    def _epochs(self) -> list[Epoch]:
        turns = [
            e
            for e in self.sets.events
            if e.now is not None and (e.before is None or e.before.generation != e.now.generation)
        ]
        holes = [gap.after_rv + 1 for gap in self.sets.gaps]
        return [
            Epoch(turn, min([end, *(hole for hole in holes if hole > turn.rv)]))
            for turn, end in zip(turns, [*(turn.rv for turn in turns), END][1:], strict=True)
        ]

    def scalings(self) -> list[tuple[facts.StatefulSet, Epoch]]:
        """Each change of ``spec.replicas`` that was seen: the spec before it, and the epoch it began."""
        self.same_domain("statefulsets")
        return [
            (was.spec, now)
            for was, now in pairwise(self.epochs())
            if was.spec.replicas != now.spec.replicas and not self.sets.unseen(was.began.rv, now.began.rv)
        ]

    def target_of(self, spec: facts.StatefulSet) -> str | None:
        """Name of the revision that stores this spec's pod template; ``None`` where none was seen."""
        found = [e.name for e in self.revisions.events if e.fact.template == spec.template]
        return found[-1] if found else None

    def rollouts(self) -> list[Rollout]:
        """Each change of the pod template that was seen."""
        self.same_domain("statefulsets", "controllerrevisions")
        found = []
        for was, now in pairwise(self.epochs()):
            if was.began.uid == now.began.uid and was.spec.template != now.spec.template:
                if self.sets.unseen(was.began.rv, now.began.rv):
                    continue
                target = self.target_of(now.spec)
                known = self.revisions.first(target) if target else None
                found.append(Rollout(was.spec, now, target, bool(known and known.rv < now.began.rv)))
        return found

    def rest(self, epoch: Epoch) -> Event[facts.StatefulSet] | None:
        """The last version of the set within an epoch, if its status says that everything asked for is done.

        An earlier one may say so as well: a controller notes that it has seen a spec before it acts on it.
        """
        own = [e for e in self.sets.events if epoch.began.rv <= e.rv < epoch.until_rv and e.now is not None]
        return own[-1] if own and own[-1].fact.at_rest and not own[-1].fact.terminating else None

    def rests(self) -> list[tuple[Epoch, Event[facts.StatefulSet]]]:
        """The epochs that came to rest, and when."""
        return [(epoch, rest) for epoch in self.epochs() if (rest := self.rest(epoch))]

    def in_force(self, rv: int) -> Epoch | None:
        """The epoch that a revision of another kind falls into."""
        return next((e for e in reversed(self.epochs()) if e.began.rv < rv <= e.until_rv), None)

    def spec_at(self, rv: int) -> facts.StatefulSet | None:
        """The set as stored right before revision ``rv`` of another kind; ``None`` before it existed."""
        self.same_domain("statefulsets")
        event = self.sets.before(rv, self.window.set_name)
        return event.now if event else None

    def same_domain(self, *kinds: str) -> None:
        """Raise ``UnknownFact`` unless these kinds and pods were shown to share one revision counter."""
        loose = sorted({*kinds, "pods"} - self.domain)
        if loose:
            raise UnknownFact(f"{Trouble.UNORDERED_KINDS}: revisions of {', '.join(loose)} were not shown comparable")

    @property
    def ordered(self) -> bool:
        """Whether the set's pod management policy, which cannot change, is OrderedReady."""
        return all(e.fact.policy == "OrderedReady" for e in self.sets.events)

    @property
    def first_ordinal(self) -> int:
        """``spec.ordinals.start`` of the first version of the set that was seen."""
        return self.sets.events[0].fact.start if self.sets.events else 0

    def claim_templates(self) -> tuple[facts.ClaimTemplate, ...]:
        """The set's claim templates, which cannot change."""
        return self.sets.events[-1].fact.claim_templates if self.sets.events else ()

    def created_by_set(self) -> Iterator[Event[facts.Pod]]:
        """Pods created by the set's controller: they carry its controller reference from the start."""
        return (e for e in self.pods.created() if self.owns(e.fact) and e.fact.ordinal is not None)

    def names_below(self, event: Event[facts.Pod]) -> list[str]:
        """Names of all pods with a lower ordinal, from the first ordinal up."""
        ordinal, start = cast(int, event.fact.ordinal), self.first_ordinal
        if any(e.fact.start != start for e in self.sets.events):
            spec = self.spec_at(event.rv)
            start = spec.start if spec else start
        return [self.pod_name(lower) for lower in range(start, ordinal)]

    def pod_name(self, ordinal: int) -> str:
        """The name of the set's pod with this ordinal."""
        return f"{self.window.set_name}-{ordinal}"

    @property
    def service_name(self) -> str | None:
        """The governing Service's name."""
        return self.sets.events[-1].fact.service_name if self.sets.events else None

    @property
    def template_volumes(self) -> frozenset[str]:
        """Names of the volumes in the set's pod template."""
        return self.sets.events[-1].fact.template_volumes if self.sets.events else frozenset()

    @property
    def wrote(self) -> bool:
        """Whether the scenario is one that looks at content."""
        return bool(self.window.plan.get("markers"))

    def written(self, pod_uid: str) -> str | None:
        """What the harness last wrote to the volume of this pod."""
        return next((o.marker for o in reversed(self.observations) if o.verb == "write" and o.pod_uid == pod_uid), None)

    def readings(self, marker: str) -> list[Observation]:
        """What was found where this had been written, from later pods of that name and on the server."""
        return [o for o in self.observations if o.verb == "read" and o.marker == marker]

    def readings_elsewhere(self, pod_uid: str) -> list[Observation]:
        """Where else the harness looked for what this pod's volume holds."""
        return [o for o in self.observations if o.verb == "look" and o.pod_uid == pod_uid]

    @property
    def selector(self) -> Mapping[str, str]:
        """The labels the set selects its pods by, which cannot change."""
        return self.sets.events[-1].fact.selector if self.sets.events else {}

    @property
    def keeps_claims_when_scaled(self) -> bool:
        """Whether the retention policy was Retain all along, the default. Raises ``UnknownFact`` if some was missed."""
        return self._all_along(lambda spec: spec.when_scaled == "Retain")

    @property
    def keeps_claims(self) -> bool:
        """The same, also for the deletion of the set."""
        return self._all_along(lambda spec: spec.when_scaled == spec.when_deleted == "Retain")

    def _all_along(self, condition: Callable[[facts.StatefulSet], bool]) -> bool:
        if self.sets.gaps:
            raise UnknownFact("part of statefulsets was not seen")
        return all(condition(e.fact) for e in self.sets.events)

    def template_of(self, claim: facts.Claim) -> facts.ClaimTemplate | None:
        """The template a claim was made from."""
        prefix = f"-{self.window.set_name}-"
        return next((t for t in self.claim_templates() if claim.name.startswith(t.name + prefix)), None)

    def members(self) -> list[Event[facts.Pod]]:
        """The set's pods that were there when the window ended, as last seen."""
        return [e for e in self.pods.latest().values() if self.owns(e.fact)]

    def members_at(self, rv: int) -> list[Event[facts.Pod]]:
        """The set's pods that were there, and not terminating, right before a revision of another kind."""
        self.same_domain()
        return [e for e in self.pods.at(rv) if self.owns(e.fact) and not e.fact.terminating]

    def strays(self) -> Iterator[Event[facts.Pod]]:
        """Pods that came to carry the set's controller reference, under a name it would not give."""
        name = self.window.set_name
        return self.pods.becoming(lambda pod: self.owns(pod) and (facts.ordinal_of(pod.name) or ("", 0))[0] != name)

    def noticed(self, epoch: Epoch) -> int:
        """The revision from which the set's own status says that its controller has seen the epoch's spec."""
        for event in self.sets.events:
            if event.rv >= epoch.began.rv and event.fact.observed_generation >= epoch.spec.generation:
                return event.rv
        return epoch.until_rv

    def higher_at(self, event: Event[facts.Pod]) -> list[Event[facts.Pod]]:
        """Pods in excess with a higher ordinal that existed since the spec in force began: they must go first."""
        epoch = next((e for e in reversed(self.epochs()) if e.began.rv < event.rv), None)
        ordinal, wanted = cast(int, event.fact.ordinal), epoch.spec.ordinals if epoch else ()
        excess = {e.name for e in self.pods.events if (e.fact.ordinal or 0) > ordinal and e.fact.ordinal not in wanted}
        found = []
        for higher in sorted(excess):
            for uid in {e.uid for e in self.pods.named(higher) if e.rv < event.rv}:
                end = self.pods.end_of(uid)
                if end is None or epoch is None or end.rv > epoch.began.rv:
                    found.append(next(e for e in reversed(self.pods.named(higher)) if e.uid == uid))
        return found

    def names_that_stay(self, stop: Event[facts.Pod]) -> list[str]:
        """Names of the pods the set still wants when it asks an excess one to stop."""
        spec = self.spec_at(stop.rv)
        return [self.pod_name(ordinal) for ordinal in spec.ordinals] if spec else []

    def endpoints(self) -> dict[str, facts.Endpoint]:
        """What the governing Service answers with when the window ends, by host name."""
        return {
            endpoint.hostname: endpoint
            for event in self.slices.latest().values()
            if event.fact.service == self.service_name
            for endpoint in event.fact.endpoints
            if endpoint.hostname
        }

    @property
    def publication_awaited(self) -> bool:
        """Whether the harness waited, at the end, for the governing Service to answer with the set's pods."""
        return self.window.plan.get("published") is not None

    def published_ready(self) -> Iterator[tuple[Event[facts.EndpointSlice], str]]:
        """Each time a slice of the governing Service begins to call a pod ready: the write, and the pod's name."""
        for event in self.slices.events:
            if event.now is None or event.change is Change.LISTED or event.now.service != self.service_name:
                continue
            was = {e.hostname for e in event.before.endpoints if e.ready} if event.before else set()
            for name in sorted({e.hostname for e in event.now.endpoints if e.ready and e.hostname} - was):
                yield event, name

    def crossed(self, written: Event[facts.EndpointSlice], name: str) -> bool:
        """Whether the write crossed with the pod's ceasing to be Ready, and the slice's next version takes it back."""
        ceased = self.pods.unmet(name, facts.healthy, written.rv)
        if ceased is None or self.pods.lost(name, facts.healthy, written.rv) is not ceased:
            return False
        after = next((e for e in self.slices.named(written.name) if e.rv > written.rv), None)
        back = after and name not in {e.hostname for e in (after.now.endpoints if after.now else ()) if e.ready}
        return bool(back) and written.seconds - ceased.seconds <= GRACE_SECONDS

    @cached_property
    def deleted_by_us(self) -> frozenset[str]:
        """Uids of the pods that the harness deleted or evicted."""
        deletions = [a for a in self.actions if a.resource == "pods" and a.verb == "delete"]
        answered = {a.uid for a in deletions if a.uid} | evicted(self.actions)
        unanswered = {e.uid for a in deletions if not a.uid for e in self.pods.named(a.name)}
        return frozenset(answered | unanswered)

    @property
    def claims_deleted_by_us(self) -> set[str]:
        """Names of the claims that the harness deleted."""
        return {a.name for a in self.actions if a.verb == "delete" and a.resource == "persistentvolumeclaims"}

    def excess_stops(self) -> Iterator[Event[facts.Pod]]:
        """Pods asked to stop because the set no longer wants their ordinal: not evicted, not deleted by the harness."""
        for stop, spec in self._controller_stops():
            if stop.fact.ordinal not in spec.ordinals:
                yield stop

    def _controller_stops(self) -> Iterator[tuple[Event[facts.Pod], facts.StatefulSet]]:
        """Pods that nobody but the set's controller can have asked to stop, with the spec in force."""
        for stop in self.pods.stopping():
            spec = self.spec_at(stop.rv)
            if spec is None or spec.terminating or stop.fact.ordinal is None:
                continue
            if not stop.fact.disrupted and stop.uid not in self.deleted_by_us:
                yield stop, spec

    def update_stops(self) -> list[UpdateStop]:
        """Pods that the controller asked to stop although the set wants their ordinal, other than finished ones.

        Those that go by strategy Recreate, which go together, are left out. Until its status says that it has seen a
        new spec, a controller may still act on the one before: of the two, the one that explains the stop is given.
        """
        kinds_read.get().update(("statefulsets", "controllerrevisions", "pods"))
        return self._update_stops

    @cached_property
    def _update_stops(self) -> list[UpdateStop]:
        self.same_domain("statefulsets", "controllerrevisions")
        epochs, found = self.epochs(), []
        for stop, spec in self._controller_stops():
            if stop.fact.ordinal not in spec.ordinals or (stop.before or stop.fact).finished:
                continue
            past = [e for e in epochs if e.began.rv < stop.rv]
            known = [e for e in past if e is past[-1] or self.noticed(past[past.index(e) + 1]) > stop.rv]
            if any(stop.fact.ordinal not in epoch.spec.ordinals for epoch in known):
                continue
            readings = [UpdateStop(stop, epoch, self.target_of(epoch.spec)) for epoch in reversed(known)]
            chosen = next((reading for reading in readings if reading.explained), readings[0])
            if not (chosen.explained and chosen.epoch.spec.strategy == "Recreate"):
                found.append(chosen)
        return found

    def outdated_above(self, update: UpdateStop) -> list[Event[facts.Pod]]:
        """Pods with a higher ordinal that had to be updated when the epoch began: they must go first."""
        ordinal = cast(int, update.stop.fact.ordinal)
        spec = update.epoch.spec
        return [
            member
            for member in self.members_at(max(update.epoch.began.rv, self.sets.begins_rv + 1))
            if member.fact.revision != update.target
            and member.fact.ordinal in spec.ordinals
            and member.fact.ordinal not in spec.kept_back
            and cast(int, member.fact.ordinal) > ordinal
        ]

    def updates_in(self, epoch: Epoch) -> list[UpdateStop]:
        """Those of ``update_stops`` that one version of the spec explains."""
        return [update for update in self.update_stops() if update.epoch.began.rv == epoch.began.rv]

    def updated_before(self, update: UpdateStop) -> list[Event[facts.Pod]]:
        """The pods that were asked to stop earlier for the same update, as they were then."""
        return [earlier.stop for earlier in self.updates_in(update.epoch) if earlier.stop.rv < update.stop.rv]

    def never_ready(self, revision: str | None) -> list[Event[facts.Pod]]:
        """Pods of a revision that were never Running and Ready, at their creation."""
        ready = {e.uid for e in self.pods.becoming(facts.healthy)}
        return [e for e in self.created_by_set() if e.fact.revision == revision and e.uid not in ready]

    def successor_of(self, event: Event[facts.Pod]) -> Event[facts.Pod] | None:
        """The next pod that the set created under the same name."""
        later = (e for e in self.created_by_set() if e.name == event.name and e.rv > event.rv and e.uid != event.uid)
        return next(later, None)

    def changes(self) -> list[tuple[Epoch, Epoch]]:
        """Each change of one set's spec that was seen: the epoch before it, and the one it began."""
        self.same_domain("statefulsets")
        return [
            (was, now)
            for was, now in pairwise(self.epochs())
            if was.began.uid == now.began.uid and not self.sets.unseen(was.began.rv, now.began.rv)
        ]

    def deletions(self) -> list[Event[facts.StatefulSet]]:
        """The moments at which a set was asked to go or, where nothing held it back, was gone; in order."""
        self.same_domain("statefulsets")
        asked = [self.sets.going_of(uid) for uid in {e.uid for e in self.sets.events}]
        return sorted((e for e in asked if e), key=lambda e: e.rv)

    @property
    def upgrades(self) -> list[Action]:
        """The moments at which the harness began to exchange the version of the control plane."""
        return [action for action in self.actions if action.verb == "upgrade"]

    def absences(self) -> list[tuple[str, Action, float]]:
        """The nodes that the harness took away: name, the action, and the second at which it gave the node back."""

        def back(lost: Action) -> float:
            returns = (a.seconds for a in self.actions if a.verb == "return" and a.body == lost.body)
            return next((seconds for seconds in returns if seconds > lost.seconds), math.inf)

        return [(lost.body["node"], lost, back(lost)) for lost in self.actions if lost.verb == "lose"]

    def cascades(self, policy: str) -> list[Event[facts.StatefulSet]]:
        """What ``deletions`` has of those that the harness asked for with this propagation policy."""
        wanted = {"propagationPolicy": policy}
        asked = [a for a in self.actions if a.verb == "delete" and a.resource == "statefulsets" and a.body == wanted]
        found = (next((e for e in self.deletions() if e.seconds >= action.seconds), None) for action in asked)
        return [event for event in found if event is not None]

    def owned_at(self, rv: int, uid: str) -> list[Event[facts.Pod]]:
        """The pods that carried a set's controller reference right before a revision of another kind."""
        self.same_domain()
        return [e for e in self.pods.at(rv) if e.fact.owner_uid == uid]

    def orphans_at(self, rv: int) -> list[Event[facts.Pod]]:
        """Pods without an owner that a set created at this revision must adopt: its labels, one of its names."""
        self.same_domain("statefulsets")
        return [
            e for e in self.pods.at(rv) if not e.fact.owner_uids and not e.fact.terminating and self.matches(e.fact)
        ]

    def owns(self, pod: facts.Pod) -> bool:
        """Whether the pod carries the controller reference of a set of this window."""
        kinds_read.get().add("statefulsets")
        return pod.owner_uid in self._set_uids

    @cached_property
    def _set_uids(self) -> frozenset[str]:
        return frozenset(e.uid for e in self.sets.events)

    @cached_property
    def _pod_uids(self) -> frozenset[str]:
        return frozenset(e.uid for e in self.pods.events)

    def _stranger(self, pod: facts.Pod) -> bool:
        return pod.owner_uid is not None and not self.owns(pod)

    def matches(self, pod: facts.Pod) -> bool:
        """Whether the pod carries the labels that the set selects by."""
        return self.selector.items() <= pod.labels.items()

    def orphaned(self, uid: str) -> Event[facts.Pod] | None:
        """The moment at which a pod lost its owner."""
        losing = self.pods.losing(lambda pod: pod.owner_uid is not None)
        return next((e for e in losing if e.uid == uid and e.now is not None), None)

    def adopted(self, uid: str, owner: str) -> Event[facts.Pod] | None:
        """The moment at which a pod that was there came to carry this set's controller reference."""
        becoming = self.pods.becoming(lambda pod: pod.owner_uid == owner)
        return next((e for e in becoming if e.uid == uid and e.before is not None), None)

    def wants_at(self, event: Event[facts.Pod]) -> bool:
        """Whether there was a set, not being deleted, that wanted the pod's ordinal."""
        spec = self.spec_at(event.rv)
        return spec is not None and not spec.terminating and event.fact.ordinal in spec.ordinals

    def mounting_again(self, stop: Event[facts.Claim]) -> list[Event[facts.Pod]]:
        """Pods that were created with a claim of this name after that had been asked to go."""
        return [e for e in self.created_by_set() if e.rv > stop.rv and stop.name in e.fact.claims.values()]

    def claims_at(self, rv: int) -> list[Event[facts.Claim]]:
        """The set's claims right before a revision of another kind, but for those that somebody else controls."""
        self.same_domain("persistentvolumeclaims", "statefulsets")
        return [e for e in self.claims.at(rv) if not self.foreign(e.fact)]

    def foreign(self, claim: facts.Claim) -> bool:
        """Whether somebody else controls a claim: neither a set of this window nor one of its pods."""
        kinds_read.get().update(("pods", "statefulsets"))
        return claim.owner_uid is not None and claim.owner_uid not in self._set_uids | self._pod_uids

    def revisions_at(self, rv: int) -> list[Event[facts.Revision]]:
        """The set's revisions right before a revision of another kind."""
        self.same_domain("controllerrevisions", "statefulsets")
        return self.revisions.at(rv)

    def lost_pods(self) -> Iterator[tuple[Event[facts.Pod], Event[facts.Pod]]]:
        """Replacements of pods that the harness deleted."""
        return ((old, new) for old, new in self.replacements() if old.uid in self.deleted_by_us)

    def replacements(self) -> Iterator[tuple[Event[facts.Pod], Event[facts.Pod]]]:
        """Pods created under the name of one that the set had before: that one as last seen, and the new one."""
        for event in self.created_by_set():
            lane = self.pods.named(event.name)
            index = lane.index(event)
            was = lane[index - 1]
            if (
                index
                and was.uid != event.uid
                and not self._stranger(was.fact)
                and not self.pods.unseen(was.rv - 1, event.rv)
            ):
                yield was, event

    def healthy_members(self) -> list[Event[facts.Pod]]:
        """The set's pods that were Running and Ready when the window ended, as last seen."""
        return [e for e in self.members() if e.fact.healthy]
