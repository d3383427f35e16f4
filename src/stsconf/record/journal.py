"""Writing: one file, one clock, one order of records, shared by all feeds."""

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from stsconf.record.file import TimelineWriter, encode
from stsconf.record.versions import Change


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

    def next_seq(self) -> int:
        """The next number of the one order in which snapshots, versions and bookmarks are written."""
        with self.changed:
            self.seq += 1
            return self.seq

    def wake(self) -> None:
        """Let everyone who waits look again."""
        with self.changed:
            self.news += 1
            self.changed.notify_all()

    def shown(self, value: Any) -> Any:
        """The value as it may be stored."""
        return self.redact(value) if self.redact else value

    def write(self, rec: str, **fields: object) -> None:
        """Append one record and wake those who wait; nothing after the end."""
        with self.changed:
            if not self.stopping.is_set():
                self.writer.write({"rec": rec, **fields})
            self.wake()

    def version(self, stream: str, new: Change, at: int) -> None:
        """Append one version of one object. The caller holds ``changed`` and has checked that it is not the end."""
        namespace, name = new.key
        record = {"rec": "ev", "s": stream, "seq": self.next_seq(), "t": at, "type": new.change}
        record |= {"rv": str(new.rv), "uid": new.uid, "ns": namespace, "name": name}
        record |= {"rebuilt": True} if new.rebuilt else {}
        self.writer.write_event(record, encode(self.redact(new.obj)) if self.redact else new.raw)

    def snapshot(self, place: Mapping[str, str], begun: int, rv: int, **fields: object) -> None:
        """Append one list that was asked for at ``begun``."""
        self.write("snap", **place, seq=self.next_seq(), t0=begun, t1=self.now(), rv=str(rv), **fields)

    def gap(self, place: Mapping[str, str], gap: Gap) -> None:
        """Append one hole."""
        self.gaps.append(gap)
        until = None if gap.until_rv is None else str(gap.until_rv)
        span = {"after_rv": str(gap.after_rv), "until_rv": until}
        self.write("gap", **place, t=self.now(), **span, why=gap.why, repaired=gap.repaired)
