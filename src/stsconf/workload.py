"""The verbs: what a user does to the documented Service and StatefulSet, each call recorded."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from stsconf import suite_files
from stsconf.api import Api, ApiError, Object, run_in_pod
from stsconf.recorder import Recorder, WaitTimeout
from stsconf.waits import Waits

Edit = Callable[[Object], None]

GATE = "stsconf.dev/released"
"""A readiness gate (core/v1 PodReadinessGate): the kubelet reports a pod Ready only while this condition is True."""


@dataclass(frozen=True, slots=True)
class Names:
    """What one workload is called; several may live in one namespace. The defaults are the documented names."""

    namespace: str
    set_name: str = "web"
    service: str = "nginx"
    claim: str = "www"
    app: str = "nginx"


def documented(names: Names, image: str, storage_class: str) -> tuple[Object, Object]:
    """Service and StatefulSet of ``manifests/web.yaml`` under the given names, image and class."""
    service, stateful_set = suite_files.manifest("web.yaml")
    service["metadata"] = {"name": names.service, "labels": {"app": names.app}}
    service["spec"]["selector"] = {"app": names.app}
    stateful_set["metadata"]["name"] = names.set_name
    spec = stateful_set["spec"]
    spec["serviceName"] = names.service
    spec["selector"]["matchLabels"] = {"app": names.app}
    spec["template"]["metadata"]["labels"] = {"app": names.app}
    container = spec["template"]["spec"]["containers"][0]
    container["image"] = image
    container["volumeMounts"][0]["name"] = names.claim
    template = spec["volumeClaimTemplates"][0]
    template["metadata"]["name"] = names.claim
    template["spec"]["storageClassName"] = storage_class
    return service, stateful_set


def gated(stateful_set: Object) -> None:
    """Give the pods a readiness gate, so that a scenario can hold them back."""
    stateful_set["spec"]["template"]["spec"]["readinessGates"] = [{"conditionType": GATE}]


def marker(pod: Object) -> str:
    """What a pod writes to its volume, and the name of the file: its own name and uid."""
    return f"stsconf_{pod['metadata']['name']}_{pod['metadata']['uid']}"


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
    ) -> None:
        self.api = api
        self.recorder = recorder
        self.names = names
        self.images = images
        self.waits = waits
        self._storage_class = storage_class
        self._edit = edit
        self.nfs_reader = nfs_reader
        self._generation = 0

    def create(self, replicas: int | None = None, edit: Edit | None = None) -> None:
        """Create the documented objects; ``edit`` changes the StatefulSet for a scenario that needs it."""
        service, stateful_set = documented(self.names, self.images["nginx_old"], self._storage_class)
        if replicas is not None:
            stateful_set["spec"]["replicas"] = replicas
        for change in (edit, self._edit):
            if change:
                change(stateful_set)
        for manifest in (service, stateful_set):
            resource = "services" if manifest["kind"] == "Service" else "statefulsets"
            name = manifest["metadata"]["name"]
            with self.recorder.act("create", resource, self.names.namespace, name, manifest) as act:
                act.returned(self.api.create(manifest, self.names.namespace))

    def scale(self, replicas: int) -> None:
        """Set ``spec.replicas``, as ``kubectl scale`` does."""
        self.patch({"spec": {"replicas": replicas}}, "scale")

    def patch(self, body: Object, verb: str = "patch") -> None:
        """Merge-patch the set."""
        names = self.names
        with self.recorder.act(verb, "statefulsets", names.namespace, names.set_name, body) as act:
            stored = self.api.patch("StatefulSet", names.set_name, body, names.namespace)
            act.returned(stored)
        self._generation = stored["metadata"]["generation"]

    def release(self, *ordinals: int, ready: bool = True) -> None:
        """Let pods of a gated set become Ready, or hold them back, by their readiness gate."""
        for ordinal in ordinals:
            name = f"{self.names.set_name}-{ordinal}"
            body = {"status": {"conditions": [{"type": GATE, "status": "True" if ready else "False"}]}}
            with self.recorder.act("release" if ready else "hold", "pods", self.names.namespace, name, body) as act:
                act.returned(self.api.patch_status("Pod", name, body, self.names.namespace))

    def wait_pods(self, *ordinals: int) -> None:
        """Wait until exactly these pods are there, terminating ones included, whatever their state."""
        names = {f"{self.names.set_name}-{ordinal}" for ordinal in ordinals}
        self.recorder.wait_for(lambda: set(self.pods()) == names or None, self.waits.settle, f"exactly {sorted(names)}")

    def wait_ready(self, count: int) -> None:
        """Wait until the set's controller itself counts this many ready pods: from then on it knows."""

        def counted() -> bool | None:
            status = (self._current() or {}).get("status") or {}
            return (status.get("readyReplicas") or 0) == count or None

        self.recorder.wait_for(counted, self.waits.settle, f"status.readyReplicas to be {count}")

    def nudge(self) -> None:
        """Change the spec in a way that asks for nothing, and wait until the controller has noticed.

        It proves that the controller was alive and looked at the set: what it did not do, it chose not to do.
        """
        found = self.recorder.wait_for(self._current, self.waits.settle, "our last change of the set to be seen")
        limit = found["spec"]["revisionHistoryLimit"]
        self.patch({"spec": {"revisionHistoryLimit": limit + 1}}, "nudge")

        def noticed() -> bool | None:
            found = self._current()
            status = (found or {}).get("status") or {}
            return status.get("observedGeneration", 0) >= self._generation or None

        self.recorder.wait_for(noticed, self.waits.settle, "the controller to notice a change of the spec")

    def write_markers(self) -> None:
        """Each pod writes its ordinal and uid to its volume, under a name that no other pod uses."""
        for name, pod in sorted(self.pods().items()):
            uid = pod["metadata"]["uid"]
            run_in_pod(
                self.api, self.names.namespace, name, f"echo {marker(pod)} > /usr/share/nginx/html/{marker(pod)}"
            )
            self._observe("write", "exec", name, uid, marker(pod), marker(pod))

    def read_markers(self, written: Mapping[str, str]) -> None:
        """Look for what was written, by pod name: in the pod of that name now, on the server, in every other volume."""
        pods = self.pods()
        for name, text in sorted(written.items()):
            if name not in pods:
                continue
            uid = pods[name]["metadata"]["uid"]
            self._observe("read", "http", name, uid, text, self._http(self.names.namespace, name, text))
            for other in sorted(pods):
                folder = self._folder(other)
                if self.nfs_reader is None or folder is None:
                    continue
                found = self._http(*self.nfs_reader, f"{folder}/{text}")
                if other == name:
                    self._observe("read", "nfs", name, uid, text, found)
                else:
                    self._observe("look", "nfs", other, text.rsplit("_", 1)[-1], text, found)

    def markers(self) -> dict[str, str]:
        """What ``write_markers`` writes for the pods that are there, by pod name."""
        return {name: marker(pod) for name, pod in self.pods().items()}

    def _observe(self, verb: str, via: str, name: str, uid: str, text: str, content: str | None) -> None:
        claim = f"{self.names.claim}-{name}"
        self.recorder.observe(verb, via, self.names.namespace, claim, uid, text, content)

    def _http(self, namespace: str, pod: str, path: str) -> str | None:
        """A GET to a pod's nginx, through the API server; ``None`` for a 404."""
        try:
            return str(
                self.api.request("GET", f"api/v1/namespaces/{namespace}/pods/{pod}:80/proxy/{path}")["text"]
            ).strip()
        except ApiError as error:
            if error.status == 404:
                return None
            raise

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
        return found if found and found["metadata"]["generation"] >= self._generation else None

    def wait_settled(self) -> None:
        """Wait until the set's own status says that everything asked for is there and Ready.

        Raises ``WaitTimeout`` that says which pod is missing and why.
        """
        self.recorder.wait_for(self._settled, self.waits.settle, f"StatefulSet {self.names.set_name} to be settled")

    def wait_published(self) -> bool:
        """Whether the governing Service came to answer with exactly the set's ready pods, in the time allowed."""

        def published() -> bool | None:
            slices = self.recorder.objects("endpointslices", self.names.namespace).values()
            found = {
                (endpoint.get("targetRef") or {}).get("uid")
                for one in slices
                if (one["metadata"].get("labels") or {}).get("kubernetes.io/service-name") == self.names.service
                for endpoint in one.get("endpoints") or ()
                if (endpoint.get("conditions") or {}).get("ready") is not False
            }
            return found == {p["metadata"]["uid"] for p in self.pods().values() if _state(p) == "is Ready"} or None

        try:
            self.recorder.wait_for(
                published, self.waits.publish, f"Service {self.names.service} to answer with its pods"
            )
        except WaitTimeout:
            return False
        return True

    def _settled(self) -> bool | None:
        found = self._current()
        if found is None:
            return None
        spec, status = found["spec"], found.get("status") or {}
        wanted = spec.get("replicas", 1)
        pods = self.pods()
        done = (
            status.get("observedGeneration", 0) >= found["metadata"]["generation"]
            and (status.get("replicas") or 0) == wanted
            and (status.get("readyReplicas") or 0) == wanted
            and status.get("currentRevision") == status.get("updateRevision")
            and len(pods) == wanted
        )
        return True if done else None

    def pods(self) -> dict[str, Any]:
        """The set's pods as last seen, by name."""
        pattern = re.compile(re.escape(self.names.set_name) + r"-(0|[1-9]\d*)")
        found = self.recorder.objects("pods", self.names.namespace)
        return {name: pod for name, pod in found.items() if pattern.fullmatch(name)}

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
