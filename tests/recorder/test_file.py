"""A recording that is cut off, changed or unknown is never taken for a whole one."""

import gzip
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stsconf.errors import TimelineFileError
from stsconf.record.file import TimelineWriter, inspect, read_records, slice_file

TEXT = st.text(max_size=8)
RECORDS = st.lists(
    st.dictionaries(TEXT, TEXT | st.integers() | st.none(), max_size=3).map(lambda more: {**more, "rec": "conn"}),
    max_size=4,
)
SHARED_PATH = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=20)


def written(path: Path, records: list[dict[str, object]]) -> Path:
    path.unlink(missing_ok=True)
    writer = TimelineWriter(path, {"run": "test"})
    for record in records:
        writer.write(record)
    writer.write_event({"rec": "ev", "s": "pods", "rv": "7"}, b'{"a": 1.50, "b":"\xc3\xa4"}')
    writer.seal({"pods": "7"}, {"pods": "equal"}, t=9)
    return path


@SHARED_PATH
@given(records=RECORDS)
def test_what_is_written_is_read_back_and_proven_whole(tmp_path: Path, records: list[dict[str, object]]) -> None:
    path = written(tmp_path / "a.ndjson", records)
    read = [record for _, record in read_records(path)]
    assert read[1:-2] == records
    assert read[-2] == {"rec": "ev", "s": "pods", "rv": "7", "obj": {"a": 1.5, "b": "ä"}}
    assert b'"obj":{"a": 1.50, "b":"\xc3\xa4"}}\n' in path.read_bytes(), "the object's own bytes"
    state = inspect(path)
    assert (state.sealed, state.problem, state.records) == (True, None, len(records) + 2)
    assert read[-1]["sha256"] == state.sha256
    assert [number for number, _ in read_records(path)] == list(range(1, len(read) + 1))


@SHARED_PATH
@given(records=RECORDS)
def test_cut_off_at_any_byte_it_keeps_its_whole_lines_and_is_not_sealed(
    tmp_path: Path, records: list[dict[str, object]]
) -> None:
    path = written(tmp_path / "a.ndjson", records)
    whole = path.read_bytes()
    everything = [record for _, record in read_records(path)]
    cut = tmp_path / "cut.ndjson"
    cut.write_bytes(whole)
    for length in reversed(range(len(whole))):
        os.truncate(cut, length)
        lines = whole[:length].count(b"\n")
        if lines == 0:
            for read in (lambda: list(read_records(cut)), lambda: inspect(cut)):
                with pytest.raises(TimelineFileError, match="is not a recording"):
                    read()
            continue
        assert [record for _, record in read_records(cut)] == everything[:lines]
        state = inspect(cut)
        assert not state.sealed
        assert state.problem
        assert state.records == lines


@SHARED_PATH
@given(data=st.data())
def test_a_changed_byte_is_noticed(tmp_path: Path, data: st.DataObject) -> None:
    path = written(tmp_path / "a.ndjson", [{"rec": "conn", "what": "open"}])
    whole = bytearray(path.read_bytes())
    seal_begins = whole.rindex(b'{"rec":"seal"')
    position = data.draw(st.integers(whole.index(b"\n") + 1, seal_begins - 1))
    whole[position] ^= data.draw(st.integers(1, 255))
    path.write_bytes(bytes(whole))
    state = inspect(path)
    assert state.problem


def test_any_changed_byte_of_the_seal_is_noticed(tmp_path: Path) -> None:
    path = written(tmp_path / "a.ndjson", [{"rec": "conn"}])
    whole = path.read_bytes()
    for position in range(whole.rindex(b'{"rec":"seal"'), len(whole)):
        path.write_bytes(whole[:position] + bytes([whole[position] ^ 1]) + whole[position + 1 :])
        state = inspect(path)
        assert state.problem or not state.sealed, whole[position:]
    seal_begins = whole.rindex(b'{"rec":"seal"')
    bare = json.loads(whole[seal_begins:])
    del bare["own_sha256"]
    path.write_bytes(whole[:seal_begins] + json.dumps(bare).encode() + b"\n")
    assert inspect(path).problem == "the seal is not the one that was written"


def test_a_seal_of_an_older_release_does_not_cover_itself(tmp_path: Path) -> None:
    lines = [b'{"rec":"header","schema":"sts-timeline","v":1}\n', b'{"rec":"conn"}\n']
    seal = {"rec": "seal", "closing": {}, "records": 2, "sha256": hashlib.sha256(b"".join(lines)).hexdigest()}
    path = tmp_path / "old.ndjson"
    path.write_bytes(b"".join(lines) + json.dumps(seal).encode() + b"\n")
    state = inspect(path)
    assert (state.sealed, state.problem) == (True, None)


def test_a_record_more_or_less_or_after_the_seal_is_noticed(tmp_path: Path) -> None:
    path = written(tmp_path / "a.ndjson", [{"rec": "conn"}, {"rec": "conn"}])
    lines = path.read_bytes().splitlines(keepends=True)
    edits = {
        "counts": [lines[0], *lines[2:]],
        "after the seal": [*lines, lines[1]],
        "not those that were sealed": [lines[0], lines[3], lines[2], lines[1], lines[4]],
        "is not a record": [*lines[:2], b"{}\n", *lines[2:]],
        "is cut off": [*lines[:2], b'{"rec":'],
    }
    for problem, edited in edits.items():
        path.write_bytes(b"".join(edited))
        assert problem in (inspect(path).problem or "")


def test_compressed_it_is_the_same_recording_and_the_same_bytes_each_time(tmp_path: Path) -> None:
    packed = []
    for name in ("a", "b"):
        path = tmp_path / name / "run.ndjson"
        writer = TimelineWriter(path, {"run": "test"})
        writer.write({"rec": "conn"})
        writer.seal({}, {})
        plain = inspect(path)
        target = writer.compress()
        assert (target.name, path.exists()) == ("run.ndjson.gz", False)
        assert inspect(target) == plain
        packed.append(target.read_bytes())
    assert packed[0] == packed[1]


def test_a_compressed_file_cut_off_at_any_byte_is_not_whole(tmp_path: Path) -> None:
    path = written(tmp_path / "a.ndjson", [{"rec": "conn", "n": n} for n in range(50)])
    whole = gzip.compress(path.read_bytes(), mtime=0)
    cut = tmp_path / "cut.ndjson.gz"
    for length in range(len(whole) - 8):  # the last 8 bytes are gzip's own checksum and length
        cut.write_bytes(whole[:length])
        try:
            state = inspect(cut)
        except TimelineFileError:
            continue
        assert not state.sealed or state.problem is None
        if state.sealed:
            assert list(read_records(cut)) == list(read_records(path)), "only the end mark of the stream is missing"


@pytest.mark.parametrize(
    ("first", "message"),
    [
        ({"rec": "header", "schema": "sts-timeline", "v": 2}, "version 2"),
        ({"rec": "header", "schema": "other", "v": 1}, "is not a recording"),
        ({"rec": "conn"}, "is not a recording"),
        ([], "is not a recording"),
    ],
)
def test_what_is_no_recording_of_this_version_is_refused(tmp_path: Path, first: object, message: str) -> None:
    path = tmp_path / "a.ndjson"
    path.write_text(json.dumps(first) + "\n")
    for read in (lambda: list(read_records(path)), lambda: inspect(path)):
        with pytest.raises(TimelineFileError, match=message):
            read()


def test_unknown_fields_and_records_are_no_reason_to_stop(tmp_path: Path) -> None:
    path = tmp_path / "a.ndjson"
    writer = TimelineWriter(path, {"new_field": [1]})
    writer.write({"rec": "new_record", "x": 1})
    writer.seal({}, {}, new=1)
    assert [record["rec"] for _, record in read_records(path)] == ["header", "new_record", "seal"]


def test_a_file_that_is_there_is_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "a.ndjson"
    path.write_text("precious")
    with pytest.raises(TimelineFileError, match="cannot be made"):
        TimelineWriter(path, {})
    assert path.read_text() == "precious"


def test_a_missing_file_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(TimelineFileError, match="cannot be read"):
        list(read_records(tmp_path / "none.ndjson"))


FULL_DISK = """
import resource, signal, sys
from pathlib import Path
from stsconf.record.file import TimelineWriter
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # a write beyond the limit then fails, as on a full disk
resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
writer = TimelineWriter(Path(sys.argv[1]), {})
for number in range(1000):
    writer.write({"rec": "conn", "number": number})
    if writer.failed:
        break
before = writer.records
writer.write({"rec": "conn", "number": -1})
writer.seal({}, {})
assert writer.records == before
print(before, writer.failed)
"""


def test_a_full_disk_is_a_sentence_and_the_file_reads_as_truncated(tmp_path: Path) -> None:
    path = tmp_path / "a.ndjson"
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(path)], capture_output=True, text=True, check=True, timeout=60
    )
    count, sentence = done.stdout.split(" ", 1)
    assert "ended early" in sentence
    assert "Free space" in sentence
    assert len(list(read_records(path))) == int(count) > 100
    state = inspect(path)
    assert (state.sealed, state.problem) == (False, f"line {int(count) + 1} is cut off")


def test_a_slice_keeps_one_namespace_and_names_its_parent(tmp_path: Path) -> None:
    def obj(uid: str, namespace: str | None, claim: str | None = None) -> dict[str, Any]:
        spec = {"spec": {"claimRef": {"namespace": claim}}} if claim else {}
        return {"metadata": {"uid": uid, "name": uid, **({"namespace": namespace} if namespace else {})}, **spec}

    def event(stream: str, found: dict[str, Any]) -> dict[str, Any]:
        return {"rec": "ev", "s": stream, "ns": found["metadata"].get("namespace", ""), "obj": found}

    kept: list[dict[str, Any]] = [
        event("pods", obj("a-pod", "a")),
        event("persistentvolumes", obj("a-volume", None, "a")),
        event("persistentvolumes", obj("a-volume", None)),
        {"rec": "act", "id": "1", "phase": "begin", "ns": "a"},
        {"rec": "act", "id": "1", "phase": "end"},
        {"rec": "mark", "id": "2", "phase": "open", "namespace": "a"},
        {"rec": "mark", "id": "2", "phase": "close"},
        {"rec": "gap", "s": "pods"},
        {"rec": "gap", "s": "pods", "ns": "a"},
        {"rec": "bm", "s": "pods", "rv": "9"},
        {"rec": "conn", "s": "pods"},
    ]
    dropped: list[dict[str, Any]] = [
        event("pods", obj("b-pod", "b")),
        event("persistentvolumes", obj("b-volume", None, "b")),
        {"rec": "act", "id": "3", "phase": "begin", "ns": "b"},
        {"rec": "act", "id": "3", "phase": "end"},
        {"rec": "mark", "id": "4", "phase": "open", "namespace": "b"},
        {"rec": "gap", "s": "pods", "ns": "b"},
        {"rec": "conn", "s": "pods", "ns": "b"},
    ]
    parent = tmp_path / "run.ndjson"
    writer = TimelineWriter(parent, {"run": "test"})
    writer.write({"rec": "snap", "s": "pods", "items": [obj("a-pod", "a"), obj("b-pod", "b")]})
    for record in (*kept, *dropped):
        writer.write(record)
    writer.write({"rec": "snap", "s": "pods", "brief": True, "items": [{"uid": "a-pod"}, {"uid": "b-pod"}]})
    writer.seal({"pods": "9"}, {"pods": "equal"})
    child = slice_file(parent, tmp_path / "a.ndjson", "a")
    assert inspect(child).problem is None
    header, start, *middle, end, seal = [record for _, record in read_records(child)]
    assert header["slice"] == {"of_sha256": inspect(parent).sha256, "namespace": "a"}
    assert [item["metadata"]["uid"] for item in start["items"]] == ["a-pod"]
    assert middle == kept
    assert end["items"] == [{"uid": "a-pod"}]
    assert (seal["frontier"], seal["closing"]) == ({"pods": "9"}, {"pods": "equal"})


def test_a_recording_that_is_not_whole_is_not_sliced(tmp_path: Path) -> None:
    writer = TimelineWriter(tmp_path / "run.ndjson", {})
    writer.close()
    with pytest.raises(TimelineFileError, match="has no seal"):
        slice_file(tmp_path / "run.ndjson", tmp_path / "a.ndjson", "a")
