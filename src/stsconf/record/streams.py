"""What is recorded, and where."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Stream:
    """One resource of the Kubernetes API. ``name`` is its plural, ``group`` is "" for core."""

    name: str
    group: str
    version: str
    resource: str
    namespaced: bool

    def path(self, namespace: str | None) -> str:
        """The URL path of the collection, in one namespace or in all."""
        root = f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"
        return f"{root}/namespaces/{namespace}/{self.resource}" if namespace else f"{root}/{self.resource}"


STREAMS = (
    Stream("pods", "", "v1", "pods", namespaced=True),
    Stream("statefulsets", "apps", "v1", "statefulsets", namespaced=True),
    Stream("controllerrevisions", "apps", "v1", "controllerrevisions", namespaced=True),
    Stream("persistentvolumeclaims", "", "v1", "persistentvolumeclaims", namespaced=True),
    Stream("persistentvolumes", "", "v1", "persistentvolumes", namespaced=False),
    Stream("services", "", "v1", "services", namespaced=True),
    Stream("endpointslices", "discovery.k8s.io", "v1", "endpointslices", namespaced=True),
    Stream("events", "", "v1", "events", namespaced=True),
)
"""What is recorded. Events are diagnostics: often stored apart, never compared with other kinds. Secrets never."""

DIAGNOSTIC = frozenset({"events"})


@dataclass(frozen=True, slots=True)
class Scope:
    """Where to record. ``namespaces`` None: the whole cluster, unredacted, for clusters we made.

    With namespaces only their objects are stored, redacted by ``REDACTION``, and only PersistentVolumes whose claimRef
    points into one of them.
    """

    namespaces: tuple[str, ...] | None = None

    def keeps(self, stream: Stream) -> Callable[[Mapping[str, Any]], bool]:
        """Whether an object of this stream is stored."""
        spaces = self.namespaces
        if spaces is None or stream.namespaced:
            return lambda _: True
        return lambda obj: ((obj.get("spec") or {}).get("claimRef") or {}).get("namespace") in spaces


EVERYWHERE = Scope()
