"""The small immutable facts that promises are about; ``reduce`` makes them from raw objects.

A field that an object does not carry is ``None``, never a guess.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from stsconf.quantity import quantity


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """What every kind has. ``owner_uid`` is the uid of the controlling owner reference, ``owner_uids`` of all of them.

    ``written`` is when the API server last wrote it, as far as the object shows, in whole seconds of the server's
    clock since 1970. Good for how far two writes lie apart, never for their order. ``managers`` are the programs that
    wrote anything but its status, and when last, in seconds as above (metadata.managedFields).
    """

    uid: str
    name: str
    terminating: bool
    finalizers: frozenset[str]
    owner_uid: str | None
    owner_uids: frozenset[str]
    labels: Mapping[str, str]
    written: float | None
    managers: Mapping[str, float | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pod(Fact):
    """A pod. ``healthy`` is the documents' "Running and Ready", and not being stopped.

    ``restarts`` counts container restarts; ``ready_since`` is when the kubelet says it became Ready, in whole seconds.
    ``disruption`` is the reason of condition DisruptionTarget, where that is true: evicted, preempted, its node lost.
    """

    ordinal: int | None
    phase: str | None
    ready: bool
    ready_since: float | None
    restarts: int
    revision: str | None
    hostname: str | None
    subdomain: str | None
    node: str | None
    pod_ip: str | None
    grace_seconds: int | None
    stop_grace_seconds: int | None
    claims: Mapping[str, str]
    mounted: frozenset[str]
    disruption: str | None

    @property
    def own_claims(self) -> Mapping[str, str]:
        """Those of its claims that bear the name a set gives. The others are named in the pod template."""
        return {volume: claim for volume, claim in self.claims.items() if claim == f"{volume}-{self.name}"}

    @property
    def disrupted(self) -> bool:
        """Whether a part of the cluster other than its set's controller asked it to stop."""
        return self.disruption is not None

    @property
    def healthy(self) -> bool:
        """Running, Ready and not terminating."""
        return self.phase == "Running" and self.ready and not self.terminating

    @property
    def finished(self) -> bool:
        """Failed or Succeeded."""
        return self.phase in ("Failed", "Succeeded")


def healthy(pod: Pod) -> bool:
    """``Pod.healthy`` as a condition."""
    return pod.healthy


@dataclass(frozen=True, slots=True)
class ClaimTemplate:
    """One entry of ``spec.volumeClaimTemplates``."""

    name: str
    storage_class: str | None
    access_modes: tuple[str, ...]
    size: str | None

    @property
    def bytes(self) -> Decimal:
        """The size asked for."""
        return quantity(self.size)


@dataclass(frozen=True, slots=True, kw_only=True)
class StatefulSet(Fact):
    """A StatefulSet: what was asked for, and what its controller reports.

    ``template`` is a hash of the pod template. ``max_unavailable`` is ``None`` where the server keeps no such field.
    ``progressing`` is status and reason of that condition, which only strategy Recreate sets. ``reporters`` are the
    programs that wrote its status. ``restarted`` is the template's annotation of ``kubectl rollout restart``, ``None``
    where there is none or the recording hides it.
    """

    generation: int
    observed_generation: int
    replicas: int
    start: int
    policy: str
    strategy: str
    partition: int | None
    max_unavailable: int | str | None
    min_ready_seconds: int
    revision_limit: int
    template: str
    service_name: str | None
    selector: Mapping[str, str]
    claim_templates: tuple[ClaimTemplate, ...]
    template_volumes: frozenset[str]
    when_scaled: str
    when_deleted: str
    status_replicas: int
    ready_replicas: int
    available_replicas: int
    current_replicas: int
    updated_replicas: int
    current_revision: str | None
    update_revision: str | None
    progressing: tuple[str, str | None] | None
    reporters: frozenset[str]
    restarted: str | None

    @property
    def ordinals(self) -> range:
        """The ordinals the set must have."""
        return range(self.start, self.start + self.replicas)

    @property
    def held_by_partition(self) -> range:
        """The ordinals that the partition keeps from being updated; it is an offset from the start ordinal."""
        return self.ordinals[: self.partition or 0]

    @property
    def serial(self) -> bool:
        """Whether an update may make one pod unavailable at a time, the default."""
        return self.max_unavailable in (None, 1)

    @property
    def settled_revision(self) -> bool:
        """Its own status says that no update is under way."""
        return self.update_revision == self.current_revision

    @property
    def at_rest(self) -> bool:
        """Its own status says that all pods are there and Ready, and as far updated as was asked for."""
        updated = self.replicas - len(self.held_by_partition) if self.strategy != "OnDelete" else 0
        return (
            self.observed_generation >= self.generation
            and self.status_replicas == self.ready_replicas == self.replicas
            and self.updated_replicas >= updated
            and (updated < self.replicas or self.settled_revision)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim(Fact):
    """A PersistentVolumeClaim."""

    phase: str | None
    volume_name: str | None
    storage_class: str | None
    access_modes: tuple[str, ...]
    size: str | None

    @property
    def bytes(self) -> Decimal:
        """The size asked for."""
        return quantity(self.size)


@dataclass(frozen=True, slots=True, kw_only=True)
class Volume(Fact):
    """A PersistentVolume. ``place`` names the storage behind it, such as ``nfs://server/path``."""

    phase: str | None
    claim_uid: str | None
    claim_namespace: str | None
    claim_name: str | None
    storage_class: str | None
    access_modes: tuple[str, ...]
    size: str | None
    place: str | None

    @property
    def bytes(self) -> Decimal:
        """The capacity."""
        return quantity(self.size)


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision(Fact):
    """A ControllerRevision. ``data`` is a hash of what it stores, ``template`` of the pod template in it.

    ``stores`` are the paths of the fields it stores, such as ``spec.template``; ``fields`` what ``fields_of`` tells.
    """

    number: int
    data: str
    template: str
    stores: frozenset[str]
    fields: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Service(Fact):
    """A Service. ``publishes_unready``: spec.publishNotReadyAddresses."""

    selector: Mapping[str, str]
    publishes_unready: bool


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One address of an EndpointSlice."""

    pod_uid: str | None
    hostname: str | None
    addresses: tuple[str, ...]
    ready: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointSlice(Fact):
    """An EndpointSlice of one Service."""

    service: str | None
    endpoints: tuple[Endpoint, ...]


def ordinal_of(name: str) -> tuple[str, int] | None:
    """Split ``web-2`` into ``("web", 2)``; ``None`` for a name no StatefulSet would give."""
    match = re.fullmatch(r"(.+)-(0|[1-9][0-9]*)", name)
    return (match[1], int(match[2])) if match else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Note(Fact):
    """A Kubernetes Event: what some component says that it did to an object. Best effort: it may be missing.

    ``count`` is how often it was said, ``last_seen`` when last, in whole seconds of the component's clock since 1970.
    """

    about_uid: str | None
    reason: str | None
    message: str | None
    count: int
    last_seen: float | None
