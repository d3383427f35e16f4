"""A Docker engine in namespaces of its own, from a Debian root file system in the cache.

The host gets one veth pair with its connected route, one folder in /run with the socket (root only), and empty cgroup
folders; all end with the engine. The kernel ends everything inside when the engine's first process ends, and that one
ends with its keeper, the process that started it.
"""

import hashlib
import ipaddress
import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from cache import Cache, remove
from progress import Failure, die_with_parent
from users import Users

ENTER = Path(__file__).parent / "enter.sh"
LINKS = tuple(ipaddress.IPv4Network(f"10.{second}.255.0/30") for second in range(88, 96))
"""Candidates for the link between host and engine; clear of Docker's pools and of kind's pod and service ranges."""
START = 60.0
"""Seconds the engine may take to answer."""
STOP = 20.0
"""Seconds dockerd may take to end before its namespaces are killed."""


@dataclass(frozen=True)
class Running:
    """What is written down about a running engine."""

    init: int
    """Process id, seen from the host, of the engine's first process."""
    init_started: int
    """Its start time in clock ticks since boot: tells it from a later process with the same id."""
    keeper: int
    """Process id of the process it ends with."""
    keeper_started: int
    address: str
    """The engine's address on its link to the host; published ports appear there."""


def started(pid: int) -> int | None:
    """When a process started, in clock ticks since boot; None when there is none (a zombie counts as none)."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] == "Z" else int(fields[19])


def until(condition: Callable[[], bool], seconds: float) -> bool:
    """Wait until *condition* holds; False when it does not within *seconds*."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def free_link(routes: list[str]) -> ipaddress.IPv4Network:
    """The first candidate no route of the host overlaps. *routes* are destinations as ``ip route`` prints them."""
    taken = [ipaddress.IPv4Network(route, strict=False) for route in routes if route != "default"]
    for link in LINKS:
        if not any(link.overlaps(network) for network in taken if network.prefixlen):
            return link
    raise Failure(
        f"Every address range for the link to the engine is routed already ({', '.join(map(str, LINKS))}). "
        "Remove one of these routes while the engine runs.",
        11,
    )


class Engine:
    """The one engine of a cache."""

    def __init__(self, store: Cache, root: Path) -> None:
        self.store, self.root = store, root
        self.name = "stsconf-" + hashlib.sha256(str(store.root).encode()).hexdigest()[:8]
        self.sockets = Path("/run") / self.name
        self.state = store.root / "engine" / "state.json"
        self.data = store.root / "engine" / "docker"
        self.log = store.root / "logs" / "engine.log"
        self.users = Users(self.state.parent)
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def host(self) -> str:
        """The value for DOCKER_HOST."""
        return f"unix://{self.sockets}/docker.sock"

    @property
    def veth(self) -> str:
        """The host's end of the link; 15 characters at most."""
        return "sts" + self.name[-8:]

    def answers(self) -> bool:
        """Whether dockerd answers on the socket."""
        with socket.socket(socket.AF_UNIX) as connection, suppress(OSError):
            connection.settimeout(5)
            connection.connect(f"{self.sockets}/docker.sock")
            connection.sendall(b"GET /_ping HTTP/1.0\r\n\r\n")
            return b"200 OK" in connection.recv(100)
        return False

    def running(self) -> Running | None:
        """The engine that runs, or None: written down, alive and answering."""
        found = self._written()
        return found if found and started(found.init) == found.init_started and self.answers() else None

    def _written(self) -> Running | None:
        try:
            return Running(**json.loads(self.state.read_text()))
        except (OSError, ValueError, TypeError):
            return None

    def kept(self) -> bool:
        """Whether the keeper of a written down engine lives."""
        found = self._written()
        return found is not None and started(found.keeper) == found.keeper_started

    def start(self) -> Running:
        """Start it as a child that dies with this process. Call it with the engine locked and none running."""
        self.clear()
        for folder in (self.sockets, self.data, self.log.parent):
            folder.mkdir(parents=True, exist_ok=True)
        self.sockets.chmod(0o700)
        env = {"ROOT": str(self.root), "DATA": str(self.data), "SOCKETS": str(self.sockets), "CGROUP": f"/{self.name}"}
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--propagation", "private", ENTER],
                env={"PATH": os.environ["PATH"]} | env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=die_with_parent,
            )
        try:
            init = self._first_process(self.process)
            address = self._link(init)
            if (
                not until(lambda: self.answers() or self.process is None or self.process.poll() is not None, START)
                or not self.answers()
            ):
                raise self._failure(f"did not answer within {START:.0f} s")
            found = Running(init, started(init) or 0, os.getpid(), started(os.getpid()) or 0, address)
            draft = self.state.with_suffix(".new")
            draft.write_text(json.dumps(asdict(found)))
            draft.rename(self.state)
        except BaseException:
            self.stop()
            raise
        return found

    def _failure(self, what: str) -> Failure:
        tail = "\n  ".join(self.log.read_text(errors="replace").splitlines()[-8:])
        return Failure(
            f"The engine {what}. The end of {self.log}:\n  {tail}\n"
            "Run `python3 airgap check`, then the same command again."
        )

    def _first_process(self, parent: subprocess.Popen[bytes]) -> int:
        children = Path(f"/proc/{parent.pid}/task/{parent.pid}/children")
        if (
            not until(lambda: parent.poll() is not None or bool(children.read_text().split()), START)
            or parent.poll() is not None
        ):
            raise self._failure("ended at once")
        return int(children.read_text().split()[0])

    def _link(self, init: int) -> str:
        routes = json.loads(_run("ip", "-json", "-4", "route", "show", "table", "all").stdout or "[]")
        own, theirs = free_link([route["dst"] for route in routes if "dst" in route]).hosts()
        _run("ip", "link", "add", "name", self.veth, "type", "veth", "peer", "name", "eth0", "netns", str(init))
        _run("ip", "addr", "add", f"{own}/30", "dev", self.veth)
        _run("ip", "link", "set", self.veth, "up")
        _run("nsenter", f"--net=/proc/{init}/ns/net", "ip", "addr", "add", f"{theirs}/30", "dev", "eth0")
        _run("nsenter", f"--net=/proc/{init}/ns/net", "ip", "link", "set", "eth0", "up")
        return str(theirs)

    def alive(self) -> bool:
        """Whether the engine started here still runs."""
        return self.process is not None and self.process.poll() is None

    def stop(self) -> None:
        """End the engine started here and everything in it, and take its traces off the host."""
        if self.process is not None:
            with suppress(OSError):  # dockerd first, so that its databases are closed
                init = int(Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()[0])
                os.kill(init, signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(STOP)
            self.process.kill()
            self.process.wait()
            self.process = None
        self.clear()

    def end_kept(self) -> None:
        """End an engine that another process keeps: ask the keeper, then insist. Its death ends the engine."""
        remove(self.users.detached)
        found = self._written()
        if found is None:
            return
        for deadly, patience in ((signal.SIGTERM, 2 * STOP), (signal.SIGKILL, STOP)):
            if started(found.keeper) == found.keeper_started:
                os.kill(found.keeper, deadly)
            if until(lambda: not self.kept() and started(found.init) != found.init_started, patience):
                return
        raise Failure(
            f"Process {found.keeper} and its engine (process {found.init}) do not end. See what they do with `ps -ef`."
        )

    def clear(self) -> None:
        """Take the traces of an ended engine off the host: socket folder, link, cgroup folders, and last the state."""
        self.state.parent.mkdir(parents=True, exist_ok=True)
        remove(self.sockets)
        if Path(f"/sys/class/net/{self.veth}").exists():
            subprocess.run(
                ["ip", "link", "delete", self.veth], check=False, capture_output=True
            )  # the kernel may be faster
        until(lambda: not Path(f"/sys/class/net/{self.veth}").exists(), STOP)
        until(self._cgroups_removed, STOP)
        remove(self.state)

    def _cgroups_removed(self) -> bool:
        folders = [
            path
            for base in ("/sys/fs/cgroup", "/sys/fs/cgroup/*")
            for path in Path("/").glob(f"{base[1:]}/{self.name}")
        ]
        for top in folders:
            for folder, _, _ in os.walk(top, topdown=False):
                with suppress(OSError):
                    Path(folder).rmdir()
        return not any(top.exists() for top in folders)


def _run(*argv: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Failure(f"`{' '.join(argv)}` failed: {done.stderr.strip()}. Run `python3 airgap check`.")
    return done
