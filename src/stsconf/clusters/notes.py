"""Kind clusters on this machine: a note before one is made, and what is done about those of runs that were killed."""

import json
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from stsconf.cleanup.clean import Request
from stsconf.cleanup.inventory import Owner
from stsconf.clusters.engine import docker_answers
from stsconf.errors import ExitCode
from stsconf.waits import Say, until

PREFIX = "stsconf-"
KIND = 60.0
"""Seconds for one call of kind."""


@dataclass(frozen=True, slots=True)
class Note:
    """A kind cluster that a run on this machine makes. ``folder`` holds its ``kind`` and its kubeconfig.

    ``kept``: a local cluster that stayed; ``owner`` is the process that keeps it, ``folder`` its data.
    """

    cluster: str
    run: str
    owner: Owner
    folder: Path
    file: Path
    kept: bool = False


def _notes() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(os.environ.get("STS_CACHE_DIR") or Path(base) / "stsconf") / "clusters"


@contextmanager
def noted(cluster: str, run: str, folder: Path, stays: Callable[[], bool] = lambda: False) -> Iterator[None]:
    """Keep a note of a kind cluster from before it is made until after it is deleted; ``stays``: it was not."""
    file = _write(cluster, run, Owner.me(), folder)
    stay = False
    try:
        yield
        stay = stays()
    finally:
        if not stay:
            file.unlink(missing_ok=True)


def note_keeper(cluster: str, run: str, folder: Path, pid: int) -> None:
    """Note a local cluster that stays, by the process that keeps it; ``folder`` holds its kubeconfig."""
    _write(cluster, run, Owner.me(pid), folder, kept=True)


def _write(cluster: str, run: str, owner: Owner, folder: Path, **more: bool) -> Path:
    file = _notes() / f"{cluster}.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_suffix(".draft")
    what = {"cluster": cluster, "run": run, "owner": asdict(owner), "folder": str(folder.resolve()), **more}
    draft.write_text(json.dumps(what), encoding="utf-8")
    return draft.replace(file)


def read_notes() -> list[Note]:
    """The notes of this machine; what cannot be read is no note."""
    found = []
    for file in sorted(_notes().glob("*.json")):
        with suppress(OSError, KeyError, TypeError, ValueError):
            data = json.loads(file.read_text(encoding="utf-8"))
            owner, kept = Owner(**data["owner"]), bool(data.get("kept"))
            found.append(Note(data["cluster"], data["run"], owner, Path(data["folder"]), file, kept))
    return found


def clean_kind(request: Request, say: Say) -> ExitCode:
    """List kind clusters of dead runs, and local ones that stayed, and, if asked to, delete them.

    One without a note is named and left alone, and so is one whose run may live. Returns ``INCONCLUSIVE`` when a dead
    run's cluster is still there.
    """
    left = deleted = 0
    notes = read_notes()
    for note in notes:
        if request.run not in (None, note.run):
            continue
        there, alive = (note.owner.alive(), False) if note.kept else (_is_there(note), note.owner.alive())
        if there is False and alive is False:
            note.file.unlink(missing_ok=True)
        elif there is not False:
            state = {True: "alive", False: "dead", None: "may be alive"}[alive]
            what, state = ("Local", "kept") if note.kept else ("Kind", state)
            print(f"{what} cluster {note.cluster} of run {note.run}, {note.owner} ({state})")
            if alive is not False and not request.force:
                continue
            if there and request.yes and _delete(note, say):
                deleted += 1
            else:
                left += 1
                if there is None:
                    print("  Its container engine does not answer. Start it, and clean again.")
    if request.run is None:
        _name_strangers({note.cluster for note in notes})
    if left and not request.yes:
        print(f"Nothing was deleted. To delete what is listed, run: {request.again}")
    if deleted:
        print(f"Deleted {deleted} cluster{'s' if deleted > 1 else ''} of this machine.")
    return ExitCode.INCONCLUSIVE if left else ExitCode.HOLDS


def _delete(note: Note, say: Say) -> bool:
    if note.kept:
        say(f"local: ending cluster {note.cluster}")
        os.kill(note.owner.pid, signal.SIGTERM)
        if gone := until(lambda: note.owner.alive() is False, KIND):
            note.file.unlink(missing_ok=True)
        return gone
    say(f"kind: deleting cluster {note.cluster}")
    _call(_program(note), "delete", "cluster", "--name", note.cluster, "--kubeconfig", str(note.folder / "kubeconfig"))
    if gone := _is_there(note) is False:
        note.file.unlink(missing_ok=True)
    return gone


def _name_strangers(known: set[str]) -> None:
    if docker_answers() and (program := shutil.which("kind")):
        for name in _clusters(program) or ():
            if name.startswith(PREFIX) and name not in known:
                print(
                    f"Left alone: kind cluster {name} is in no run's note; `kind delete cluster --name {name}` ends it."
                )


def _is_there(note: Note) -> bool | None:
    """Whether a noted cluster exists; ``None`` when its engine does not answer."""
    if _engine_gone(note):
        return False
    found = _clusters(_program(note))
    return None if found is None else note.cluster in found


def _program(note: Note) -> str:
    """The run's own ``kind``, which knows its engine; where the run's folder is gone, the machine's."""
    own = note.folder / "kind"
    return str(own) if own.is_file() else "kind"


def _engine_gone(note: Note) -> bool:
    """Whether the run had an engine of its own, which has ended and taken its containers with it."""
    try:
        script = (note.folder / "kind").read_text(encoding="utf-8")
    except OSError:
        return False
    own = re.search(r"DOCKER_HOST='?unix://([^\s']+)", script)
    return own is not None and not Path(own[1]).exists()


def _clusters(program: str) -> list[str] | None:
    done = _call(program, "get", "clusters")
    return done.stdout.split() if done and done.returncode == 0 else None


def _call(*command: str) -> subprocess.CompletedProcess[str] | None:
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=KIND, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
