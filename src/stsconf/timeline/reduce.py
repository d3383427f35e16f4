"""Raw Kubernetes objects reduced to facts: one function for each kind.

Field meanings follow the API reference (core/v1, apps/v1, discovery.k8s.io/v1). A field that an object does not carry
is ``None``, never a guess.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from stsconf.timeline.facts import (
    Claim,
    ClaimTemplate,
    Endpoint,
    EndpointSlice,
    Fact,
    Note,
    Pod,
    Revision,
    Service,
    StatefulSet,
    Volume,
    ordinal_of,
)
from stsconf.timeline.fields import digest, fields_of

REVISION_LABEL = "controller-revision-hash"
RESTARTED = "kubectl.kubernetes.io/restartedAt"
"""The annotation that ``kubectl rollout restart`` sets in the pod template."""
SERVICE_NAME_LABEL = "kubernetes.io/service-name"

Raw = Mapping[str, Any]


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
        "managers": _managers(meta),
    }


def _written(meta: Raw) -> float | None:
    """The latest of: created, asked to stop (a pod's deletionTimestamp lies its grace later), any manager's write."""
    times = [_seconds(meta["creationTimestamp"])] if meta.get("creationTimestamp") else []
    if meta.get("deletionTimestamp"):
        times.append(_seconds(meta["deletionTimestamp"]) - (meta.get("deletionGracePeriodSeconds") or 0))
    times += [_seconds(entry["time"]) for entry in meta.get("managedFields") or () if entry.get("time")]
    return max(times, default=None)


def _managers(meta: Raw) -> dict[str, float | None]:
    entries = (e for e in meta.get("managedFields") or () if e.get("subresource") != "status")
    return {e.get("manager") or "": _seconds(e["time"]) if e.get("time") else None for e in entries}


def _seconds(timestamp: str) -> float:
    return datetime.fromisoformat(timestamp).timestamp()


def conditions(raw: Raw) -> dict[str, Raw]:
    """The conditions of an object's status, by type."""
    return {c["type"]: c for c in (raw.get("status") or {}).get("conditions") or ()}


def pod(raw: Raw) -> Pod:
    """Reduce a core/v1 Pod."""
    meta, spec, status = raw["metadata"], raw.get("spec") or {}, raw.get("status") or {}
    split, known = ordinal_of(meta["name"]), conditions(raw)
    ready, disruption = known.get("Ready", {}), known.get("DisruptionTarget", {})
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
        disruption=str(disruption.get("reason")) if disruption.get("status") == "True" else None,
    )


def _claim_template(raw: Raw) -> ClaimTemplate:
    spec = raw.get("spec") or {}
    return ClaimTemplate(
        name=raw["metadata"]["name"],
        storage_class=spec.get("storageClassName"),
        access_modes=tuple(spec.get("accessModes") or ()),
        size=((spec.get("resources") or {}).get("requests") or {}).get("storage"),
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
        template=digest(spec.get("template")),
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
        reporters=frozenset(
            entry.get("manager") or ""
            for entry in meta.get("managedFields") or ()
            if entry.get("subresource") == "status"
        ),
        restarted=(((spec.get("template") or {}).get("metadata") or {}).get("annotations") or {}).get(RESTARTED),
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


NO_SOURCE = frozenset({"capacity", "claimRef", "nodeAffinity"})
"""Fields of a PersistentVolumeSpec that are objects and do not say where the storage is."""


def _place(spec: Raw) -> str | None:
    if nfs := spec.get("nfs"):
        return f"nfs://{nfs['server']}{nfs['path']}"
    if csi := spec.get("csi"):
        return f"csi://{csi['driver']}/{csi['volumeHandle']}"
    for kind in ("hostPath", "local"):
        if source := spec.get(kind):
            affinity = json.dumps(spec.get("nodeAffinity"), sort_keys=True)
            return f"{kind}://{hashlib.sha256(affinity.encode()).hexdigest()[:8]}{source['path']}"
    kinds = sorted(key for key in spec.keys() - NO_SOURCE if isinstance(spec[key], Mapping))
    return f"{kinds[0]}://{digest(spec[kinds[0]])}" if len(kinds) == 1 else None


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
    )


def revision(raw: Raw) -> Revision:
    """Reduce an apps/v1 ControllerRevision; what it stores is a strategic merge patch of its set."""
    data = raw.get("data") or {}
    return Revision(
        **_common(raw),
        number=raw.get("revision") or 0,
        data=hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()[:16],
        template=digest((data.get("spec") or {}).get("template")),
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
    return Service(
        **_common(raw),
        selector=spec.get("selector") or {},
        publishes_unready=bool(spec.get("publishNotReadyAddresses")),
    )


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


def note(raw: Raw) -> Note:
    """Reduce a core/v1 Event."""
    last = raw.get("lastTimestamp") or raw.get("eventTime")
    return Note(
        **_common(raw),
        about_uid=(raw.get("involvedObject") or {}).get("uid"),
        reason=raw.get("reason"),
        message=raw.get("message"),
        count=raw.get("count") or 1,
        last_seen=_seconds(last) if last else None,
    )


REDUCERS: Mapping[str, Callable[[Raw], Fact]] = {
    "pods": pod,
    "statefulsets": stateful_set,
    "controllerrevisions": revision,
    "persistentvolumeclaims": claim,
    "persistentvolumes": volume,
    "services": service,
    "endpointslices": endpoint_slice,
    "events": note,
}
