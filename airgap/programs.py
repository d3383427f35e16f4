"""Programs from Go modules: one folder of go/ each, pinned by its go.mod and go.sum."""

import hashlib
import os
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from cache import Cache, Step, key
from progress import Failure, contained

SOURCES = Path(__file__).parent / "go"
FLAGS = "-trimpath -modcacherw"
LINK = "-s -w"
NODE = ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-proxy", "kubelet", "kubeadm", "kubectl")
"""What a kind node takes of Kubernetes; provider ``local`` runs the first three alone."""
NO_COMMIT = "0" * 40
"""Stands where a release would name its commit: a module zip carries none."""


@dataclass(frozen=True)
class Program:
    """A folder of go/ and the executables it installs."""

    folder: str
    seconds: int
    megabytes: int
    renamed: tuple[tuple[str, str], ...] = ()
    """Executables whose package names them otherwise: (installed as, wanted name)."""

    @property
    def source(self) -> Path:
        """Its go.mod, go.sum and, for our own programs, main.go."""
        return SOURCES / self.folder

    @property
    def gosum(self) -> str:
        """SHA-256 of its go.sum, the identity of everything it is built from."""
        file = self.source / "go.sum"
        return hashlib.sha256(file.read_bytes() if file.exists() else b"").hexdigest()


def kubernetes(version: str) -> Program:
    """The programs of a Kubernetes version such as v1.37.2, as many as go/kubernetes-VERSION lists."""
    return Program(f"kubernetes-{version}", seconds=600, megabytes=5500)


ETCD = Program("etcd", 30, 250, renamed=(("server", "etcd"),))
KIND = Program("kind", 15, 60)
COREDNS = Program("coredns", 120, 1200)
PAUSE = Program("pause", 2, 2)
PROVISIONER = Program("nfs-provisioner", 60, 300, renamed=(("nfs-provisioner", "nfs-subdir-external-provisioner"),))
KWOK = Program("kwok", 90, 600)
REGISTRY = Program("registry", 60, 500)


def named(folder: str) -> Program:
    """The program of a folder of go/. Raises Failure when there is none."""
    kind, _, version = folder.partition("-v")
    known = {each.folder: each for each in (ETCD, KIND, COREDNS, PAUSE, PROVISIONER, KWOK, REGISTRY)}
    program = kubernetes(f"v{version}") if kind == "kubernetes" and version else known.get(folder)
    if program is None or not program.source.is_dir():
        have = ", ".join(sorted(path.name for path in SOURCES.iterdir()))
        raise Failure(
            f"There is no program {folder}. Name one of: {have}; or add go/{folder} with go.mod and go.sum.", 4
        )
    return program


def refuse_without_node(version: str) -> None:
    """Raises Failure for a Kubernetes version that is not there, or of which a node cannot be made."""
    text = (named(f"kubernetes-{version}").source / "go.mod").read_text()
    if lacking := [name for name in NODE if f"k8s.io/kubernetes/cmd/{name}\n" not in text]:
        raise Failure(
            f"go/kubernetes-{version} has no {', '.join(lacking)}, which a node needs. "
            f"`python3 airgap/kubernetes_module.py {version} {' '.join(NODE)}` adds them.",
            4,
        )


@cache
def go_version() -> str:
    """The machine's Go, for example ``go1.26.8``."""
    found = subprocess.run(
        ["go", "env", "GOVERSION"],
        check=True,
        capture_output=True,
        text=True,
        env=os.environ | {"GOTOOLCHAIN": "local"},
    )
    return found.stdout.strip()


def link_flags(folder: str) -> str:
    """Linker flags; Kubernetes gets its version stamped, which kubeadm compares with the cluster's; no date."""
    name, _, version = folder.partition("-v")
    if name != "kubernetes":
        return LINK
    major, minor, _ = version.split(".")
    stamps = {
        "gitVersion": f"v{version}",
        "gitMajor": major,
        "gitMinor": minor,
        "gitTreeState": "clean",
        "gitCommit": NO_COMMIT,
        "buildDate": "1970-01-01T00:00:00Z",
    }
    packages = ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")
    return " ".join([LINK, *(f"-X {package}.{name}={value}" for package in packages for name, value in stamps.items())])


def build(store: Cache, program: Program) -> Step:
    """The step that installs a program's executables into the cache. Go's own caches resume a killed build."""
    own = (program.source / "main.go").exists()
    flags = link_flags(program.folder)

    def make(draft: Path) -> None:
        draft.mkdir()
        env = {
            "GOBIN": str(draft),
            "GOMODCACHE": str(store.root / "go/mod"),
            "GOCACHE": str(store.root / "go/build"),
            "CGO_ENABLED": "0",
            "GOFLAGS": FLAGS,
            "GOTOOLCHAIN": "local",
            "GOWORK": "off",
        }
        contained(
            ["go", "install", "-mod=readonly", "-ldflags", flags, "." if own else "tool"],
            log=store.root / "logs" / f"go-{program.folder}.log",
            env=env,
            cwd=program.source,
        )
        for installed, wanted in program.renamed:
            (draft / installed).rename(draft / wanted)

    path = store.artefact("programs", program.folder, key(program.source, FLAGS, flags, go_version()))
    return Step(f"{program.folder} from Go modules", path, program.seconds, program.megabytes, make)
