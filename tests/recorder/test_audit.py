"""The comparison with an audit log finds what is missing on either side."""

import json
from pathlib import Path
from typing import Any

import pytest

from stsconf.record.file import TimelineWriter
from tests.recorder.audit import KINDS, compare


def pod(rv: int, **more: Any) -> dict[str, Any]:
    meta = {"name": "web-0", "namespace": "ns", "uid": "u", "resourceVersion": str(rv), **more.pop("metadata", {})}
    return {"metadata": meta, **more}


def entry(verb: str, answer: dict[str, Any], subresource: str | None = None) -> dict[str, Any]:
    target = {"resource": "pods", "namespace": "ns", "name": "web-0", "subresource": subresource}
    return {
        "verb": verb,
        "objectRef": target,
        "requestURI": "/",
        "responseStatus": {"code": 200},
        "responseObject": answer,
    }


BOUND = {"spec": {"nodeName": "n"}}
MARKED = BOUND | {"metadata": {"deletionTimestamp": "t", "deletionGracePeriodSeconds": 0}}
EVENTS = [("ADDED", pod(11)), ("MODIFIED", pod(12, **BOUND)), ("MODIFIED", pod(13, **MARKED)), ("DELETED", pod(14))]
LOG = [entry("create", pod(11)), entry("create", {"kind": "Status"}, "binding"), entry("delete", pod(14))]


def compared(path: Path, events: list[tuple[str, dict[str, Any]]], log: list[dict[str, Any]]) -> tuple[int, int]:
    writer = TimelineWriter(path / "run.ndjson", {})
    for kind in sorted(KINDS):
        writer.write({"rec": "snap", "s": kind, "why": "start", "rv": "10", "items": []})
    for change, obj in events:
        rv = obj["metadata"]["resourceVersion"]
        writer.write(
            {"rec": "ev", "s": "pods", "type": change, "rv": rv, "uid": "u", "ns": "ns", "name": "web-0", "obj": obj}
        )
    for kind in sorted(KINDS):
        writer.write({"rec": "snap", "s": kind, "why": "closing", "rv": "20", "items": []})
    writer.close()
    found = compare(path / "run.ndjson", [json.dumps(line) for line in log])
    return len(found.missing), len(found.unexplained)


def test_a_whole_recording_agrees(tmp_path: Path) -> None:
    assert compared(tmp_path, EVENTS, LOG) == (0, 0)


@pytest.mark.parametrize(("lost", "expected"), [(0, (1, 0)), (3, (1, 0))])
def test_an_event_that_was_lost_is_missing(tmp_path: Path, lost: int, expected: tuple[int, int]) -> None:
    assert compared(tmp_path, EVENTS[:lost] + EVENTS[lost + 1 :], LOG) == expected


@pytest.mark.parametrize("unlogged", range(3))
def test_an_event_without_a_write_is_unexplained(tmp_path: Path, unlogged: int) -> None:
    missing, unexplained = compared(tmp_path, EVENTS, LOG[:unlogged] + LOG[unlogged + 1 :])
    assert missing == 0
    assert unexplained == (2 if unlogged == 2 else 1)


def test_one_write_explains_one_version_only(tmp_path: Path) -> None:
    again = ("MODIFIED", pod(15, spec={}))
    bound_again = ("MODIFIED", pod(16, **BOUND))
    assert compared(tmp_path, [*EVENTS[:2], again, bound_again], LOG) == (1, 2)


def test_a_refused_or_dry_write_proves_nothing(tmp_path: Path) -> None:
    refused = entry("patch", pod(17)) | {"responseStatus": {"code": 409}}
    dry = entry("patch", pod(18)) | {"requestURI": "/?dryRun=All"}
    assert compared(tmp_path, EVENTS, [*LOG, refused, dry]) == (0, 0)
