"""Every recorded version of one kind."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from typing import Any, Generic, TypeVar

from stsconf.errors import UnknownFact
from stsconf.timeline.events import END, GRACE_SECONDS, Change, Event, Gap
from stsconf.timeline.facts import Fact

F = TypeVar("F", bound=Fact)


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

    def deletion_of(self, uid: str) -> Event[F] | None:
        """The moment at which this very object was asked to stop or, where nothing held it back, was gone."""
        return self.stop_of(uid) or self.end_of(uid)

    def last_loss(self, name: str, condition: Callable[[F], bool], rv: int) -> Event[F] | None:
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

    def false_since(self, name: str, condition: Callable[[F], bool], rv: int) -> Event[F] | None:
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

    def lately(self, name: str, condition: Callable[[F], bool], moment: Event[Any]) -> bool:
        """Whether the condition held for ``name`` until less than the grace before a moment of another object.

        Not where the object was asked to stop: that is no flicker.
        """
        lost = self.last_loss(name, condition, moment.rv)
        flickered = lost is not None and lost.now is not None and not lost.now.terminating
        return lost is not None and flickered and moment.seconds - lost.seconds <= GRACE_SECONDS

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
