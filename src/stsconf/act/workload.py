"""The verbs: what a user does to the documented Service and StatefulSet, each call recorded."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, TypeVar

from tenacity import Retrying, retry_if_exception, stop_after_delay, wait_fixed

from stsconf import suite_files
from stsconf.act.blockers import hindrance
from stsconf.errors import ClusterError, UsageError
from stsconf.kube.api import JSON_PATCH, MERGE_PATCH, STRATEGIC_MERGE_PATCH, Api, ApiError, Object, run_in_pod
from stsconf.record.recorder import Recorder, WaitTimeout
from stsconf.waits import Waits

Edit = Callable[[Object], None]
Lose = Callable[[str], AbstractContextManager[None]]
"""The kubelet of the node of this name does not run in the context."""
T = TypeVar("T")

GATE = "stsconf.dev/released"
"""A readiness gate (core/v1 PodReadinessGate): the kubelet reports a pod Ready only while this condition is True."""


POD_NAME_LABEL = "statefulset.kubernetes.io/pod-name"
"""The label that holds a pod's own name."""
RESTARTED = "kubectl.kubernetes.io/restartedAt"
"""The annotation that ``kubectl rollout restart`` sets."""


@dataclass(frozen=True, slots=True)
class Names:
    """What one workload is called; several may live in one namespace. The defaults are the documented names."""

    namespace: str
    set_name: str = "web"
    service: str = "nginx"
    claim: str = "www"
    app: str = "nginx"
    marks: Mapping[str, str] = field(default_factory=dict)
    """More labels for everything, pods and claims included: whose it is, in a namespace that is not the run's own."""

    def labels(self, suffix: str = "") -> dict[str, str]:
        """The labels that select pods; with a suffix, those of pods beside them."""
        return {"app": f"{self.app}{suffix}", **self.marks}


class Kind(StrEnum):
    """What is judged: ``manifests/web.yaml`` as documented, or with what Pod Security level *restricted* asks for."""

    DOCUMENTED = "documented"
    RESTRICTED = "restricted"

    @property
    def port(self) -> int:
        """Where its server listens."""
        return 80 if self is Kind.DOCUMENTED else 8080

    def fit(self, pod: Object) -> None:
        """Change the spec of a pod of ours, whose first container is the server, into one of this kind."""
        if self is Kind.RESTRICTED:
            overlay = suite_files.manifest("restricted.yaml")[0]["spec"]
            container, more = pod["containers"][0], overlay.pop("containers")[0]
            pod["volumes"] = [*pod.get("volumes", ()), *overlay.pop("volumes")]
            container["volumeMounts"] = [*container.get("volumeMounts", ()), *more.pop("volumeMounts")]
            pod.update(overlay)
            container.update({**more, "command": container.get("command", more["command"])})


def documented(names: Names, image: str, storage_class: str, kind: Kind = Kind.DOCUMENTED) -> tuple[Object, Object]:
    """Service and StatefulSet of ``manifests/web.yaml`` under these names, of this image, class and kind."""
    service, stateful_set = suite_files.manifest("web.yaml")
    service["metadata"] = {"name": names.service, "labels": names.labels()}
    service["spec"]["selector"] = names.labels()
    stateful_set["metadata"] = {"name": names.set_name, **({"labels": dict(names.marks)} if names.marks else {})}
    spec = stateful_set["spec"]
    spec["serviceName"] = names.service
    spec["selector"]["matchLabels"] = names.labels()
    spec["template"]["metadata"]["labels"] = names.labels()
    container = spec["template"]["spec"]["containers"][0]
    container["image"] = image
    container["ports"][0]["containerPort"] = kind.port
    container["volumeMounts"][0]["name"] = names.claim
    kind.fit(spec["template"]["spec"])
    template = spec["volumeClaimTemplates"][0]
    template["metadata"]["name"] = names.claim
    template["spec"]["storageClassName"] = storage_class
    return service, stateful_set


def gated(stateful_set: Object) -> None:
    """Give the pods a readiness gate, so that a scenario can hold them back."""
    stateful_set["spec"]["template"]["spec"]["readinessGates"] = [{"conditionType": GATE}]


def with_spec(**fields: object) -> Edit:
    """An edit that sets fields of a StatefulSet's spec."""
    return lambda stateful_set: stateful_set["spec"].update(fields)


def marker(pod: Object) -> str:
    """What a pod writes to its volume, and the name of the file: its own name and uid."""
    return f"stsconf_{pod['metadata']['name']}_{pod['metadata']['uid']}"


def rollout_status(stateful_set: Object) -> tuple[str, bool]:
    """What ``kubectl rollout status`` says of a set, and whether it is done.

    Raises ``UsageError`` for a set that is not updated by rolling, as kubectl does.
    """
    spec, status = stateful_set["spec"], stateful_set.get("status") or {}
    strategy = spec.get("updateStrategy") or {}
    if strategy.get("type", "RollingUpdate") != "RollingUpdate":
        raise UsageError("rollout status is only available for RollingUpdate strategy type")
    replicas, ready, updated = (
        spec.get("replicas", 1),
        status.get("readyReplicas") or 0,
        status.get("updatedReplicas") or 0,
    )
    if not status.get("observedGeneration") or stateful_set["metadata"]["generation"] > status["observedGeneration"]:
        return "Waiting for statefulset spec update to be observed...", False
    if ready < replicas:
        return f"Waiting for {replicas - ready} pods to be ready...", False
    rolling = strategy.get("rollingUpdate")
    if rolling is not None:
        wanted = replicas - (rolling.get("partition") or 0)
        if updated < wanted:
            progress = f"{updated} out of {wanted} new pods have been updated..."
            return f"Waiting for partitioned roll out to finish: {progress}", False
        return f"partitioned roll out complete: {updated} new pods have been updated...", True
    if status.get("updateRevision") != status.get("currentRevision"):
        at = f"{updated} pods at revision {status.get('updateRevision')}"
        return f"waiting for statefulset rolling update to complete {at}...", False
    at = f"{status.get('currentReplicas') or 0} pods at revision {status.get('currentRevision')}"
    return f"statefulset rolling update complete {at}...", True


class Workload:
    """One Service and one StatefulSet in one namespace, acted on and observed through the recorder."""

    def __init__(
        self,
        api: Api,
        recorder: Recorder,
        names: Names,
        images: Mapping[str, str],
        storage_class: str,
        waits: Waits,
        edit: Edit | None = None,
        nfs_reader: tuple[str, str] | None = None,
        writes: bool = True,
        kind: Kind = Kind.DOCUMENTED,
        lose: Lose | None = None,
    ) -> None:
        self.api = api
        self.recorder = recorder
        self.names = names
        self.images = images
        self.waits = waits
        self._storage_class = storage_class
        self._edit = edit
        self.nfs_reader = nfs_reader
        self.writes = writes
        self.kind = kind
        self._lose = lose
        self._uid, self._generation = "", 0

    def create(self, replicas: int | None = None, edit: Edit | None = None) -> None:
        """Create the documented objects; ``edit`` changes the StatefulSet for a scenario that needs it.

        A Service that is there, as after the deletion of a set, stays.
        """
        service, stateful_set = documented(self.names, self.images["nginx_old"], self._storage_class, self.kind)
        if replicas is not None:
            stateful_set["spec"]["replicas"] = replicas
        for change in (edit, self._edit):
            if change:
                change(stateful_set)
        there = self.recorder.current("services", self.names.namespace, self.names.service)
        for manifest in (stateful_set,) if there else (service, stateful_set):
            resource = "services" if manifest["kind"] == "Service" else "statefulsets"
            name = manifest["metadata"]["name"]
            with self.recorder.act("create", resource, self.names.namespace, name, manifest) as act:
                stored = self.api.create(manifest, self.names.namespace)
                act.returned(stored)
        self._uid, self._generation = stored["metadata"]["uid"], stored["metadata"]["generation"]

    def create_settled(self, replicas: int | None = None, edit: Edit | None = None) -> None:
        """Create the documented objects, and wait until all of it is there and Ready."""
        self.create(replicas, edit)
        self.wait_settled()

    def create_gated(self, replicas: int) -> None:
        """Create pods that a scenario can hold back, let each become Ready, and wait until their controller knows."""
        self.create(replicas, gated)
        for ordinal in range(replicas):
            self.wait_pods(*range(ordinal + 1))
            self.release(ordinal)
        self.wait_ready(replicas)

    def scale(self, replicas: int) -> None:
        """Set ``spec.replicas``, as ``kubectl scale`` does."""
        self.patch({"spec": {"replicas": replicas}}, "scale")

    def set_image(self, key: str) -> None:
        """Change the image by JSON patch, as the tutorial does: ``nginx_old`` or ``nginx_new``."""
        path = "/spec/template/spec/containers/0/image"
        self.patch([{"op": "replace", "path": path, "value": self.images[key]}], content_type=JSON_PATCH)

    def set_strategy(self, kind: str = "RollingUpdate", **rolling: object) -> None:
        """Set the update strategy, such as ``partition=2`` of a rolling update."""
        self.patch({"spec": {"updateStrategy": {"type": kind, "rollingUpdate": rolling or None}}})

    def max_unavailable(self) -> int:
        """How many pods an update may make unavailable, as the server keeps it: 0 where it drops the field."""
        strategy = self._observed()["spec"]["updateStrategy"]
        return int((strategy.get("rollingUpdate") or {}).get("maxUnavailable") or 0)

    def restart(self) -> None:
        """Do what ``kubectl rollout restart`` does: change an annotation of the pod template."""
        stamp = {RESTARTED: datetime.now(UTC).isoformat(timespec="seconds")}
        self.patch({"spec": {"template": {"metadata": {"annotations": stamp}}}}, "rollout restart")

    def undo(self, to_revision: int = 0) -> str:
        """Do what ``kubectl rollout undo`` does, and return what it says.

        ``to_revision`` 0 is the second highest. Raises ``UsageError`` for one that does not exist.
        """
        history, names = self.history(), self.names
        numbers = [revision["revision"] for revision in history]
        if to_revision == 0 and len(history) < 2:
            raise UsageError("no last revision to roll back to")
        if to_revision and to_revision not in numbers:
            raise UsageError(f"unable to find specified revision {to_revision} in history", f"There is {numbers}.")
        wanted = history[numbers.index(to_revision)] if to_revision else history[-2]
        if self._wait(self._current, "the set")["status"]["updateRevision"] == wanted["metadata"]["name"]:
            why = f"current template already matches revision {to_revision}"
            return f"statefulset.apps/{names.set_name} skipped rollback ({why})"
        self.patch(wanted["data"], "rollout undo", STRATEGIC_MERGE_PATCH)
        return f"statefulset.apps/{names.set_name} rolled back"

    def history(self) -> list[Object]:
        """The set's ControllerRevisions, lowest number first, as ``kubectl rollout history`` lists them."""
        mine = [
            revision
            for revision in self.api.list("ControllerRevision", self.names.namespace)
            if any(owner["uid"] == self._uid for owner in revision["metadata"].get("ownerReferences") or ())
        ]
        return sorted(mine, key=lambda revision: int(revision["revision"]))

    def patch(self, body: object, verb: str = "patch", content_type: str = MERGE_PATCH) -> None:
        """Patch the set."""
        names = self.names
        with self.recorder.act(verb, "statefulsets", names.namespace, names.set_name, body) as act:
            stored = self.api.patch("StatefulSet", names.set_name, body, names.namespace, content_type)
            act.returned(stored)
        self._generation = stored["metadata"]["generation"]

    def delete(self, cascade: str) -> None:
        """Delete the set: ``Background``, ``Foreground`` or ``Orphan``, as ``kubectl delete --cascade`` does."""
        names, options = self.names, {"propagationPolicy": cascade}
        with self.recorder.act("delete", "statefulsets", names.namespace, names.set_name, options) as act:
            act.returned(self.api.delete("StatefulSet", names.set_name, names.namespace, **options) or 404)

    def orphan(self, *ordinals: int) -> None:
        """Delete the set but not its pods, and wait until it is gone and these pods have no owner."""
        self.delete("Orphan")
        self.wait_gone()
        self.wait_owned(*ordinals, owned=False)

    def delete_pods(self, *ordinals: int) -> None:
        """Delete pods by hand, with their own grace period."""
        for ordinal in ordinals:
            name = self._pod_name(ordinal)
            with self.recorder.act("delete", "pods", self.names.namespace, name) as act:
                act.returned(self.api.delete("Pod", name, self.names.namespace) or 404)

    def lose_pods(self, *ordinals: int) -> None:
        """Delete pods by hand and wait until each has a successor."""
        uids = self.uids(*ordinals)
        self.delete_pods(*ordinals)
        self.wait_replaced(uids)

    def evict_pod(self, ordinal: int) -> None:
        """Evict one pod, as ``kubectl drain`` does, and wait until it has a successor and the set is settled."""
        name, uids = self._pod_name(ordinal), self.uids(ordinal)
        options = {"preconditions": {"uid": uids[name]}}
        body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name}, "deleteOptions": options}
        with self.recorder.act("evict", "pods", self.names.namespace, name, body) as act:
            path = f"{self.api.path('Pod', self.names.namespace)}/{name}/eviction"
            act.returned(self.api.request("POST", path, body))
        self.wait_replaced(uids)
        self.wait_settled()

    def node_of(self, ordinal: int) -> str:
        """The node of a pod."""
        return str(self.pods()[self._pod_name(ordinal)]["spec"]["nodeName"])

    def ordinals_on(self, node: str) -> list[int]:
        """The ordinals of the set's pods on a node."""
        return [int(n.rpartition("-")[2]) for n, pod in sorted(self.pods().items()) if pod["spec"]["nodeName"] == node]

    @contextmanager
    def cordoned(self, node: str) -> Iterator[None]:
        """No pod is placed on this node in the context."""
        self._mark("cordon", node)
        self.api.patch("Node", node, {"spec": {"unschedulable": True}})
        try:
            yield
        finally:
            self.api.patch("Node", node, {"spec": {"unschedulable": None}})
            self._mark("uncordon", node)

    @contextmanager
    def without(self, node: str) -> Iterator[None]:
        """The kubelet of this node does not run in the context. Raises ``UsageError`` where that cannot be had."""
        if self._lose is None:
            raise UsageError("This cluster's nodes cannot be lost.", "Use --cluster kind --nodes 3.")
        with self._lose(node):
            self._mark("lose", node)
            try:
                yield
            finally:
                self._mark("return", node)

    def _mark(self, verb: str, node: str) -> None:
        """Note what is done to a node."""
        with self.recorder.act(verb, "nodes", self.names.namespace, self.names.set_name, {"node": node}):
            pass

    def delete_claim(self, ordinal: int) -> None:
        """Delete the claim of one pod by hand."""
        name = f"{self.names.claim}-{self._pod_name(ordinal)}"
        with self.recorder.act("delete", "persistentvolumeclaims", self.names.namespace, name) as act:
            act.returned(self.api.delete("PersistentVolumeClaim", name, self.names.namespace) or 404)

    def lose_claim(self, ordinal: int) -> None:
        """Delete the claim of one pod by hand and wait until that very claim is gone."""
        name = f"{self.names.claim}-{self._pod_name(ordinal)}"
        uid = self._claims()[name]["metadata"]["uid"]
        self.delete_claim(ordinal)

        def gone() -> bool:
            found = self._claims().get(name)
            return found is None or found["metadata"]["uid"] != uid

        self._wait(gone, f"claim {name} to be gone")

    def add_claim(self, ordinal: int) -> None:
        """Create the claim of a pod that is still to come, controlled by somebody else."""
        name, namespace = f"{self.names.claim}-{self._pod_name(ordinal)}", self.names.namespace
        _, stateful_set = documented(self.names, "", self._storage_class)
        labels = stateful_set["spec"]["selector"]["matchLabels"]
        metadata = {"name": name, "labels": labels, "ownerReferences": [self._somebody_else(name, labels)]}
        (template,) = stateful_set["spec"]["volumeClaimTemplates"]
        manifest = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata, "spec": template["spec"]}
        with self.recorder.act("create", "persistentvolumeclaims", namespace, name, manifest) as act:
            act.returned(self.api.create(manifest, namespace))

    def _somebody_else(self, name: str, labels: Mapping[str, str]) -> Object:
        """A controller reference to an object made for that."""
        mark = {"name": f"{name}-owner", "labels": dict(labels)}
        other = self.api.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": mark}, self.names.namespace)
        uid = other["metadata"]["uid"]
        return {"apiVersion": "v1", "kind": "ConfigMap", "name": mark["name"], "uid": uid, "controller": True}

    def patch_pod(self, ordinal: int, body: Object) -> None:
        """Merge-patch one pod, such as its labels."""
        name = self._pod_name(ordinal)
        with self.recorder.act("patch", "pods", self.names.namespace, name, body) as act:
            act.returned(self.api.patch("Pod", name, body, self.names.namespace))

    def add_pod(self, name: str, *, owned: bool = False) -> None:
        """Create a pod of our own with the labels that the set selects; ``owned``: controlled by somebody else."""
        namespace, labels = self.names.namespace, self.names.labels()
        metadata: Object = {"name": name, "labels": labels}
        if owned:
            metadata["ownerReferences"] = [self._somebody_else(name, metadata["labels"])]
        manifest = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": self._bare_pod()}
        with self.recorder.act("create", "pods", namespace, name, manifest) as act:
            act.returned(self.api.create(manifest, namespace))

    def _bare_pod(self) -> Object:
        """The spec of a pod without a claim."""
        pod: Object = {"containers": [{"name": "nginx", "image": self.images["nginx_old"]}]}
        self.kind.fit(pod)
        return pod

    def finish(self, ordinal: int, phase: str) -> None:
        """Report a pod Failed or Succeeded through its status, as a kubelet does when its containers have ended."""
        name, body = self._pod_name(ordinal), {"status": {"phase": phase}}
        with self.recorder.act("finish", "pods", self.names.namespace, name, body) as act:
            act.returned(self.api.patch_status("Pod", name, body, self.names.namespace))

    def _pod_name(self, ordinal: int) -> str:
        return f"{self.names.set_name}-{ordinal}"

    def release(self, *ordinals: int, ready: bool = True) -> None:
        """Let pods of a gated set become Ready, or hold them back, by their readiness gate."""
        for ordinal in ordinals:
            name = self._pod_name(ordinal)
            body = {"status": {"conditions": [{"type": GATE, "status": "True" if ready else "False"}]}}
            with self.recorder.act("release" if ready else "hold", "pods", self.names.namespace, name, body) as act:
                act.returned(self.api.patch_status("Pod", name, body, self.names.namespace))

    def hold(self, *ordinals: int) -> None:
        """Keep Ready pods of a gated set from being Ready, one after the other: each is known before the next."""
        for ordinal in ordinals:
            ready = int((self._observed().get("status") or {}).get("readyReplicas") or 0)
            self.release(ordinal, ready=False)
            self.wait_ready(ready - 1)
            self.wait_published()

    def wait_pods(self, *ordinals: int) -> None:
        """Wait until exactly these pods are there, terminating ones included, whatever their state."""
        names = {self._pod_name(ordinal) for ordinal in ordinals}
        self._wait(lambda: set(self.pods()) == names, f"exactly {sorted(names)}")

    def wait_ready(self, count: int) -> None:
        """Wait until the set's controller itself counts this many ready pods: from then on it knows."""
        self._wait(lambda: self._count("readyReplicas") == count, f"status.readyReplicas to be {count}")

    def nudge(self) -> None:
        """Change the spec in a way that asks for nothing, and wait until the controller has noticed.

        It proves that the controller was alive and looked at the set: what it did not do, it chose not to do. No set
        that is nudged has a start ordinal.
        """
        spec = self._observed()["spec"]
        if not self.set_history_limit(spec["revisionHistoryLimit"] + 1, "nudge"):
            self.patch({"spec": {"ordinals": None if "ordinals" in spec else {"start": 0}}}, "nudge")
        self._observed()

    def set_history_limit(self, limit: int, verb: str = "patch") -> bool:
        """Change revisionHistoryLimit; whether the server lets it be changed on a live set, as it does from 1.33 on."""
        try:
            self.patch({"spec": {"revisionHistoryLimit": limit}}, verb)
        except ApiError as refused:
            if "updates to statefulset spec" not in str(refused):
                raise
            return False
        return True

    def _observed(self) -> Object:
        """The set, once its status says that its controller has seen our last change."""

        def noticed() -> Object | None:
            return self._current() if self._count("observedGeneration") >= self._generation else None

        return self._wait(noticed, "the controller to notice a change of the spec")

    def catch_up(self) -> None:
        """Take over a change of the set that was made past us, as by kubectl, once its controller has seen it."""
        if found := self.api.get("StatefulSet", self.names.set_name, self.names.namespace):
            self._uid, self._generation = found["metadata"]["uid"], found["metadata"]["generation"]
            self._observed()

    def witness(self) -> None:
        """Have the controller make a pod for a second set: what it did not do meanwhile, it chose not to do."""
        name, labels = f"{self.names.set_name}-witness", self.names.labels("-witness")
        manifest: Object = {
            "apiVersion": "apps/v1",
            "kind": "StatefulSet",
            "metadata": {"name": name, "labels": labels},
            "spec": {
                "replicas": 1,
                "serviceName": self.names.service,
                "selector": {"matchLabels": labels},
                "template": {"metadata": {"labels": labels}, "spec": self._bare_pod()},
            },
        }
        with self.recorder.act("create", "statefulsets", self.names.namespace, name, manifest) as act:
            act.returned(self.api.create(manifest, self.names.namespace))
        pod = f"{name}-0"
        self._wait(lambda: self.recorder.current("pods", self.names.namespace, pod), f"Pod {pod}")

    def write_markers(self) -> dict[str, str]:
        """Each pod that has a claim writes its ordinal and uid to its volume, under a name that no other pod uses.

        Returns what was written, by pod name; nothing where pods are hollow.
        """
        written: dict[str, str] = {}
        owners = {claim.removeprefix(f"{self.names.claim}-") for claim in self._claims()} if self.writes else set()
        for name, pod in sorted((name, pod) for name, pod in self.pods().items() if name in owners):
            text = written[name] = marker(pod)
            run_in_pod(self.api, self.names.namespace, name, f"echo {text} > /usr/share/nginx/html/{text}")
            self._observe("write", "exec", name, pod["metadata"]["uid"], text, text)
        return written

    def read_markers(self, written: Mapping[str, str]) -> None:
        """Look for what was written, by pod name: in the pod of that name now, on the server, in every other volume."""
        pods = self.pods()
        for name, text in sorted(written.items()):
            if name not in pods:
                continue
            uid = pods[name]["metadata"]["uid"]
            self._observe("read", "http", name, uid, text, self._http(self.names.namespace, name, text, self.kind.port))
            for other in sorted(pods):
                folder = self._folder(other)
                if self.nfs_reader is None or folder is None:
                    continue
                found = self._http(*self.nfs_reader, f"{folder}/{text}")
                if other == name:
                    self._observe("read", "nfs", name, uid, text, found)
                else:
                    self._observe("look", "nfs", other, text.rsplit("_", 1)[-1], text, found)

    def _observe(self, verb: str, via: str, name: str, uid: str, text: str, content: str | None) -> None:
        claim = f"{self.names.claim}-{name}"
        self.recorder.observe(verb, via, self.names.namespace, claim, uid, text, content)

    def _http(self, namespace: str, pod: str, path: str, port: int = 80) -> str | None:
        """A GET to a pod's nginx, through the API server; ``None`` for a 404.

        A pod without a probe is Ready when its container runs, a moment before nginx listens: 503 is asked again.
        """
        not_yet = retry_if_exception(lambda error: isinstance(error, ApiError) and error.status == 503)
        ask = Retrying(retry=not_yet, stop=stop_after_delay(self.waits.request), wait=wait_fixed(0.2), reraise=True)
        try:
            found = ask(self.api.request, "GET", f"api/v1/namespaces/{namespace}/pods/{pod}:{port}/proxy/{path}")
        except ApiError as error:
            if error.status == 404:
                return None
            raise
        return str(found["text"]).strip()

    def _folder(self, name: str) -> str | None:
        """The folder on the NFS server behind a pod's claim."""
        claim = (
            self.recorder.current("persistentvolumeclaims", self.names.namespace, f"{self.names.claim}-{name}") or {}
        )
        volume = self.recorder.current("persistentvolumes", "", claim.get("spec", {}).get("volumeName", "")) or {}
        nfs = volume.get("spec", {}).get("nfs")
        return nfs["path"].rsplit("/", 1)[-1] if nfs else None

    def _current(self) -> Object | None:
        """The set as last seen, once our own last change of it was: a view older than that shows what was before."""
        found = self.recorder.current("statefulsets", self.names.namespace, self.names.set_name)
        known = found and found["metadata"]["uid"] == self._uid and found["metadata"]["generation"] >= self._generation
        return found if known else None

    def _count(self, name: str) -> int:
        """A number of the set's status as last seen; 0 where it is absent."""
        return int(((self._current() or {}).get("status") or {}).get(name) or 0)

    def wait_settled(self) -> None:
        """Wait until the set's own status says that everything asked for is there, updated and Ready.

        Raises ``WaitTimeout`` that says which pod is missing and why.
        """
        self._wait(lambda: self._settled(updated=True), f"StatefulSet {self.names.set_name} to be settled")

    def wait_rolled_out(self) -> None:
        """Wait until ``kubectl rollout status`` says that the update is complete, as far as the partition lets it."""

        def complete() -> bool:
            found = self._settled(updated=False) and self._current()
            return bool(found and rollout_status(found)[1])

        self._wait(complete, f"the rollout of {self.names.set_name} to be complete")

    def wait_all_ready(self) -> None:
        """Wait until all pods that were asked for are there and Ready, whatever their revision."""
        self._wait(lambda: self._settled(updated=False), f"the pods of {self.names.set_name} to be Ready")

    def wait_replaced(self, uids: Mapping[str, str]) -> None:
        """Wait until each of these pods, uids by name, has a successor."""

        def replaced() -> bool:
            pods = self.pods()
            return all(name in pods and pods[name]["metadata"]["uid"] != uid for name, uid in uids.items())

        self._wait(replaced, f"successors of {', '.join(sorted(uids))}")

    def wait_stopping(self, uids: Mapping[str, str]) -> None:
        """Wait until each of these pods, uids by name, has been asked to stop."""

        def stopping() -> bool:
            there = {pod["metadata"]["uid"]: pod for pod in self.pods().values()}
            left = [there[uid] for uid in uids.values() if uid in there]
            return all(pod["metadata"].get("deletionTimestamp") for pod in left)

        self._wait(stopping, f"{', '.join(sorted(uids))} to be asked to stop")

    def wait_gone(self) -> None:
        """Wait until the set is no longer there."""
        names = self.names

        def gone() -> bool:
            found = self.recorder.current("statefulsets", names.namespace, names.set_name)
            return found is None or found["metadata"]["uid"] != self._uid

        self._wait(gone, f"StatefulSet {names.set_name} to be gone")

    def wait_revisions(self, count: int) -> None:
        """Wait until this many ControllerRevisions of the set's template are there: pruning follows the status."""

        def pruned() -> bool:
            found = self.recorder.objects("controllerrevisions", self.names.namespace).values()
            return len([r for r in found if r["metadata"].get("labels", {}).get("app") == self.names.app]) == count

        self._wait(pruned, f"{count} ControllerRevisions")

    def wait_available(self, count: int) -> None:
        """Wait until the set's controller counts this many available pods under the spec we gave last."""

        def counted() -> bool:
            return self._count("observedGeneration") >= self._generation and self._count("availableReplicas") == count

        self._wait(counted, f"status.availableReplicas to be {count}")

    def wait_owned(self, *ordinals: int, owned: bool) -> None:
        """Wait until these pods carry an owner reference, or none."""

        def done() -> bool:
            pods = self.pods()
            found = [bool(pods[name]["metadata"].get("ownerReferences")) for name in map(self._pod_name, ordinals)]
            return all(has is owned for has in found)

        what = "be owned" if owned else "have no owner"
        self._wait(done, f"pods {list(ordinals)} to {what}")

    def wait_label(self, ordinal: int, label: str) -> None:
        """Wait until a label of this pod holds the pod's own name."""
        name = self._pod_name(ordinal)

        def repaired() -> bool:
            pod = self.pods().get(name)
            return pod is not None and (pod["metadata"].get("labels") or {}).get(label) == name

        self._wait(repaired, f"label {label} of {name} to be its name")

    def wait_claims(self, *ordinals: int) -> None:
        """Wait until the claims of exactly these ordinals are there, terminating ones included."""
        self._wait_claims(ordinals, lambda _: True, "to be the only ones")

    def wait_claims_stay(self) -> None:
        """Wait until no claim of the set is on its way out: asked to go, or owned by a pod that is no longer there."""

        def stay() -> bool:
            pods = self.pods()
            there = {pod["metadata"]["uid"] for pod in pods.values() if not pod["metadata"].get("deletionTimestamp")}
            claims = self._claims().values()
            owners = {
                owner["uid"]
                for claim in claims
                for owner in claim["metadata"].get("ownerReferences") or ()
                if owner["kind"] == "Pod"
            }
            leaving = any(claim["metadata"].get("deletionTimestamp") for claim in claims)
            return not leaving and owners <= there and len(pods) == len(there)

        self._wait(stay, "no claim to be on its way out")

    def wait_claims_owned(self, *ordinals: int) -> None:
        """Wait until exactly these claims are there and each carries a reference to the set."""

        def owned(claim: Object) -> bool:
            return any(owner["uid"] == self._uid for owner in claim["metadata"].get("ownerReferences") or ())

        self._wait_claims(ordinals, owned, "to refer to the set")

    def _wait_claims(self, ordinals: Iterable[int], condition: Callable[[Object], bool], what: str) -> None:
        names = {f"{self.names.claim}-{self._pod_name(ordinal)}" for ordinal in ordinals}

        def done() -> bool:
            mine = self._claims()
            return set(mine) == names and all(map(condition, mine.values()))

        self._wait(done, f"the claims {sorted(names)} {what}")

    def _claims(self) -> dict[str, Object]:
        """The claims of the set's pods as last seen, by name."""
        prefix = f"{self.names.claim}-{self.names.set_name}-"
        claims = self.recorder.objects("persistentvolumeclaims", self.names.namespace)
        return {name: claim for name, claim in claims.items() if name.startswith(prefix)}

    def uids(self, *ordinals: int) -> dict[str, str]:
        """The uids of these pods, by name."""
        pods = self.pods()
        return {name: pods[name]["metadata"]["uid"] for name in map(self._pod_name, ordinals)}

    def wait_published(self) -> bool:
        """Whether the governing Service came to answer with exactly the set's ready pods, in the time allowed."""

        def published() -> bool:
            slices = self.recorder.objects("endpointslices", self.names.namespace).values()
            pods = self.pods()
            found = {
                target["uid"]
                for one in slices
                if (one["metadata"].get("labels") or {}).get("kubernetes.io/service-name") == self.names.service
                for endpoint in one.get("endpoints") or ()
                if (endpoint.get("conditions") or {}).get("ready") is not False
                if (target := endpoint.get("targetRef") or {}).get("name") in pods
            }
            return found == {p["metadata"]["uid"] for p in pods.values() if _state(p) == "is Ready"}

        try:
            self.recorder.wait_for(
                published, self.waits.publish, f"Service {self.names.service} to answer with its pods"
            )
        except WaitTimeout:
            return False
        return True

    def _settled(self, *, updated: bool) -> bool:
        found = self._current()
        if found is None:
            return False
        wanted, status, pods = found["spec"].get("replicas", 1), found.get("status") or {}, self.pods()
        first = (found["spec"].get("ordinals") or {}).get("start", 0)
        counts = ["replicas", "readyReplicas", *(["updatedReplicas"] if updated else [])]
        return (
            status.get("observedGeneration", 0) >= found["metadata"]["generation"]
            and all((status.get(count) or 0) == wanted for count in counts)
            and (not updated or status.get("currentRevision") == status.get("updateRevision"))
            and set(pods) == {f"{self.names.set_name}-{ordinal}" for ordinal in range(first, first + wanted)}
            and all(_state(pod) == "is Ready" for pod in pods.values())
        )

    def pods(self) -> dict[str, Any]:
        """The set's pods as last seen, by name."""
        pattern = re.compile(re.escape(self.names.set_name) + r"-(0|[1-9]\d*)")
        found = self.recorder.objects("pods", self.names.namespace)
        return {name: pod for name, pod in found.items() if pattern.fullmatch(name)}

    def _wait(self, condition: Callable[[], T | None], what: str) -> T:
        """Wait until something true comes back, and return it; raises ``WaitTimeout`` that says what was waited for."""
        return self.recorder.wait_for(condition, self.waits.settle, what)

    def hindrance(self) -> str | None:
        """What around the set's controller keeps its pods from being there and Ready, as far as it shows.

        Where the server does not answer that is it: what was seen last may be old.
        """
        try:
            events = list(self.api.list("Event", self.names.namespace))
        except ApiError:  # what the objects show is left
            events = []
        except ClusterError as away:
            return away.what
        pods = self.pods()
        return hindrance(self._uid, pods, self._claims(), events, self._nodes(pods))

    def _nodes(self, pods: Mapping[str, Object]) -> list[Object]:
        """The nodes of these pods; none where they may not be read."""
        try:
            found = [
                self.api.get("Node", name) for name in {pod["spec"].get("nodeName") for pod in pods.values()} if name
            ]
        except (ApiError, ClusterError):
            return []
        return [node for node in found if node]

    def shortfall(self) -> str:
        """What is not there yet, in words: for the message of a wait that ran out."""
        found = self._current() or {}
        status, wanted = found.get("status") or {}, (found.get("spec") or {}).get("replicas")
        reasons = [f"{name} {_state(pod)}" for name, pod in sorted(self.pods().items()) if _state(pod) != "is Ready"]
        return (
            f"{status.get('readyReplicas') or 0} of {wanted} pods Ready; {', '.join(reasons) or 'no pod is being made'}"
        )


def _state(pod: Object) -> str:
    status = pod.get("status") or {}
    if pod["metadata"].get("deletionTimestamp"):
        return "is terminating"
    for container in status.get("containerStatuses") or ():
        waiting = (container.get("state") or {}).get("waiting")
        if waiting:
            return f"is waiting: {waiting.get('reason')} {waiting.get('message', '')[:160]}".strip()
    conditions = {c["type"]: c["status"] for c in status.get("conditions") or ()}
    if conditions.get("Ready") == "True":
        return "is Ready"
    return f"is {status.get('phase')} and not Ready"
