"""What a timeline says of the audit log of its cluster."""

from pathlib import Path
from typing import Any

from stsconf.record.file import slice_file
from stsconf.timeline.recording import load
from tests.tape import Tape, write

CONTROLLER = "system:serviceaccount:kube-system:statefulset-controller"


def audit(**fields: Any) -> dict[str, Any]:
    record = {"rec": "audit", "t": 2_000_000_000, "verb": "delete", "resource": "pods", "ns": "ns", "name": "web-1"}
    return {**record, "user": CONTROLLER, "agent": "kube-controller-manager/v1.37.2", "code": 200, **fields}


def audited(complete: bool) -> dict[str, Any]:
    return {"rec": "audited", "t": 3_000_000_000, "writes": 6, "complete": complete}


def tape(*more: dict[str, Any]) -> list[dict[str, Any]]:
    made = Tape().open("create").set_created().volume(0).pod_created(0).pod_ready(0).close()
    return [*made.records, *more]


def test_accepted_writes_of_the_window_have_an_author(tmp_path: Path) -> None:
    records = tape(
        audit(uid="u1", rv="120", options={"gracePeriodSeconds": "0"}),
        audit(verb="create", sub="eviction", user="admin", **{"as": "somebody"}),
        audit(code=404),
        audit(options={"dryRun": "All"}),
        audit(ns="elsewhere"),
        audit(ns="", resource="persistentvolumes", name="pv-of-somebody"),
        audited(complete=True),
    )
    (timeline,) = load(write(records, tmp_path / "run.ndjson")).timelines
    first, second = timeline.writes
    assert (first.user, first.uid, first.rv, first.options) == (CONTROLLER, "u1", 120, {"gracePeriodSeconds": "0"})
    assert (first.verb, first.resource, first.name, first.seconds) == ("delete", "pods", "web-1", 2.0)
    assert (second.user, second.subresource, second.uid, second.rv) == ("somebody", "eviction", None, None)
    assert records[first.line - 1]["uid"] == "u1"
    assert timeline.audited


def test_writes_to_the_windows_volumes_are_its_own(tmp_path: Path) -> None:
    made = tape()
    volume = next(r["name"] for r in made if r["rec"] == "ev" and r["s"] == "persistentvolumes")
    written = audit(ns="", resource="persistentvolumes", name=volume)
    (timeline,) = load(write([*made, written], tmp_path / "run.ndjson")).timelines
    assert [w.name for w in timeline.writes] == [volume]


def test_a_log_that_is_not_whole_proves_nothing_by_what_is_missing(tmp_path: Path) -> None:
    cases = {"none": tape(audit()), "part": tape(audit(), audited(complete=False))}
    for name, records in cases.items():
        (timeline,) = load(write(records, tmp_path / f"{name}.ndjson")).timelines
        assert (len(timeline.writes), timeline.audited) == (1, False)
    whole = tape(audit(), audited(complete=True))
    (timeline,) = load(write(whole, tmp_path / "cut.ndjson", sealed=False)).timelines
    assert not timeline.audited


def test_a_slice_keeps_the_writes_of_its_namespace(tmp_path: Path) -> None:
    records = tape(audit(), audit(ns="elsewhere"), audited(complete=True))
    parent = write(records, tmp_path / "run.ndjson")
    (timeline,) = load(slice_file(parent, tmp_path / "slice.ndjson", "ns")).timelines
    assert [w.name for w in timeline.writes] == ["web-1"]
    assert timeline.audited
