"""What the process itself tells: its exit code, and text on a terminal of any encoding."""

import io
import os
import signal
import sys
from types import TracebackType

from stsconf.errors import ExitCode


def prepare() -> None:
    """Call once, before anything is printed.

    An error that nobody caught ends the process with ``HARNESS``: Python's own 1 would say that a promise is violated.
    Where the reader of standard output went away, it ends as if by SIGPIPE. What standard output cannot encode is shown
    as "?".
    """
    sys.excepthook = _uncaught
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")


def _uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if isinstance(error, BrokenPipeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.exit(128 + signal.SIGPIPE)
    sys.__excepthook__(kind, error, trace)
    if isinstance(error, Exception):
        print("This is a fault of stsconf, not of the cluster. Please report it with the lines above.", file=sys.stderr)
        sys.exit(ExitCode.HARNESS)
