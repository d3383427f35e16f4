"""The words in which promises are written.

``expect`` never raises and never decides: each word adds one obligation, and the judge takes the worst at the end, so
that an early doubt cannot hide a later violation.
"""

from collections.abc import Callable, Iterable
from contextvars import ContextVar
from typing import Any, TypeVar

from stsconf.errors import UnknownFact
from stsconf.judging.verdict import Obligation, Outcome, Witness, singular, witness_of
from stsconf.timeline.events import GRACE_SECONDS, Change, Event, Reason, reason_of
from stsconf.timeline.facts import Fact, StatefulSet
from stsconf.timeline.history import History
from stsconf.timeline.timeline import Timeline

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
    ) -> None:
        witness = [witness_of(self._event, phrase(self._event)), *(witness_of(e, phrase(e)) for e in others)]
        _put(outcome, expected, seen, *witness, cause=cause)

    def shows(self, what: str, seen: object, wanted: object) -> None:
        """What was read off the object at this moment is what it should be."""
        subject = f"{singular(self._event.kind)} {self._event.name}"
        self._add(
            Outcome.HOLDS if seen == wanted else Outcome.VIOLATED,
            f"{subject}: {what} is {wanted!r}",
            f"{subject}: {what} is {seen!r}",
        )

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
            )

    def differs_from(self, other: Event[Any], name: str) -> None:
        """No two objects share the value of the named field."""
        mine, theirs = getattr(self._event.fact, name), getattr(other.fact, name)
        field = name.replace("_", " ")
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
            if (age > GRACE_SECONDS and not _may_be_younger(since, event)) or _status_shows(
                history, condition, since, event
            ):
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

    def waits(self, since: Event[Any] | None, seconds: float, what: str) -> None:
        """This moment comes at least ``seconds`` after ``since``, when ``what`` came to be; ``None``: it was not so.

        A kubelet notes when a pod became Ready in whole seconds, so a controller may be up to one second early.
        """
        expected = f"{say(self._event)} at least {seconds:g} s after {what}"
        if since is None:
            self._add(Outcome.VIOLATED, expected, f"{say(self._event)}, and that was not so")
            return
        age = self._event.seconds - since.seconds
        begun, written = getattr(since.fact, "ready_since", None), self._event.fact.written
        in_time = age >= seconds - 1 or (begun is not None and written is not None and written - begun >= seconds)
        if in_time or not (self._event.late or since.late):
            outcome = Outcome.HOLDS if in_time else Outcome.VIOLATED
            self._add(outcome, expected, f"{say(self._event)} {age:.3f} s after that", since)
        else:
            self._add(Outcome.INCONCLUSIVE, expected, "one of the two was not seen in time", since, cause=Reason.RACED)

    def _unknown(self, expected: str, unknown: UnknownFact) -> None:
        self._add(Outcome.INCONCLUSIVE, expected, str(unknown), cause=reason_of(unknown))


def expect(event: Event[Any]) -> Expectation:
    """Start an obligation about one moment."""
    return Expectation(event)


def expect_none(events: Iterable[Event[Any]], what: str) -> None:
    """None of these moments may happen in the whole window. ``what`` completes "no ..."."""
    found = list(events)
    for event in found:
        _put(Outcome.VIOLATED, f"no {what}", say(event), witness_of(event, phrase(event)))
    if not found:
        _put(Outcome.HOLDS, f"no {what}", "none was seen")


def expect_reached(reached: bool, what: str, *witness: Event[Any], seen: str = "") -> None:
    """The window ends in this state; else ``seen`` tells what was there. ``witness``: all pods that bear on it.

    The harness waits until the set's own status claims that all is done, or until the time is up: what is not so then
    will not be. A window that was cut short, was not waited for, or has holes proves nothing, and neither does one
    whose end something around the controller held up, or undid later.
    """
    timeline = judged.get()
    marks = [witness_of(event, phrase(event)) for event in witness]
    if reached:
        _put(Outcome.HOLDS, what, "so it was", *marks)
    elif around := timeline.window.end.environment:
        _put(Outcome.INCONCLUSIVE, what, f"not reached: {around}", *marks, cause=Reason.ENVIRONMENT)
    elif late := _later(witness):
        cause = Reason.ENVIRONMENT if timeline.window.settled else Reason.NOT_REACHED
        _put(Outcome.INCONCLUSIVE, what, late, *marks, cause=cause)
    elif timeline.window.settled is not None and not timeline.problems:
        waited = timeline.window.waited_for or "although the StatefulSet's status says that all is done"
        _put(Outcome.VIOLATED, what, "; ".join(filter(None, (f"not reached: {waited}", seen))), *marks)
    else:
        why = timeline.window.unfinished or "not reached while we watched"
        _put(Outcome.INCONCLUSIVE, what, why, *marks, cause=Reason.NOT_REACHED)


def _later(witness: Iterable[Event[Any]]) -> str:
    """What happened only after its window had ended, and clears the controller of what was not reached, or "".

    Where the set had settled, one of these pods ceased to be Ready without having been asked to stop, such as on a node
    that was lost then. Where the wait had run out, one of these pods became Ready at last: it was slow, not stuck.
    """
    timeline, uids = judged.get(), {event.uid for event in witness}
    window = timeline.window
    turned = timeline.pods.losing if window.settled else timeline.pods.becoming
    turns = [e for e in turned(lambda pod: pod.ready) if e.uid in uids]
    late = [e for e in turns if e.line > window.closed]
    if window.settled:
        left = (e for e in late if not e.fact.terminating)
        return next((f"Pod {e.name} stopped being Ready after the scenario had ended" for e in left), "")
    before = {e.uid for e in turns if e.line <= window.closed}
    seen = "not reached in time, but Pod {} became Ready after that for the first time: it was slow, not stuck"
    return next((seen.format(e.name) for e in late if e.uid not in before), "") if window.waited_for else ""


def characterise(what: str, seen: str, *witness: Event[Any]) -> None:
    """Report what was seen where the documents contradict each other: neither right nor wrong."""
    _put(Outcome.CHARACTERISED, what, seen, *(witness_of(event, phrase(event)) for event in witness))


def _put(outcome: Outcome, expected: str, seen: str, *witness: Witness, cause: Reason | None = None) -> None:
    obligations.get().append(Obligation(outcome, expected, seen, cause, witness))


def _may_be_younger(flip: Event[Any], event: Event[Any]) -> bool:
    """Whether less than the grace may lie between two moments although their versions came to us further apart.

    A connection that stalls without breaking delivers late. The server's own clock, in whole seconds, then tells.
    """
    then, now = flip.fact.written, event.fact.written
    return event.late or (then is not None and now is not None and now - then - 1 <= GRACE_SECONDS)


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
