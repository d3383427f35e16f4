"""Who uses an engine: a lock that each user shares and that the kernel lets go of, however the user ends."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path


class Users:
    """The users of one engine, told by one lock file. A detached engine needs none."""

    def __init__(self, folder: Path) -> None:
        self.file, self.detached = folder / "users", folder / "detached"
        self._closed: TextIOWrapper | None = None

    @contextmanager
    def using(self) -> Iterator[None]:
        """Be a user. Waits while the engine of the last user is ending."""
        self.file.parent.mkdir(parents=True, exist_ok=True)
        with self.file.open("a") as handle:
            fcntl.flock(handle, fcntl.LOCK_SH)
            yield

    def close(self) -> bool:
        """Whether nobody uses the engine and it is not detached; if so, nobody can until this process ends."""
        if self.detached.exists():
            return False
        self._closed = self.file.open("a")
        if _lock(self._closed, fcntl.LOCK_EX):
            return True
        self._closed.close()
        return False

    def some(self) -> bool:
        """Whether somebody uses the engine, or it is detached."""
        with self.file.open("a") as handle:
            return self.detached.exists() or (not _lock(handle, fcntl.LOCK_EX) and _lock(handle, fcntl.LOCK_SH))


def _lock(handle: TextIOWrapper, how: int) -> bool:
    try:
        fcntl.flock(handle, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
