"""The rights a run uses, in one table: what the preflight asks for, and what ``stsconf rbac`` prints."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from stsconf import suite_files
from stsconf.kube.api import Api, Object

NAME = "stsconf"
"""Of the service account, the roles and their bindings."""


@dataclass(frozen=True, slots=True, order=True)
class Right:
    """One verb on one resource of an API group ("" for core); a subresource is written ``pods/exec``."""

    group: str
    resource: str
    verb: str

    def __str__(self) -> str:
        return f"{self.verb} {self.resource}{f'.{self.group}' if self.group else ''}"


def _table(rows: Mapping[tuple[str, str], str]) -> tuple[Right, ...]:
    return tuple(Right(group, resource, verb) for (group, resource), verbs in rows.items() for verb in verbs.split())


NEEDED = _table(
    {
        ("", "pods"): "get list watch create patch delete",
        ("", "pods/status"): "patch",
        ("", "pods/exec"): "get create",  # a websocket begins with GET; from 1.35 on it takes create as well
        ("", "pods/proxy"): "get",
        ("", "services"): "list watch create delete",
        ("", "persistentvolumeclaims"): "get list watch create delete",
        ("", "configmaps"): "get list create patch delete",
        ("", "events"): "list watch",
        ("apps", "statefulsets"): "list watch create patch delete",
        ("apps", "controllerrevisions"): "list watch delete",
        ("discovery.k8s.io", "endpointslices"): "list watch",
    }
)
"""In the namespace that the run works in; without one of them it is refused."""
LOOKS = _table(
    {
        ("", "resourcequotas"): "list",
        ("autoscaling", "horizontalpodautoscalers"): "list",
        ("autoscaling.k8s.io", "verticalpodautoscalers"): "list",
    }
)
"""What the preflight looks at in that namespace; without one of them it says what it could not see."""
VOLUMES = _table({("", "persistentvolumes"): "list watch", ("storage.k8s.io", "storageclasses"): "get list"})
"""Cluster-scoped reading; without it what is promised of volumes is not judged."""
OWN_NAMESPACES = _table({("", "namespaces"): "get create delete", ("", "persistentvolumes"): "list"})
"""What it takes beside ``NEEDED``, in the whole cluster, to work in namespaces that the run makes and removes."""


def missing(api: Api, rights: Iterable[Right], namespace: str | None) -> list[Right]:
    """Those that the server does not allow us, in a namespace or (``None``) everywhere. Raises ``ApiError``."""
    rights = tuple(rights)
    with ThreadPoolExecutor(8) as pool:
        allowed = list(pool.map(lambda right: _allowed(api, right, namespace), rights))
    return [right for right, yes in zip(rights, allowed, strict=True) if not yes]


def _allowed(api: Api, right: Right, namespace: str | None) -> bool:
    resource, _, subresource = right.resource.partition("/")
    attributes = {"verb": right.verb, "group": right.group, "resource": resource, "subresource": subresource}
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": {**attributes, "namespace": namespace or ""}},
    }
    answer = api.request("POST", "apis/authorization.k8s.io/v1/selfsubjectaccessreviews", review)
    return bool((answer.get("status") or {}).get("allowed"))


def rules(rights: Iterable[Right]) -> list[Object]:
    """The rules of a Role that grants them, one per resource."""
    found: dict[tuple[str, str], list[str]] = {}
    for right in rights:
        found.setdefault((right.group, right.resource), []).append(right.verb)
    return [{"apiGroups": [group], "resources": [name], "verbs": verbs} for (group, name), verbs in found.items()]


def role_manifests(namespace: str, *, volumes: bool) -> Iterator[Object]:
    """A service account with the rights of a run in a prepared namespace, and with ``VOLUMES`` where asked for."""
    rbac = "rbac.authorization.k8s.io"
    subjects = [{"kind": "ServiceAccount", "name": NAME, "namespace": namespace}]
    here = {"name": NAME, "namespace": namespace}
    yield {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": here}
    yield {"apiVersion": f"{rbac}/v1", "kind": "Role", "metadata": here, "rules": rules((*NEEDED, *LOOKS))}
    role = {"apiGroup": rbac, "kind": "Role", "name": NAME}
    yield {
        "apiVersion": f"{rbac}/v1",
        "kind": "RoleBinding",
        "metadata": here,
        "roleRef": role,
        "subjects": subjects,
    }
    if volumes:
        name = {"name": f"{NAME}-{namespace}-volumes"}
        yield {"apiVersion": f"{rbac}/v1", "kind": "ClusterRole", "metadata": name, "rules": rules(VOLUMES)}
        yield {
            "apiVersion": f"{rbac}/v1",
            "kind": "ClusterRoleBinding",
            "metadata": name,
            "roleRef": {"apiGroup": rbac, "kind": "ClusterRole", **name},
            "subjects": subjects,
        }


def job_manifest(namespace: str, image: str, options: Sequence[str]) -> Object:
    """``manifests/job.yaml`` filled in: a run with these options of ``stsconf run``, as that service account."""
    (job,) = suite_files.manifest("job.yaml")
    job["metadata"]["namespace"] = namespace
    (container,) = job["spec"]["template"]["spec"]["containers"]
    container["image"] = image
    container["args"] += ["--namespace", namespace, *options]
    return job
