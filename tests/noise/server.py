"""Trouble of the control plane itself: answers that are no answer, and a controller manager that is killed."""

import itertools
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from http.server import BaseHTTPRequestHandler
from pathlib import Path

from stsconf.clusters.keeper import die_with_keeper
from stsconf.kube.api import Api
from tests.noise.acts import chance_of
from tests.relay import Relay

CHECKOUT = Path(__file__).parents[2]
MANAGER = "kube-controller-manager"
SHARE = 0.05
"""Of the requests that are not simply passed on."""
SLOW = 3.0
"""Seconds that a slow request takes more."""
REASONS = {429: "TooManyRequests", 500: "InternalError"}


class Unreliable(Relay):
    """A relay that refuses some requests with 429 or 500 and lets some wait. The seed decides by their number.

    It does so between ``begin`` and ``end``.
    """

    def __init__(self, api: Api, folder: Path, seed: int) -> None:
        self._seed = seed
        self._numbers = itertools.count()
        self._active = False
        self.disturbed = 0
        super().__init__(api, folder)

    def begin(self) -> None:
        """The scenarios have begun."""
        self._active = True

    def end(self) -> None:
        """Pass everything on."""
        self._active = False

    def pass_on(self, asked: BaseHTTPRequestHandler) -> None:
        """One request: its answer, a late one, or none of use."""
        if not self._active:
            super().pass_on(asked)
            return
        chance = chance_of(self._seed, next(self._numbers))
        fate = chance.choice((429, 500, None)) if chance.random() < SHARE else 0
        self.disturbed += fate != 0
        if fate:
            refuse(asked, fate)
            return
        if fate is None:
            time.sleep(SLOW)
        super().pass_on(asked)


def refuse(asked: BaseHTTPRequestHandler, status: int) -> None:
    """Answer as an API server does that cannot do more."""
    asked.rfile.read(int(asked.headers.get("Content-Length") or 0))
    said = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": status, "reason": REASONS[status]}
    body = json.dumps({**said, "message": "the noise says so"}).encode()
    asked.send_response_only(status)
    asked.send_header("Content-Type", "application/json")
    asked.send_header("Content-Length", str(len(body)))
    if status == 429:
        asked.send_header("Retry-After", "1")
    asked.end_headers()
    asked.wfile.write(body)


def mortal_manager(folder: Path, program: str) -> Path:
    """A folder for ``--local-bin`` whose controller manager is started again whenever it is killed."""
    folder.mkdir(parents=True)
    script = folder / MANAGER
    command = f'exec "{sys.executable}" -m tests.noise.server "{folder / "pid"}" "{program}" "$@"'
    script.write_text(f'#!/bin/sh\ncd "{CHECKOUT}" && {command}\n')
    script.chmod(0o755)
    return folder


def kill_manager(folder: Path) -> bool:
    """Kill the controller manager that runs now; whether there was one."""
    with suppress(OSError, ValueError):
        os.kill(int((folder / "pid").read_text()), signal.SIGKILL)
        return True
    return False


def _end(process: subprocess.Popen[bytes], *_: object) -> None:
    process.kill()
    sys.exit()


def keep_alive(pid_file: Path, command: Sequence[str]) -> None:
    """Run a program, and again when it is killed, until SIGTERM or until it ends by itself."""
    while True:
        with subprocess.Popen(command, preexec_fn=die_with_keeper) as process:
            pid_file.write_text(str(process.pid))
            signal.signal(signal.SIGTERM, partial(_end, process))
            code = process.wait()
        if code != -signal.SIGKILL:
            sys.exit(code)


if __name__ == "__main__":
    keep_alive(Path(sys.argv[1]), sys.argv[2:])
