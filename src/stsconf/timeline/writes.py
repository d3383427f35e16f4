"""Who wrote what: the audit log of a cluster that we made, as far as it concerns one window.

Facts of a v1.37.2 server: ``rv`` is the revision of the version that a write made, except for a write that changed
nothing (the revision of another write) and for a deletion that removes a finalizer (an older one). A forced deletion of
a pod makes two versions and names the second; an eviction, a binding and a deletion answered with a Status name none.
https://kubernetes.io/docs/tasks/debug/debug-cluster/audit/
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Write:
    """One write that the server accepted. ``rv`` and ``uid`` are what it answered, None where it names none.

    ``user`` is who wrote (the impersonated user where there is one), ``agent`` the program's own name for itself.
    ``name`` is "" for ``deletecollection``. ``options``: propagationPolicy, gracePeriodSeconds, labelSelector and the
    like, as text. ``seconds`` is when the answer was sent, by the server's own clock; order goes by ``rv``.
    """

    line: int
    seconds: float
    verb: str
    resource: str
    subresource: str
    name: str
    uid: str | None
    rv: int | None
    user: str
    agent: str
    options: Mapping[str, str] = field(default_factory=dict)


def write_of(line: int, record: Mapping[str, Any]) -> Write | None:
    """The write of an ``audit`` record; None for one that the server refused, and for a dry run."""
    options = record.get("options") or {}
    if not 200 <= record.get("code", 0) < 300 or "dryRun" in options:
        return None
    return Write(
        line,
        record["t"] / 1e9,
        record["verb"],
        record["resource"],
        record.get("sub") or "",
        record.get("name") or "",
        record.get("uid"),
        int(record["rv"]) if record.get("rv") else None,
        record.get("as") or record.get("user") or "",
        record.get("agent") or "",
        options,
    )
