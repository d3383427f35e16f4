"""What is being done, on stderr, with elapsed time; and contained commands that leave nothing behind."""

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

HEARTBEAT = 20.0
"""Seconds between two signs of life of a long step."""
PR_SET_PDEATHSIG = 1  # linux/prctl.h


class Failure(Exception):
    """What is wrong and the next step, in one paragraph; *code* is the exit code."""

    def __init__(self, text: str, code: int = 3) -> None:
        super().__init__(text)
        self.code = code


def say(text: str) -> None:
    """One line for a person; where nobody reads any more it is lost."""
    with suppress(BrokenPipeError):
        print(f"airgap: {text}", file=sys.stderr, flush=True)


@contextmanager
def step(number: int, total: int, name: str) -> Iterator[None]:
    """Announce a step, give a sign of life while it runs, and say how long it took."""
    started, finished = time.monotonic(), threading.Event()

    def pulse() -> None:
        while not finished.wait(HEARTBEAT):
            say(f"[{number}/{total}] {name}: {time.monotonic() - started:.0f} s so far")

    say(f"[{number}/{total}] {name} ...")
    thread = threading.Thread(target=pulse, daemon=True)
    thread.start()
    try:
        yield
    finally:
        finished.set()
        thread.join()
    say(f"[{number}/{total}] {name}: {time.monotonic() - started:.0f} s")


def die_with_parent(deadly: int = signal.SIGKILL) -> None:
    """Ask the kernel for signal *deadly* when the thread that started this process ends; call it before exec."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, int(deadly), 0, 0, 0)


def contained(
    argv: Sequence[str | Path], *, log: Path, env: Mapping[str, str] | None = None, cwd: Path | None = None
) -> None:
    """Run a command, as root in mount and process namespaces of its own, its output appended to *log*.

    Then the end of this process by any means, SIGKILL included, ends all it started and every mount it made.
    Raises Failure with the end of the log when the command fails.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    box = ["unshare", "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child", "--mount-proc", "--"]
    if os.geteuid():
        box = []  # an ordinary user has no namespaces to give
    with log.open("ab") as output:
        process = subprocess.Popen(
            [*box, *map(str, argv)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=cwd,
            env=os.environ | (env or {}),
            start_new_session=True,
            preexec_fn=die_with_parent,
        )
        try:
            code = process.wait()
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise
    if code:
        tail = "\n  ".join(log.read_text(errors="replace").splitlines()[-12:])
        raise Failure(
            f"{Path(argv[0]).name} failed with exit code {code}. The end of {log}:\n  {tail}\n"
            "Correct the cause and run the same command again: it goes on where it stopped."
        )
