"""Named edits that accuse nobody: a correct controller can find itself in each of these, and so nothing is violated.

Each is an instance of a kind of false accusation that was seen; several of one kind stand together.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from tests.editor import Editor, asked_to_stop, is_ready, named
from tests.tape import Record

REVISION_LABEL = "controller-revision-hash"


@dataclass(frozen=True, slots=True)
class Innocent:
    """One situation, in a scenario of the real recordings. ``kind`` is the kind of accusation that would be false."""

    name: str
    scenario: str
    kind: str
    apply: Callable[[Editor], None]

    def records(self) -> list[Record]:
        """The edited window."""
        editor = Editor(self.scenario)
        self.apply(editor)
        return editor.records()


INNOCENT: list[Innocent] = []


def innocent(kind: str, *scenarios: str) -> Callable[[Callable[[Editor], None]], Callable[[Editor], None]]:
    """Register a function of an editor for these scenarios; its docstring is the situation in words."""

    def register(apply: Callable[[Editor], None]) -> Callable[[Editor], None]:
        name = " ".join((apply.__doc__ or "").split()).removesuffix(".")
        INNOCENT.extend(Innocent(name, scenario, kind, apply) for scenario in scenarios)
        return apply

    return register


# What an edit of this file is made of.


def last_before(e: Editor, kind: str, name: str, moment: Record) -> Record:
    """The version of an object in force at a moment."""
    return [r for r in e.events(kind, name) if r["rv"] < moment["rv"]][-1]


def not_ready(pod: Record) -> None:
    """The kubelet reports the pod as not Ready."""
    for condition in pod["status"]["conditions"]:
        if condition["type"] in ("Ready", "ContainersReady"):
            condition["status"] = "False"


def flickers(e: Editor, name: str, before: Record) -> None:
    """A pod ceases to be Ready right before a moment, and is Ready again right after."""
    was = last_before(e, "pods", name, before)
    after = next((r for r in e.events("pods") if r["rv"] > before["rv"]), None)
    e.add("MODIFIED", was, not_ready, before=before)
    e.add("MODIFIED", was, lambda _: None, before=after)


def ready_pods(e: Editor, moment: Record) -> Iterator[str]:
    """Names of the pods that are Ready at a moment."""
    for name in sorted({r["name"] for r in e.events("pods")}):
        there = [r for r in e.events("pods", name) if r["rv"] < moment["rv"]]
        last = there[-1] if there else None
        if last and last["type"] != "DELETED" and is_ready(last["obj"]) and not is_going(last):
            yield name


def is_going(event: Record) -> bool:
    return "deletionTimestamp" in event["obj"]["metadata"]


def stops(e: Editor) -> list[Record]:
    """The moments at which pods are asked to stop."""
    found: dict[str, Record] = {}
    for event in e.events("pods", where=lambda o: "deletionTimestamp" in o["metadata"]):
        found.setdefault(event["uid"], event)
    return [*found.values()]


def failed(pod: Record) -> None:
    """Its node's kubelet refused the pod."""
    pod["status"].update(phase="Failed", reason="OutOfcpu", conditions=[], containerStatuses=[])


def last_versions(e: Editor, kind: str) -> list[Record]:
    """The versions of the objects that are there in the end."""
    found = {r["name"]: r for r in e.events(kind)}
    return [r for r in found.values() if r["type"] != "DELETED"]


# A state that has just changed.

STALE = "a view that is a moment old"


@innocent(STALE, "rollout", "restart", "rollback", "partition", "max_unavailable", "min_ready_seconds")
def _(e: Editor) -> None:
    """Each Ready pod ceases to be Ready a moment before another is stopped, and is Ready again a moment later."""
    for stop in stops(e):
        for name in list(ready_pods(e, stop)):
            if name != stop["name"]:
                flickers(e, name, stop)


@innocent(STALE, "scale_down", "rescale", "staged_to_zero", "scale_to_zero_then_delete", "start_ordinal")
def _(e: Editor) -> None:
    """A pod that stays ceases to be Ready a moment before another is removed."""
    for stop in stops(e):
        for name in list(ready_pods(e, stop))[:1]:
            if name != stop["name"]:
                flickers(e, name, stop)


@innocent(STALE, "create", "scale_up", "readopt", "rescale", "min_ready_seconds")
def _(e: Editor) -> None:
    """A lower pod ceases to be Ready a moment before the next is created."""
    made = [r for r in e.events("pods") if r["type"] == "ADDED"]
    for created in made:
        for name in list(ready_pods(e, created))[-1:]:
            if name != created["name"]:
                flickers(e, name, created)


# The last moment of a scenario.

LAST_MOMENT = "the last moment before the end"


@innocent(
    LAST_MOMENT,
    "create",
    "scale_up",
    "scale_down",
    "rollout",
    "partition",
    "min_ready_seconds",
    "scale_up_held",
    "hasty_scale",
)
def _(e: Editor) -> None:
    """A pod ceases to be Ready right before the scenario ends."""
    for pod in last_versions(e, "pods")[:1]:
        e.at_the_end("MODIFIED", pod, not_ready)


@innocent(LAST_MOMENT, "create", "scale_up", "rollout")
def _(e: Editor) -> None:
    """A pod is asked to stop by its node's eviction right before the scenario ends."""

    def evicted(pod: Record) -> None:
        asked_to_stop(pod)
        pod["status"]["conditions"].append(
            {"type": "DisruptionTarget", "status": "True", "reason": "TerminationByKubelet"}
        )

    for pod in last_versions(e, "pods")[-1:]:
        e.at_the_end("MODIFIED", pod, evicted)


@innocent(LAST_MOMENT, "create", "scale_up")
def _(e: Editor) -> None:
    """The status is one pod behind when the scenario ends."""
    for pod in last_versions(e, "pods")[:1]:
        e.at_the_end("MODIFIED", pod, not_ready)
        e.at_the_end("MODIFIED", pod, lambda _: None)


# Failures that are the node's.

NODE = "a failure of the node"


def refused_once(e: Editor, name: str, life: int) -> None:
    """The kubelet refuses the pod of this life; the controller makes its successor at once, which gets Ready."""
    new = e.lives("pods", name)[life]
    made, then = new[0], new[1]
    uid = e.new_uid()
    e.add("ADDED", made, named(name, uid), before=made)
    bad = e.add("MODIFIED", made, lambda pod: (named(name, uid)(pod), failed(pod)), before=made)
    for change in ("MODIFIED", "DELETED"):
        e.add(change, bad, asked_to_stop, before=made)
    assert then


@innocent(NODE, "rollout")
def _(e: Editor) -> None:
    """The kubelet refuses the first new pod for want of CPU, and takes its successor."""
    refused_once(e, "web-3", 1)


@innocent(NODE, "scale_up")
def _(e: Editor) -> None:
    """The kubelet refuses the first pod of a scale-up for want of CPU, and takes its successor."""
    refused_once(e, "web-2", 0)


@innocent(NODE, "restart", "rollback")
def _(e: Editor) -> None:
    """The kubelet refuses the last pod of an update for want of CPU, and takes its successor."""
    refused_once(e, "web-0", 1)


@innocent(NODE, "create", "scale_up")
def _(e: Editor) -> None:
    """A probe fails for as long as the scenario waits: the last pod is there and never gets Ready."""
    name = "web-1" if e.scenario == "create" else "web-3"
    ready = e.ready(name)
    after = [r for kind in ("endpointslices", "statefulsets") for r in e.events(kind) if r["rv"] > ready["rv"]]
    e.drop(*after, *(r for r in e.events("pods", name) if r["rv"] >= ready["rv"]))
    e.end(settled=False, waited_for=f"Timed out after 300 s waiting for StatefulSet web: {name} is not Ready")


# Storage that is more, or of another kind, than the template says.

STORAGE = "storage of another kind or size"
SOURCES: dict[str, dict[str, Any]] = {
    "awsElasticBlockStore": {"volumeID": "vol-{n}"},
    "gcePersistentDisk": {"pdName": "disk-{n}"},
    "azureDisk": {"diskName": "disk-{n}", "diskURI": "/subscriptions/a/disk-{n}"},
    "azureFile": {"secretName": "s", "shareName": "share-{n}"},
    "vsphereVolume": {"volumePath": "[store] {n}.vmdk"},
    "iscsi": {"targetPortal": "10.0.0.1", "iqn": "iqn.2001-04.com.example:store", "lun": "{n}"},
    "fc": {"targetWWNs": ["500a0982991b8dc5"], "lun": "{n}"},
    "rbd": {"monitors": ["10.0.0.1"], "pool": "rbd", "image": "image-{n}"},
    "cephfs": {"monitors": ["10.0.0.1"], "path": "/{n}"},
    "cinder": {"volumeID": "vol-{n}"},
    "portworxVolume": {"volumeID": "vol-{n}"},
    "flexVolume": {"driver": "example.com/lvm", "options": {"volumeID": "vol-{n}"}},
    "storageos": {"volumeName": "vol-{n}", "volumeNamespace": "ns"},
    "scaleIO": {"gateway": "https://10.0.0.1", "system": "s", "volumeName": "vol-{n}"},
    "glusterfs": {"endpoints": "cluster", "path": "vol-{n}"},
    "local": {"path": "/mnt/disks/{n}"},
    "hostPath": {"path": "/srv/{n}"},
    "csi": {"driver": "ebs.csi.aws.com", "volumeHandle": "vol-{n}"},
    "aSourceOfTomorrow": {"id": "{n}"},
}


def filled(value: Any, number: int) -> Any:
    if isinstance(value, dict):
        return {key: filled(inner, number) for key, inner in value.items()}
    if isinstance(value, list):
        return [filled(inner, number) for inner in value]
    return value.format(n=number)


def sourced(kind: str) -> Callable[[Editor], None]:
    """Every volume is of one kind of source."""

    def apply(e: Editor) -> None:
        numbers: dict[str, int] = {}
        for event in e.events("persistentvolumes"):
            number = numbers.setdefault(event["name"], len(numbers))
            spec = event["obj"]["spec"]
            spec.pop("nfs", None)
            spec[kind] = filled(SOURCES[kind], number)

    apply.__doc__ = f"The volumes are of source {kind}."
    return apply


for source in SOURCES:
    innocent(STORAGE, "create", "rescale")(sourced(source))


def sized(size: str) -> Callable[[Record], None]:
    return lambda claim: claim["spec"]["resources"]["requests"].update(storage=size)


@innocent(STORAGE, "create", "scale_up")
def _(e: Editor) -> None:
    """Admission rounds each claim up to 10Gi, and its volume is as large."""
    e.change(e.events("persistentvolumeclaims"), sized("10Gi"))
    e.change(e.events("persistentvolumes"), lambda o: o["spec"]["capacity"].update(storage="10Gi"))


@innocent(STORAGE, "create")
def _(e: Editor) -> None:
    """A claim is grown by its user after it was bound."""
    last = e.events("persistentvolumeclaims", "www-web-0")[-1]
    e.at_the_end("MODIFIED", last, sized("5Gi"))


@innocent(STORAGE, "create")
def _(e: Editor) -> None:
    """The volumes can do more than they are asked for: more room, and more access modes."""

    def more(volume: Record) -> None:
        volume["spec"]["capacity"]["storage"] = "2Gi"
        volume["spec"]["accessModes"] = ["ReadWriteOnce", "ReadWriteMany", "ReadOnlyMany"]

    e.change(e.events("persistentvolumes"), more)


@innocent(STORAGE, "create")
def _(e: Editor) -> None:
    """The sizes are written in other units: 1073741824 and 1048576Ki."""
    e.change(e.events("persistentvolumeclaims"), sized("1048576Ki"))
    e.change(e.events("persistentvolumes"), lambda o: o["spec"]["capacity"].update(storage="1073741824"))


@innocent(STORAGE, "create")
def _(e: Editor) -> None:
    """Admission gives the claims another StorageClass, and the volumes are of it."""
    e.change(e.events("persistentvolumeclaims"), lambda o: o["spec"].update(storageClassName="gold"))
    e.change(e.events("persistentvolumes"), lambda o: o["spec"].update(storageClassName="gold"))


# Finalizers of others.

FINALIZER = "a finalizer of somebody else"


@innocent(FINALIZER, "retention")
def _(e: Editor) -> None:
    """A snapshot holds a claim that is to go with its set."""
    held = last_gone(e, "persistentvolumeclaims")

    def kept(claim: Record) -> None:
        claim["metadata"].setdefault("finalizers", []).append("snapshot.storage.kubernetes.io/pvc-as-source-protection")

    mine = [r for r in e.events("persistentvolumeclaims", held["name"]) if r["uid"] == held["uid"]]
    e.drop(mine[-1])
    e.change([r for r in mine[:-1] if "deletionTimestamp" in r["obj"]["metadata"]], kept)


@innocent(FINALIZER, "foreground_delete", "hasty_delete")
def _(e: Editor) -> None:
    """A pod of the deleted set is kept by a finalizer of its user, and the wait runs out."""
    held = last_gone(e, "pods")

    def kept(pod: Record) -> None:
        pod["metadata"].setdefault("finalizers", []).append("example.com/drain")

    mine = [r for r in e.events("pods", held["name"]) if r["uid"] == held["uid"]]
    e.drop(mine[-1], *(r for r in e.after(mine[-1], "statefulsets") if r["type"] == "DELETED"))
    e.change([r for r in mine[:-1] if "deletionTimestamp" in r["obj"]["metadata"]], kept)
    e.end(settled=False, waited_for="Timed out after 300 s waiting for StatefulSet web to be gone")


def last_gone(e: Editor, kind: str) -> Record:
    """The object of this kind that is the last to go."""
    return [r for r in e.events(kind) if r["type"] == "DELETED"][-1]


# Stops and deletions by another client.

OTHERS = "an act of another client"


def stopped_by_somebody(e: Editor, name: str, before: Record) -> None:
    """Another client deletes the pod; the controller makes it again, and it is Ready."""
    e.replace(name, before=before)


@innocent(OTHERS, "rollout", "partition", "scale_up", "create", "rollback", "on_delete", "history", "restart")
def _(e: Editor) -> None:
    """Another client deletes web-0 before the scenario ends, and it comes back."""
    with e.somebody():
        e.replace("web-0", before=e.events("statefulsets")[-1])


@innocent(OTHERS, "scale_down", "rollout", "create", "rescale")
def _(e: Editor) -> None:
    """Another client deletes the claim of web-0 and its pod; both are made again."""
    with e.somebody():
        e.replace_claim("www-web-0", before=e.events("statefulsets")[-1])


@innocent(STORAGE, "rollout", "rollback")
def _(e: Editor) -> None:
    """A claim is bound only after the update has stopped its pod."""
    stop = stops(e)[0]
    claim = f"www-{stop['name']}"

    def unbound(obj: Record) -> None:
        obj["spec"].pop("volumeName", None)
        obj["status"] = {"phase": "Pending"}

    bound = last_before(e, "persistentvolumeclaims", claim, stop)
    e.add("MODIFIED", bound, lambda _: None, before=e.after(stop, "pods")[0])
    e.change([r for r in e.events("persistentvolumeclaims", claim) if r["rv"] < stop["rv"]], unbound)


@innocent(OTHERS, "history", "rollback")
def _(e: Editor) -> None:
    """Another client deletes the oldest revision."""
    last = e.events("controllerrevisions")[0]
    mine = [r for r in e.events("controllerrevisions", last["name"]) if r["uid"] == last["uid"]]
    if mine[-1]["type"] != "DELETED":
        with e.somebody():
            e.add("DELETED", mine[-1], lambda _: None)
