"""A collection as it was delivered: each version is checked against those before it, then written."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from stsconf.record.file import Record
from stsconf.record.journal import Journal
from stsconf.record.streams import DIAGNOSTIC, Stream
from stsconf.record.versions import Broken, Change, Key, Version, key_of, version, versions_of


@dataclass(frozen=True, slots=True)
class Seen:
    """The latest version of one object. ``obj`` is None where nobody may ask for it."""

    uid: str
    rv: int
    generation: int
    stored: bool
    obj: Record | None


class Replica:
    """What one feed knows. Used under the journal's lock only.

    ``objects``: the latest versions. ``frontier``: everything up to this revision is written. ``listed_at``: the
    revision of the last list. ``goal``: the revision of the closing list. ``keep`` decides which objects are stored;
    all are followed.
    """

    def __init__(self, stream: Stream, place: dict[str, str], journal: Journal, keep: Callable[[Record], bool]) -> None:
        self.objects: dict[Key, Seen] = {}
        self.frontier = self.listed_at = 0
        self.goal: int | None = None
        self._stream = stream
        self._place = place
        self._journal = journal
        self._keep = keep
        self._recent: deque[tuple[str, int]] = deque(maxlen=1000)
        self._tail: list[Change] | None = None
        self._base: dict[Key, Version] = {}
        self._base_rv = 0
        self._closing_list: dict[Key, Version] = {}

    def versions(self) -> dict[Key, Version]:
        """The version of each object."""
        return {key: (seen.uid, seen.rv) for key, seen in self.objects.items()}

    def take(self, new: Change, at: int) -> None:
        """Check one version against what is known, write it, and advance. Raises ``Broken``."""
        seen = self.objects.get(new.key)
        if new.rv <= self.frontier:
            if (new.uid, new.rv) in self._recent or (seen and (seen.uid, seen.rv) == (new.uid, new.rv)):
                self._journal.duplicates += 1
                return
            raise Broken("order", f"version {new.rv} of {new.key} after {self.frontier}", since_list=True)
        if (seen.uid if seen else None) != (None if new.change == "ADDED" else new.uid):
            known = seen.uid if seen else "no such object"
            raise Broken("chain", f"{new.change} {new.key} {new.uid}, known was {known}", since_list=True)
        generation = int(new.obj["metadata"].get("generation") or 0)
        if seen and seen.generation and generation > seen.generation + 1:
            raise Broken("chain", f"{new.key} went from generation {seen.generation} to {generation}", since_list=True)
        stored = (seen.stored if seen else False) or self._keep(new.obj)
        if stored:
            self._journal.version(self._stream.name, new, at)
        if new.change == "DELETED":
            del self.objects[new.key]
        else:
            self.objects[new.key] = self._seen(new.obj, new.rv, generation, stored)
        self._recent.append((new.uid, new.rv))
        if self._tail is not None:
            self._tail.append(new)
        self.frontier = new.rv
        self._journal.recent.append(f"{self._stream.name} {new.key[1]} {new.change} at revision {new.rv}")
        self._journal.wake()

    def _seen(self, obj: Record, rv: int, generation: int, stored: bool) -> Seen:
        visible = stored and self._stream.name not in DIAGNOSTIC
        return Seen(obj["metadata"]["uid"], rv, generation, stored, obj if visible else None)

    def bookmark(self, rv: int, at: int) -> None:
        """Advance to a revision up to which the server has delivered everything. Raises ``Broken``."""
        if rv < self.frontier:
            raise Broken("order", f"bookmark {rv} after version {self.frontier}", since_list=True)
        if rv > self.frontier:
            self.frontier = rv
            self._journal.write("bm", **self._place, t=at, seq=self._journal.next_seq(), rv=str(rv))

    def reset(self, why: str, begun: int, rv: int, items: list[Record]) -> None:
        """Start again from a list that was asked for at ``begun``, and write it. Raises ``Broken``."""
        seen = {}
        for item in items:
            meta, before = item["metadata"], self.objects.get(key_of(item))
            stored = (before.stored if before else False) or self._keep(item)
            seen[key_of(item)] = self._seen(item, version(meta), int(meta.get("generation") or 0), stored)
        kept = [self._journal.shown(item) for item in items if seen[key_of(item)].stored]
        self._journal.snapshot(self._place, begun, rv, why=why, items=kept)
        self.objects = seen
        self.frontier = self.listed_at = rv
        if self._tail is not None:
            self.begin_tail()

    # The closing proof.

    def begin_tail(self) -> None:
        """From here on keep what is delivered, to replay it against the closing list."""
        self._tail = []
        self._base = self.versions()
        self._base_rv = self.frontier

    def close_at(self, begun: int, rv: int, items: list[Record]) -> None:
        """Take the closing list, and write its versions. Raises ``Broken``."""
        self._closing_list = versions_of(items)
        brief = [
            {"uid": item["metadata"]["uid"], "rv": item["metadata"]["resourceVersion"], "ns": key[0], "name": key[1]}
            for key, item in ((key_of(item), item) for item in items if self._keep(item))
        ]
        self.goal = rv
        self._journal.snapshot(self._place, begun, rv, why="closing", brief=True, items=brief)

    def closing(self) -> str:
        """``equal`` when the replayed versions give exactly the closing list. Asked once the goal is reached."""
        goal = self.goal or 0
        if goal < self._base_rv:
            return f"mismatch: the list is at revision {goal}, older than what was watched ({self._base_rv})"
        state = dict(self._base)
        for change in self._tail or ():
            if change.rv <= goal:
                if change.change == "DELETED":
                    state.pop(change.key, None)
                else:
                    state[change.key] = (change.uid, change.rv)
        differing = {key for key, _ in state.items() ^ self._closing_list.items()}
        return f"mismatch: {len(differing)} objects differ, such as {min(differing)}" if differing else "equal"
