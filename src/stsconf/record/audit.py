"""Records from the API server's audit log: who wrote what in our namespaces.

The policy must log writes with ``RequestResponse`` and omit ``RequestReceived``; in blocking mode an entry is in the
log before its answer is sent. https://kubernetes.io/docs/reference/config-api/apiserver-audit.v1/
"""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

from stsconf.record.file import Record
from stsconf.record.streams import DIAGNOSTIC, STREAMS

KINDS = frozenset(stream.resource for stream in STREAMS) - DIAGNOSTIC
OPTIONS = ("propagationPolicy", "gracePeriodSeconds", "orphanDependents", "dryRun", "labelSelector", "fieldSelector")
OPTIONS_OF_WRITES = (*OPTIONS, "fieldManager", "force")
MAX_RECORDS = 200_000
"""More writes than that are not kept, and the recording says so."""


def writes(log: Iterable[bytes], started: datetime, namespaces: Collection[str]) -> Iterator[Record]:
    """One record, without its ``rec``, for each write of a log to the recorded kinds.

    Only those since ``started``, in these namespaces or to PersistentVolumes. A line that is cut off or no JSON is
    skipped: whether the log is whole is asked by ``holds_versions``.
    """
    for entry in entries(log):
        target = entry.get("objectRef") or {}
        kind, namespace = target.get("resource"), target.get("namespace") or ""
        if kind not in KINDS or not (namespace in namespaces or kind == "persistentvolumes"):
            continue
        if entry.get("stage") != "ResponseComplete" or entry.get("verb") in ("get", "list", "watch"):
            continue
        at = datetime.fromisoformat(entry["stageTimestamp"])
        if at >= started:
            yield _record(entry, target, round((at - started).total_seconds() * 1e9))


def entries(log: Iterable[bytes]) -> Iterator[Mapping[str, Any]]:
    """The entries of a log that can be read."""
    for line in log:
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if isinstance(entry, dict):
            yield entry


def holds_versions(log: Iterable[bytes], *versions: int) -> bool:
    """Whether the log shows the writes that made these revisions: ours at the beginning and at the end."""
    wanted = {str(version) for version in versions}
    for entry in entries(log):
        wanted.discard(_metadata(entry).get("resourceVersion") or "")
    return not wanted


def _record(entry: Mapping[str, Any], target: Mapping[str, Any], at: int) -> Record:
    answer = entry.get("responseObject") or {}
    metadata, details = _metadata(entry), answer.get("details") or {}
    record: Record = {
        "t": at,
        "verb": entry["verb"],
        "resource": target["resource"],
        "sub": target.get("subresource"),
        "ns": target.get("namespace") or "",
        "name": target.get("name") or metadata.get("name") or "",
        "uid": metadata.get("uid") or details.get("uid") or target.get("uid"),
        "rv": metadata.get("resourceVersion"),
        "code": (entry.get("responseStatus") or {}).get("code", 0),
        "user": (entry.get("user") or {}).get("username"),
        "as": (entry.get("impersonatedUser") or {}).get("username"),
        "agent": entry.get("userAgent"),
        "options": _options(entry),
    }
    return {key: value for key, value in record.items() if value not in (None, {})}


def _metadata(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    return (entry.get("responseObject") or {}).get("metadata") or {}


def _options(entry: Mapping[str, Any]) -> dict[str, str]:
    """What the query asks for, and for a deletion its body too."""
    query = parse_qs(urlsplit(entry.get("requestURI") or "").query)
    found = {key: values[0] for key, values in query.items() if key in OPTIONS_OF_WRITES}
    if str(entry["verb"]).startswith("delete"):
        body = entry.get("requestObject") or {}
        found |= {key: _text(body[key]) for key in OPTIONS if body.get(key) is not None}
        if uid := (body.get("preconditions") or {}).get("uid"):
            found["preconditions.uid"] = uid
    return found


def _text(value: object) -> str:
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)
