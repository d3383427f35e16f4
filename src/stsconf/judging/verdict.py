"""What was found: outcomes, the obligations behind them, and the events that prove each."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from msgspec import Struct

from stsconf.timeline.events import Event, Reason


class Outcome(StrEnum):
    """The verdict lattice, worst first; the last four are neutral."""

    VIOLATED = "violated"
    ERROR = "error"
    INCONCLUSIVE = "inconclusive"
    HOLDS = "holds"
    NOT_JUDGED = "not judged"
    """Its scenario was not run, or not to its end. A required promise that was not judged makes the run partial."""
    NOT_APPLICABLE = "not applicable"
    DIFFERS = "differs"
    """An implementation-level promise that did not hold: counted apart, never failing a gate by default."""
    CHARACTERISED = "characterised"
    """The documentation contradicts itself here: what was seen is reported, nobody fails."""


WORST_FIRST = (
    Outcome.VIOLATED,
    Outcome.ERROR,
    Outcome.INCONCLUSIVE,
    Outcome.DIFFERS,
    Outcome.NOT_JUDGED,
    Outcome.HOLDS,
    Outcome.CHARACTERISED,
    Outcome.NOT_APPLICABLE,
)


def worst(outcomes: Iterable[Outcome], default: Outcome) -> Outcome:
    """The outcome that decides when several are merged; ``default`` when there are none."""
    return min(outcomes, key=WORST_FIRST.index, default=default)


UNTRIGGERED = "nothing in this recording triggered it"
"""Why a promise was not judged where users acted: nothing asks for it there."""
JSON_NAMES = {"outcome": "verdict", "cause": "trouble", "set_name": "set"}
"""What fields of ours are called in verdict.json."""


class Witness(Struct, frozen=True):
    """One event of the recording that a verdict rests on. ``line`` counts from 1 in the recording."""

    line: int
    seconds: float
    kind: str
    name: str
    rv: int
    uid: str
    what: str

    def __str__(self) -> str:
        return f"+{self.seconds:.3f} s  {self.kind} {self.name}  {self.what}  (rv {self.rv}, line {self.line})"


class Obligation(Struct, frozen=True, rename=JSON_NAMES):
    """One thing that had to be true at one moment, and whether it was."""

    outcome: Outcome
    expected: str
    seen: str
    cause: Reason | None = None
    witness: tuple[Witness, ...] = ()


class TimelineVerdict(Struct, frozen=True, kw_only=True, rename=JSON_NAMES):
    """One promise on one timeline. ``failing`` are the obligations that did not hold, worst first."""

    scenario: str
    namespace: str
    set_name: str
    outcome: Outcome
    cause: Reason | None = None
    note: str = ""
    obligations: int
    failing: tuple[Obligation, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """One promise over all timelines: the worst decides. ``quote``: what the document says, empty if unverified."""

    id: str
    title: str
    level: str
    revision: int
    source: str
    outcome: Outcome
    required: bool
    timelines: tuple[TimelineVerdict, ...]
    cause: Reason | None = None
    note: str = ""
    quote: str = ""

    @property
    def obligations(self) -> int:
        """How many things were checked, over all timelines."""
        return sum(t.obligations for t in self.timelines)

    @property
    def deciding(self) -> TimelineVerdict | None:
        """The timeline that decided, if any."""
        return next((t for t in self.timelines if t.outcome is self.outcome), None)

    @property
    def reason(self) -> str:
        """One sentence: what was seen instead, or how much was checked."""
        decided = self.deciding
        if decided and decided.failing and decided.cause is not Reason.FORBIDDEN:
            return f"in scenario {decided.scenario}: {decided.failing[0].seen}"
        if self.note or (decided and decided.note):
            return self.note or (decided.note if decided else "")
        return f"{self.obligations} obligations on {len(self.timelines)} timelines"

    @property
    def witness(self) -> tuple[Witness, ...]:
        """The events that decided."""
        decided = self.deciding
        return decided.failing[0].witness if decided and decided.failing else ()

    def explain(self) -> str:
        """The whole finding as text that needs no source: the promise, what was expected, what was seen, the events."""
        lines = [f"{self.id} {self.outcome}: {self.title}", f"documented at {self.source}"]
        lines += [self.quote] if self.quote else []
        for timeline in self.timelines:
            if timeline.outcome is Outcome.HOLDS:
                continue
            lines.append(
                f"\nscenario {timeline.scenario} ({timeline.namespace}/{timeline.set_name}): {timeline.outcome}"
            )
            if timeline.note and not any(timeline.note == o.seen for o in timeline.failing):
                lines.append(f"  {timeline.note}")
            for obligation in timeline.failing[:3]:
                lines += [f"  expected  {obligation.expected}", f"  seen      {obligation.seen}"]
                lines += [f"    {witness}" for witness in obligation.witness]
            if len(timeline.failing) > 3:
                lines.append(f"  ... and {len(timeline.failing) - 3} more obligations that did not hold")
        if self.note:
            lines.append(self.note)
        return "\n".join(lines)


def count(verdicts: Iterable[Verdict]) -> dict[Outcome, int]:
    """How many verdicts have each outcome, worst first; outcomes that nobody has are there with 0."""
    found = Counter(verdict.outcome for verdict in verdicts)
    return {outcome: found[outcome] for outcome in WORST_FIRST}


_SINGULAR = {
    "pods": "Pod",
    "statefulsets": "StatefulSet",
    "controllerrevisions": "ControllerRevision",
    "persistentvolumeclaims": "PersistentVolumeClaim",
    "persistentvolumes": "PersistentVolume",
    "services": "Service",
    "endpointslices": "EndpointSlice",
}


def singular(kind: str) -> str:
    """The API kind of a resource: ``pods`` -> ``Pod``."""
    return _SINGULAR.get(kind, kind)


def witness_of(event: Event[Any], what: str = "") -> Witness:
    """An event as evidence; ``what`` defaults to how it came to be known."""
    seconds, kind = round(event.seconds, 6), singular(event.kind)
    return Witness(event.line, seconds, kind, event.name, event.rv, event.uid, what or event.change.value)
