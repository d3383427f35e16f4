"""Every wait of the harness, in seconds, in one place. None of them enters a verdict except through "not reached"."""

from collections.abc import Callable
from dataclasses import dataclass

from tenacity import RetryError, Retrying, retry_if_result, stop_after_delay, wait_fixed

Say = Callable[[str], None]
"""Tells the user what is being waited for."""


@dataclass(frozen=True, slots=True)
class Waits:
    """How long to wait for what. Kubernetes sets no bound for any of these; upstream's own tests use 600 s a step."""

    connect: float = 5.0
    """First answer of an API server."""
    request: float = 30.0
    """Any single API call."""
    cluster_ready: float = 180.0
    """All nodes Ready, kube-proxy and CoreDNS running, the default service account there, after kind returns."""
    storage_server: float = 120.0
    """NFS server and provisioner Ready; covers one mount retry of the kubelet, which backs off up to 122 s."""
    storage_bind: float = 60.0
    """A probe claim is bound."""
    storage_write: float = 90.0
    """A probe pod has written to its volume and read it back."""
    settle: float = 300.0
    """One act of a scenario, until the set's own status says that it is done."""
    ended: float = 60.0
    """A kubelet has ended a pod: the grace period of its containers, and as long again."""
    undone: float = 10.0
    """A controller acts on a status that we wrote, or its owner takes it back."""
    again: float = 1.0
    """Between two tries of an act that met an object that had just changed or gone."""
    publish: float = 60.0
    """The governing Service answers with the pods of a set that has settled."""
    namespace_gone: float = 180.0
    """A namespace we made, with everything in it."""
    volumes_gone: float = 60.0
    """Volumes of our claims, after the claims are gone."""


def until(condition: Callable[[], bool], seconds: float, every: float = 0.3) -> bool:
    """Whether the condition became true in time; ``every``: seconds between two looks."""
    try:
        Retrying(stop=stop_after_delay(seconds), wait=wait_fixed(every), retry=retry_if_result(lambda ok: not ok))(
            condition
        )
    except RetryError:
        return False
    return True
