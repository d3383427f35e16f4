"""What this machine must have, found out before anything is downloaded, each with the command that helps."""

import os
import platform
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from packages import KEYRING

GO = (1, 26)
"""Least Go version: what go.mod of Kubernetes 1.37 says."""
PROGRAMS = {
    "apt-get": "apt",
    "apt-config": "apt",
    "dpkg-deb": "dpkg",
    "perl": "perl",
    "unshare": "util-linux",
    "nsenter": "util-linux",
    "mount": "mount",
    "ip": "iproute2",
    "tar": "tar",
}
"""Programs used from the host, with the Debian package of each."""
SCRATCH = 2000
"""Megabytes kept free on top of the artefacts: half-made ones and running containers."""


@dataclass(frozen=True)
class Machine:
    """What is asked of the machine; tests give other answers."""

    root: Callable[[], bool] = lambda: os.geteuid() == 0
    has: Callable[[str], bool] = lambda program: shutil.which(program) is not None
    go: Callable[[], str] = lambda: _output("go", "env", "GOVERSION")
    exists: Callable[[Path], bool] = Path.exists
    file_systems: Callable[[], str] = lambda: Path("/proc/filesystems").read_text() + _modules()
    links: Callable[[], bool] = lambda: _works(
        "unshare", "--net", "sh", "-c", "ip link add name va type veth peer name vb && ip link add name br type bridge"
    )
    free: Callable[[Path], int] = lambda folder: shutil.disk_usage(_existing(folder)).free // 10**6
    kind_of: Callable[[Path], str] = lambda folder: _output(
        "stat", "--file-system", "--format", "%T", str(_existing(folder))
    )


def missing(machine: Machine, cache: Path, megabytes: int) -> list[str]:
    """Everything that is missing for work that takes *megabytes* in *cache*, one sentence each with what helps."""
    return _missing_for_the_engine(machine, cache) + missing_for_programs(machine, cache, megabytes)


def _missing_for_the_engine(machine: Machine, cache: Path) -> list[str]:
    found: list[str] = []
    if not machine.root():
        found.append(
            "This user is not root, and namespaces, mounts and the engine need root: run the same command with sudo."
        )
    for program, package in PROGRAMS.items():
        if not machine.has(program):
            found.append(f"The program {program} is missing: apt-get install {package}.")
    if not machine.exists(KEYRING):
        found.append(f"The key ring {KEYRING} is missing: apt-get install debian-archive-keyring.")
    known = machine.file_systems()
    found += [
        f"The kernel has no {name} file system: boot one that has, or run modprobe {name}."
        for name in ("overlay", "fuse")
        if not re.search(rf"\b{name}\b", known)
    ]
    if not machine.exists(Path("/dev/fuse")):
        found.append("/dev/fuse is missing, and volumes are mounted through it: modprobe fuse.")
    if machine.root() and machine.has("unshare") and machine.has("ip") and not machine.links():
        found.append(
            "veth pairs and bridges cannot be made in a network namespace of its own: modprobe veth bridge, "
            "or leave the container this runs in."
        )
    if machine.kind_of(cache) == "overlayfs":
        found.append(
            f"{cache} lies on overlayfs, where the engine cannot keep images: set STS_CACHE_DIR to a folder on a disk."
        )
    return found


def missing_for_programs(machine: Machine, cache: Path, megabytes: int) -> list[str]:
    """What is missing to build programs from Go modules, which needs no root."""
    found: list[str] = []
    version = re.match(r"go(\d+)\.(\d+)", machine.go()) if machine.has("go") else None
    if version is None:
        found.append(
            "Go is missing, and at least 1.26 is needed: install it from https://go.dev/dl and put it on PATH."
        )
    elif (int(version[1]), int(version[2])) < GO:
        found.append(
            f"Go is {version[0]}, and at least go1.26 is needed: "
            "install it from https://go.dev/dl and put it first on PATH."
        )
    need = megabytes + SCRATCH
    if (free := machine.free(cache)) < need:
        found.append(
            f"{cache} has {free / 1000:.1f} GB free and {need / 1000:.1f} GB are needed: "
            "make room, or set STS_CACHE_DIR to a folder with more."
        )
    return found


def _existing(folder: Path) -> Path:
    return next(path for path in (folder, *folder.parents) if path.exists())


def _output(*argv: str) -> str:
    environment = os.environ | {"GOTOOLCHAIN": "local"}
    return subprocess.run(argv, capture_output=True, text=True, check=False, env=environment).stdout.strip()


def _works(*argv: str) -> bool:
    return subprocess.run(argv, capture_output=True, check=False).returncode == 0


def _modules() -> str:
    """Names of the modules the running kernel can load."""
    folder = Path("/lib/modules") / platform.release()
    lists = [folder / name for name in ("modules.dep", "modules.builtin")]
    return "".join(re.sub(r"\.ko[.\w]*", " ", path.read_text()) for path in lists if path.exists())
