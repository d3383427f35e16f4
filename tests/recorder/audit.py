"""A recording held against the API server's own audit log, kind by kind.

The policy must log writes with ``RequestResponse`` and omit ``RequestReceived``, in blocking mode. Facts about what the
log shows, from a v1.37.2 server: an answer without resourceVersion is given to bindings, evictions and most deletions;
a deletion of a pod writes twice (the mark, the removal) and answers with one of the two revisions.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from stsconf.record.file import read_records
from stsconf.record.streams import DIAGNOSTIC, STREAMS

KINDS = {stream.name for stream in STREAMS} - DIAGNOSTIC
Version = tuple[str, str, str]  # kind, uid, resourceVersion
Place = tuple[str, str, str]  # kind, namespace, name


@dataclass
class Comparison:
    """``missing``: writes the log shows and the recording does not. ``unexplained``: versions no write accounts for.

    ``hidden`` counts, by class, versions whose revision the log does not show, each matched with one entry.
    """

    answered: int = 0
    missing: list[Version] = field(default_factory=list)
    unexplained: list[Version] = field(default_factory=list)
    hidden: Counter[str] = field(default_factory=Counter)


def compare(recording: Path, audit_log: Iterable[str | bytes]) -> Comparison:
    """Compare between each kind's first and closing list."""
    first: dict[str, int] = {}
    last: dict[str, int] = {}
    events: dict[Version, tuple[Place, str]] = {}
    before: dict[Place, dict[str, Any]] = {}
    for _, record in read_records(recording):
        kind = record.get("s", "")
        if kind not in KINDS:
            continue
        if record["rec"] == "snap" and record["why"] == "closing":
            last[kind] = int(record["rv"])
        elif record["rec"] == "snap":
            first.setdefault(kind, int(record["rv"]))
            for item in record["items"]:
                before[kind, item["metadata"].get("namespace") or "", item["metadata"]["name"]] = item
        elif record["rec"] == "ev":
            place = (kind, record["ns"], record["name"])
            events[kind, record["uid"], record["rv"]] = (place, _class(record, before.get(place, {})))
            before[place] = record["obj"]
    result, answered, may_hide = _read_log(audit_log, first, last, events)
    for version, (place, change) in events.items():
        if version in answered or int(version[2]) > last[version[0]]:
            continue
        source = next((p for p in (place, (place[0], place[1], "")) if may_hide[p][change]), None)
        if source is None:
            result.unexplained.append(version)
        else:
            may_hide[source][change] -= 1
            result.hidden[f"{version[0]} {change}"] += 1
    return result


def _class(event: dict[str, Any], before: dict[str, Any]) -> str:
    """Which kind of write made this version, as far as versions without a revision in the log go."""
    meta, old = event["obj"]["metadata"], before.get("metadata", {})
    if event["type"] == "DELETED":
        return "removal"
    if "deletionTimestamp" in meta and meta.get("deletionGracePeriodSeconds") != old.get("deletionGracePeriodSeconds"):
        return "mark"
    if event["obj"].get("spec", {}).get("nodeName") and not before.get("spec", {}).get("nodeName"):
        return "binding"
    if len(event["obj"].get("status", {}).get("conditions", [])) > len(before.get("status", {}).get("conditions", [])):
        return "condition"
    return "other"


def _read_log(
    audit_log: Iterable[str | bytes], first: dict[str, int], last: dict[str, int], events: dict[Version, Any]
) -> tuple[Comparison, set[Version], defaultdict[Place, Counter[str]]]:
    result, answered = Comparison(), set[Version]()
    may_hide: defaultdict[Place, Counter[str]] = defaultdict(Counter)
    for line in audit_log:
        entry = json.loads(line)
        target = entry.get("objectRef") or {}
        kind, code = target.get("resource"), (entry.get("responseStatus") or {}).get("code", 0)
        if kind not in KINDS or not 200 <= code < 300 or "dryRun" in entry["requestURI"]:
            continue
        answer = entry.get("responseObject") or {}
        meta = answer.get("metadata") or {}
        place = (kind, target.get("namespace") or "", target.get("name") or meta.get("name") or "")
        match entry["verb"], target.get("subresource"):
            case "create", "binding":
                may_hide[place]["binding"] += 1
            case "create", "eviction":
                may_hide[place].update(("condition", "mark", "removal"))
            case "delete", _:
                may_hide[place].update(("mark", "removal"))
            case "deletecollection", _:
                may_hide[place].update({"mark": 10_000, "removal": 10_000})
            case (("update" | "patch"), _) if "deletionTimestamp" in meta and not meta.get("finalizers"):
                may_hide[place]["removal"] += 1
        version = (kind, str(meta.get("uid")), str(meta.get("resourceVersion")))
        if not (meta.get("uid") and meta.get("resourceVersion")):
            continue
        if first[kind] < int(version[2]) <= last[kind] and version not in answered:
            answered.add(version)
            result.answered += 1
            if version not in events:
                result.missing.append(version)
    return result, answered, may_hide
