"""One version of one object, as a watch delivers it."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from stsconf.kube.http import HttpProblem
from stsconf.record.file import Record, encode

Key = tuple[str, str]
"""Namespace ("" for a cluster-scoped object) and name."""
Version = tuple[str, int]
"""uid and resourceVersion."""


class Broken(Exception):
    """Versions may be missing. ``since_list``: unknown where, so anywhere after the last list; such a hole stays."""

    def __init__(self, why: str, detail: str, *, since_list: bool = False) -> None:
        self.why = why
        self.detail = detail
        self.since_list = since_list
        super().__init__(f"{why}: {detail}")


def version(metadata: Mapping[str, Any]) -> int:
    """The resourceVersion as a number; comparable inside one resource type (KEP-5504). Raises ``Broken``."""
    text = metadata.get("resourceVersion")
    if not isinstance(text, str) or not re.fullmatch("[1-9][0-9]*", text):
        raise Broken("malformed", f"resourceVersion {text!r} is not a number")
    return int(text)


def key_of(obj: Record) -> Key:
    """Where an object is found."""
    meta = obj["metadata"]
    return (meta.get("namespace") or "", meta["name"])


def versions_of(items: Iterable[Record]) -> dict[Key, Version]:
    """The version of each object of a list. Raises ``Broken``."""
    return {key_of(item): (item["metadata"]["uid"], version(item["metadata"])) for item in items}


@dataclass(frozen=True, slots=True)
class Change:
    """One version to be written: as delivered (``raw``), or rebuilt from lists."""

    change: str
    rv: int
    obj: Record
    raw: bytes
    rebuilt: bool = False

    @property
    def key(self) -> Key:
        """Where the object is found."""
        return key_of(self.obj)

    @property
    def uid(self) -> str:
        """The object's uid."""
        return str(self.obj["metadata"]["uid"])


@dataclass(frozen=True, slots=True)
class Bookmark:
    """Everything up to this revision has been delivered."""

    rv: int


def parse(line: bytes) -> Change | Bookmark:
    """One line of a watch. Raises ``HttpProblem`` for the server's ERROR event, ``Broken`` for what no server sends."""
    try:
        event = json.loads(line)
        change, obj = event["type"], event["object"]
        if change == "ERROR":
            raise HttpProblem(int(obj.get("code") or 500), str(obj.get("message")))
        meta = obj["metadata"]
        rv = version(meta)
        if change not in ("ADDED", "MODIFIED", "DELETED", "BOOKMARK"):
            raise Broken("malformed", f"an event of type {change!r}")
        if change == "BOOKMARK":
            return Bookmark(rv)
        if not (meta["uid"] and meta["name"]):
            raise Broken("malformed", "an object without a name or uid")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Broken("malformed", f"{error!r} in {line[:80]!r}") from error
    start = b'{"type":"' + change.encode() + b'","object":'
    raw = line[len(start) : -1] if line.startswith(start) and len(event) == 2 else encode(obj)
    return Change(change, rv, obj, raw)
