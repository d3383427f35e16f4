"""Innocent situations next to those of ``edits_innocent``: the same kinds, in other scenarios and ways."""

import json
from collections.abc import Callable

from tests.editor import Editor, asked_to_stop, is_ready, named
from tests.edits_innocent import (
    FINALIZER,
    LAST_MOMENT,
    NODE,
    OTHERS,
    STALE,
    STORAGE,
    failed,
    flickers,
    innocent,
    last_before,
    last_versions,
    not_ready,
    ready_pods,
    refused_once,
    stops,
)
from tests.tape import Record


def disrupted(reason: str) -> Callable[[Record], None]:
    """A part of the cluster asks the pod to go: ``reason`` of its condition DisruptionTarget."""

    def change(pod: Record) -> None:
        asked_to_stop(pod)
        pod["status"].setdefault("conditions", []).append(
            {"type": "DisruptionTarget", "status": "True", "reason": reason}
        )

    return change


def by(manager: str, change: Callable[[Record], object]) -> Callable[[Record], None]:
    """Another program makes this change of an object's metadata or spec."""

    def apply(obj: Record) -> None:
        change(obj)
        entry = {"manager": manager, "operation": "Update", "apiVersion": "v1", "time": "2026-11-24T20:12:59Z"}
        obj["metadata"]["managedFields"] = [*obj["metadata"].get("managedFields", ()), entry]

    return apply


def spec_changed(change: Callable[[Record], object]) -> Callable[[Record], None]:
    """The set's spec becomes another: a generation of its own."""

    def apply(obj: Record) -> None:
        obj["metadata"]["generation"] += 1
        change(obj["spec"])

    return apply


# A state that has just changed.


@innocent(STALE, "rollout_stalls", "hasty_updates", "history", "on_delete", "hasty_scale_and_update", "retention")
def _(e: Editor) -> None:
    """Each Ready pod ceases to be Ready a moment before another is stopped, and is Ready again after that."""
    for stop in stops(e):
        for name in list(ready_pods(e, stop)):
            if name != stop["name"]:
                flickers(e, name, stop)


@innocent(STALE, "scale_down_held", "hasty_scale", "parallel", "recreate", "recreate_parallel")
def _(e: Editor) -> None:
    """The lowest Ready pod ceases to be Ready a moment before another is stopped, and is Ready again after that."""
    for stop in stops(e):
        for name in list(ready_pods(e, stop))[:1]:
            if name != stop["name"]:
                flickers(e, name, stop)


@innocent(
    STALE, "replace", "replace_held", "scale_up_held", "on_delete", "history", "rollout", "start_ordinal", "drift"
)
def _(e: Editor) -> None:
    """Each lower pod ceases to be Ready a moment before another is created, and is Ready again after that."""
    for created in [r for r in e.events("pods") if r["type"] == "ADDED"]:
        for name in list(ready_pods(e, created)):
            if name != created["name"]:
                flickers(e, name, created)


@innocent(STALE, "scale_up", "create", "start_ordinal")
def _(e: Editor) -> None:
    """The node of web-0 evicts it a moment before the next pod is created."""
    created = [r for r in e.events("pods") if r["type"] == "ADDED" and r["name"] != "web-0"][-1]
    with e.somebody():
        lowest = next(iter(ready_pods(e, created)))
        old = [life for life in e.lives("pods", lowest) if life[0]["rv"] < created["rv"]][-1]
        uid, before = e.new_uid(), last_before(e, "pods", lowest, created)
        after = e.after(created, "pods")[0]
        e.drop(*(r for r in old if r["rv"] > created["rv"]))
        e.add("MODIFIED", before, disrupted("TerminationByKubelet"), before=created)
        e.add("DELETED", before, disrupted("TerminationByKubelet"), before=after)
        e.add("ADDED", old[0], named(lowest, uid), before=after)
        e.add("MODIFIED", next(r for r in old if is_ready(r["obj"])), named(lowest, uid), before=after)
        for event in e.after(created, "endpointslices"):
            event["obj"] = json.loads(json.dumps(event["obj"]).replace(old[0]["uid"], uid))


@innocent(STALE, "create", "scale_up", "rollout", "scale_up_held")
def _(e: Editor) -> None:
    """A pod ceases to be Ready a moment before its Service answers with it, and is Ready again after that."""
    for written in e.events("endpointslices"):
        for name in list(ready_pods(e, written)):
            was = last_before(e, "pods", name, written)
            after = next((r for r in e.events("pods") if r["rv"] > written["rv"]), None)
            e.add("MODIFIED", was, not_ready, before=written)
            e.add("MODIFIED", was, lambda _: None, before=after)


# The last moment of a scenario.


@innocent(
    LAST_MOMENT,
    *("on_delete", "rollback", "restart", "history", "max_unavailable", "parallel", "start_ordinal", "readopt"),
    *("replace", "replace_held", "retention_hasty", "hasty_updates", "recreate", "release_and_adopt", "rescale"),
)
def _(e: Editor) -> None:
    """The last pod ceases to be Ready right before the scenario ends."""
    for pod in last_versions(e, "pods")[-1:]:
        e.at_the_end("MODIFIED", pod, not_ready)


@innocent(LAST_MOMENT, "create", "scale_down", "partition", "rollback", "on_delete", "restart", "replace")
def _(e: Editor) -> None:
    """The kubelet evicts a pod, which is Failed right before the scenario ends."""
    for pod in last_versions(e, "pods")[:1]:
        e.at_the_end("MODIFIED", pod, lambda o: (failed(o), o["status"].update(reason="Evicted")))


@innocent(LAST_MOMENT, "rollout", "on_delete")
def _(e: Editor) -> None:
    """Another client deletes a pod with grace period 0 right before the scenario ends."""
    with e.somebody():
        e.at_the_end("DELETED", last_versions(e, "pods")[-1], lambda _: None)


@innocent(LAST_MOMENT, "create", "scale_up", "rollout", "scale_down", "min_ready_seconds")
def _(e: Editor) -> None:
    """An autoscaler asks for one pod more right before the scenario ends."""
    last = e.events("statefulsets")[-1]
    more = spec_changed(lambda spec: spec.update(replicas=spec["replicas"] + 1))
    e.at_the_end("MODIFIED", last, by("kube-controller-manager", more))


def restarted(spec: Record) -> None:
    spec["template"]["metadata"].setdefault("annotations", {})["kubectl.kubernetes.io/restartedAt"] = "now"


@innocent(LAST_MOMENT, "create", "scale_up", "rollout", "partition", "rollback")
def _(e: Editor) -> None:
    """A user restarts the set right before the scenario ends, and the controller stops the last pod."""
    last = e.events("statefulsets")[-1]
    e.at_the_end("MODIFIED", last, by("kubectl-rollout", spec_changed(restarted)))
    e.at_the_end("MODIFIED", last_versions(e, "pods")[-1], asked_to_stop)


# Failures that are the node's.


@innocent(NODE, "partition", "on_delete", "history", "min_ready_seconds", "max_unavailable", "replace", "readopt")
def _(e: Editor) -> None:
    """The kubelet refuses the last new pod (UnexpectedAdmissionError), and takes its successor."""
    made = [r for r in e.events("pods") if r["type"] == "ADDED"][-1]
    index = next(i for i, life in enumerate(e.lives("pods", made["name"])) if life[0] is made)
    refused_once(e, made["name"], index)


def goes_by_itself(e: Editor, name: str, before: Record, end: Callable[[Record], object]) -> None:
    """The pod's node ends it; its set makes another, which is Ready."""
    with e.somebody():
        e.replace(name, before=before)
    for event in e.events("pods", name):
        if event["obj"]["metadata"].get("deletionTimestamp") == "2026-11-24T20:13:00Z":
            end(event["obj"])


@innocent(NODE, "partition", "rollback", "scale_up", "on_delete", "rollout", "history", "min_ready_seconds")
def _(e: Editor) -> None:
    """The scheduler preempts web-0, and it comes back."""
    goes_by_itself(e, "web-0", e.events("statefulsets")[-1], disrupted("PreemptionByScheduler"))


@innocent(NODE, "scale_up", "max_unavailable")
def _(e: Editor) -> None:
    """The node of web-0 is out of memory in the middle: the pod is Failed, and its controller makes another."""
    then = e.events("endpointslices")[-1]
    last = last_before(e, "pods", "web-0", then)
    bad = e.add("MODIFIED", last, lambda o: (failed(o), o["status"].update(reason="Evicted")), before=then)
    e.replace("web-0", before=then)
    uid = e.lives("pods", "web-0")[-1][0]["uid"]
    then["obj"]["endpoints"] = json.loads(json.dumps(then["obj"]["endpoints"]).replace(bad["uid"], uid))
    for event in e.events("pods", "web-0", lambda o: o["metadata"]["uid"] == bad["uid"]):
        if event["rv"] > bad["rv"]:
            failed(event["obj"])


@innocent(NODE, "rollout", "partition", "rollback", "restart")
def _(e: Editor) -> None:
    """The node of web-0 is lost, the pod is not Ready any more, and the scenario waits for it till its end."""
    last = e.events("statefulsets")[-1]
    e.add("MODIFIED", last_before(e, "pods", "web-0", last), not_ready, before=last)
    e.drop(*(r for r in e.events("pods", "web-0") if r["rv"] > last["rv"]))
    ready = last["obj"]["status"].get("readyReplicas", 0) - 1
    e.change([last], lambda o: o["status"].update(readyReplicas=ready, availableReplicas=ready))
    e.end(settled=False, waited_for="Timed out after 300 s waiting for StatefulSet web: web-0 is not Ready")


@innocent(NODE, "scale_down", "staged_to_zero", "rescale", "scale_to_zero_then_delete")
def _(e: Editor) -> None:
    """A pod that is asked to stop ends as Failed, since its container does."""
    stop = stops(e)[0]
    going = e.events("pods", stop["name"], lambda o: o["metadata"]["uid"] == stop["uid"])
    e.change([r for r in going if r["rv"] > stop["rv"]], failed)


@innocent(NODE, "rollout", "scale_up", "create", "rollback")
def _(e: Editor) -> None:
    """A quota refuses the last pod until the scenario ends."""
    made = [r for r in e.events("pods") if r["type"] == "ADDED"][-1]
    mine = e.events("pods", made["name"], lambda o: o["metadata"]["uid"] == made["uid"])
    told, *later = e.after(made, "statefulsets")
    count = told["obj"]["spec"]["replicas"] - 1
    status = {"replicas": count, "readyReplicas": count, "availableReplicas": count}
    e.change([told], lambda o: o["status"].update(status))
    e.drop(*mine, *later, *e.after(made, "endpointslices"))
    e.end(settled=False, waited_for="Timed out", environment='pods "web" is forbidden: exceeded quota: small')


# Storage that is more, or of another kind, than the template says.


@innocent(STORAGE, "create", "scale_up", "rescale")
def _(e: Editor) -> None:
    """The template asks for no class ("") and is bound to volumes without one."""
    for event in e.events("statefulsets"):
        for template in event["obj"]["spec"]["volumeClaimTemplates"]:
            template["spec"]["storageClassName"] = ""
    e.change(e.events("persistentvolumeclaims"), lambda o: o["spec"].update(storageClassName=""))
    e.change(e.events("persistentvolumes"), lambda o: o["spec"].pop("storageClassName", None))


@innocent(STORAGE, "create", "scale_up", "rescale", "rollout")
def _(e: Editor) -> None:
    """The template names no class, and the claims get the cluster's default."""
    for event in e.events("statefulsets"):
        for template in event["obj"]["spec"]["volumeClaimTemplates"]:
            template["spec"].pop("storageClassName", None)


@innocent(STORAGE, "create", "scale_up")
def _(e: Editor) -> None:
    """Admission adds an access mode to each claim, which its volume has."""
    modes = ["ReadWriteOnce", "ReadWriteMany", "ReadWriteOncePod"]
    e.change(e.events("persistentvolumeclaims"), lambda o: o["spec"].update(accessModes=modes))
    e.change(e.events("persistentvolumes"), lambda o: o["spec"].update(accessModes=modes))


@innocent(STORAGE, "create", "scale_up", "scale_down", "rescale", "rollout", "background_delete")
def _(e: Editor) -> None:
    """The set has two claim templates: each pod has a claim of both."""
    for event in e.events("statefulsets"):
        templates = event["obj"]["spec"]["volumeClaimTemplates"]
        second = json.loads(json.dumps(templates[0]))
        second["metadata"]["name"] = "log"
        event["obj"]["spec"]["volumeClaimTemplates"] = [*templates, second]
    for event in e.events("pods"):
        volumes = event["obj"]["spec"]["volumes"]
        www = next(v for v in volumes if v["name"] == "www")
        log = {"name": "log", "persistentVolumeClaim": {"claimName": f"log-{event['name']}"}}
        event["obj"]["spec"]["volumes"] = [*volumes, {**www, **log}]
    twins: dict[str, str] = {}

    def twin(obj: Record) -> None:
        uid = obj["metadata"]["uid"]
        named(obj["metadata"]["name"].replace("www-", "log-"), twins.setdefault(uid, e.new_uid()))(obj)
        if "volumeName" in obj["spec"]:
            obj["spec"]["volumeName"] += "-log"

    def twin_volume(obj: Record) -> None:
        uid = obj["metadata"]["uid"]
        named(obj["metadata"]["name"] + "-log", twins.setdefault(uid, e.new_uid()))(obj)
        claim = obj["spec"]["claimRef"]
        claim["name"] = claim["name"].replace("www-", "log-")
        claim["uid"] = twins.setdefault(claim["uid"], e.new_uid())
        source = obj["spec"].get("nfs") or obj["spec"].get("hostPath")
        source["path"] += "-log"

    for kind, change in (("persistentvolumeclaims", twin), ("persistentvolumes", twin_volume)):
        for event in e.events(kind):
            e.add(event["type"], event, change, before=event)


# Finalizers of others.


def keeps(finalizer: str = "example.com/backup") -> Callable[[Record], object]:
    return lambda obj: obj["metadata"].setdefault("finalizers", []).append(finalizer)


def held(e: Editor, kind: str, gone: Record, *also: str) -> None:
    """The object, which was to go, is kept by a finalizer of its user; nothing of ``also`` happens after that."""
    mine = [r for r in e.events(kind, gone["name"]) if r["uid"] == gone["uid"]]
    later = [r for other in also for r in e.events(other) if r["rv"] > gone["rv"]]
    e.drop(gone, *later)
    e.change([r for r in mine if r is not gone], keeps())
    e.end(settled=False, waited_for=f"Timed out after 300 s waiting for {gone['name']} to be gone")


EVERYTHING = (
    "pods",
    "persistentvolumeclaims",
    "persistentvolumes",
    "statefulsets",
    "controllerrevisions",
    "endpointslices",
)


@innocent(FINALIZER, "scale_down", "staged_to_zero", "rollout", "rollback", "restart", "partition", "on_delete")
def _(e: Editor) -> None:
    """The first pod that is to go is kept by a finalizer of its user, and the wait runs out."""
    held(e, "pods", next(r for r in e.events("pods") if r["type"] == "DELETED"), *EVERYTHING)


@innocent(FINALIZER, "background_delete", "scale_to_zero_then_delete", "retention", "replace", "recreate")
def _(e: Editor) -> None:
    """The last pod that is to go is kept by a finalizer of its user, and the wait runs out."""
    held(e, "pods", [r for r in e.events("pods") if r["type"] == "DELETED"][-1], *EVERYTHING)


@innocent(FINALIZER, "foreground_delete", "orphan_delete", "readopt")
def _(e: Editor) -> None:
    """The set itself is kept by a finalizer of its user, and the wait runs out."""
    held(e, "statefulsets", next(r for r in e.events("statefulsets") if r["type"] == "DELETED"), *EVERYTHING)


@innocent(FINALIZER, "retention", "retention_hasty", "claim_protection")
def _(e: Editor) -> None:
    """The first claim that is to go is kept by a finalizer of its user, and the wait runs out."""
    gone = next(r for r in e.events("persistentvolumeclaims") if r["type"] == "DELETED")
    held(e, "persistentvolumeclaims", gone, *EVERYTHING)


@innocent(FINALIZER, "create", "rollout", "scale_down", "orphan_delete", "background_delete")
def _(e: Editor) -> None:
    """Everything has a finalizer of a backup tool, which removes it in time."""
    for kind in ("pods", "persistentvolumeclaims", "controllerrevisions"):
        e.change([r for r in e.events(kind) if r["type"] != "DELETED"], keeps())


# Acts of other clients.


@innocent(OTHERS, "orphan_delete", "background_delete", "foreground_delete")
def _(e: Editor) -> None:
    """Another client deletes the Service with the set, as kubectl delete -f does."""
    with e.somebody():
        e.add("DELETED", e.events("services", "nginx")[-1], lambda _: None)


@innocent(OTHERS, "background_delete", "foreground_delete", "orphan_delete", "scale_down", "retention_orphan")
def _(e: Editor) -> None:
    """Another client deletes a claim of a pod that went, in the end."""
    with e.somebody():
        e.end_life(last_versions(e, "persistentvolumeclaims")[-1])


@innocent(OTHERS, "rollout", "rollback", "create")
def _(e: Editor) -> None:
    """Nobody knows who deleted web-0, which comes back."""
    with e.somebody(None):
        e.replace("web-0", before=e.events("statefulsets")[-1])


@innocent(OTHERS, "rollout", "rollback", "restart", "max_unavailable", "partition")
def _(e: Editor) -> None:
    """A node is drained at the end of an update: web-0 and web-1 are stopped together, and come back."""
    with e.somebody():
        for name in ("web-0", "web-1"):
            e.replace(name, before=e.events("statefulsets")[-1])


@innocent(OTHERS, "create", "rollout", "scale_down", "readopt", "partition", "rollback")
def _(e: Editor) -> None:
    """A user adds a label to each pod, and an operator annotates them."""
    for pod in last_versions(e, "pods"):
        e.at_the_end("MODIFIED", pod, by("kubectl-label", lambda o: o["metadata"]["labels"].update(team="blue")))


@innocent(OTHERS, "create", "rollout", "rollback")
def _(e: Editor) -> None:
    """A user changes the label that the set selects a pod by."""
    pod = last_versions(e, "pods")[0]
    e.at_the_end("MODIFIED", pod, by("kubectl-label", lambda o: o["metadata"]["labels"].update({"app": "debug"})))


@innocent(OTHERS, "create", "scale_up", "rollout")
def _(e: Editor) -> None:
    """An operator makes itself an owner of the claims."""
    owner = {"apiVersion": "example.com/v1", "kind": "Database", "name": "db", "uid": "operator", "controller": True}
    for claim in last_versions(e, "persistentvolumeclaims"):
        e.at_the_end("MODIFIED", claim, by("operator", lambda o: o["metadata"].update(ownerReferences=[owner])))


@innocent(OTHERS, "create", "scale_up", "rollout")
def _(e: Editor) -> None:
    """An operator is an owner of each claim from the start, by admission."""
    owner = {"apiVersion": "example.com/v1", "kind": "Database", "name": "db", "uid": "operator"}
    e.change(
        e.events("persistentvolumeclaims"), by("operator", lambda o: o["metadata"].update(ownerReferences=[owner]))
    )


@innocent(OTHERS, "create", "scale_up", "rollout", "scale_up_held")
def _(e: Editor) -> None:
    """The Service has a slice for each address family, and each answers with the same pods."""
    uid, name = e.new_uid(), "nginx-ipv6"

    def second(obj: Record) -> None:
        named(name, uid)(obj)
        obj["addressType"] = "IPv6"
        for endpoint in obj.get("endpoints") or ():
            endpoint["addresses"] = ["fd00::" + endpoint["addresses"][0].split(".")[-1]]

    for event in e.events("endpointslices"):
        e.add(event["type"], event, second, before=event)


@innocent(OTHERS, "create", "scale_up", "rollout")
def _(e: Editor) -> None:
    """The pods of the Service are in two slices, as after the hundredth."""
    uid, name = e.new_uid(), "nginx-more"
    last = e.events("endpointslices")[-1]

    def first_half(obj: Record) -> None:
        obj["endpoints"] = (obj.get("endpoints") or [])[:1]

    def second_half(obj: Record) -> None:
        named(name, uid)(obj)
        obj["endpoints"] = (obj.get("endpoints") or [])[1:]

    for event in e.events("endpointslices"):
        e.add("MODIFIED" if event is not e.events("endpointslices", event["name"])[0] else "ADDED", event, second_half)
        first_half(event["obj"])
    assert last


@innocent(OTHERS, "create", "scale_up", "rollout", "scale_up_held")
def _(e: Editor) -> None:
    """The Service publishes addresses that are not ready (publishNotReadyAddresses)."""
    e.change(e.events("services", "nginx"), lambda o: o["spec"].update(publishNotReadyAddresses=True))
    for event in e.events("endpointslices"):
        for endpoint in event["obj"].get("endpoints") or ():
            endpoint["conditions"]["ready"] = True


@innocent(OTHERS, "rollout", "partition", "rollback", "scale_up", "min_ready_seconds")
def _(e: Editor) -> None:
    """An autoscaler asks for one pod more in the middle, and takes it back a moment later."""
    epochs: dict[int, Record] = {}
    for event in e.events("statefulsets"):
        epochs.setdefault(event["obj"]["metadata"]["generation"], event)
    then = stops(e)[-1] if stops(e) else e.events("pods")[-1]
    last = last_before(e, "statefulsets", "web", then)
    replicas = last["obj"]["spec"]["replicas"]
    up = by("autoscaler", spec_changed(lambda spec: spec.update(replicas=replicas + 1)))
    e.add("MODIFIED", last, up, before=then)

    def down(obj: Record) -> None:
        by("autoscaler", spec_changed(lambda _: None))(obj)
        obj["metadata"]["generation"] += 1

    back = e.add("MODIFIED", last, down, before=then)

    def shifted(obj: Record) -> None:
        obj["metadata"]["generation"] += 2
        obj["status"]["observedGeneration"] += 2

    e.change(e.after(back, "statefulsets"), shifted)
