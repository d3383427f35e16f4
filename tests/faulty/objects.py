"""Questions about raw Kubernetes objects that a StatefulSet controller asks, and the answers as plain values."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

Object = dict[str, Any]
Raw = Mapping[str, Any]

NAME_LABEL = "statefulset.kubernetes.io/pod-name"
INDEX_LABEL = "apps.kubernetes.io/pod-index"
REVISION_LABEL = "controller-revision-hash"


def merged(old: Any, patch: Any) -> Any:
    """A JSON merge patch applied (RFC 7386)."""
    if not isinstance(patch, dict):
        return patch
    found = dict(old) if isinstance(old, dict) else {}
    for key, value in patch.items():
        if value is None:
            found.pop(key, None)
        else:
            found[key] = merged(found.get(key), value)
    return found


def name_of(obj: Raw) -> str:
    return str(obj["metadata"]["name"])


def uid_of(obj: Raw) -> str:
    return str(obj["metadata"]["uid"])


def labels_of(obj: Raw) -> Mapping[str, str]:
    return obj["metadata"].get("labels") or {}


def owners_of(obj: Raw) -> list[Object]:
    return list(obj["metadata"].get("ownerReferences") or ())


def is_terminating(obj: Raw) -> bool:
    return "deletionTimestamp" in obj["metadata"]


def controller_of(obj: Raw) -> str | None:
    """The uid in the controlling owner reference."""
    return next((ref["uid"] for ref in owners_of(obj) if ref.get("controller")), None)


def reference(owner: Raw) -> Object:
    """A controlling owner reference; like the documented controllers', it blocks foreground deletion of the owner."""
    return {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": name_of(owner),
        "uid": uid_of(owner),
        "controller": True,
        "blockOwnerDeletion": True,
    }


def ordinal_of(name: str, set_name: str) -> int | None:
    """The ordinal in a pod's name; ``None`` for a name of another set, or of none."""
    found = re.fullmatch(rf"{re.escape(set_name)}-(\d+)", name)
    return int(found[1]) if found else None


def phase_of(pod: Raw) -> str:
    return str((pod.get("status") or {}).get("phase") or "Pending")


def is_finished(pod: Raw) -> bool:
    return phase_of(pod) in ("Failed", "Succeeded")


def ready_since(pod: Raw) -> float | None:
    """When the pod became Ready, in seconds since 1970; ``None`` if it is not Running and Ready."""
    if phase_of(pod) != "Running":
        return None
    for condition in (pod.get("status") or {}).get("conditions") or ():
        if condition["type"] == "Ready" and condition["status"] == "True":
            return datetime.fromisoformat(condition["lastTransitionTime"]).timestamp()
    return None


def revision_of(pod: Raw) -> str | None:
    """The revision the pod was made from."""
    return labels_of(pod).get(REVISION_LABEL)


def selects(stateful_set: Raw, obj: Raw) -> bool:
    """Whether the set's selector matches the object's labels."""
    selector, labels = stateful_set["spec"]["selector"], labels_of(obj)

    def holds(rule: Raw) -> bool:
        value = labels.get(rule["key"])
        return {
            "In": value in (rule.get("values") or ()),
            "NotIn": value not in (rule.get("values") or ()),
            "Exists": value is not None,
            "DoesNotExist": value is None,
        }[rule["operator"]]

    return all(labels.get(key) == value for key, value in (selector.get("matchLabels") or {}).items()) and all(
        holds(rule) for rule in selector.get("matchExpressions") or ()
    )
