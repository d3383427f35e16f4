"""One scenario window of a recording as a frozen timeline."""

from collections.abc import Hashable, Iterable, Mapping
from contextvars import ContextVar
from typing import Any

from stsconf.errors import UnknownFact
from stsconf.timeline import facts
from stsconf.timeline.events import Action, Event, Observation, Problem, Reason
from stsconf.timeline.history import History
from stsconf.timeline.window import Window
from stsconf.timeline.writes import Write

kinds_read: ContextVar[set[str]] = ContextVar("kinds_read", default=set())  # noqa: B039 - the default is a sink
"""Which kinds the promise being judged has looked at: its verdict depends on those being complete."""


class Timeline:
    """One scenario window: all kinds, the harness's own calls, and what is missing. Read-only.

    What can be asked of it is in ``timeline.questions``. ``answers`` are those that were found already, with the kinds
    that were read for each.
    """

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
        audited: bool | None = None,
    ) -> None:
        self.window = window
        self.actions = tuple(actions)
        self.observations = tuple(observations)
        self.problems = tuple(problems)
        self.domain = domain
        self.header = header
        self.writes = tuple(writes)
        """What the server's audit log says of this window's namespace and volumes, in the log's order."""
        self.audited, self._unaudited = audited is True, audited is None
        """Whether ``writes`` is all of it. If not, a missing write proves nothing."""
        self.answers: dict[Hashable, tuple[Any, frozenset[str]]] = {}
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

    @property
    def unrecorded(self) -> frozenset[str]:
        """The scenarios that the recording planned and has no window of."""
        return frozenset(self.header.get("unrecorded") or ())

    @property
    def notes(self) -> "tuple[Event[facts.Note], ...]":
        """The Events about the set. They only ever add to what is known: no verdict rests on their being complete."""
        return self._histories["events"].events if "events" in self._histories else ()

    @property
    def alone(self) -> bool:
        """Whether the run made this cluster, so that nobody else is known to act on it.

        Only where the recording is older than audit records: where there are some, they say who acts.
        """
        return self._unaudited and self.header.get("provider") in ("kind", "local")

    def same_domain(self, *kinds: str) -> None:
        """Raise ``UnknownFact`` unless these kinds and pods were shown to share one revision counter."""
        loose = sorted({*kinds, "pods"} - self.domain)
        if loose:
            raise UnknownFact(f"{Reason.UNORDERED_KINDS}: revisions of {', '.join(loose)} were not shown comparable")

    @property
    def ordered(self) -> bool:
        """Whether the set's pod management policy, which cannot change, is OrderedReady."""
        return all(e.fact.policy == "OrderedReady" for e in self.sets.events)

    def pod_name(self, ordinal: int) -> str:
        """The name of the set's pod with this ordinal."""
        return f"{self.window.set_name}-{ordinal}"
