"""What a run makes, written down before it is made, so that what a killed run left can be told from what is not ours.

The record is one ConfigMap on the cluster, in the run's home, a namespace that is removed last: a name before each
creation, the uid after it, who the run is, and a heartbeat. Nothing is ever taken for ours by its name alone.
"""

import json
import os
import platform
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Self

from stsconf.errors import StsconfError
from stsconf.kube.api import Api, Object

RECORD = "stsconf-run"
"""Name of the ConfigMap in a run's home."""
MANAGED_BY = "app.kubernetes.io/managed-by"
MANAGED = {MANAGED_BY: "stsconf"}
RUN = "stsconf.dev/run"
"""Label with the run's id on everything it makes outside of its own namespaces, and on these."""
RECORD_LABEL = "stsconf.dev/record"
"""Label of the ConfigMap, and annotation of a home with what its ConfigMap is going to say."""

KINDS = frozenset({"Namespace"})
"""What a run makes itself; all else lives in these namespaces and goes with them."""
SWEPT = ("StatefulSet", "Service", "Pod", "PersistentVolumeClaim", "ControllerRevision", "ConfigMap")
"""What a run makes, and has made by controllers, in a namespace that was prepared for it; all of it carries ``RUN``."""

HEARTBEAT = 15.0
"""Seconds between two signs of life."""
SILENCE = 90.0
"""A run that was silent for this many seconds counts as dead: five heartbeats lost in a row, and some."""


def labels(run: str) -> dict[str, str]:
    """The labels of everything that a run makes."""
    return {**MANAGED, RUN: run}


# Who a run is.


@dataclass(frozen=True, slots=True)
class Owner:
    """A process, described so that another one can tell whether it still lives.

    ``space`` is the boot and the pid namespace that ``pid`` belongs to, ``started`` the process's start in clock ticks
    since that boot (proc(5)); both are empty where there is no /proc.
    """

    host: str
    space: str
    pid: int
    started: str

    @classmethod
    def me(cls, pid: int | None = None) -> Self:
        """This process, or another one of this machine."""
        pid = pid or os.getpid()
        return cls(platform.node(), _space(), pid, _started(pid))

    def alive(self) -> bool | None:
        """Whether it lives; ``None`` when only its own machine could tell."""
        if not self.space or self.space != _space():
            return None
        return _started(self.pid) == self.started

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host}"


def _space() -> str:
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot} {Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return ""


def _started(pid: int) -> str:
    """Start time of a process that lives, else an empty string; a zombie is dead."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] in "ZX" else fields[19]


# What it made.


@dataclass(frozen=True, slots=True)
class Entry:
    """One object a run makes; ``uid`` is None until the server has said that it exists."""

    kind: str
    namespace: str | None
    name: str
    uid: str | None = None

    def __str__(self) -> str:
        return f"{self.kind.lower()} {f'{self.namespace}/' if self.namespace else ''}{self.name}"


@dataclass(frozen=True, slots=True)
class Record:
    """A run as its ConfigMap tells. ``created`` and ``beat`` (the last sign of life) are the server's times."""

    run: str
    home: str
    owner: Owner
    entries: tuple[Entry, ...]
    created: datetime
    beat: datetime

    @property
    def prepared(self) -> bool:
        """Whether the home was there before, and stays: then what the run made in it goes one by one."""
        return all((entry.kind, entry.name) != ("Namespace", self.home) for entry in self.entries)

    def made(self, found: Object) -> bool:
        """Whether an object in a prepared home is of this run: it carries the run's label and came after the record."""
        metadata = found["metadata"]
        labelled = (metadata.get("labels") or {}).get(RUN) == self.run
        return labelled and metadata["name"] != RECORD and _time(metadata["creationTimestamp"]) >= self.created

    def alive(self, now: datetime) -> bool:
        """Whether the run must be left alone; ``now`` is the server's clock."""
        known = self.owner.alive()
        return (now - self.beat).total_seconds() < SILENCE if known is None else known


class Standing(StrEnum):
    """What an object on the cluster is to a run that recorded its name."""

    OURS = "ours"
    GONE = "gone"
    FOREIGN = "foreign"


def standing(entry: Entry, found: Object | None, record: Record) -> Standing:
    """Whether ``found``, the object of the entry's kind and name, is the one that the run made.

    It must carry the run's labels and the recorded uid. Where the run was killed before it could write the uid, the
    object counts only if it was created after the record.
    """
    if found is None:
        return Standing.GONE
    metadata: Mapping[str, Any] = found["metadata"]
    labelled = labels(record.run).items() <= (metadata.get("labels") or {}).items()
    if entry.kind not in KINDS or not labelled:
        return Standing.FOREIGN
    in_time = _time(metadata["creationTimestamp"]) >= record.created
    ours = in_time if entry.uid is None else metadata["uid"] == entry.uid
    return Standing.OURS if ours else Standing.FOREIGN


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def read_record(found: Object) -> Record | None:
    """The record in a ConfigMap, or on a home that has none yet or no longer; ``None`` for what no run wrote there.

    A home that was copied, as by a restored backup, was created by another program than ours, as the server notes.
    """
    try:
        metadata = found["metadata"]
        data = found.get("data") or json.loads(metadata["annotations"][RECORD_LABEL])
        created = _time(metadata["creationTimestamp"])
        managed = metadata.get("managedFields") or ()
        record = Record(
            run=data["run"],
            home=data["home"],
            owner=Owner(**json.loads(data["owner"])),
            entries=tuple(Entry(**json.loads(data[key])) for key in sorted(data) if key.startswith("made.")),
            created=created,
            beat=max([created, *(_time(m["time"]) for m in managed if "time" in m)]),
        )
        if "namespace" in metadata:
            return record if (metadata["namespace"], metadata["name"]) == (record.home, RECORD) else None
        home = Entry("Namespace", None, metadata["name"], metadata["uid"])
        ours = home.name == record.home and any(m.get("manager") == "stsconf" for m in managed)
        return replace(record, entries=(home,)) if ours else None
    except (KeyError, TypeError, ValueError):
        return None


class Inventory:
    """The record of a run that is under way; a context manager that renews the sign of life.

    ``home`` is made, labelled, on entering, with the record in it; a name that is taken raises ``ApiError``. A
    ``prepared`` home is there already, and holds one run at a time.
    """

    def __init__(self, api: Api, run: str, home: str, *, prepared: bool = False) -> None:
        self._api = api
        self._run = run
        self._home = home
        self._prepared = prepared
        self._who = {"run": run, "home": home, "owner": json.dumps(asdict(Owner.me()))}
        self._entries: list[Entry] = []
        self._config_map: Object = {}
        self._ended = threading.Event()

    def __enter__(self) -> Self:
        if self._prepared:
            self._config_map = self._begin()
        else:
            self._make_home()
        threading.Thread(target=self._live, daemon=True).start()
        return self

    def _make_home(self) -> None:
        home = Entry("Namespace", None, self._home)
        manifest = self._manifest(home)
        manifest["metadata"]["annotations"] = {RECORD_LABEL: json.dumps(self._who)}
        uid = self._api.create(manifest)["metadata"]["uid"]
        self._entries.append(replace(home, uid=uid))
        try:
            self._config_map = self._begin()
        except BaseException:
            self._api.delete("Namespace", self._home, preconditions={"uid": uid})
            raise

    def _begin(self) -> Object:
        return self._api.create(
            {
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "metadata": {"name": RECORD, "labels": {**labels(self._run), RECORD_LABEL: "run"}},
                "data": {**self._who, **(self._line(0) if self._entries else {})},
            },
            self._home,
        )

    def __exit__(self, *_: object) -> None:
        self._ended.set()

    def make_namespace(self, name: str) -> None:
        """Create a labelled namespace: its name is recorded before, its uid after. Raises ``ApiError`` if it exists."""
        number = len(self._entries)
        self._entries.append(Entry("Namespace", None, name))
        self._write(self._line(number))
        made = self._api.create(self._manifest(self._entries[number]))
        self._entries[number] = replace(self._entries[number], uid=made["metadata"]["uid"])
        self._write(self._line(number))

    @property
    def record(self) -> Record:
        """The record as it stands."""
        created = _time(self._config_map["metadata"]["creationTimestamp"])
        return Record(self._run, self._home, Owner.me(), tuple(self._entries), created, created)

    def _manifest(self, entry: Entry) -> Object:
        return {
            "apiVersion": "v1",
            "kind": entry.kind,
            "metadata": {"name": entry.name, "labels": labels(self._run)},
        }

    def _line(self, number: int) -> dict[str, str]:
        return {f"made.{number:04}": json.dumps(asdict(self._entries[number]))}

    def _write(self, data: Mapping[str, str]) -> None:
        self._api.patch("ConfigMap", RECORD, {"data": data}, self._home)

    def _live(self) -> None:
        while not self._ended.wait(HEARTBEAT):
            with suppress(StsconfError):  # a sign of life that is lost is followed by the next
                self._write({"beat": datetime.now(UTC).isoformat()})
