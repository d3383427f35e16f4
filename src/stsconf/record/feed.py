"""One feed: list, then watch, of one kind in one place, until told to stop. Nothing is lost without a record of it.

Inside one kind resourceVersions are ordered, and a watch that starts at one delivers every later version
(https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-versions). So a broken connection costs nothing:
the feed goes on from the last version it wrote. Only when the server says 410, or breaks its own rules, is there a
hole. A 410 hole is filled by a list at every revision in between (``resourceVersionMatch=Exact``); what cannot be
filled is written as a ``gap``. The official client gives connection and credentials only: its watch loop loses events.
"""

import json
import random
import re
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import urllib3
from urllib3.exceptions import HTTPError, ReadTimeoutError

from stsconf.kube.http import HttpProblem, Wire
from stsconf.record.file import Record, TimelineWriter, encode


@dataclass(frozen=True, slots=True)
class Stream:
    """One resource of the Kubernetes API. ``name`` is its plural, ``group`` is "" for core."""

    name: str
    group: str
    version: str
    resource: str
    namespaced: bool

    def path(self, namespace: str | None) -> str:
        """The URL path of the collection, in one namespace or in all."""
        root = f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"
        return f"{root}/namespaces/{namespace}/{self.resource}" if namespace else f"{root}/{self.resource}"


STREAMS = (
    Stream("pods", "", "v1", "pods", namespaced=True),
    Stream("statefulsets", "apps", "v1", "statefulsets", namespaced=True),
    Stream("controllerrevisions", "apps", "v1", "controllerrevisions", namespaced=True),
    Stream("persistentvolumeclaims", "", "v1", "persistentvolumeclaims", namespaced=True),
    Stream("persistentvolumes", "", "v1", "persistentvolumes", namespaced=False),
    Stream("services", "", "v1", "services", namespaced=True),
    Stream("endpointslices", "discovery.k8s.io", "v1", "endpointslices", namespaced=True),
    Stream("events", "", "v1", "events", namespaced=True),
)
"""What is recorded. Events are diagnostics: often stored apart, never compared with other kinds. Secrets never."""

DIAGNOSTIC = frozenset({"events"})
MAX_LINE_BYTES = 32 << 20
"""A longer watch line is taken for a broken stream: etcd refuses objects above 1.5 MiB by default."""


@dataclass(frozen=True, slots=True)
class RecorderWaits:
    """How long the recorder waits, in seconds, and how far it goes to repair."""

    connect: float = 5.0
    """For a connection to the API server."""
    answer: float = 30.0
    """Longest silence inside the answer to a list or a write."""
    silence: float = 90.0
    """Longest silence of an open watch; a healthy server sends a bookmark every 60."""
    watch: tuple[int, int] = (240, 300)
    """The server ends a watch after a random time between these, so that feeds do not return together."""
    start: float = 30.0
    """Until every feed has its first list and an open watch."""
    back_off: tuple[float, ...] = (0.0, 0.2, 0.5, 1.0, 2.0)
    """Before the first, second ... fruitless attempt in a row; the last one repeats. Servers keep at least 75 s."""
    repair: float = 60.0
    """For filling one gap; the server compacts old revisions after 5 minutes by default."""
    repair_revisions: int = 1000
    """Largest gap that is filled, in revisions (one list each)."""
    freshen: float = 5.0
    """Between writes to the sentinel: no feed is then far behind when the API server restarts, and holes are small."""
    sentinel: float = 2.0
    """For the events of our own writes at the end."""
    forced_watch: int = 3
    """Length of a watch that makes the server send a bookmark, about 2 s before its end; below 3 it sends none."""
    closing: float = 60.0
    """Until every feed has delivered all versions of its closing list; long enough for a repair."""
    stop: float = 5.0
    """For a feed's thread to end."""


class Broken(Exception):
    """Versions may be missing. ``since_list``: unknown where, so anywhere after the last list; such a hole stays."""

    def __init__(self, why: str, detail: str, *, since_list: bool = False) -> None:
        self.why = why
        self.detail = detail
        self.since_list = since_list
        super().__init__(f"{why}: {detail}")


def version(metadata: Mapping[str, Any]) -> int:
    """The resourceVersion as a number; comparable inside one resource type (KEP-5504). Raises ``Broken``."""
    text = metadata.get("resourceVersion")
    if not isinstance(text, str) or not re.fullmatch("[1-9][0-9]*", text):
        raise Broken("malformed", f"resourceVersion {text!r} is not a number")
    return int(text)


@dataclass(frozen=True, slots=True)
class Gap:
    """A hole in one feed: versions after ``after_rv`` up to ``until_rv`` (None: for ever) were not delivered.

    ``repaired``: they have all been rebuilt from lists and stand in the recording.
    """

    feed: str
    after_rv: int
    until_rv: int | None
    why: str
    repaired: bool


class Journal:
    """What all feeds share: the file, the clock, the order of records, and whoever waits for news.

    Every record is written under ``changed``. A slow disk therefore slows the readers down instead of filling memory;
    the server then ends their watches, and they resume. ``redact`` changes an object before it is stored, or is None.
    """

    def __init__(self, writer: TimelineWriter, started: int, redact: Callable[[Any], Any] | None) -> None:
        self.writer = writer
        self.redact = redact
        self.changed = threading.Condition(threading.RLock())
        self.stopping = threading.Event()
        self.seq = 0
        self.news = 0
        self.duplicates = 0
        self.gaps: list[Gap] = []
        self.recent: deque[str] = deque(maxlen=5)
        self._started = started

    def now(self) -> int:
        """Nanoseconds since the recording began."""
        return time.monotonic_ns() - self._started

    def write(self, rec: str, **fields: object) -> None:
        """Append one record and wake those who wait; nothing after the end."""
        with self.changed:
            if not self.stopping.is_set():
                self.writer.write({"rec": rec, **fields})
            self.wake()

    def wake(self) -> None:
        """Let everyone who waits look again."""
        with self.changed:
            self.news += 1
            self.changed.notify_all()

    def next_seq(self) -> int:
        """The next number of the one order in which snapshots, versions and bookmarks are written."""
        with self.changed:
            self.seq += 1
            return self.seq


Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Seen:
    """The latest version of one object. ``obj`` is None where nobody may ask for it."""

    uid: str
    rv: int
    generation: int
    stored: bool
    obj: Record | None


@dataclass(frozen=True, slots=True)
class Change:
    """One version to be written: as delivered (``raw``), or rebuilt from lists."""

    change: str
    rv: int
    obj: Record
    raw: bytes
    rebuilt: bool = False

    @property
    def key(self) -> Key:
        """Namespace ("" for a cluster-scoped object) and name."""
        return _key(self.obj)

    @property
    def uid(self) -> str:
        """The object's uid."""
        return str(self.obj["metadata"]["uid"])


def _key(obj: Record) -> Key:
    meta = obj["metadata"]
    return (meta.get("namespace") or "", meta["name"])


class Feed(threading.Thread):
    """Records one stream, of one namespace or (None) of all, until the journal stops.

    ``keep`` decides which objects are stored; all are followed. In the file, rebuilt versions stand in RV order
    before their ``gap`` (``repaired``); a gap that stays stands before its ``snap``.
    Read under ``journal.changed``: ``objects`` (latest versions), ``frontier`` (everything up to it is written),
    ``ready``, ``forbidden``, ``fatal``, ``trouble``.
    """

    def __init__(
        self,
        stream: Stream,
        namespace: str | None,
        wire: Wire,
        waits: RecorderWaits,
        journal: Journal,
        keep: Callable[[Record], bool],
    ) -> None:
        self.key = f"{stream.name}/{namespace}" if namespace else stream.name
        super().__init__(name=f"stsconf-{self.key}", daemon=True)
        self.stream = stream
        self.namespace = namespace
        self.objects: dict[Key, Seen] = {}
        self.frontier = 0
        self.ready = self.forbidden = False
        self.fatal: HttpProblem | None = None
        self.trouble = "no answer yet"
        self.goal: int | None = None
        self._wire = wire
        self._waits = waits
        self._journal = journal
        self._keep = keep
        self._path = stream.path(namespace)
        self._place = {"s": stream.name} | ({"ns": namespace} if namespace else {})
        self._listed_at = 0
        self._hole: Broken | None = None
        self._recent: deque[tuple[str, int]] = deque(maxlen=1000)
        self._response: urllib3.HTTPResponse | None = None
        self._hurried = self._heard = False
        self._tail: list[Change] | None = None
        self._base: dict[Key, tuple[str, int]] = {}
        self._base_rv = 0
        self._goal_items: list[Record] = []

    def run(self) -> None:
        """List, watch, mend, again; ends on stop, or at the start on an answer that no retry will change."""
        fruitless = 0
        while not self._journal.stopping.is_set():
            pause = 0.0
            self._heard = False
            try:
                if self._hole:
                    self._mend(self._hole)
                elif not self.frontier:
                    self._snapshot("start")
                self._watch()
            except Broken as hole:
                self._break(hole)
            except HttpProblem as problem:
                if problem.status == 410 and self.frontier:
                    self._break(Broken("410", problem.message))
                else:
                    self._conn(f"http-{problem.status}", problem.message)
                    if self._give_up(problem):
                        return
                pause = problem.retry_after
            except ReadTimeoutError as error:
                self._conn("timeout", str(error))
            except (HTTPError, OSError) as error:
                self._conn("error", f"{type(error).__name__}: {error}")
            except Exception as error:  # our own fault must become a gap, never a silent end
                self._break(Broken("thread", repr(error), since_list=True))
            fruitless = 0 if self._heard else fruitless + 1
            steps = self._waits.back_off
            self._journal.stopping.wait(max(pause, steps[min(max(fruitless - 1, 0), len(steps) - 1)]))

    def _give_up(self, problem: HttpProblem) -> bool:
        if self.ready or problem.passing:
            return False
        with self._journal.changed:
            if problem.status == 403:
                self.forbidden = True
                self._gap(0, None, "forbidden", repaired=False)
            else:
                self.fatal = problem
            self._journal.wake()
        return True

    def _break(self, hole: Broken) -> None:
        self._conn("broken", str(hole))
        if self._hole is None or hole.since_list:
            self._hole = hole

    def _conn(self, what: str, detail: str = "") -> None:
        if what != "open":
            self.trouble = f"{what} {detail}".strip()
        more = {"detail": detail[:500]} if detail else {}
        self._note("conn", self._journal.now(), what=what, from_rv=str(self.frontier), **more)

    def _note(self, rec: str, at: int, **fields: object) -> None:
        self._journal.write(rec, **self._place, t=at, **fields)

    def _gap(self, after: int, until: int | None, why: str, *, repaired: bool) -> None:
        self._journal.gaps.append(Gap(self.key, after, until, why, repaired))
        span = {"after_rv": str(after), "until_rv": None if until is None else str(until)}
        self._note("gap", self._journal.now(), **span, why=why, repaired=repaired)

    # The watch.

    def _watch(self) -> None:
        """Follow one watch to its end. Raises what ended it, nothing for a clean end."""
        hurried = self._hurried and not self.reached
        query = {
            "watch": "1",
            "allowWatchBookmarks": "true",
            "resourceVersion": str(self.frontier),
            "timeoutSeconds": str(self._waits.forced_watch if hurried else random.randint(*self._waits.watch)),  # noqa: S311
        }
        response = self._wire.request("GET", self._path, query, silence=self._waits.silence)
        try:
            with self._journal.changed:
                self._response = response
                self.ready = True
                self._conn("open")
            if self._journal.stopping.is_set() or hurried != (self._hurried and not self.reached):
                return
            rest = self._read(response)
        finally:
            self._response = None
            response.close()
        self._conn("eof", f"{rest} bytes of a cut-off line dropped" if rest else "")

    def _read(self, response: urllib3.HTTPResponse) -> int:
        rest = b""
        while chunk := response.read1(65536):
            at = self._journal.now()
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                if line.strip():
                    self._line(line.strip(), at)
            if len(rest) > MAX_LINE_BYTES:
                raise Broken("malformed", f"a line of more than {MAX_LINE_BYTES} bytes")
        return len(rest)

    def _line(self, line: bytes, at: int) -> None:
        try:
            event = json.loads(line)
            change, obj = event["type"], event["object"]
            if change == "ERROR":
                raise HttpProblem(int(obj.get("code") or 500), str(obj.get("message")))
            meta = obj["metadata"]
            rv = version(meta)
            if change not in ("ADDED", "MODIFIED", "DELETED", "BOOKMARK"):
                raise Broken("malformed", f"an event of type {change!r}")
            if change != "BOOKMARK" and not (meta["uid"] and meta["name"]):
                raise Broken("malformed", "an object without a name or uid")
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise Broken("malformed", f"{error!r} in {line[:80]!r}") from error
        if change == "BOOKMARK":
            self._bookmark(rv, at)
            return
        start = b'{"type":"' + change.encode() + b'","object":'
        raw = line[len(start) : -1] if line.startswith(start) and len(event) == 2 else encode(obj)
        with self._journal.changed:
            if not self._journal.stopping.is_set():
                self._take(Change(change, rv, obj, raw), at)
            self._heard = True

    def _bookmark(self, rv: int, at: int) -> None:
        with self._journal.changed:
            if rv < self.frontier:
                raise Broken("order", f"bookmark {rv} after version {self.frontier}", since_list=True)
            self._heard = True
            if rv > self.frontier:
                self.frontier = rv
                self._note("bm", at, seq=self._journal.next_seq(), rv=str(rv))

    def _take(self, new: Change, at: int) -> None:
        """Check one version against what is known, write it, and advance. Called under the journal's lock."""
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
        self._store(new, seen, at, generation)

    def _store(self, new: Change, seen: Seen | None, at: int, generation: int) -> None:
        stored = (seen.stored if seen else False) or self._keep(new.obj)
        if stored:
            self._write_event(new, at)
        if new.change == "DELETED":
            del self.objects[new.key]
        else:
            self.objects[new.key] = self._seen(new.obj, new.rv, generation, stored)
        self._recent.append((new.uid, new.rv))
        if self._tail is not None:
            self._tail.append(new)
        self.frontier = new.rv
        self._journal.recent.append(f"{self.stream.name} {new.key[1]} {new.change} at revision {new.rv}")
        self._journal.wake()

    def _seen(self, obj: Record, rv: int, generation: int, stored: bool) -> Seen:
        visible = stored and self.stream.name not in DIAGNOSTIC
        return Seen(obj["metadata"]["uid"], rv, generation, stored, obj if visible else None)

    def _write_event(self, new: Change, at: int) -> None:
        namespace, name = new.key
        record = {"rec": "ev", "s": self.stream.name, "seq": self._journal.next_seq(), "t": at, "type": new.change}
        record |= {"rv": str(new.rv), "uid": new.uid, "ns": namespace, "name": name}
        record |= {"rebuilt": True} if new.rebuilt else {}
        redact = self._journal.redact
        self._journal.writer.write_event(record, encode(redact(new.obj)) if redact else new.raw)

    # Lists and holes.

    def _snapshot(self, why: str) -> None:
        begun = self._journal.now()
        rv, items = self._wire.list(self._path)
        with self._journal.changed:
            self._write_snapshot(why, begun, rv, items)

    def _write_snapshot(self, why: str, begun: int, rv: int, items: list[Record]) -> None:
        seen = {}
        for item in items:
            meta, before = item["metadata"], self.objects.get(_key(item))
            stored = (before.stored if before else False) or self._keep(item)
            seen[_key(item)] = self._seen(item, version(meta), int(meta.get("generation") or 0), stored)
        redact = self._journal.redact
        kept = [redact(item) if redact else item for item in items if seen[_key(item)].stored]
        self._note_list(begun, rv, why=why, items=kept)
        self.objects = seen
        self.frontier = self._listed_at = rv
        if self._tail is not None:
            self._begin_tail()

    def _note_list(self, begun: int, rv: int, **fields: object) -> None:
        journal = self._journal
        journal.write("snap", **self._place, seq=journal.next_seq(), t0=begun, t1=journal.now(), rv=str(rv), **fields)

    def _mend(self, hole: Broken) -> None:
        """Fill the hole exactly if that is possible, else write it down and start again from a list."""
        begun = self._journal.now()
        until, items = self._wire.list(self._path)
        changes = None if hole.since_list else self._rebuild(until, items)
        with self._journal.changed:
            if self._journal.stopping.is_set():
                return
            at = self._journal.now()
            after = self._listed_at if hole.since_list else self.frontier
            if changes is not None:
                for change in changes:
                    self._take(change, at)
                self.frontier = until
                self._gap(after, until, hole.why, repaired=True)
            else:
                # A list older than what was seen is a server restored from a backup: revisions mean nothing any more.
                self._gap(after, until if until >= self.frontier else None, hole.why, repaired=False)
                self._write_snapshot("gap", begun, until, items)
            self._hole = None

    def _rebuild(self, until: int, items: list[Record]) -> list[Change] | None:
        """The versions in (frontier, until], from one list per revision: one revision is one write."""
        if not 0 <= until - self.frontier <= self._waits.repair_revisions:
            return None
        deadline = time.monotonic() + self._waits.repair
        with self._journal.changed:
            known = {key: (seen.uid, seen.rv) for key, seen in self.objects.items()}
        before: dict[Key, Record] | None = None
        changes: list[Change] = []
        for rv in range(self.frontier, until + 1):
            if time.monotonic() > deadline or self._journal.stopping.is_set():
                return None
            try:
                at = items
                if rv < until:
                    _, at = self._wire.list(self._path, resourceVersion=str(rv), resourceVersionMatch="Exact")
            except HttpProblem as problem:
                if problem.passing and problem.status != 410:
                    raise
                return None  # compacted, or never kept
            now = {_key(item): item for item in at}
            if before is None:
                if known != _versions(at):
                    raise Broken("chain", f"at {rv} the list differs from what was delivered", since_list=True)
            else:
                step = list(_differences(before, now, rv))
                if len(step) > 1 or None in step:
                    return None
                changes += [change for change in step if change]
            before = now
        return changes

    # The end.

    def interrupt(self) -> None:
        """Make the open watch end now, from another thread."""
        response = self._response
        if response is not None:
            with suppress(ValueError, RuntimeError, OSError):  # it has just ended by itself
                response.shutdown()

    def hurry(self) -> None:
        """Watch in short pieces from now on, so that the server sends bookmarks."""
        self._hurried = True
        self.interrupt()

    def close_at(self) -> None:
        """List once more: that revision is the goal the watch must reach. Raises as ``Wire.list`` does."""
        with self._journal.changed:
            self._begin_tail()
        begun = self._journal.now()
        rv, items = self._wire.list(self._path)
        brief = [
            {"uid": item["metadata"]["uid"], "rv": item["metadata"]["resourceVersion"], "ns": key[0], "name": key[1]}
            for key, item in ((_key(item), item) for item in items if self._keep(item))
        ]
        with self._journal.changed:
            self.goal, self._goal_items = rv, items
            self._note_list(begun, rv, why="closing", brief=True, items=brief)

    def _begin_tail(self) -> None:
        self._tail = []
        self._base = {key: (seen.uid, seen.rv) for key, seen in self.objects.items()}
        self._base_rv = self.frontier

    @property
    def reached(self) -> bool:
        """Whether nothing more is to be waited for. A hole after the frontier is past the goal then."""
        before = self._hole is not None and self._hole.since_list
        return self.forbidden or (self.goal is not None and self.frontier >= self.goal and not before)

    def closing(self) -> str:
        """The proof's result: ``equal`` when the replayed versions give exactly the closing list."""
        if self.forbidden:
            return "forbidden"
        if self.goal is None or not self.reached or not self.is_alive():
            return f"not reached: {self.trouble}"
        if self.goal < self._base_rv:
            return f"mismatch: the list is at revision {self.goal}, older than what was watched ({self._base_rv})"
        state = dict(self._base)
        for change in self._tail or ():
            if change.rv <= self.goal:
                if change.change == "DELETED":
                    state.pop(change.key, None)
                else:
                    state[change.key] = (change.uid, change.rv)
        differing = {key for key, _ in state.items() ^ _versions(self._goal_items).items()}
        return f"mismatch: {len(differing)} objects differ, such as {min(differing)}" if differing else "equal"


def _versions(items: list[Record]) -> dict[Key, tuple[str, int]]:
    return {_key(item): (item["metadata"]["uid"], version(item["metadata"])) for item in items}


def _differences(before: Mapping[Key, Record], now: Mapping[Key, Record], rv: int) -> Iterator[Change | None]:
    """What happened between two lists one revision apart; None for what cannot be told exactly."""
    for key, old in before.items():
        if key not in now or now[key]["metadata"]["uid"] != old["metadata"]["uid"]:
            gone = {**old, "metadata": {**old["metadata"], "resourceVersion": str(rv)}}
            yield Change("DELETED", rv, gone, encode(gone), rebuilt=True)
    for key, item in now.items():
        same = key in before and before[key]["metadata"]["uid"] == item["metadata"]["uid"]
        own = version(item["metadata"])
        if not same or version(before[key]["metadata"]) != own:
            change = Change("MODIFIED" if same else "ADDED", rv, item, encode(item), rebuilt=True)
            yield change if own == rv else None
