"""What a recording is made of: versions of objects, holes, calls of the harness, and what it found on volumes.

Order inside one kind is resourceVersion order. Order across kinds is the same integer order, but only where the
recording's own probe has shown that the server counts one revision for all of them (KEP-5504 promises it inside one
resource type only). Timestamps in objects are never used for order.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Generic, TypeVar, cast

from stsconf.errors import UnknownFact
from stsconf.timeline import facts

F = TypeVar("F", bound=facts.Fact)


GRACE_SECONDS = 5.0
"""How long a controller may act on a view that has already changed: the one grace of the whole suite.

Measured on Kubernetes v1.37.2: the oldest view a correct controller acted on was 0.18 s old, under pods that flapped
every 200 ms; its slowest reaction was 0.52 s (see docs/decisions/grace.md).
"""


END = 2**63
"""Past every revision: where a hole ends that was never closed."""


class Change(StrEnum):
    """How a version of an object came to be known."""

    ADDED = "ADDED"
    MODIFIED = "MODIFIED"
    DELETED = "DELETED"
    LISTED = "LISTED"
    """Found in a list: it was there before the recording began, or changed unseen inside a gap."""
    LOST = "LOST"
    """Missing from the list after a gap: it went away unseen."""


class Reason(StrEnum):
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
    UNATTRIBUTED = "unattributed"
    """Who did it is not known, or it was another client: nobody can be blamed for it."""


def reason_of(unknown: UnknownFact) -> Reason:
    """The reason that an unknown fact is."""
    return Reason.UNORDERED_KINDS if str(unknown).startswith(Reason.UNORDERED_KINDS) else Reason.GAP


@dataclass(frozen=True, slots=True)
class Problem:
    """A hole in the evidence. ``kind`` is the stream it belongs to, ``None`` for all of them."""

    cause: Reason
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
