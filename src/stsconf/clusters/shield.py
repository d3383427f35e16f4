"""Cleaning up that a second Ctrl-C does not disturb."""

import signal
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from stsconf.waits import Say


@contextmanager
def uninterruptible(say: Say) -> Iterator[None]:
    """Finish what the block does, even if the user presses Ctrl-C again or a test's time runs out (SIGALRM).

    A terminal sends Ctrl-C to child processes as well: see ``run_apart``.
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


def run_apart(command: Sequence[str]) -> None:
    """Run a program to its end, out of reach of the terminal's Ctrl-C. Raises ``CalledProcessError``.

    It has a session of its own, and ignores SIGINT, which could else hit it before it has that session.
    """
    if threading.current_thread() is not threading.main_thread():
        subprocess.run(command, check=True, start_new_session=True)
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        process = subprocess.Popen(command, start_new_session=True)
    finally:
        signal.signal(signal.SIGINT, before)
    if code := process.wait():
        raise subprocess.CalledProcessError(code, command)
