"""Ends what a run started, however the run ends. A program of its own, between a run and its components.

Called with a folder to remove at the end. Reads one component a line from standard input, as JSON (``name``, ``argv``,
``env``, ``log``), starts it, and writes a line for each that ended (``name``, and ``code`` as in ``subprocess``, or
``error`` if it could not be started). A line with ``end``, names of components, ends these. When standard input ends,
by ``close`` or because the run was killed, every component is asked to stop, then killed, and the folder is removed.
After a line with ``stay`` that waits for SIGTERM. When the keeper itself is killed, the kernel kills the components.
"""

import ctypes
import json
import shutil
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from typing import Any

GRACE = 1.0
"""Seconds between SIGTERM and SIGKILL for all components together."""
PR_SET_PDEATHSIG = 1  # linux/prctl.h

_libc = ctypes.CDLL(None)
_speaking = threading.Lock()


def say(**what: object) -> None:
    """One line for the run; where it is gone nobody reads it."""
    with _speaking, suppress(OSError):
        sys.stdout.write(json.dumps(what) + "\n")
        sys.stdout.flush()


def die_with_keeper() -> None:
    """Ask the kernel for SIGKILL when the thread that started this process ends; called before exec."""
    _libc.prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)


def start(component: dict[str, Any]) -> subprocess.Popen[bytes] | None:
    """Start one component, its output appended to its log."""
    try:
        with open(component["log"], "ab") as log:  # noqa: PTH123 - pathlib is a tenth of this program's start
            process = subprocess.Popen(
                component["argv"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=component["env"],
                preexec_fn=die_with_keeper,
            )
    except OSError as error:
        say(name=component["name"], error=str(error))
        return None
    threading.Thread(target=watch, args=(component["name"], process), daemon=True).start()
    return process


def watch(name: str, process: subprocess.Popen[bytes]) -> None:
    """Tell when a component has ended."""
    say(name=name, code=process.wait())


def end(processes: list[subprocess.Popen[bytes]]) -> None:
    """Stop all, the last started first."""
    for process in reversed(processes):
        process.terminate()
    deadline = time.monotonic() + GRACE
    for process in processes:
        with suppress(subprocess.TimeoutExpired):
            process.wait(max(0.0, deadline - time.monotonic()))
    for process in processes:
        process.kill()
    for process in processes:
        process.wait()


def main() -> None:
    """Keep components until standard input ends."""
    running: dict[str, subprocess.Popen[bytes]] = {}
    over = threading.Event()
    over.set()
    for line in sys.stdin:
        told = json.loads(line)
        if "stay" in told:
            signal.signal(signal.SIGTERM, lambda *_: over.set())
            over.clear()
        elif "end" in told:
            end([running.pop(name) for name in told["end"] if name in running])
        elif process := start(told):
            running[told["name"]] = process
    over.wait()
    end([*running.values()])
    shutil.rmtree(sys.argv[1], ignore_errors=True)


if __name__ == "__main__":
    main()
