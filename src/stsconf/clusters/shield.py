"""Cleaning up that a second Ctrl-C does not disturb."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from stsconf.storage import Say


@contextmanager
def shielded(say: Say) -> Iterator[None]:
    """Finish what the block does, even if the user presses Ctrl-C again or a test's time runs out (SIGALRM).

    A terminal sends Ctrl-C to child processes as well: start those of the block in a session of their own.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGALRM)
    before = [signal.signal(n, lambda *_: say("cleaning up; this ends by itself")) for n in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)
