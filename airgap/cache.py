"""The cache: content-addressed artefacts outside the repository.

An artefact's name carries a hash of everything it is made from. It is made under a temporary name and renamed when
complete, so whatever bears its final name is whole. One lock serialises writers, another who starts or ends the engine.
"""

import fcntl
import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


def default_root() -> Path:
    """The cache folder: ``$STS_CACHE_DIR``, else ``$XDG_CACHE_HOME/stsconf``, else ``~/.cache/stsconf``."""
    if chosen := os.environ.get("STS_CACHE_DIR"):
        return Path(chosen).absolute()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache").absolute() / "stsconf"


def key(*inputs: str | bytes | Path) -> str:
    """Twelve hex digits that change when any input changes: text, bytes, a file, a folder with names and modes."""
    digest = hashlib.sha256()

    def add(tag: bytes, data: bytes) -> None:
        digest.update(tag + len(data).to_bytes(8, "big") + data)

    for item in inputs:
        if isinstance(item, Path):
            files = (
                [item] if item.is_file() else sorted(p for p in item.rglob("*") if p.is_file() and p.suffix != ".pyc")
            )
            for file in files:
                add(b"name", str(file.relative_to(item.parent)).encode())
                add(b"x" if os.access(file, os.X_OK) else b"-", file.read_bytes())
        else:
            add(b"data", item if isinstance(item, bytes) else item.encode())
    return digest.hexdigest()[:12]


@dataclass(frozen=True)
class Step:
    """One artefact to make: what it is called, what it costs, and how it comes to be."""

    name: str
    """What a person reads while it runs."""
    path: Path
    """Where the complete artefact stands; its name carries the key."""
    seconds: int
    """Measured cold on two cores, for the announcement."""
    megabytes: int
    """Disk it takes for good, its share of the Go caches included."""
    make: Callable[[Path], None]
    """Makes the artefact at the temporary path given; raises on failure."""

    @property
    def done(self) -> bool:
        """Whether the artefact is there, and so complete."""
        return self.path.exists()


@dataclass(frozen=True)
class Cache:
    """The folders of one cache."""

    root: Path

    @property
    def scratch(self) -> Path:
        """Half-made artefacts; whoever holds the lock may empty it."""
        return self.root / "tmp"

    def artefact(self, kind: str, name: str, inputs_key: str) -> Path:
        """Where the artefact of this kind, name and key stands."""
        return self.root / kind / f"{name}-{inputs_key}"

    @contextmanager
    def locked(self, waiting: Callable[[], None], name: str = "lock") -> Iterator[None]:
        """Hold the lock of all that writes, or another; calls *waiting* first when another process has it."""
        self.root.mkdir(parents=True, exist_ok=True)
        with (self.root / name).open("w") as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                waiting()
                fcntl.flock(handle, fcntl.LOCK_EX)
            yield

    def realise(self, step: Step) -> None:
        """Make one missing artefact: under a temporary name, then renamed. Call it with the lock held."""
        remove(self.scratch)
        self.scratch.mkdir(parents=True)
        draft = self.scratch / step.path.name
        step.make(draft)
        step.path.parent.mkdir(parents=True, exist_ok=True)
        draft.rename(step.path)


def remove(path: Path) -> None:
    """Remove a file or a folder with everything in it; nothing there is fine."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
