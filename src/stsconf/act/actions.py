"""The verbs: what a user does to the documented Service and StatefulSet, each call recorded.

None of them waits for what it causes. What is done to a pod or a claim meets objects that others change as well: it is
tried again a few times where the object had just changed (409) or gone (404).
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime

from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_fixed

from stsconf.act import kubectl, objects
from stsconf.act.objects import GATE, Edit
from stsconf.act.setting import Setting
from stsconf.act.state import State
from stsconf.errors import NotCarriedOut, UsageError
from stsconf.kube.api import JSON_PATCH, MERGE_PATCH, STRATEGIC_MERGE_PATCH, ApiError, Object

TRIES = 3
"""How often an act on a pod or a claim is tried."""


class Actions:
    """Acts on one Service and one StatefulSet, and on what belongs to them.

    Raises ``ApiError`` for a refusal, ``NotCarriedOut`` where there was nothing to act on.
    """

    def __init__(self, setting: Setting, state: State) -> None:
        self._setting = setting
        self._api = setting.api
        self._act = setting.recorder.act
        self._names = setting.names
        self._state = state

    # The set.

    def create(self, replicas: int | None = None, edit: Edit | None = None) -> None:
        """Create the documented objects; ``edit`` changes the StatefulSet for a scenario that needs it.

        A Service that is there, as after the deletion of a set, stays.
        """
        setting, names = self._setting, self._names
        image = setting.images["nginx_old"]
        service, stateful_set = objects.documented(names, image, setting.storage_class, setting.kind)
        if replicas is not None:
            stateful_set["spec"]["replicas"] = replicas
        for change in (edit, setting.edit):
            if change:
                change(stateful_set)
        if setting.recorder.current("services", names.namespace, names.service) is None:
            self._create("services", service)
        self._state.changed(self._create("statefulsets", stateful_set))

    def patch(self, body: object, verb: str = "patch", content_type: str = MERGE_PATCH) -> None:
        """Patch the set."""
        names = self._names
        with self._act(verb, "statefulsets", names.namespace, names.set_name, body) as act:
            stored = self._api.patch("StatefulSet", names.set_name, body, names.namespace, content_type)
            act.returned(stored)
        self._state.changed(stored)

    def scale(self, replicas: int) -> None:
        """Set ``spec.replicas``, as ``kubectl scale`` does."""
        self.patch({"spec": {"replicas": replicas}}, "scale")

    def set_image(self, key: str) -> None:
        """Change the image by JSON patch, as the tutorial does: ``nginx_old`` or ``nginx_new``."""
        path = "/spec/template/spec/containers/0/image"
        self.patch([{"op": "replace", "path": path, "value": self._setting.images[key]}], content_type=JSON_PATCH)

    def set_strategy(self, kind: str = "RollingUpdate", **rolling: object) -> None:
        """Set the update strategy, such as ``partition=2`` of a rolling update."""
        self.patch({"spec": {"updateStrategy": {"type": kind, "rollingUpdate": rolling or None}}})

    def set_history_limit(self, limit: int, verb: str = "patch") -> bool:
        """Change revisionHistoryLimit; whether the server lets it be changed on a live set, as it does from 1.33 on."""
        try:
            self.patch({"spec": {"revisionHistoryLimit": limit}}, verb)
        except ApiError as refused:
            if "updates to statefulset spec" not in str(refused):
                raise
            return False
        return True

    def restart(self) -> None:
        """Do what ``kubectl rollout restart`` does: change an annotation of the pod template."""
        stamp = {kubectl.RESTARTED: datetime.now(UTC).isoformat(timespec="seconds")}
        self.patch({"spec": {"template": {"metadata": {"annotations": stamp}}}}, "rollout restart")

    def undo(self, to_revision: int = 0) -> str:
        """Do what ``kubectl rollout undo`` does, and return what it says.

        ``to_revision`` 0 is the second highest. Raises ``UsageError`` for one that does not exist.
        """
        name, namespace = self._names.set_name, self._names.namespace
        wanted = kubectl.revision_to_restore(kubectl.history(self._api, namespace, self._state.uid), to_revision)
        found = self._state.observed()  # as recorded: the printed Role reads no StatefulSet by name
        if found and found.update_revision == wanted["metadata"]["name"]:
            why = f"current template already matches revision {to_revision}"
            return f"statefulset.apps/{name} skipped rollback ({why})"
        self.patch(wanted["data"], "rollout undo", STRATEGIC_MERGE_PATCH)
        return f"statefulset.apps/{name} rolled back"

    def delete(self, cascade: str) -> None:
        """Delete the set: ``Background``, ``Foreground`` or ``Orphan``, as ``kubectl delete --cascade`` does."""
        names, options = self._names, {"propagationPolicy": cascade}
        with self._act("delete", "statefulsets", names.namespace, names.set_name, options) as act:
            stored = self._api.delete("StatefulSet", names.set_name, names.namespace, **options)
            act.returned(stored or 404)
        if stored is None:
            raise NotCarriedOut(f"StatefulSet {names.set_name} was to be deleted, and was already gone.")

    def create_second_set(self) -> str:
        """Create a set of one pod beside the set, and return the name of that pod."""
        manifest = objects.second_set(self._names, self._setting.images["nginx_old"], self._setting.kind)
        self._create("statefulsets", manifest)
        return f"{manifest['metadata']['name']}-0"

    # Its pods.

    def delete_pods(self, *ordinals: int) -> None:
        """Delete pods by hand, with their own grace period."""
        for ordinal in ordinals:
            self._delete("Pod", "pods", self._names.pod(ordinal))

    def evict_pod(self, ordinal: int, uid: str) -> None:
        """Evict the pod that has this uid, as ``kubectl drain`` does."""
        name, options = self._names.pod(ordinal), {"preconditions": {"uid": uid}}
        body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name}, "deleteOptions": options}
        path = f"{self._api.path('Pod', self._names.namespace)}/{name}/eviction"
        self._tried("evict", "pods", name, body, lambda: self._api.request("POST", path, body))

    def patch_pod(self, ordinal: int, body: Object, verb: str = "patch") -> None:
        """Merge-patch one pod, such as its labels."""
        name = self._names.pod(ordinal)
        self._tried(verb, "pods", name, body, lambda: self._api.patch("Pod", name, body, self._names.namespace))

    def patch_pod_status(self, verb: str, ordinal: int, status: Object) -> Object:
        """Patch the status of one pod, as its kubelet does; conditions are merged by type. Returns the pod."""
        name, body = self._names.pod(ordinal), {"status": status}
        return self._tried(
            verb, "pods", name, body, lambda: self._api.patch_status("Pod", name, body, self._names.namespace)
        )

    def finish(self, ordinal: int, phase: str) -> int:
        """Report a pod Failed or Succeeded through its status; returns the resourceVersion of that."""
        return int(self.patch_pod_status("finish", ordinal, {"phase": phase})["metadata"]["resourceVersion"])

    def release(self, *ordinals: int, ready: bool = True) -> None:
        """Let pods of a gated set become Ready, or hold them back, by their readiness gate."""
        condition = {"type": GATE, "status": "True" if ready else "False"}
        for ordinal in ordinals:
            self.patch_pod_status("release" if ready else "hold", ordinal, {"conditions": [condition]})

    def add_pod(self, name: str, *, owned: bool = False) -> None:
        """Create a pod of our own with the labels that the set selects; ``owned``: controlled by somebody else."""
        metadata: Object = {"name": name, "labels": self._names.labels()}
        if owned:
            metadata["ownerReferences"] = [self._somebody_else(name, metadata["labels"])]
        spec = objects.bare_pod(self._setting.images["nginx_old"], self._setting.kind)
        self._create("pods", {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})

    # Its claims.

    def delete_claim(self, ordinal: int) -> None:
        """Delete the claim of one pod by hand."""
        self._delete("PersistentVolumeClaim", "persistentvolumeclaims", self._names.claim_of(ordinal))

    def add_claim(self, ordinal: int) -> None:
        """Create the claim of a pod that is still to come, controlled by somebody else."""
        name = self._names.claim_of(ordinal)
        _, stateful_set = objects.documented(self._names, "", self._setting.storage_class)
        labels = stateful_set["spec"]["selector"]["matchLabels"]
        metadata = {"name": name, "labels": labels, "ownerReferences": [self._somebody_else(name, labels)]}
        (template,) = stateful_set["spec"]["volumeClaimTemplates"]
        manifest = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata, "spec": template["spec"]}
        self._create("persistentvolumeclaims", manifest)

    # Nodes.

    @contextmanager
    def cordoned(self, node: str) -> Iterator[None]:
        """No pod is placed on this node in the context."""
        self._mark("cordon", node)
        self._api.patch("Node", node, {"spec": {"unschedulable": True}})
        try:
            yield
        finally:
            self._api.patch("Node", node, {"spec": {"unschedulable": None}})
            self._mark("uncordon", node)

    @contextmanager
    def without(self, node: str) -> Iterator[None]:
        """The kubelet of this node does not run in the context. Raises ``UsageError`` where that cannot be had."""
        if self._setting.lose is None:
            raise UsageError("This cluster's nodes cannot be lost.", "Use --cluster kind --nodes 3.")
        with self._setting.lose(node):
            self._mark("lose", node)
            try:
                yield
            finally:
                self._mark("return", node)

    def _mark(self, verb: str, node: str) -> None:
        """Note what is done to a node."""
        with self._act(verb, "nodes", self._names.namespace, self._names.set_name, {"node": node}):
            pass

    def _create(self, resource: str, manifest: Object) -> Object:
        namespace, name = self._names.namespace, manifest["metadata"]["name"]
        with self._act("create", resource, namespace, name, manifest) as act:
            stored = self._api.create(manifest, namespace)
            act.returned(stored)
        return stored

    def _delete(self, kind: str, resource: str, name: str) -> None:
        path = self._api.path(kind, self._names.namespace, name)
        self._tried("delete", resource, name, None, lambda: self._api.request("DELETE", path))

    def _tried(self, verb: str, resource: str, name: str, body: object, call: Callable[[], Object]) -> Object:
        """Make a call that answers with an object, recording each try. Raises ``NotCarriedOut`` where none took."""

        def once() -> Object:
            with self._act(verb, resource, self._names.namespace, name, body) as act:
                stored = call()
                act.returned(stored)
            return stored

        raced = retry_if_exception(lambda error: isinstance(error, ApiError) and error.status in (404, 409))
        stop, pause = stop_after_attempt(TRIES), wait_fixed(self._setting.waits.again)
        try:
            return Retrying(retry=raced, stop=stop, wait=pause, reraise=True)(once)
        except ApiError as refused:
            tries = f"{TRIES} tries" if refused.status in (404, 409) else "one try"
            raise NotCarriedOut(f"The act {verb} of {resource}/{name} did not take in {tries}: {refused}") from refused

    def _somebody_else(self, name: str, labels: Mapping[str, str]) -> Object:
        """A controller reference to an object made for that."""
        mark = {"name": f"{name}-owner", "labels": dict(labels)}
        other = self._api.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": mark}, self._names.namespace)
        uid = other["metadata"]["uid"]
        return {"apiVersion": "v1", "kind": "ConfigMap", "name": mark["name"], "uid": uid, "controller": True}
