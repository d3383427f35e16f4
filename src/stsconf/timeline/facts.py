"""Raw Kubernetes objects reduced to the small immutable facts that promises are about.

Field meanings follow the API reference (core/v1, apps/v1, discovery.k8s.io/v1). A field that an object does not carry
is ``None``, never a guess.
"""

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

REVISION_LABEL = "controller-revision-hash"
SERVICE_NAME_LABEL = "kubernetes.io/service-name"

Raw = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """What every kind has. ``owner_uid`` is the uid of the controlling owner reference, ``owner_uids`` of all of them.

    ``written`` is when the API server last wrote it, as far as the object shows, in whole seconds of the server's
    clock since 1970. Good for how far two writes lie apart, never for their order.
    """

    uid: str
    name: str
    terminating: bool
    finalizers: frozenset[str]
    owner_uid: str | None
    owner_uids: frozenset[str]
    labels: Mapping[str, str]
    written: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pod(Fact):
    """A pod. ``healthy`` is the documents' "Running and Ready", and not being stopped.

    ``restarts`` counts container restarts; ``ready_since`` is when the kubelet says it became Ready, in whole seconds.
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
    disrupted: bool

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


@dataclass(frozen=True, slots=True, kw_only=True)
class StatefulSet(Fact):
    """A StatefulSet: what was asked for, and what its controller reports.

    ``template`` is a hash of the pod template. ``max_unavailable`` is ``None`` where the server keeps no such field.
    ``progressing`` is status and reason of that condition, which only strategy Recreate sets.
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
    spec_managers: frozenset[str]

    @property
    def ordinals(self) -> range:
        """The ordinals the set must have."""
        return range(self.start, self.start + self.replicas)

    @property
    def kept_back(self) -> range:
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
        updated = self.replicas - len(self.kept_back) if self.strategy != "OnDelete" else 0
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
    reclaim_policy: str | None

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
    """A Service; a headless one has ``cluster_ip`` "None"."""

    cluster_ip: str | None
    selector: Mapping[str, str]


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


_SUFFIXES = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40, "Pi": 2**50, "Ei": 2**60}
_SUFFIXES |= {"k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12, "P": 10**15, "E": 10**18, "": 1}


def quantity(text: str | None) -> Decimal:
    """A resource quantity such as ``1Gi`` as a number of bytes; none is 0 (API reference, Quantity)."""
    match = re.fullmatch(r"([0-9.]+(?:[eE][0-9]+)?)([A-Za-z]{0,2})", text or "0")
    if match is None or match[2] not in _SUFFIXES:
        raise ValueError(f"{text!r} is not a resource quantity")
    return Decimal(match[1]) * _SUFFIXES[match[2]]


def ordinal_of(name: str) -> tuple[str, int] | None:
    """Split ``web-2`` into ``("web", 2)``; ``None`` for a name no StatefulSet would give."""
    match = re.fullmatch(r"(.+)-(0|[1-9][0-9]*)", name)
    return (match[1], int(match[2])) if match else None


def _common(raw: Raw) -> dict[str, Any]:
    meta = raw["metadata"]
    references = meta.get("ownerReferences") or ()
    return {
        "uid": meta["uid"],
        "name": meta["name"],
        "terminating": "deletionTimestamp" in meta,
        "finalizers": frozenset(meta.get("finalizers") or ()),
        "owner_uid": next((ref["uid"] for ref in references if ref.get("controller")), None),
        "owner_uids": frozenset(ref["uid"] for ref in references),
        "labels": meta.get("labels") or {},
        "written": _written(meta),
    }


def _written(meta: Raw) -> float | None:
    """The latest of: created, asked to stop (a pod's deletionTimestamp lies its grace later), any manager's write."""
    times = [_seconds(meta["creationTimestamp"])] if meta.get("creationTimestamp") else []
    if meta.get("deletionTimestamp"):
        times.append(_seconds(meta["deletionTimestamp"]) - (meta.get("deletionGracePeriodSeconds") or 0))
    times += [_seconds(entry["time"]) for entry in meta.get("managedFields") or () if entry.get("time")]
    return max(times, default=None)


def _seconds(timestamp: str) -> float:
    return datetime.fromisoformat(timestamp).timestamp()


def conditions(raw: Raw) -> dict[str, Raw]:
    """The conditions of an object's status, by type."""
    return {c["type"]: c for c in (raw.get("status") or {}).get("conditions") or ()}


def pod(raw: Raw) -> Pod:
    """Reduce a core/v1 Pod."""
    meta, spec, status = raw["metadata"], raw.get("spec") or {}, raw.get("status") or {}
    split, known = ordinal_of(meta["name"]), conditions(raw)
    ready = known.get("Ready", {})
    claims = {
        volume["name"]: volume["persistentVolumeClaim"]["claimName"]
        for volume in spec.get("volumes") or ()
        if volume.get("persistentVolumeClaim")
    }
    return Pod(
        **_common(raw),
        ordinal=split[1] if split else None,
        phase=status.get("phase"),
        ready=ready.get("status") == "True",
        ready_since=_seconds(ready["lastTransitionTime"]) if ready.get("lastTransitionTime") else None,
        restarts=sum(container.get("restartCount") or 0 for container in status.get("containerStatuses") or ()),
        revision=(meta.get("labels") or {}).get(REVISION_LABEL),
        hostname=spec.get("hostname"),
        subdomain=spec.get("subdomain"),
        node=spec.get("nodeName"),
        pod_ip=status.get("podIP"),
        grace_seconds=spec.get("terminationGracePeriodSeconds"),
        stop_grace_seconds=meta.get("deletionGracePeriodSeconds"),
        claims=claims,
        mounted=frozenset(
            mount["name"] for container in spec.get("containers") or () for mount in container.get("volumeMounts") or ()
        ),
        disrupted=known.get("DisruptionTarget", {}).get("status") == "True",
    )


def _claim_template(raw: Raw) -> ClaimTemplate:
    spec = raw.get("spec") or {}
    return ClaimTemplate(
        name=raw["metadata"]["name"],
        storage_class=spec.get("storageClassName"),
        access_modes=tuple(spec.get("accessModes") or ()),
        size=((spec.get("resources") or {}).get("requests") or {}).get("storage"),
    )


def _spec_managers(raw: Raw) -> frozenset[str]:
    """Names of the writers of anything but status (metadata.managedFields)."""
    return frozenset(
        entry.get("manager") or ""
        for entry in raw["metadata"].get("managedFields") or ()
        if entry.get("subresource") != "status"
    )


def stateful_set(raw: Raw) -> StatefulSet:
    """Reduce an apps/v1 StatefulSet."""
    meta, spec, status = raw["metadata"], raw.get("spec") or {}, raw.get("status") or {}
    strategy = spec.get("updateStrategy") or {}
    rolling = strategy.get("rollingUpdate") or {}
    retention = spec.get("persistentVolumeClaimRetentionPolicy") or {}
    progressing = conditions(raw).get("Progressing")
    return StatefulSet(
        **_common(raw),
        generation=meta.get("generation") or 0,
        observed_generation=status.get("observedGeneration") or 0,
        replicas=spec["replicas"] if spec.get("replicas") is not None else 1,
        start=(spec.get("ordinals") or {}).get("start") or 0,
        policy=spec.get("podManagementPolicy") or "OrderedReady",
        strategy=strategy.get("type") or "RollingUpdate",
        partition=rolling.get("partition"),
        max_unavailable=rolling.get("maxUnavailable"),
        min_ready_seconds=spec.get("minReadySeconds") or 0,
        revision_limit=10 if spec.get("revisionHistoryLimit") is None else spec["revisionHistoryLimit"],
        template=_digest(spec.get("template")),
        service_name=spec.get("serviceName"),
        selector=(spec.get("selector") or {}).get("matchLabels") or {},
        claim_templates=tuple(_claim_template(t) for t in spec.get("volumeClaimTemplates") or ()),
        template_volumes=frozenset(
            volume["name"] for volume in ((spec.get("template") or {}).get("spec") or {}).get("volumes") or ()
        ),
        when_scaled=retention.get("whenScaled", "Retain"),
        when_deleted=retention.get("whenDeleted", "Retain"),
        status_replicas=status.get("replicas") or 0,
        ready_replicas=status.get("readyReplicas") or 0,
        available_replicas=status.get("availableReplicas") or 0,
        current_replicas=status.get("currentReplicas") or 0,
        updated_replicas=status.get("updatedReplicas") or 0,
        current_revision=status.get("currentRevision"),
        update_revision=status.get("updateRevision"),
        progressing=(progressing["status"], progressing.get("reason")) if progressing else None,
        spec_managers=_spec_managers(raw),
    )


def claim(raw: Raw) -> Claim:
    """Reduce a core/v1 PersistentVolumeClaim."""
    spec, status = raw.get("spec") or {}, raw.get("status") or {}
    return Claim(
        **_common(raw),
        phase=status.get("phase"),
        volume_name=spec.get("volumeName"),
        storage_class=spec.get("storageClassName"),
        access_modes=tuple(spec.get("accessModes") or ()),
        size=((spec.get("resources") or {}).get("requests") or {}).get("storage"),
    )


def _place(spec: Raw) -> str | None:
    if nfs := spec.get("nfs"):
        return f"nfs://{nfs['server']}{nfs['path']}"
    if csi := spec.get("csi"):
        return f"csi://{csi['driver']}/{csi['volumeHandle']}"
    for kind in ("hostPath", "local"):
        if source := spec.get(kind):
            affinity = json.dumps(spec.get("nodeAffinity"), sort_keys=True)
            return f"{kind}://{hashlib.sha256(affinity.encode()).hexdigest()[:8]}{source['path']}"
    return None


def volume(raw: Raw) -> Volume:
    """Reduce a core/v1 PersistentVolume."""
    spec, status = raw.get("spec") or {}, raw.get("status") or {}
    ref = spec.get("claimRef") or {}
    return Volume(
        **_common(raw),
        phase=status.get("phase"),
        claim_uid=ref.get("uid"),
        claim_namespace=ref.get("namespace"),
        claim_name=ref.get("name"),
        storage_class=spec.get("storageClassName"),
        access_modes=tuple(spec.get("accessModes") or ()),
        size=(spec.get("capacity") or {}).get("storage"),
        place=_place(spec),
        reclaim_policy=spec.get("persistentVolumeReclaimPolicy"),
    )


def _digest(value: object) -> str:
    """A hash of a JSON value; a field that is null or an empty object counts as absent."""

    def pruned(item: object) -> object:
        if isinstance(item, Mapping):
            kept = {key: pruned(inner) for key, inner in item.items() if key != "$patch"}
            return {key: inner for key, inner in kept.items() if inner not in (None, {})}
        return [pruned(inner) for inner in item] if isinstance(item, list) else item

    text = json.dumps(pruned(value), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def fields_of(value: object, path: str = "") -> dict[str, str]:
    """A tag for each leaf of a JSON value, by its path: ``spec.template.spec.containers[nginx].image``.

    Null and empty values are leaves. A tag has 16 bits: enough to see that a value changed (one change in 65536 goes
    unseen), far too few to find a secret by trying.
    """
    found: dict[str, str] = {}
    if isinstance(value, Mapping) and value:
        for key, inner in value.items():
            found |= fields_of(inner, f"{path}.{key}" if path else key)
    elif isinstance(value, list) and value:
        names = [item.get("name") if isinstance(item, Mapping) else None for item in value]
        unique = None not in names and len(set(map(str, names))) == len(names)
        for index, inner in enumerate(value):
            found |= fields_of(inner, f"{path}[{names[index] if unique else index}]")
    else:
        text = json.dumps([path, value], sort_keys=True)
        found[path] = hashlib.sha256(text.encode()).hexdigest()[:4]
    return found


def changed_fields(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """In words, how one result of ``fields_of`` differs from another, path by path."""
    found = []
    for path in sorted(before.keys() | after.keys()):
        if before.get(path) != after.get(path):
            how = "was added" if path not in before else "was removed" if path not in after else "changed"
            found.append(f"{path} {how}")
    return found


def revision(raw: Raw) -> Revision:
    """Reduce an apps/v1 ControllerRevision; what it stores is a strategic merge patch of its set."""
    data = raw.get("data") or {}
    return Revision(
        **_common(raw),
        number=raw.get("revision") or 0,
        data=hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()[:16],
        template=_digest((data.get("spec") or {}).get("template")),
        stores=frozenset(
            f"{key}.{inner}" if isinstance(value, Mapping) else key
            for key, value in data.items()
            for inner in (value if isinstance(value, Mapping) else ("",))
        ),
        fields=fields_of(data),
    )


def service(raw: Raw) -> Service:
    """Reduce a core/v1 Service."""
    spec = raw.get("spec") or {}
    return Service(**_common(raw), cluster_ip=spec.get("clusterIP"), selector=spec.get("selector") or {})


def endpoint_slice(raw: Raw) -> EndpointSlice:
    """Reduce a discovery.k8s.io/v1 EndpointSlice. A ``ready`` that is absent means ready (API reference)."""
    endpoints = tuple(
        Endpoint(
            pod_uid=(entry.get("targetRef") or {}).get("uid"),
            hostname=entry.get("hostname"),
            addresses=tuple(entry.get("addresses") or ()),
            ready=(entry.get("conditions") or {}).get("ready") is not False,
        )
        for entry in raw.get("endpoints") or ()
    )
    return EndpointSlice(
        **_common(raw), service=(raw["metadata"].get("labels") or {}).get(SERVICE_NAME_LABEL), endpoints=endpoints
    )


REDUCERS: Mapping[str, Callable[[Raw], Fact]] = {
    "pods": pod,
    "statefulsets": stateful_set,
    "controllerrevisions": revision,
    "persistentvolumeclaims": claim,
    "persistentvolumes": volume,
    "services": service,
    "endpointslices": endpoint_slice,
}
