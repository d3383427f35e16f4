"""The words in which promises are written.

``expect`` never raises and never decides: each word adds one obligation, and the judge takes the worst at the end, so
that an early doubt cannot hide a later violation.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, TypeVar

from stsconf.errors import UnknownFact
from stsconf.judging import debt
from stsconf.judging.verdict import Obligation, Outcome, Witness, singular, witness_of
from stsconf.timeline.events import GRACE_SECONDS, Change, Event, Reason, reason_of
from stsconf.timeline.facts import Fact, StatefulSet
from stsconf.timeline.history import History
from stsconf.timeline.questions import authors
from stsconf.timeline.timeline import Timeline, kinds_read

F = TypeVar("F", bound=Fact)

_PHRASES = {
    Change.ADDED: "is created",
    Change.MODIFIED: "changes",
    Change.DELETED: "is gone",
    Change.LISTED: "was already there",
    Change.LOST: "went away unseen",
}

obligations: ContextVar[list[Obligation]] = ContextVar("obligations")
"""Where words put what they found, while a promise is being judged."""

judged: ContextVar[Timeline] = ContextVar("judged")
"""The timeline that the promise is being judged on."""


def phrase(event: Event[Any]) -> str:
    """What happens at a moment: ``is created``."""
    if event.change is Change.MODIFIED and event.fact.terminating and not (event.before and event.before.terminating):
        return "is asked to stop"
    return _PHRASES[event.change]


def say(event: Event[Any]) -> str:
    """A moment in words: ``Pod web-1 is created``."""
    return f"{singular(event.kind)} {event.name} {phrase(event)}"


class Expectation:
    """What is expected of one moment."""

    def __init__(self, event: Event[Any]) -> None:
        self._event = event

    def _add(
        self,
        outcome: Outcome,
        expected: str,
        seen: str,
        *others: Event[Any],
        cause: Reason | None = None,
        acts: Iterable[Event[Any] | None] = (),
        undone: Event[Any] | None = None,
    ) -> None:
        """``acts``: what else was done, for which somebody would be blamed; ``undone``: what ended what was to stay."""
        witness = [witness_of(self._event, phrase(self._event)), *(witness_of(e, phrase(e)) for e in others)]
        if outcome is Outcome.VIOLATED and (doubt := _doubt(self._event, undone, *acts) or _ours(undone)):
            if doubt.excludes:
                return
            outcome, seen, cause = Outcome.INCONCLUSIVE, f"{seen}; {doubt}", Reason.UNATTRIBUTED
        _put(outcome, expected, seen, *witness, cause=cause)

    def shows(self, what: str, seen: object, wanted: object, doubt: str = "") -> None:
        """What was read off the object at this moment is what it should be.

        ``doubt`` says who else may have made it so, where that is not known: then nobody is blamed.
        """
        subject = f"{singular(self._event.kind)} {self._event.name}"
        expected, found = f"{subject}: {what} is {wanted!r}", f"{subject}: {what} is {seen!r}"
        if seen != wanted and doubt:
            self._add(Outcome.INCONCLUSIVE, expected, f"{found}; {doubt}", cause=Reason.UNATTRIBUTED)
        else:
            self._add(Outcome.HOLDS if seen == wanted else Outcome.VIOLATED, expected, found)

    def has(self, **wanted: object) -> None:
        """Each named field of the object has the given value at this moment."""
        for name, value in wanted.items():
            self.shows(name.replace("_", " "), getattr(self._event.fact, name), value)

    def comes_with(self, other: Event[F] | None, what: str, among: History[F] | None = None) -> Event[F] | None:
        """The other object exists too; returned so that it can be looked at.

        ``among`` is where it was looked for, so that ``None`` counts only if nothing of that was missed.
        """
        if other is None and among is not None and among.gaps:
            self._unknown(f"{what} belongs to {say(self._event)}", UnknownFact(f"part of {among.kind} was not seen"))
            return None
        self._add(
            Outcome.VIOLATED if other is None else Outcome.HOLDS,
            f"{what} belongs to {singular(self._event.kind)} {self._event.name}",
            f"there is no {what}" if other is None else "it is there",
            *([other] if other else []),
            undone=_end_of_one_in(what) if other is None else None,
        )
        return other

    def keeps(self, earlier: Event[Any], *names: str) -> None:
        """Each named field still has the value it had at the earlier moment."""
        for name in names:
            was, now = getattr(earlier.fact, name), getattr(self._event.fact, name)
            field = name.replace("_", " ")
            self._add(
                Outcome.HOLDS if was == now else Outcome.VIOLATED,
                f"{singular(self._event.kind)} {self._event.name} keeps its {field} {was!r}",
                f"its {field} is now {now!r}",
                earlier,
                undone=_change_of(earlier, self._event, name) if was != now else None,
            )

    def differs_from(self, other: Event[Any], name: str) -> None:
        """No two objects share the value of the named field."""
        mine, theirs = getattr(self._event.fact, name), getattr(other.fact, name)
        field = name.replace("_", " ")
        if mine is None or theirs is None:
            unknown = UnknownFact(f"the {field} of {(self._event if mine is None else other).name} is not known")
            self._unknown(f"{self._event.name} and {other.name} each have a {field} of their own", unknown)
            return
        self._add(
            Outcome.HOLDS if mine != theirs else Outcome.VIOLATED,
            f"{self._event.name} and {other.name} each have a {field} of their own",
            f"{self._event.name} and {other.name} share the {field} {mine!r}",
            other,
        )

    def follows(self, other: Event[Any] | None, what: str, among: History[Any] | None = None) -> None:
        """The other moment happened, and before this one. ``None``: it was never seen.

        ``among`` is where it was looked for; by default the history of this moment's kind.
        """
        expected = f"{what} before {say(self._event)}"
        history = among or judged.get().of_kind(self._event.kind)
        try:
            if history.kind != self._event.kind:
                judged.get().same_domain(history.kind, self._event.kind)
            if (other is None or other.rv > self._event.rv) and history.unseen(0, self._event.rv):
                raise UnknownFact(f"part of {history.kind} was not seen")
            if other is None:
                self._add(Outcome.VIOLATED, expected, f"{say(self._event)}, and that had not happened")
                return
        except UnknownFact as unknown:
            self._unknown(expected, unknown)
            return
        self._add(
            Outcome.HOLDS if other.rv < self._event.rv else Outcome.VIOLATED,
            expected,
            f"{say(self._event)} at {self._event.seconds:.3f} s, {say(other)} at {other.seconds:.3f} s",
            other,
            acts=[other],
        )

    def finds(self, history: History[F], name: str, condition: Callable[[F], bool], what: str) -> None:
        """At this moment the condition holds for the object ``name``, as far as the controller could know.

        Conditions such as Ready go back and forth, and a controller acts on a view that is slightly old. A broken
        condition counts only if it had been broken for longer than the grace, or if the set's own status, written
        in between, already shows it. Otherwise the obligation is *raced*: inconclusive.
        """
        event, expected = self._event, f"{singular(history.kind)} {name} is {what} when {say(self._event)}"
        try:
            if history.kind != event.kind:
                judged.get().same_domain(history.kind, event.kind)
            at = history.before(event.rv, name)
            if at is not None and at.now is not None and condition(at.now):
                self._add(Outcome.HOLDS, expected, f"it was, since {at.seconds:.3f} s", at)
                return
            since = history.false_since(name, condition, event.rv)
            if since is None or (since.change is Change.ADDED and not history.last_loss(name, condition, event.rv)):
                if history.unseen(0, event.rv):
                    raise UnknownFact(f"part of {history.kind} was not seen")
                seen = f"{name} had never been {what}" if at else f"there was no {singular(history.kind)} {name} yet"
                self._add(Outcome.VIOLATED, expected, f"{say(event)} while {seen}", *([at] if at else []))
                return
            if history.unseen(since.rv - 1, event.rv):
                raise UnknownFact(f"part of {history.kind} was not seen")
            age = event.seconds - since.seconds
            known = _own_write(history, name, since, event) or _status_shows(history, condition, since, event)
            if known or (age > GRACE_SECONDS and not _may_be_younger(since, event)):
                self._add(
                    Outcome.VIOLATED,
                    expected,
                    f"{say(event)} although {name} had not been {what} for {age:.3f} s",
                    since,
                )
            else:
                self._add(
                    Outcome.INCONCLUSIVE,
                    expected,
                    f"{say(event)} {age:.3f} s after {name} was no longer {what}: the controller may not have known",
                    since,
                    cause=Reason.RACED,
                )
        except UnknownFact as unknown:
            self._unknown(expected, unknown)

    def waits_for(
        self, history: History[F], name: str, condition: Callable[[F], bool], seconds: float, what: str
    ) -> None:
        """This moment comes when the condition has held for ``name`` for ``seconds``, as far as could be known."""
        since, lost = (ask(name, condition, self._event.rv) for ask in (history.since, history.last_loss))
        known = lost is not None and _own_write(history, name, lost, self._event)
        self.waits(since, seconds, what, None if known else lost)

    def waits(self, since: Event[Any] | None, seconds: float, what: str, lost: Event[Any] | None = None) -> None:
        """This moment comes at least ``seconds`` after ``since``, when ``what`` came to be; ``None``: it was not so.

        ``lost`` is when it last ceased to be so, by no doing of the controller, which may still act on what was before.
        A kubelet notes when a pod became Ready in whole seconds, so a controller may be up to one second early.
        """
        expected = f"{say(self._event)} at least {seconds:g} s after {what}"
        age = self._event.seconds - since.seconds if since else 0.0
        begun, written = getattr(since.fact, "ready_since", None) if since else None, self._event.fact.written
        known = begun is not None and written is not None and written - begun >= seconds
        if since and (age >= seconds - 1 or known):
            self._add(Outcome.HOLDS, expected, f"{say(self._event)} {age:.3f} s after that", since)
        elif lost and self._event.seconds - lost.seconds <= GRACE_SECONDS:
            seen = f"{say(self._event)} {self._event.seconds - lost.seconds:.3f} s after that stopped being so"
            self._add(Outcome.INCONCLUSIVE, expected, seen, lost, cause=Reason.RACED)
        elif since is None:
            self._add(Outcome.VIOLATED, expected, f"{say(self._event)}, and that was not so")
        elif self._event.late or since.late:
            self._add(Outcome.INCONCLUSIVE, expected, "one of the two was not seen in time", since, cause=Reason.RACED)
        else:
            self._add(Outcome.VIOLATED, expected, f"{say(self._event)} {age:.3f} s after that", since)

    def counts(self, what: str, certain: int, possible: int, most: int) -> None:
        """At this moment at most ``most`` of something are there: ``certain`` ones, of which the controller knew, and
        up to ``possible`` with those that had come to be so only a moment before.
        """
        expected = f"{say(self._event)} with at most {most} {what}"
        if certain <= most < possible:
            seen = f"{possible}, {possible - certain} of them for less than {GRACE_SECONDS:g} s"
            self._add(Outcome.INCONCLUSIVE, expected, seen, cause=Reason.RACED)
        else:
            self._add(Outcome.HOLDS if possible <= most else Outcome.VIOLATED, expected, f"{certain} {what}")

    def _unknown(self, expected: str, unknown: UnknownFact) -> None:
        self._add(Outcome.INCONCLUSIVE, expected, str(unknown), cause=reason_of(unknown))


def expect(event: Event[Any]) -> Expectation:
    """Start an obligation about one moment."""
    return Expectation(event)


def expect_none(events: Iterable[Event[Any]], what: str) -> None:
    """None of these moments may happen in the whole window. ``what`` completes "no ..."."""
    found = list(events)
    for event in found:
        doubt = _doubt(event)
        if doubt and doubt.excludes:
            continue
        outcome, cause = (Outcome.INCONCLUSIVE, Reason.UNATTRIBUTED) if doubt else (Outcome.VIOLATED, None)
        seen = f"{say(event)}; {doubt}" if doubt else say(event)
        _put(outcome, f"no {what}", seen, witness_of(event, phrase(event)), cause=cause)
    if not found:
        _put(Outcome.HOLDS, f"no {what}", "none was seen")


def expect_reached(
    reached: bool,
    what: str,
    *witness: Event[Any],
    seen: str = "",
    of_ready_pods: bool = False,
    not_owed: str = "",
) -> None:
    """The window ends in this state; else ``seen`` tells what was there. ``witness``: all objects that bear on it.

    The harness waits until the set's own status claims that all is done, or until the time is up. A state that was not
    reached is blamed on the controller only where it owes it (``debt``); ``of_ready_pods`` is explained there, and
    ``not_owed`` says why the promise itself knows that it does not.
    """
    timeline = judged.get()
    marks = [witness_of(event, phrase(event)) for event in witness]
    if reached:
        _put(Outcome.HOLDS, what, "so it was", *marks)
    elif not_owed:
        _put(Outcome.INCONCLUSIVE, what, not_owed, *marks, cause=Reason.NOT_REACHED)
    elif cleared := debt.excuse(timeline, witness, of_ready_pods=of_ready_pods):
        cause, sentence = cleared
        _put(Outcome.INCONCLUSIVE, what, sentence, *marks, cause=cause)
    else:
        waited = timeline.window.waited_for or "although the StatefulSet's status says that all is done"
        _put(Outcome.VIOLATED, what, "; ".join(filter(None, (f"not reached: {waited}", seen))), *marks)


def expect_seen(seen: bool, what: str, *witness: Event[Any]) -> None:
    """A step of the harness itself was taken, without which nothing can be said: its lack is nobody's fault."""
    marks = [witness_of(event, phrase(event)) for event in witness]
    if seen:
        _put(Outcome.HOLDS, what, "so it was", *marks)
    else:
        _put(Outcome.INCONCLUSIVE, what, "the run did not get that far", *marks, cause=Reason.NOT_REACHED)


def characterise(what: str, seen: str, *witness: Event[Any]) -> None:
    """Report what was seen where the documents contradict each other: neither right nor wrong."""
    _put(Outcome.CHARACTERISED, what, seen, *(witness_of(event, phrase(event)) for event in witness))


def _put(outcome: Outcome, expected: str, seen: str, *witness: Witness, cause: Reason | None = None) -> None:
    obligations.get().append(Obligation(outcome, expected, seen, cause, witness))


@dataclass(frozen=True, slots=True)
class _Doubt:
    """Why the set's controller cannot be blamed for an act, in words.

    ``excludes``: users were at work, and one of them is known to have done it, so that no promise speaks of it.
    """

    words: str
    excludes: bool = False

    def __str__(self) -> str:
        return self.words


@contextmanager
def _unread() -> Iterator[None]:
    """What is looked at here counts as read by nobody: who did it only takes blame away, complete or not."""
    token = kinds_read.set(set())
    try:
        yield
    finally:
        kinds_read.reset(token)


def _doubt(*acts: Event[Any] | None) -> _Doubt | None:
    """Why nobody can be blamed for these acts: another client did one of them, or it is not known who; or ``None``.

    Asked of what a set's controller makes, changes and removes. A set's own versions speak of its status, and what
    was asked for is read where it is in force.
    """
    timeline, found = judged.get(), None
    with _unread():
        for act in acts:
            if act is None:
                continue
            ends = act.change is Change.DELETED or (act.now is not None and act.now.terminating)
            if act.kind in _BY_CONTROLLER or (ends and (timeline.window.passive or act.kind == "services")):
                author = authors.of(timeline, act)
                if not author.may_be_blamed:
                    known = author.author is authors.Author.OTHER and ends and timeline.window.passive
                    found = _Doubt(f"{say(act)}: {author}", known) if known or found is None else found
                elif found is None and (touched := authors.touched_before(timeline, act)):
                    found = _Doubt(f"before that {touched}")
    return found


def _ours(undone: Event[Any] | None) -> _Doubt | None:
    """That the run itself undid what was to stay, as a scenario that deletes a PVC does; else ``None``."""
    with _unread():
        ours = undone is not None and authors.of(judged.get(), undone).author is authors.Author.US
    return _Doubt(f"{say(undone)}: by this run itself") if undone and ours else None


_HANDED_ON = frozenset({"name", "ordinal", "hostname", "revision", "claims", "own_claims"})
"""What an object takes over from the one before it: that it does not is a matter of how it was made."""
_BY_CONTROLLER = ("pods", "persistentvolumeclaims", "controllerrevisions")
"""The kinds that a set's controller makes, changes and removes."""


def _end_of_one_in(what: str) -> Event[Any] | None:
    """The last end of an object that is named in these words."""
    timeline, names = judged.get(), set(re.findall(r"[a-z0-9][a-z0-9.-]*", what))
    histories: list[History[Any]] = [timeline.pods, timeline.claims, timeline.revisions, timeline.services]
    ends = (e for history in histories for e in history.gone())
    return max((e for e in ends if e.name in names), key=lambda e: e.rv, default=None)


def _change_of(earlier: Event[Any], later: Event[Any], name: str) -> Event[Any] | None:
    """What made a field of ``earlier`` what it is in ``later``: the end of that object, or the version that differs."""
    history = judged.get().of_kind(later.kind)
    if earlier.uid != later.uid:
        made = (e for e in history.created() if e.uid == later.uid)
        return next(made, None) if name in _HANDED_ON else history.deletion_of(earlier.uid)
    was = getattr(earlier.fact, name)
    versions = (e for e in history.named(later.name) if earlier.rv < e.rv <= later.rv and e.uid == later.uid)
    return next((e for e in versions if getattr(e.fact, name) != was), None)


def _may_be_younger(flip: Event[Any], event: Event[Any]) -> bool:
    """Whether less than the grace may lie between two moments although their versions came to us further apart.

    A connection that stalls without breaking delivers late. The server's own clock, in whole seconds, then tells.
    """
    then, now = flip.fact.written, event.fact.written
    return event.late or (then is not None and now is not None and now - then - 1 <= GRACE_SECONDS)


def _own_write(history: History[F], name: str, since: Event[F], event: Event[Any]) -> bool:
    """Whether the controller itself stopped ``name``, or created it anew, since it is not as it should be: it knows."""
    if history.kind != "pods":
        return False
    timeline = judged.get()
    stop = since if since.change is Change.DELETED or since.fact.terminating else None
    if stop and authors.of_end(timeline, stop).author is authors.Author.CONTROLLER:
        return True
    made = (e for e in history.named(name) if e.change is Change.ADDED and since.rv <= e.rv < event.rv)
    return any(authors.of(timeline, e).author is authors.Author.CONTROLLER for e in made)


def _status_shows(history: History[F], condition: Callable[[F], bool], flip: Event[F], event: Event[Any]) -> bool:
    """Whether the set's status, written between the two moments, counts fewer ready pods than before the flip.

    That proves that its controller knew only if the flip is the one loss that could have lowered the count.
    """
    timeline = judged.get()
    if event.kind != "pods" or history.unseen(0, event.rv) or timeline.sets.unseen(0, event.rv):
        return False
    try:
        timeline.same_domain("statefulsets")
    except UnknownFact:
        return False
    counted: Event[StatefulSet] | None = None
    for written in timeline.sets.events:
        if written.now is None or written.rv >= event.rv:
            break
        if written.rv <= flip.rv:
            counted = written
        elif counted and written.now.ready_replicas < counted.fact.ready_replicas:
            since = counted.seconds - GRACE_SECONDS
            return [e for e in history.losing(condition) if e.seconds > since and e.rv < written.rv] == [flip]
    return False
