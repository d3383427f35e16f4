"""Components as child processes, started through a keeper.

When one ends by itself, it is named and all others are ended: what still waits for an answer gets an error at once.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from stsconf.clusters import keeper
from stsconf.errors import ClusterError

TAIL = 3
"""Lines of a log that an error shows."""
NOTICE = 2.0
"""Seconds until the end of a component is known; connections to it break a little earlier."""
PASSED_ON = ("PATH", "TMPDIR", "TZ", "LANG")
"""Variables that components get, besides those that begin with ``STS_``; proxies and kubeconfigs of the user not."""


def environment() -> dict[str, str]:
    """What components see of our environment."""
    return {name: value for name, value in os.environ.items() if name in PASSED_ON or name.startswith("STS_")}


def tail(log: Path) -> str:
    """The last lines of a log, as one."""
    text = log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""
    return " | ".join(line.strip() for line in text.splitlines()[-TAIL:])


class Processes:
    """The components of one run; a context manager that ends them all and removes ``data``, unless they stay.

    ``logs`` receives one file for each component and stays.
    """

    def __init__(self, logs: Path, data: Path) -> None:
        self._logs = logs
        self._data = data
        self._ended: ClusterError | None = None
        self._closing = False
        self._stays = False
        self._noticed = threading.Event()
        self._asked: dict[str, threading.Event] = {}

    def __enter__(self) -> Self:
        self._keeper = subprocess.Popen(
            [sys.executable, "-I", "-S", keeper.__file__, str(self._data)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
            cwd="/",
        )
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing = True
        self._let_go()
        if self._stays:
            return
        self._keeper.wait()
        self._listener.join()
        if self._keeper.stdout:
            self._keeper.stdout.close()
        shutil.rmtree(self._data, ignore_errors=True)

    def start(self, name: str, argv: Sequence[str]) -> None:
        """Start a component; ``check`` tells when that fails."""
        self._tell({"name": name, "argv": list(argv), "env": environment(), "log": str(self._log(name))})

    def end(self, *names: str) -> None:
        """End some components and wait until they are gone; they can be started again."""
        self._asked = {name: threading.Event() for name in names}
        self._tell({"end": names})
        for gone in self._asked.values():
            while not gone.wait(NOTICE):
                self.check()
        self._asked = {}

    def stay(self) -> int:
        """Let everything outlive this process; returns the pid of the keeper, which ends it when it gets SIGTERM."""
        self._tell({"stay": True})
        self._stays = True
        return self._keeper.pid

    def _tell(self, what: Mapping[str, object]) -> None:
        with suppress(OSError, ValueError):  # the keeper is gone or going, and with it all else
            if self._keeper.stdin:
                self._keeper.stdin.write(json.dumps(what) + "\n")
                self._keeper.stdin.flush()

    def check(self) -> None:
        """Raise ``ClusterError`` that names the first component which ended by itself, with the end of its log."""
        if self._keeper.poll() is not None:
            self._listener.join()
        if self._ended:
            raise self._ended

    def blame(self) -> None:
        """Call it for a consequence: give a component that has ended time to be noticed, then ``check``."""
        self._noticed.wait(NOTICE)
        self.check()

    def _let_go(self) -> None:
        """Have the keeper end everything."""
        with suppress(OSError):
            if self._keeper.stdin:
                self._keeper.stdin.close()

    def _log(self, name: str) -> Path:
        return self._logs / f"{name}.log"

    def _listen(self) -> None:
        for line in self._keeper.stdout or ():
            told = json.loads(line)
            if asked := self._asked.get(told["name"]):
                asked.set()
                continue
            log = self._log(told["name"])
            self._end(told["name"], f"{_how(told)}. Its log ends: {tail(log) or 'empty'}", f"All of it is in {log}.")
        self._end("keeper", "it was killed, and every component with it.", "Run the same again.")

    def _end(self, name: str, what: str, next_step: str) -> None:
        if not (self._closing or self._ended):
            self._ended = ClusterError(name, what, next_step)
            self._noticed.set()
            self._let_go()


def _how(told: Mapping[str, Any]) -> str:
    if "error" in told:
        return f"it could not be started ({told['error']})"
    code = int(told["code"])
    return f"it ended by itself, {f'by {signal.Signals(-code).name}' if code < 0 else f'with exit code {code}'}"
