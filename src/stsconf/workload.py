"""The verbs: what a user does to the documented Service and StatefulSet, each call recorded."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from stsconf import suite_files
from stsconf.api import Api, Object
from stsconf.recorder import Recorder
from stsconf.waits import Waits

Edit = Callable[[Object], None]


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
    ) -> None:
        self.api = api
        self.recorder = recorder
        self.names = names
        self.images = images
        self.waits = waits
        self._storage_class = storage_class
        self._edit = edit

    def create(self, replicas: int | None = None) -> None:
        """Create the documented objects."""
        service, stateful_set = documented(self.names, self.images["nginx_old"], self._storage_class)
        if replicas is not None:
            stateful_set["spec"]["replicas"] = replicas
        if self._edit:
            self._edit(stateful_set)
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
            act.returned(self.api.patch("StatefulSet", names.set_name, body, names.namespace))

    def wait_settled(self) -> None:
        """Wait until the set's own status says that everything asked for is there and Ready.

        Raises ``WaitTimeout`` that says which pod is missing and why.
        """
        self.recorder.wait_for(self._settled, self.waits.settle, f"StatefulSet {self.names.set_name} to be settled")

    def _settled(self) -> bool | None:
        found = self.recorder.current("statefulsets", self.names.namespace, self.names.set_name)
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
        found = self.recorder.current("statefulsets", self.names.namespace, self.names.set_name) or {}
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
