"""The file format ``sts-timeline`` version 1: one JSON record per line, a header first, a seal last.

A record is a JSON object whose ``rec`` names its kind: ``header``, ``snap`` (a list), ``ev`` (one version of one
object), ``bm`` (a bookmark), ``conn``, ``gap``, ``act``, ``obs`` (content of a volume), ``mark``, ``probe``,
``audit`` (a write in the server's audit log), ``audited`` (whether that log was read from beginning to end), ``seal``.
Versions and uids are strings; times are whole nanoseconds of one monotonic clock since the recording began. Every line
is written at once, so a recording that is cut off anywhere keeps all its whole lines; only a sealed file is complete.
Readers refuse an unknown
major version and ignore unknown fields.
"""

import gzip
import hashlib
import json
import shutil
import threading
import zlib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from typing import Any, cast

from stsconf.errors import FULL, NoSuchRecording, TimelineFileError

SCHEMA = "sts-timeline"
VERSION = 1
SEAL_COVERS_ITSELF = "seal_covers_itself"
"""Set in the header since the seal has ``own_sha256``; recordings without it are older."""

Record = dict[str, Any]


def encode(record: Mapping[str, object]) -> bytes:
    """One record as compact JSON in UTF-8, keys in their given order, without a newline."""
    return json.dumps(record, separators=(",", ":"), ensure_ascii=False).encode()


class TimelineWriter:
    """Writes one recording; safe to share between threads.

    Takes the path of a new ``.ndjson`` file and the header's fields. A write that the disk refuses does not raise: the
    sentence to show is in ``failed``, nothing more is written, and the file reads as truncated. The constructor raises
    ``TimelineFileError`` when the file exists or cannot be made.
    """

    def __init__(self, path: Path, header: Mapping[str, object]) -> None:
        self.path = path
        self.failed: str | None = None
        self.records = 0
        self._hash = hashlib.sha256()
        self._lock = threading.Lock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("xb", buffering=0)
        except OSError as error:
            kind = TimelineFileError if error.errno in FULL else NoSuchRecording
            raise kind(
                f"The recording {path} cannot be made: {error.strerror}.", "Name a new file in a writable folder."
            ) from error
        self.write({"rec": "header", "schema": SCHEMA, "v": VERSION, SEAL_COVERS_ITSELF: True, **header})

    @property
    def sha256(self) -> str:
        """Hash of everything written so far."""
        return self._hash.hexdigest()

    def write(self, record: Mapping[str, object]) -> None:
        """Append one record."""
        self._append(encode(record) + b"\n")

    def write_event(self, record: Mapping[str, object], raw: bytes) -> None:
        """Append one record whose last key, ``obj``, is ``raw``: an object's JSON on one line, written as it came."""
        self._append(encode(record)[:-1] + b',"obj":' + raw + b"}\n")

    def _append(self, line: bytes) -> None:
        with self._lock:
            if self.failed:
                return
            try:
                rest = memoryview(line)
                while rest:
                    rest = rest[self._file.write(rest) :]
            except (OSError, ValueError) as error:
                self.failed = (
                    f"The recording {self.path} ended early after {self.records} records: {error}. "
                    "Free space on that disk, or choose another output folder, and run again."
                )
                return
            self._hash.update(line)
            self.records += 1

    def seal(self, frontier: Mapping[str, str], closing: Mapping[str, str], **more: object) -> None:
        """Append the last record and close.

        It counts the records before it, hashes all bytes before it, and in ``own_sha256`` its own line but for that
        field.
        """
        record = {"rec": "seal", "frontier": frontier, "closing": closing, **more}
        self._append(_covered(encode(record | {"records": self.records, "sha256": self.sha256})))
        self.close()

    def close(self) -> None:
        """Close the file; an unsealed one stays readable as truncated."""
        with suppress(OSError):
            self._file.close()

    def compress(self) -> Path:
        """Replace the closed file by ``<name>.gz`` (same bytes for the same records) and return the path to read.

        When the disk has no room for the copy, the uncompressed file stays and its path is returned.
        """
        target = self.path.with_name(self.path.name + ".gz")
        part = target.with_name(target.name + ".part")
        try:
            with (
                self.path.open("rb") as source,
                part.open("wb") as raw,
                gzip.GzipFile(filename="", fileobj=raw, mode="wb", compresslevel=6, mtime=0) as packed,
            ):
                shutil.copyfileobj(source, packed, 1 << 20)
            part.replace(target)
        except OSError:
            part.unlink(missing_ok=True)
            return self.path
        self.path.unlink()
        return target


def _lines(path: Path) -> Iterator[bytes]:
    """All lines; one that is cut off has no newline. A damaged gzip file ends where it cannot be read on."""
    try:
        with (
            gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file,
            suppress(EOFError, zlib.error, gzip.BadGzipFile),
        ):
            yield from cast(BufferedReader, file)
    except OSError as error:
        raise NoSuchRecording(f"The recording {path} cannot be read: {error.strerror}.", "Check the path.") from error


def _parse(line: bytes) -> Record | None:
    if not line.endswith(b"\n"):
        return None
    try:
        record = json.loads(line)
    except ValueError:
        return None
    return record if isinstance(record, dict) and isinstance(record.get("rec"), str) else None


def _covered(seal: bytes) -> bytes:
    """The line of a seal: its JSON, and the hash of that."""
    return seal[:-1] + b',"own_sha256":"' + hashlib.sha256(seal).hexdigest().encode() + b'"}\n'


_OWN = len(_covered(b"{}")) - len(b"{")
"""How many bytes of a seal's line ``own_sha256`` takes, with the end of the line."""


def _check_header(path: Path, header: Record | None) -> None:
    if header is None or header.get("rec") != "header" or header.get("schema") != SCHEMA:
        raise TimelineFileError(f"{path} is not a recording: its first line is not a {SCHEMA} header.")
    if header.get("v") != VERSION:
        raise TimelineFileError(
            f"{path} is written in {SCHEMA} version {header.get('v')!r}; this release reads version {VERSION}.",
            "Read it with the release of stsconf that wrote it, or a newer one.",
        )


def read_records(path: Path) -> Iterator[tuple[int, Record]]:
    """Yield each record with its line number, from 1, of an ``.ndjson`` or ``.ndjson.gz`` file.

    Reading stops at a line that is cut off or no record; ``inspect`` says whether that was the end. Raises
    ``TimelineFileError`` for a file that cannot be read, is no recording, or has an unknown version.
    """
    number = 0
    for number, line in enumerate(_lines(path), 1):
        record = _parse(line)
        if number == 1:
            _check_header(path, record)
        if record is None:
            return
        yield number, record
    if number == 0:
        _check_header(path, None)


@dataclass(frozen=True, slots=True)
class FileState:
    """Whether a file is all that was recorded.

    ``sealed`` is whether a seal was found, ``records`` and ``sha256`` count and hash what stands before it (without
    one: all whole lines), ``problem`` is what is wrong with the file, or None.
    """

    sealed: bool
    records: int
    sha256: str
    problem: str | None


def inspect(path: Path) -> FileState:
    """Check the seal of a recording against its bytes. Raises ``TimelineFileError`` as ``read_records`` does."""
    running = hashlib.sha256()
    seal: Record | None = None
    itself = True
    must_cover = False
    records = 0
    problem: str | None = None
    for number, line in enumerate(_lines(path), 1):
        record = _parse(line)
        if number == 1:
            _check_header(path, record)
        if seal is not None:
            problem = f"line {number} stands after the seal"
            break
        if record is None:
            problem = f"line {number} is cut off" if not line.endswith(b"\n") else f"line {number} is not a record"
            break
        if number == 1:
            must_cover = record.get(SEAL_COVERS_ITSELF) is True
        if record["rec"] == "seal":
            seal = record
            if must_cover or "own_sha256" in seal:
                itself = line == _covered(line[:-_OWN] + b"}")
            continue
        running.update(line)
        records += 1
    if records == 0:
        _check_header(path, None)
    sha256 = running.hexdigest()
    if seal is None:
        return FileState(sealed=False, records=records, sha256=sha256, problem=problem or "the file has no seal")
    if problem is None and not itself:
        problem = "the seal is not the one that was written"
    if problem is None and seal.get("records") != records:
        problem = f"the seal counts {seal.get('records')} records, the file has {records}"
    if problem is None and seal.get("sha256") != sha256:
        problem = "the bytes are not those that were sealed"
    return FileState(sealed=True, records=records, sha256=sha256, problem=problem)


def slice_file(parent: Path, child: Path, namespace: str) -> Path:
    """Copy what concerns one namespace of a sealed recording into a new ``.ndjson`` file; return the compressed path.

    The child's header names the parent's sha256, so whoever has the parent can check it. Kept: the namespace's objects,
    the volumes whose claimRef points into it, its actions and marks, and all that bounds the evidence (bookmarks, gaps,
    probes, frontier and closing). Raises ``TimelineFileError`` when the parent is not whole.
    """
    state = inspect(parent)
    if not state.sealed or state.problem:
        raise TimelineFileError(f"{parent} cannot be sliced: {state.problem}.", "Slice a whole recording.")
    ours: set[str] = set()

    def mine(obj: Record) -> bool:
        meta, ref = obj["metadata"], (obj.get("spec") or {}).get("claimRef") or {}
        inside = meta.get("namespace") == namespace or ref.get("namespace") == namespace
        if inside:
            ours.add(meta["uid"])
        return inside or meta["uid"] in ours

    def part(record: Record) -> Record | None:
        match record["rec"]:
            case "ev":
                return record if mine(record["obj"]) else None
            case "snap" if record.get("brief"):
                return {**record, "items": [item for item in record["items"] if item["uid"] in ours]}
            case "snap":
                return {**record, "items": [item for item in record["items"] if mine(item)]}
            case "act" | "mark":
                where = record.get("ns", record.get("namespace"))
                if where == namespace or record["id"] in ours:
                    ours.add(record["id"])
                    return record
                return None
        return record

    records = (record for _, record in read_records(parent))
    header = {key: value for key, value in next(records).items() if key not in ("rec", "schema", "v")}
    writer = TimelineWriter(child, {**header, "slice": {"of_sha256": state.sha256, "namespace": namespace}})
    for record in records:
        if record["rec"] == "seal":
            writer.seal(record["frontier"], record["closing"], t=record.get("t"))
        elif record.get("ns") in (None, "", namespace) and (kept := part(record)):
            writer.write(kept)
    if writer.failed:
        raise TimelineFileError(writer.failed)
    return writer.compress()
