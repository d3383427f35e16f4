"""Where a run happens. Every provider is a context manager that yields a ``Cluster``; promises cannot tell which."""

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from stsconf.kube.api import Api


class Provider(StrEnum):
    """The ways to get a cluster."""

    KIND = "kind"
    EXISTING = "existing"
    LOCAL = "local"


CAPABILITIES = frozenset({"kubelet", "storage", "exec"})
"""What a cluster may be able to do; promises name what they need. One with several nodes has ``nodes`` as well."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """A cluster that is ready to use.

    ``ours`` is whether this run made it, and so may watch all of it. ``images`` maps the keys of
    ``manifests/images.yaml`` to references. ``nfs_reader`` is namespace and name of a pod that serves the whole export
    over HTTP. ``stand_ins`` names every part that is not the real one. ``alive`` raises ``ClusterError`` when a part
    that this run keeps going has ended. ``remains`` receives, when it ends, a sentence for each thing of the run that
    is still there. ``exchange``, where the provider can do that, gets another version, or a folder of programs, and
    returns what puts it in the place of the control plane and is done when its API server answers. ``lose``, where a
    node can be lost and its pods find another one, is a context in which the kubelet of a node does not run.
    ``audit_log`` gives the lines of the API server's audit log, where there is one.
    """

    provider: Provider
    name: str
    kubeconfig: Path | None
    context: str | None
    api: Api
    ours: bool
    storage_class: str
    images: Mapping[str, str]
    version: str
    uid: str
    capabilities: frozenset[str] = CAPABILITIES
    stand_ins: tuple[str, ...] = ()
    kubectl: str = "kubectl"
    nfs_reader: tuple[str, str] | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    alive: Callable[[], None] = lambda: None
    remains: list[str] = field(default_factory=list)
    exchange: Callable[[str], Callable[[], None]] | None = None
    lose: Callable[[str], AbstractContextManager[None]] | None = None
    audit_log: Callable[[], Iterable[bytes]] | None = None

    @property
    def identity(self) -> Mapping[str, str]:
        """Which cluster it is, as reports say it."""
        return {"name": self.name, "version": self.version, "uid": self.uid}

    @property
    def environment(self) -> Mapping[str, Any]:
        """What reports say of how it was made; JSON values."""
        return {
            "stand_ins": list(self.stand_ins),
            "storage_class": self.storage_class,
            "images": dict(self.images),
            **self.facts,
        }
