"""What a foreign client does: each kind of act is a function from chance and what is in a namespace to one request."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from stsconf.kube.api import MERGE_PATCH, Api, Object

MARK = "noise.example.com/mark"
"""Key of the labels and annotations that nothing reads."""
KINDS = ("StatefulSet", "Pod", "PersistentVolumeClaim", "ControllerRevision", "ConfigMap")
GROUPS = {"StatefulSet": "apis/apps/v1", "ControllerRevision": "apis/apps/v1"}
RESOURCES = {
    "StatefulSet": "statefulsets",
    "Pod": "pods",
    "PersistentVolumeClaim": "persistentvolumeclaims",
    "ControllerRevision": "controllerrevisions",
    "ConfigMap": "configmaps",
}


@dataclass(frozen=True, slots=True)
class Act:
    """One request. ``what`` says it in words."""

    what: str
    method: str
    path: str
    body: object = None
    content_type: str = "application/json"


@dataclass(frozen=True, slots=True)
class Seen:
    """What is in one namespace, by kind, sorted by name; what is being deleted is left out."""

    namespace: str
    objects: Mapping[str, Sequence[Object]]

    def __getitem__(self, kind: str) -> Sequence[Object]:
        return self.objects.get(kind, ())


def chance_of(*words: object) -> Random:
    """Chance that is the same for the same words."""
    return Random(" ".join(map(str, words)))  # noqa: S311 - nobody is to be kept from guessing it


def look(api: Api, namespace: str) -> Seen:
    """Read a namespace. Raises ``ApiError`` and ``ClusterError``."""

    def there(kind: str) -> list[Object]:
        found = [{"kind": kind, **item} for item in api.list(kind, namespace)]
        left = [item for item in found if "deletionTimestamp" not in item["metadata"]]
        return sorted(left, key=lambda item: str(item["metadata"]["name"]))

    return Seen(namespace, {kind: there(kind) for kind in KINDS})


Kind = Callable[[Random, Seen], Act | None]
"""One act of a kind; ``None`` where there is nothing to do it to."""

ACTS: dict[str, Kind] = {}


def kind(function: Kind) -> Kind:
    """Register a kind of act under the function's name."""
    ACTS[function.__name__] = function
    return function


def _path(seen: Seen, kind: str, name: str = "") -> str:
    path = f"{GROUPS.get(kind, 'api/v1')}/namespaces/{seen.namespace}/{RESOURCES[kind]}"
    return f"{path}/{name}" if name else path


def _one(chance: Random, seen: Seen, *kinds: str) -> tuple[str, Object] | None:
    """A random object of these kinds and its name."""
    found = [obj for kind in kinds for obj in seen[kind]]
    chosen = chance.choice(found) if found else None
    return (str(chosen["metadata"]["name"]), chosen) if chosen else None


def _remove(chance: Random, seen: Seen, kind: str, options: object = None, how: str = "delete") -> Act | None:
    found = _one(chance, seen, kind)
    return found and Act(f"{how} {kind} {found[0]}", "DELETE", _path(seen, kind, found[0]), options)


def _change(seen: Seen, obj: Object, what: str, body: Object, below: str = "") -> Act:
    kind, name = obj["kind"], obj["metadata"]["name"]
    return Act(f"{what} {kind} {name}", "PATCH", _path(seen, kind, name) + below, body, MERGE_PATCH)


@kind
def delete(chance: Random, seen: Seen) -> Act | None:
    """Delete a pod with its own grace period."""
    return _remove(chance, seen, "Pod")


@kind
def evict(chance: Random, seen: Seen) -> Act | None:
    """Evict a pod, as a drain does."""
    if not (found := _one(chance, seen, "Pod")):
        return None
    name, _ = found
    body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name, "namespace": seen.namespace}}
    return Act(f"evict Pod {name}", "POST", f"{_path(seen, 'Pod', name)}/eviction", body)


@kind
def force(chance: Random, seen: Seen) -> Act | None:
    """Delete a pod with a grace period of 0."""
    return _remove(chance, seen, "Pod", {"gracePeriodSeconds": 0}, "force delete")


@kind
def fail(chance: Random, seen: Seen) -> Act | None:
    """Write phase Failed into a pod's status."""
    found = _one(chance, seen, "Pod")
    return found and _change(seen, found[1], "write phase Failed to", {"status": {"phase": "Failed"}}, "/status")


@kind
def claim(chance: Random, seen: Seen) -> Act | None:
    """Delete a claim."""
    return _remove(chance, seen, "PersistentVolumeClaim")


@kind
def revision(chance: Random, seen: Seen) -> Act | None:
    """Delete a revision."""
    return _remove(chance, seen, "ControllerRevision")


@kind
def owner(chance: Random, seen: Seen) -> Act | None:
    """Take the owners away from a pod, claim or revision, or add one that controls nothing."""
    if not (found := _one(chance, seen, "Pod", "PersistentVolumeClaim", "ControllerRevision")):
        return None
    _, obj = found
    other = _one(chance, seen, "ConfigMap")
    if other is None or chance.random() < 0.5:
        return _change(seen, obj, "take the owners from", {"metadata": {"ownerReferences": None}})
    name, uid = other[0], other[1]["metadata"]["uid"]
    owners = [*(obj["metadata"].get("ownerReferences") or ())]
    owners.append({"apiVersion": "v1", "kind": "ConfigMap", "name": name, "uid": uid})
    return _change(seen, obj, "add an owner to", {"metadata": {"ownerReferences": owners}})


@kind
def label(chance: Random, seen: Seen) -> Act | None:
    """Change or remove one label that a pod was made with."""
    found = _one(chance, seen, "Pod")
    if not found or not (labels := sorted(found[1]["metadata"].get("labels") or {})):
        return None
    name = chance.choice(labels)
    body = {"metadata": {"labels": {name: chance.choice((None, "noise"))}}}
    return _change(seen, found[1], f"change label {name} of", body)


@kind
def metadata(chance: Random, seen: Seen) -> Act | None:
    """Add a label or an annotation that nothing reads."""
    found = _one(chance, seen, "StatefulSet", "Pod", "PersistentVolumeClaim", "ControllerRevision")
    where = chance.choice(("labels", "annotations"))
    body: Object = {"metadata": {where: {MARK: f"v{chance.randrange(10**6)}"}}}
    return found and _change(seen, found[1], f"add to the {where} of", body)


@kind
def stranger(chance: Random, seen: Seen) -> Act | None:
    """Create a pod, claim or set of another name, with labels of its own."""
    number = chance.randrange(10**6)
    made = chance.choice(("Pod", "PersistentVolumeClaim", "StatefulSet"))
    labels = {"app": "stranger"}
    pod: Object = {"containers": [{"name": "main", "image": "stranger"}]}
    specs: dict[str, Any] = {
        "Pod": pod,
        "PersistentVolumeClaim": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Mi"}}},
        "StatefulSet": {
            "replicas": 1,
            "serviceName": "stranger",
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": pod},
        },
    }
    body = {
        "apiVersion": "apps/v1" if made == "StatefulSet" else "v1",
        "kind": made,
        "metadata": {"name": f"stranger-{number}", "labels": labels},
        "spec": specs[made],
    }
    return Act(f"create {made} stranger-{number}", "POST", _path(seen, made), body)


@kind
def scale(chance: Random, seen: Seen) -> Act | None:
    """Scale a set."""
    found, replicas = _one(chance, seen, "StatefulSet"), chance.randrange(6)
    return found and _change(seen, found[1], f"scale to {replicas}", {"spec": {"replicas": replicas}})


@kind
def template(chance: Random, seen: Seen) -> Act | None:
    """Change a set's pod template."""
    found = _one(chance, seen, "StatefulSet")
    annotations = {MARK: f"v{chance.randrange(10**6)}"}
    body: Object = {"spec": {"template": {"metadata": {"annotations": annotations}}}}
    return found and _change(seen, found[1], "change the template of", body)


@kind
def mixed(chance: Random, seen: Seen) -> Act | None:
    """One of all other kinds."""
    return ACTS[chance.choice([name for name in ACTS if name != "mixed"])](chance, seen)
