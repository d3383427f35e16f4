"""The objects of one workload: what they are called, and the manifests that are applied."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from stsconf import suite_files
from stsconf.kube.api import Object

Edit = Callable[[Object], None]
"""Changes the StatefulSet manifest that it is given."""

GATE = "stsconf.dev/released"
"""A readiness gate (core/v1 PodReadinessGate): the kubelet reports a pod Ready only while this condition is True."""
POD_NAME_LABEL = "statefulset.kubernetes.io/pod-name"
"""The label that holds a pod's own name."""
NO_IMAGE = frozenset({"ErrImagePull", "ImagePullBackOff", "ErrImageNeverPull", "InvalidImageName"})
"""Reasons of the kubelet for a container whose image cannot be had."""


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

    def pod(self, ordinal: int) -> str:
        """The name of a pod of the set."""
        return f"{self.set_name}-{ordinal}"

    def claim_of(self, ordinal: int) -> str:
        """The name of the claim of a pod of the set."""
        return f"{self.claim}-{self.pod(ordinal)}"


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


def bare_pod(image: str, kind: Kind) -> Object:
    """The spec of a pod without a claim."""
    pod: Object = {"containers": [{"name": "nginx", "image": image}]}
    kind.fit(pod)
    return pod


def second_set(names: Names, image: str, kind: Kind) -> Object:
    """A StatefulSet of one pod and no claim beside the set, which does not select its pod."""
    labels = names.labels("-witness")
    return {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": {"name": f"{names.set_name}-witness", "labels": labels},
        "spec": {
            "replicas": 1,
            "serviceName": names.service,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": bare_pod(image, kind)},
        },
    }


def gated(stateful_set: Object) -> None:
    """Give the pods a readiness gate, so that a scenario can hold them back."""
    stateful_set["spec"]["template"]["spec"]["readinessGates"] = [{"conditionType": GATE}]


def with_spec(**fields: object) -> Edit:
    """An edit that sets fields of a StatefulSet's spec."""
    return lambda stateful_set: stateful_set["spec"].update(fields)
