"""A run beside an earlier one: outcomes that flipped, coverage that was lost, deviations that were accepted.

A baseline is the verdict.json of the earlier run. Only what was judged by the same rule is compared: a promise of
another rule revision is named and left out. What is worse counts whether it is a failure or a silence: a promise that
was judged and no longer is may hide anything.
"""

import datetime
import tomllib
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, Literal

from msgspec import Struct, convert

from stsconf.errors import UsageError
from stsconf.judging import result
from stsconf.judging.catalogue import rows
from stsconf.judging.result import Document, PromiseEntry
from stsconf.judging.verdict import Outcome, Verdict
from stsconf.timeline.events import Reason

SCHEMA: Final = "stsconf-gate"
VERSION: Final = 1

_JUDGED = frozenset({Outcome.HOLDS, Outcome.VIOLATED, Outcome.DIFFERS, Outcome.CHARACTERISED})
_GOOD = frozenset({Outcome.HOLDS, Outcome.CHARACTERISED, Outcome.DIFFERS})


class Kind(StrEnum):
    """What became of a promise, in the order in which it is told."""

    REGRESSED = "regressed"
    """It held, and is violated now."""
    LOST = "lost coverage"
    """It was judged, and is not now: no right, no scenario, nothing checked, evidence that does not decide."""
    ACCEPTED = "accepted"
    """It deviates, and a file says why that is accepted, and until when."""
    EXPIRED = "acceptance expired"
    STALE = "acceptance no longer needed"
    """A deviation was accepted and does not occur."""
    REVISED = "not compared"
    """Its rule is another one than in the baseline."""
    CHANGED = "changed"
    """Another outcome that accuses nobody, or that is better."""
    NEW = "new"


FAILING = frozenset({Kind.REGRESSED, Kind.LOST})


@dataclass(frozen=True, slots=True)
class Change:
    """One promise that is not what it was, or that a file speaks about. ``why`` is one sentence."""

    id: str
    title: str
    kind: Kind
    before: str
    now: str
    why: str
    required: bool = True

    @property
    def fails(self) -> bool:
        """Whether it makes the run a regression."""
        return self.required and self.kind in FAILING


class ChangeEntry(Struct, frozen=True, kw_only=True):
    """``Change`` as it stands in gate.json."""

    id: str
    title: str
    kind: Kind
    before: str
    now: str
    why: str
    required: bool
    fails: bool


class Compared(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The run that was compared with; empty without a baseline."""

    id: str = ""
    started: str = ""
    suite: str = ""
    provider: str = ""
    cluster: Mapping[str, Any] = {}


class GateDocument(Struct, frozen=True, kw_only=True):
    """gate.json version 1."""

    schema: Literal["stsconf-gate"]
    version: Literal[1]
    baseline: Compared
    changes: tuple[ChangeEntry, ...]


@dataclass(frozen=True, slots=True)
class Accepted:
    """A deviation that somebody accepted: the promise, its outcome, why, and the last day on which that counts."""

    promise: str
    outcome: Outcome
    reason: str
    expires: datetime.date


@dataclass(frozen=True, slots=True)
class Gate:
    """What a run is compared with; both parts may be missing. ``today`` decides what has expired, in UTC."""

    baseline: Document | None
    accepted: tuple[Accepted, ...]
    today: datetime.date

    def excuses(self, verdicts: Iterable[Verdict]) -> frozenset[str]:
        """Promises whose present deviation is accepted."""
        return frozenset(v.id for v in verdicts for a in self.accepted if self._fits(a, v))

    def _fits(self, accepted: Accepted, verdict: Verdict) -> bool:
        same = accepted.promise == verdict.id and accepted.outcome is verdict.outcome
        return same and self.today <= accepted.expires

    def changes(self, verdicts: Sequence[Verdict]) -> tuple[Change, ...]:
        """Everything worth telling, the worst first, by id within one kind."""
        excused = self.excuses(verdicts)
        found = [
            *self._about_acceptances(verdicts),
            *(self._compared(self.baseline, verdicts, excused) if self.baseline else ()),
        ]
        return tuple(sorted(found, key=lambda c: (list(Kind).index(c.kind), c.id)))

    def _about_acceptances(self, verdicts: Sequence[Verdict]) -> Iterable[Change]:
        now = {v.id: v for v in verdicts}
        for one in self.accepted:
            verdict = now.get(one.promise)
            outcome = verdict.outcome.value if verdict else "not in this run"
            title = verdict.title if verdict else ""
            told = (one.promise, title)
            if outcome != one.outcome.value:
                why = f"{one.outcome.value} was accepted ({one.reason}) and does not occur: take the entry out"
                yield Change(*told, Kind.STALE, one.outcome.value, outcome, why)
            elif self.today > one.expires:
                why = f"it was accepted until {one.expires} ({one.reason}): end it, or accept it anew"
                yield Change(*told, Kind.EXPIRED, one.outcome.value, outcome, why)
            else:
                why = f"accepted until {one.expires}: {one.reason}"
                yield Change(*told, Kind.ACCEPTED, one.outcome.value, outcome, why)

    @staticmethod
    def _compared(baseline: Document, verdicts: Sequence[Verdict], excused: Container[str]) -> Iterable[Change]:
        now = {v.id: v for v in verdicts}
        before = {entry.id: entry for entry in baseline.promises}
        for name, was in before.items():
            if (change := _compare(was, now.get(name))) and name not in excused:
                yield change
        for v in verdicts:
            if v.id not in before and v.outcome in _JUDGED:
                yield Change(v.id, v.title, Kind.NEW, "not in the baseline", v.outcome, v.reason, v.required)


def _compare(before: PromiseEntry, now: Verdict | None) -> Change | None:
    """What became of one promise of the baseline; ``None`` when there is nothing to tell."""
    was, required = before.outcome, before.required
    told = (before.id, before.title)
    if now is None:
        if was not in _JUDGED:
            return None
        return Change(*told, Kind.LOST, was, "not in this run", "this run did not ask for it", required)
    if now.revision != before.revision:
        why = f"rule revision {before.revision} then and {now.revision} now: make a new baseline"
        return Change(*told, Kind.REVISED, was, now.outcome, why, required)
    kind = Kind.CHANGED
    why = now.reason
    if was in _JUDGED and (now.outcome not in _JUDGED or (before.obligations and not now.obligations)):
        kind = Kind.LOST
        if now.cause is Reason.FORBIDDEN:
            why = f"a right is missing: {why}"
    elif was in _GOOD and now.outcome is Outcome.VIOLATED:
        kind = Kind.REGRESSED
    elif was is now.outcome:
        return None
    return Change(*told, kind, was, now.outcome, why, required)


def read_baseline(path: Path) -> Document:
    """The verdict.json that a baseline is; a run's folder will do. Raises ``ResultFileError``."""
    return result.read(path / "verdict.json" if path.is_dir() else path)


def read_accepted(path: Path) -> tuple[Accepted, ...]:
    """The accepted deviations of a TOML file: tables ``[[accepted]]`` with promise, outcome, reason and expires.

    ``outcome`` is *violated* unless given; ``expires`` is a date, the last day on which it counts. Raises
    ``UsageError`` for a file that does not say all that.
    """
    help_ = 'Write [[accepted]] with promise = "UPD-19", reason = "why" and expires = 2027-01-31.'
    try:
        doc = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"The accepted deviations {path} cannot be read: {error}.", help_) from None
    known = {row.id for row in rows()}
    found: list[Accepted] = []
    entries = doc.get("accepted", [])
    if set(doc) - {"accepted"} or not isinstance(entries, list):
        raise UsageError(f"{path} holds more than tables [[accepted]].", help_)
    for n, entry in enumerate(entries, 1):
        try:
            one = Accepted(
                str(entry.pop("promise")),
                Outcome(entry.pop("outcome", Outcome.VIOLATED)),
                str(entry.pop("reason")).strip(),
                entry.pop("expires"),
            )
        except (KeyError, ValueError, AttributeError) as error:
            raise UsageError(f"Entry {n} of {path} is not complete: {error}.", help_) from None
        wrong = [f"nothing known as {name}" for name in entry]
        wrong += [] if one.promise in known else [f"there is no promise {one.promise}"]
        wrong += [] if one.reason else ["no reason is given"]
        wrong += [] if type(one.expires) is datetime.date else ["expires is not a date"]
        wrong += [] if one.outcome not in (Outcome.HOLDS, Outcome.ERROR) else [f"{one.outcome} cannot be accepted"]
        if wrong:
            raise UsageError(f"Entry {n} of {path}: {'; '.join(wrong)}.", help_)
        found.append(one)
    return tuple(found)


def gate(baseline: Path | None, accepted: Path | None) -> Gate | None:
    """What ``--baseline`` and ``--accepted`` name, read before anything acts; ``None`` when both are missing."""
    if baseline is None and accepted is None:
        return None
    return Gate(
        read_baseline(baseline) if baseline else None,
        read_accepted(accepted) if accepted else (),
        datetime.datetime.now(datetime.UTC).date(),
    )


def gate_document(gate: Gate, changes: Iterable[Change]) -> GateDocument:
    """gate.json: which run it is compared with, and every change."""
    baseline = convert(gate.baseline.run, Compared, from_attributes=True) if gate.baseline else Compared()
    told = tuple(ChangeEntry(**asdict(change), fails=change.fails) for change in changes)
    return GateDocument(schema=SCHEMA, version=VERSION, baseline=baseline, changes=told)


def change_summary(changes: Sequence[Change]) -> str:
    """All kinds in one line: ``1 regressed, 2 lost coverage``."""
    counts = {kind: sum(change.kind is kind for change in changes) for kind in Kind}
    return ", ".join(f"{n} {kind.value}" for kind, n in counts.items() if n) or "nothing changed"
