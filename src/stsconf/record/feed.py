"""One feed: list, then watch, of one kind in one place, until told to stop. Nothing is lost without a record of it.

Inside one kind resourceVersions are ordered, and a watch that starts at one delivers every later version
(https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-versions). So a broken connection costs nothing:
the feed goes on from the last version it wrote. Only when the server says 410, or breaks its own rules, is there a
hole. A 410 hole is filled by a list at every revision in between (``repair``); what cannot be filled is written as a
``gap``. The official client gives connection and credentials only: its watch loop loses events.
"""

import random
import threading
import time
from collections.abc import Callable
from contextlib import suppress

import urllib3
from urllib3.exceptions import HTTPError, ReadTimeoutError

from stsconf.kube.http import HttpProblem, Wire
from stsconf.record.file import Record
from stsconf.record.journal import Gap, Journal
from stsconf.record.repair import rebuild
from stsconf.record.replica import Replica
from stsconf.record.streams import Stream
from stsconf.record.versions import Bookmark, Broken, Change, parse
from stsconf.record.waits import RecorderWaits

MAX_LINE_BYTES = 32 << 20
"""A longer watch line is taken for a broken stream: etcd refuses objects above 1.5 MiB by default."""


class Feed(threading.Thread):
    """Records one stream, of one namespace or (None) of all, until the journal stops.

    ``keep`` decides which objects are stored; all are followed. In the file, rebuilt versions stand in RV order
    before their ``gap`` (``repaired``); a gap that stays stands before its ``snap``.
    Read under ``journal.changed``: ``replica`` (the latest versions, and how far everything is written), ``ready``,
    ``forbidden``, ``fatal``, ``trouble``.
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
        self.ready = self.forbidden = False
        self.fatal: HttpProblem | None = None
        self.trouble = "no answer yet"
        self._wire = wire
        self._waits = waits
        self._journal = journal
        self._path = stream.path(namespace)
        self._place = {"s": stream.name} | ({"ns": namespace} if namespace else {})
        self.replica = Replica(stream, self._place, journal, keep)
        self._hole: Broken | None = None
        self._response: urllib3.HTTPResponse | None = None
        self._hurried = self._heard = False

    def run(self) -> None:
        """List, watch, mend, again; ends on stop, or at the start on an answer that no retry will change."""
        fruitless = 0
        while not self._journal.stopping.is_set():
            pause = 0.0
            self._heard = False
            try:
                if self._hole:
                    self._mend(self._hole)
                elif not self.replica.frontier:
                    self._begin()
                self._watch()
            except Broken as hole:
                self._break(hole)
            except HttpProblem as problem:
                if problem.status == 410 and self.replica.frontier:
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
                self._journal.gap(self._place, Gap(self.key, 0, None, "forbidden", repaired=False))
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
        at, frontier = self._journal.now(), self.replica.frontier
        self._journal.write("conn", **self._place, t=at, what=what, from_rv=str(frontier), **more)

    # The watch.

    def _begin(self) -> None:
        begun = self._journal.now()
        rv, items = self._wire.list(self._path)
        with self._journal.changed:
            self.replica.reset("start", begun, rv, items)

    def _watch(self) -> None:
        """Follow one watch to its end. Raises what ended it, nothing for a clean end."""
        hurried = self._hurried and not self.reached
        query = {
            "watch": "1",
            "allowWatchBookmarks": "true",
            "resourceVersion": str(self.replica.frontier),
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
        found = parse(line)
        with self._journal.changed:
            if isinstance(found, Bookmark):
                self.replica.bookmark(found.rv, at)
            elif not self._journal.stopping.is_set():
                self.replica.take(found, at)
            self._heard = True

    # Holes.

    def _mend(self, hole: Broken) -> None:
        """Fill the hole exactly if that is possible, else write it down and start again from a list."""
        begun = self._journal.now()
        until, items = self._wire.list(self._path)
        changes = None if hole.since_list else self._rebuild(until, items)
        replica = self.replica
        with self._journal.changed:
            if self._journal.stopping.is_set():
                return
            at = self._journal.now()
            after = replica.listed_at if hole.since_list else replica.frontier
            if changes is not None:
                for change in changes:
                    replica.take(change, at)
                replica.frontier = until
                self._journal.gap(self._place, Gap(self.key, after, until, hole.why, repaired=True))
            else:
                # A list older than what was seen is a server restored from a backup: revisions mean nothing any more.
                end = until if until >= replica.frontier else None
                self._journal.gap(self._place, Gap(self.key, after, end, hole.why, repaired=False))
                replica.reset("gap", begun, until, items)
            self._hole = None

    def _rebuild(self, until: int, items: list[Record]) -> list[Change] | None:
        since = self.replica.frontier
        if not 0 <= until - since <= self._waits.repair_revisions:
            return None
        deadline = time.monotonic() + self._waits.repair
        with self._journal.changed:
            known = self.replica.versions()

        def list_at(rv: int) -> list[Record]:
            return self._wire.list(self._path, resourceVersion=str(rv), resourceVersionMatch="Exact")[1]

        def expired() -> bool:
            return time.monotonic() > deadline or self._journal.stopping.is_set()

        return rebuild(known, since, until, items, list_at, expired)

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
        """List once more: the watch must reach that revision. Raises as ``Wire.list`` does, or ``Broken``."""
        with self._journal.changed:
            self.replica.begin_tail()
        begun = self._journal.now()
        rv, items = self._wire.list(self._path)
        with self._journal.changed:
            self.replica.close_at(begun, rv, items)

    @property
    def reached(self) -> bool:
        """Whether nothing more is to be waited for. A hole after the frontier is past the goal then."""
        before = self._hole is not None and self._hole.since_list
        goal = self.replica.goal
        return self.forbidden or (goal is not None and self.replica.frontier >= goal and not before)

    def closing(self) -> str:
        """The proof's result: ``equal`` when the replayed versions give exactly the closing list."""
        if self.forbidden:
            return "forbidden"
        if self.replica.goal is None or not self.reached or not self.is_alive():
            return f"not reached: {self.trouble}"
        return self.replica.closing()
