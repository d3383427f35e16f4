"""Writes in the API server's audit log become records of the recording."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from stsconf.record import audit
from stsconf.record.file import read_records
from stsconf.record.recorder import Recorder
from stsconf.timeline.recording import load
from stsconf.timeline.writes import Write
from tests.recorder.scripted import NAMESPACE, Server, World
from tests.recorder.test_faults import WAITS

STARTED = datetime(2026, 1, 1, tzinfo=UTC)


def entry(kind: str = "pods", **fields: Any) -> dict[str, Any]:
    """An entry as a v1.37.2 server writes it, without what nobody reads."""
    at = fields.pop("at", STARTED + timedelta(seconds=2))
    return {
        "stage": "ResponseComplete",
        "verb": "patch",
        "requestURI": f"/api/v1/namespaces/{NAMESPACE}/{kind}/web-0?fieldManager=kubelet",
        "objectRef": {"resource": kind, "namespace": NAMESPACE, "name": "web-0"},
        "user": {"username": "system:node:n"},
        "userAgent": "kubelet/v1.37.2",
        "responseStatus": {"code": 200},
        "responseObject": {"metadata": {"name": "web-0", "uid": "u", "resourceVersion": "12"}},
        "stageTimestamp": at.isoformat().replace("+00:00", "Z"),
        **fields,
    }


def writes(*entries: dict[str, Any]) -> list[dict[str, Any]]:
    return list(audit.writes((json.dumps(e).encode() for e in entries), STARTED, {NAMESPACE}))


def test_a_write_is_told_with_who_what_and_which_version() -> None:
    (record,) = writes(entry(impersonatedUser={"username": "somebody"}))
    assert record == {
        "t": 2_000_000_000,
        "verb": "patch",
        "resource": "pods",
        "ns": NAMESPACE,
        "name": "web-0",
        "uid": "u",
        "rv": "12",
        "code": 200,
        "user": "system:node:n",
        "as": "somebody",
        "agent": "kubelet/v1.37.2",
        "options": {"fieldManager": "kubelet"},
    }


def test_a_deletion_answered_with_a_status_has_its_uid_and_options() -> None:
    body = {"propagationPolicy": "Orphan", "gracePeriodSeconds": 0, "preconditions": {"uid": "u"}, "dryRun": ["All"]}
    status = {"kind": "Status", "details": {"uid": "u"}, "metadata": {}}
    (record,) = writes(entry(verb="delete", requestObject=body, responseObject=status, requestURI="/x"))
    assert (record["uid"], "rv" in record) == ("u", False)
    assert record["options"] == {
        "propagationPolicy": "Orphan",
        "gracePeriodSeconds": "0",
        "dryRun": "All",
        "preconditions.uid": "u",
    }


@pytest.mark.parametrize(
    "other",
    [
        entry(objectRef={"resource": "pods", "namespace": "elsewhere", "name": "web-0"}),
        entry(kind="secrets"),
        entry(stage="Panic"),
        entry(verb="get"),
        entry(at=STARTED - timedelta(seconds=1)),
    ],
    ids=["elsewhere", "secrets", "stage", "read", "before"],
)
def test_what_is_not_ours_is_left_out(other: dict[str, Any]) -> None:
    assert not writes(other)


@pytest.mark.parametrize(("lost", "complete"), [("", True), ("first", False), ("last", False), ("all", False)])
def test_the_recording_says_whether_the_log_was_whole(tmp_path: Path, lost: str, complete: bool) -> None:
    with Server() as server:
        server.world = world = World()

        def log() -> Iterator[bytes]:
            if lost == "all":
                raise OSError("no such file")
            told = [h for h in world.log["pods"] if h.change == "MODIFIED"]
            own = [h for h in told if h.obj["metadata"]["name"] == "stsconf-sentinel"]
            missing = {"first": own[:1], "last": own[-1:]}.get(lost, [])
            for happening in told:
                if happening not in missing:
                    name, at = happening.obj["metadata"]["name"], datetime.now(UTC)
                    target = {"resource": "pods", "namespace": NAMESPACE, "name": name}
                    yield json.dumps(entry(objectRef=target, responseObject=happening.obj, at=at)).encode() + b"\n"
            yield b'{"cut off'

        path = tmp_path / "run.ndjson"
        world.toggle("web-0")
        with Recorder(server.client(), path, "test", waits=WAITS, sentinel_namespace="own", audit_log=log) as recorder:
            window = recorder.open_window("create", NAMESPACE, "web")
            changed = world.toggle("web-0")
            recorder.close_window(window, settled=True)
        sealed = recorder.close()
        world.ended = True
    (audited,) = [r for _, r in read_records(sealed.path) if r["rec"] == "audited"]
    (timeline,) = load(sealed.path).timelines
    assert (audited["complete"], timeline.audited) == (complete, complete)
    assert ("why" in audited) is not complete
    found: list[Write] = [w for w in timeline.writes if w.name == "web-0"]
    assert [w.rv for w in found] == ([] if lost == "all" else [changed.rv])
