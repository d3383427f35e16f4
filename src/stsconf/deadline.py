"""The time limit of a run: no scenario begins after it, and those that are under way are stopped."""

import math
import re
import signal
import threading
import time


def seconds(text: str) -> float:
    """Seconds, from ``90``, ``90s``, ``1.5m`` or ``2h``. Raises ``ValueError`` with a sentence for anything else."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([smh]?)", text)
    if not found or not (number := float(found[1])):
        raise ValueError(f"'{text}' is not a duration (use 90, 90s, 10m or 2h)")
    return number * {"m": 60, "h": 3600}.get(found[2], 1)


class Deadline:
    """``seconds`` from now, or never.

    While scenarios act, their waits end with it (``Recorder``). Before that, while ``armed``, it stops the main thread
    as SIGTERM does, whose handler must raise; ``interrupted`` is whether it did.
    """

    def __init__(self, seconds: float = math.inf) -> None:
        self.ends = time.monotonic() + seconds
        self.interrupted = False
        self._seconds = seconds
        self._timer = threading.Timer(min(seconds, threading.TIMEOUT_MAX), self._interrupt)
        self._timer.daemon = True

    def __str__(self) -> str:
        return f"the deadline of {self._seconds:g} s passed"

    @property
    def passed(self) -> bool:
        """Whether it is over."""
        return time.monotonic() >= self.ends

    def arm(self) -> None:
        """Stop the main thread when it passes; once."""
        if self._seconds < math.inf:
            self._timer.start()

    def disarm(self) -> None:
        """Stop nothing any more."""
        self._timer.cancel()

    def _interrupt(self) -> None:
        self.interrupted = True
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGTERM)
