"""Python commands, each in a process of its own that need not import everything again.

``Process(["stsconf", "judge"], ...)`` is ``python -P -m stsconf judge``, forked from a server that has imported what
commands import. Folder, environment, output, limits, signals and exit code are the process's own.
"""

import gc
import importlib
import io
import json
import os
import random
import resource
import runpy
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, NoReturn

IMPORTED = ("pytest", "hypothesis", "allure", "stsconf.cli.main", "stsconf.report.results", "stsconf.run.plan")
"""Not our plugin: pytest imports it, to rewrite its assertions."""
REQUEST_BYTES = 1 << 17
NUMBER = struct.Struct("i")


class Process:
    """A command under way. ``stdout``: a file descriptor that gets its output; ``room``: the most bytes of a file."""

    def __init__(
        self,
        command: Sequence[str],
        cwd: Path,
        env: Mapping[str, str] | None = None,
        stdout: int | None = None,
        room: int = resource.RLIM_INFINITY,
    ) -> None:
        self.returncode: int | None = None
        self._command = list(command)
        self._said = TemporaryFile(), TemporaryFile()  # noqa: SIM115 - closed in communicate
        self._answers, theirs = socket.socketpair()
        environment = dict(os.environ if env is None else env)
        request = {"command": self._command, "cwd": str(cwd), "environment": environment, "room": room}
        out, err = (file.fileno() for file in self._said)
        with theirs:
            fds = [theirs.fileno(), out if stdout is None else stdout, err]
            socket.send_fds(_server()[0], [json.dumps(request).encode()], fds)
        (self.pid,) = NUMBER.unpack(self._answers.recv(NUMBER.size))

    def send_signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        os.kill(self.pid, number)

    def poll(self) -> int | None:
        """The exit code, or ``None`` while it runs."""
        return self._wait(0)

    def communicate(self, timeout: float = 300) -> tuple[str, str]:
        """Standard output and error, once it has ended; killed after ``timeout`` seconds (``TimeoutExpired``)."""
        if self._wait(timeout) is None:
            self.send_signal(signal.SIGKILL)
            raise subprocess.TimeoutExpired(self._command, timeout)
        self._answers.close()
        said = []
        for file in self._said:
            with file:
                file.seek(0)
                said.append(file.read().decode())
        return said[0], said[1]

    def _wait(self, timeout: float) -> int | None:
        if self.returncode is None:
            self._answers.settimeout(timeout)
            try:
                (status,) = NUMBER.unpack(self._answers.recv(NUMBER.size))
            except (BlockingIOError, TimeoutError):
                return None
            self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode


def run(*command: str, cwd: Path, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    process = Process(command, cwd, env)
    out, err = process.communicate()
    assert process.returncode is not None
    return subprocess.CompletedProcess(list(command), process.returncode, out, err)


@cache
def _server() -> tuple[socket.socket, subprocess.Popen[bytes]]:
    """The server of this process. It ends when the socket is closed, as it is when this process ends."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        command = [sys.executable, "-P", __file__, str(theirs.fileno())]
        return ours, subprocess.Popen(
            command, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
        )


def _serve(requests: socket.socket) -> Any:
    """Fork a process for each request; returns in these processes, with the request."""
    while True:
        message, fds, _, _ = socket.recv_fds(requests, REQUEST_BYTES, 3)
        if not message:
            sys.exit()
        answers, *outputs = fds
        if os.fork() == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            if pid := os.fork():
                os.close(outputs[0])
                os.write(answers, NUMBER.pack(pid))
                os.write(answers, NUMBER.pack(os.waitpid(pid, 0)[1]))
                os._exit(0)
            for number, file in enumerate((os.open(os.devnull, os.O_RDONLY), *outputs)):
                os.dup2(file, number)
            os.closerange(3, max(answers, *outputs, requests.detach()) + 1)
            return json.loads(message)
        for file in fds:
            os.close(file)


def _become(request: Any) -> None:
    """Make this process what a new interpreter would be."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    resource.setrlimit(resource.RLIMIT_FSIZE, (request["room"], request["room"]))
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["environment"])
    sys.dont_write_bytecode = bool(os.environ.get("PYTHONDONTWRITEBYTECODE"))
    sys.path[:0] = [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path not in ("", *sys.path)]
    sys.argv[1:] = request["command"][1:]
    encoding = os.environ.get("PYTHONIOENCODING") or "utf-8"
    sys.stdout = sys.__stdout__ = io.TextIOWrapper(io.FileIO(1, "w", closefd=False), encoding)
    sys.stderr = sys.__stderr__ = io.TextIOWrapper(
        io.FileIO(2, "w", closefd=False), encoding, "backslashreplace", None, True
    )
    random.seed()
    os.execv = _execv


def _execv(_: str, command: Sequence[str]) -> NoReturn:
    """In the place of ``os.execv``: ``python -P -m MODULE ...`` goes on in this process."""
    module = command[command.index("-m") + 1]
    sys.argv[1:] = command[command.index(module) + 1 :]
    runpy.run_module(module, run_name="__main__", alter_sys=True)
    sys.exit()


if __name__ == "__main__":
    for name in IMPORTED:
        importlib.import_module(name)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the commands
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the forks
    gc.freeze()
    wanted = _serve(socket.socket(fileno=int(sys.argv[1])))
    _become(wanted)
    runpy.run_module(wanted["command"][0], run_name="__main__", alter_sys=True)
