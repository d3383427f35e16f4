"""Components as child processes: started through a keeper, watched, and named when one ends by itself."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from stsconf.clusters import keeper
from stsconf.errors import ClusterError

TAIL = 3
"""Lines of a log that an error shows."""
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
    """The components of one run; a context manager that ends them all and removes ``data``.

    ``logs`` receives one file for each component and stays. ``pids`` names those that run.
    """

    def __init__(self, logs: Path, data: Path) -> None:
        self.logs = logs
        self.pids: dict[str, int] = {}
        self._data = data
        self._ended: dict[str, str] = {}
        self._closing = False
        self._changed = threading.Condition()

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
        if self._keeper.stdin:
            self._keeper.stdin.close()
        self._keeper.wait()
        self._listener.join()
        if self._keeper.stdout:
            self._keeper.stdout.close()
        shutil.rmtree(self._data, ignore_errors=True)

    def start(self, name: str, argv: Sequence[str], extra: Mapping[str, str] | None = None) -> None:
        """Start a component. Raises ``ClusterError`` when the keeper is gone; ``check`` tells of all else."""
        log = self.logs / f"{name}.log"
        component = {"name": name, "argv": list(argv), "env": environment() | dict(extra or {}), "log": str(log)}
        stdin = self._keeper.stdin
        try:
            if stdin:
                stdin.write(json.dumps(component) + "\n")
                stdin.flush()
        except OSError:
            self.check()

    def check(self) -> None:
        """Raise ``ClusterError`` that names the first component which ended by itself, with the end of its log."""
        with self._changed:
            for name, how in self._ended.items():
                log = self.logs / f"{name}.log"
                raise ClusterError(name, f"{how}. Its log ends: {tail(log) or 'empty'}", f"All of it is in {log}.")

    def wait_end(self, seconds: float) -> None:
        """Give a component that is about to end time to be noticed, then ``check``."""
        with self._changed:
            self._changed.wait_for(lambda: bool(self._ended), seconds)
        self.check()

    def _listen(self) -> None:
        for line in self._keeper.stdout or ():
            told = json.loads(line)
            with self._changed:
                if "pid" in told:
                    self.pids[told["name"]] = told["pid"]
                elif not self._closing:
                    self._ended.setdefault(told["name"], _how(told))
                    self.pids.pop(told["name"], None)
                self._changed.notify_all()
        with self._changed:
            if not self._closing:
                self._ended.setdefault("keeper", "it was killed, and every component with it")
            self._changed.notify_all()


def _how(told: Mapping[str, object]) -> str:
    if "error" in told:
        return f"it could not be started ({told['error']})"
    code = int(str(told["code"]))
    return f"it ended by itself, {f'by {signal.Signals(-code).name}' if code < 0 else f'with exit code {code}'}"
