"""What can be known before anything is made on somebody else's cluster: a list of findings, in seconds.

The server itself is asked: access reviews say what we may do, and dry runs (which pass through every admission plugin
and store nothing) say whether quota, limits, Pod Security and webhooks would let the workload in.
"""

import platform
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import yaml

from stsconf.act.objects import Kind, Names, documented
from stsconf.cleanup.clean import server_time
from stsconf.cleanup.inventory import RECORD, read_record
from stsconf.clusters import Cluster
from stsconf.clusters.rights import LOOKS, NEEDED, OWN_NAMESPACES, VOLUMES, Right, missing, rules
from stsconf.clusters.storage import known_classes, probe
from stsconf.errors import PreflightRefused
from stsconf.kube.api import Api, ApiError, Object
from stsconf.kube.kubeconfig import in_pod
from stsconf.options import spelled
from stsconf.quantity import quantity
from stsconf.waits import Say

VERSIONS = ((1, 32), (1, 37))
"""The oldest and the newest Kubernetes that the promises were judged on."""
SKEW = 5.0
"""Seconds between our clock and the server's that are worth a word; no verdict depends on either."""
_ROOM = (Right("", "nodes", "list"), Right("", "pods", "list"))


@dataclass(frozen=True, slots=True)
class Asked:
    """What the run is going to do: where (``None``: in namespaces of its own), with which workload and how much."""

    namespace: str | None
    kind: Kind
    pods: int
    sets: int
    allow_foreign: bool = False


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was found. ``stage`` is one word or two for what was looked at; a warning does not refuse."""

    stage: str
    what: str
    next_step: str
    refuses: bool = True

    def __str__(self) -> str:
        return f"preflight: {self.stage}{'' if self.refuses else ' (a warning)'}: {self.what} {self.next_step}"


def check(cluster: Cluster, asked: Asked, say: Say) -> None:
    """Say every finding. Raises ``PreflightRefused`` when one of them refuses; nothing has been made then."""
    say("preflight: looking at rights, class, quota, admission and who else is there")
    found = list(findings(cluster, asked))
    for finding in found:
        say(str(finding))
    if stages := [finding.stage for finding in found if finding.refuses]:
        raise PreflightRefused(
            f"The preflight refused the run before anything was made: {', '.join(stages)}. "
            + " ".join(f"{f.what} {f.next_step}" for f in found if f.refuses)
        )


def findings(cluster: Cluster, asked: Asked) -> Iterator[Finding]:
    """All that is worth a word, in the order of the checks. Raises ``ClusterError`` when the server does not answer."""
    api, namespace = cluster.api, asked.namespace
    lacking = missing(api, (*NEEDED, *(LOOKS if namespace else OWN_NAMESPACES)), namespace)
    blind = missing(api, VOLUMES, None)
    yield from _rights(namespace, lacking, blind)
    yield from _version(cluster.version)
    yield from _clock(api)
    yield from _class(api, cluster.storage_class, blind)
    yield from _room(api, asked)
    if namespace is None:
        return
    yield from _others(api, namespace, lacking, allow_foreign=asked.allow_foreign)
    yield from _autoscalers(api, namespace, lacking)
    admitted: dict[str, Object] = {}
    yield from _admission(cluster, asked, lacking, admitted)
    yield from _quota(cluster, asked, lacking, admitted.get("Pod", {}))


def _rights(namespace: str | None, lacking: list[Right], blind: list[Right]) -> Iterator[Finding]:
    where = f"in namespace {namespace}" if namespace else "in the whole cluster, for namespaces of its own"
    if needed := [right for right in lacking if right not in LOOKS]:
        fix = (
            f"Add to the Role: {_short(needed)}; `stsconf rbac --namespace {namespace}` prints all of it."
            if namespace
            else f"Name a namespace that was prepared for the run with {spelled('namespace')}; `stsconf rbac` prints "
            "the Role it takes there."
        )
        yield Finding("rights", f"Missing {where}: {', '.join(map(str, needed))}.", fix)
    if looks := [right for right in lacking if right in LOOKS]:
        what = f"Missing {where}: {', '.join(map(str, looks))}. What they would show was not looked at."
        yield Finding("rights", what, f"Add to the Role: {_short(looks)}.", refuses=False)
    if blind:
        what = (
            f"Missing in the whole cluster: {', '.join(map(str, blind))}. Promises about volumes are then inconclusive."
        )
        fix = f"`stsconf rbac --namespace {namespace or 'NAME'} --with-volumes` prints the ClusterRole."
        yield Finding("rights", what, fix, refuses=False)


def _short(rights: list[Right]) -> str:
    text: str = yaml.safe_dump(rules(rights), default_flow_style=True, width=10_000, sort_keys=False)
    return text.strip()


def _version(version: str) -> Iterator[Finding]:
    known = re.match(r"v(\d+)\.(\d+)", version)
    oldest, newest = (".".join(map(str, one)) for one in VERSIONS)
    if known is None or not VERSIONS[0] <= (int(known[1]), int(known[2])) <= VERSIONS[1]:
        what = f"The server is {version}; the promises were judged on Kubernetes {oldest} to {newest}."
        yield Finding("version", what, "Read its verdicts with that in mind.", refuses=False)


def _clock(api: Api) -> Iterator[Finding]:
    skew = (server_time(api) - datetime.now(UTC)).total_seconds()
    if abs(skew) > SKEW:
        what = f"The server's clock and this machine's are {abs(skew):.0f} s apart. No verdict depends on them."
        yield Finding("clock", what, "Compare `date -u` on both, since certificates and logs do.", refuses=False)


def _class(api: Api, name: str, blind: list[Right]) -> Iterator[Finding]:
    if not name:
        what = "No StorageClass was given, and the cluster has no default StorageClass."
        yield Finding(
            "class", what, f"Name one with {spelled('storage-class')}; `kubectl get storageclass` lists them."
        )
        return
    if blind:
        return
    found = api.get("StorageClass", name)
    if found is None:
        what = f"There is no StorageClass {name} (this cluster has: {known_classes(api)})."
        yield Finding("class", what, f"Name one of them with {spelled('storage-class')}.")
    elif found.get("reclaimPolicy") == "Retain":
        what = f"Volumes of StorageClass {name} have reclaim policy Retain: they stay, and cost money, after the run."
        yield Finding(
            "class", what, "The run names each at its end; `kubectl delete pv NAME` removes one.", refuses=False
        )


def _room(api: Api, asked: Asked) -> Iterator[Finding]:
    """Whether the nodes take the pods of all scenarios, which stay until the run ends, as far as we may look."""
    if missing(api, _ROOM, None):
        return
    rooms = _rooms(api)
    alive = [pod for pod in api.list("Pod") if pod["status"].get("phase") in ("Pending", "Running")]
    free = sum(rooms.values()) - sum(pod["spec"].get("nodeName") in rooms for pod in alive)
    if free < asked.pods + 1:
        what = f"The nodes have room for {free} more pods; the run takes up to {asked.pods + 1}."
        yield Finding("room", what, f"Run less at one time with {spelled('scenario')} or {spelled('promises')}.")


def _rooms(api: Api) -> dict[str, Decimal]:
    """How many pods each node takes, of those that take a pod which tolerates nothing."""
    return {
        node["metadata"]["name"]: quantity(node["status"]["allocatable"]["pods"])
        for node in api.list("Node")
        if not any(taint["effect"] in ("NoSchedule", "NoExecute") for taint in node["spec"].get("taints") or ())
    }


def _others(api: Api, namespace: str, lacking: list[Right], *, allow_foreign: bool) -> Iterator[Finding]:
    """Another run in the namespace, or workloads that are not ours."""
    if not _lacks(lacking, "get", "configmaps") and (held := api.get("ConfigMap", RECORD, namespace)):
        record = read_record(held)
        who = f"run {record.run} ({record.owner})" if record else "a record of a run that cannot be read"
        what = f"Namespace {namespace} holds {who}: it is under way, or was killed."
        yield Finding("another run", what, f"See `stsconf clean --namespace {namespace}`.")
        return
    there = [
        f"{kind.lower()} {name}"
        for kind, resource in (
            ("StatefulSet", "statefulsets"),
            ("Pod", "pods"),
            ("PersistentVolumeClaim", "persistentvolumeclaims"),
        )
        if not _lacks(lacking, "list", resource)
        for name in (found["metadata"]["name"] for found in api.list(kind, namespace))
        if (kind, name) != ("Pod", _own_pod())
    ]
    if there and not allow_foreign:
        more = f" and {len(there) - 3} more" if len(there) > 3 else ""
        what = f"Namespace {namespace} holds workloads of others: {', '.join(there[:3])}{more}."
        fix = f"Name an empty one, or add {spelled('allow-foreign')}: they are recorded and not changed."
        yield Finding("other workloads", what, fix)


def _own_pod() -> str | None:
    """The pod that this process runs in, where it runs in one."""
    return platform.node() if in_pod() else None


def _lacks(lacking: list[Right], verb: str, resource: str) -> bool:
    return any((right.verb, right.resource) == (verb, resource) for right in lacking)


def _autoscalers(api: Api, namespace: str, lacking: list[Right]) -> Iterator[Finding]:
    for right in LOOKS:
        if not right.group.startswith("autoscaling") or right in lacking:
            continue
        version = "v2" if right.group == "autoscaling" else "v1"
        path = f"apis/{right.group}/{version}/namespaces/{namespace}/{right.resource}"
        if names := [found["metadata"]["name"] for found in _items(api, path)]:
            what = f"Namespace {namespace} has {right.resource} ({', '.join(names[:3])})."
            fix = "One that selects our pods changes them, which the recording shows as interference; remove it first."
            yield Finding("autoscalers", what, fix, refuses=False)


def _items(api: Api, path: str) -> list[Object]:
    """The items of a collection; none where the server does not know the resource."""
    try:
        return list(api.request("GET", path)["items"])
    except ApiError as error:
        if error.status == 404:
            return []
        raise


def _admission(cluster: Cluster, asked: Asked, lacking: list[Right], admitted: dict[str, Object]) -> Iterator[Finding]:
    """Dry runs of everything that the run makes; ``admitted`` receives each as the server would store it."""
    namespace = str(asked.namespace)
    names = Names(namespace, "stsconf-preflight", "stsconf-preflight")
    service, stateful_set = documented(names, cluster.images["nginx_old"], cluster.storage_class, asked.kind)
    claim, tester = probe(cluster.images, cluster.storage_class, asked.kind, {})
    template = stateful_set["spec"]["template"]
    volumes = [*template["spec"].get("volumes", ()), {"name": names.claim, "emptyDir": {}}]
    pod: Object = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": names.set_name, **template["metadata"]},
        "spec": {**template["spec"], "volumes": volumes},
    }
    said: set[str] = set()
    for manifest in (pod, tester, claim, service, stateful_set):
        kind = str(manifest["kind"])
        if _lacks(lacking, "create", f"{kind.lower()}s"):
            continue
        try:
            stored = cluster.api.request("POST", f"{cluster.api.path(kind, namespace)}?dryRun=All", manifest)
        except ApiError as error:
            finding = _refused(kind, namespace, asked.kind, error)
            if finding.stage not in said:
                yield finding
            said.add(finding.stage)
            continue
        admitted.setdefault(kind, stored)
    yield from _injected(pod, admitted.get("Pod"))


def _refused(kind: str, namespace: str, workload: Kind, error: ApiError) -> Finding:
    """What a dry run that was refused means; the server's own words are part of it."""
    words, what = error.what.split(": ", 1)[-1], f"The server would refuse the run's {kind} in namespace {namespace}"
    if error.status == 404:
        return Finding("namespace", f"There is no namespace {namespace}.", f"`kubectl create namespace {namespace}`.")
    if "does not support dry run" in words:
        return Finding(
            "webhook", f"{what} in a dry run: {words}.", "What it does is seen in the run only.", refuses=False
        )
    if "violates PodSecurity" in words:
        fix = (
            f"Add {spelled('workload', 'restricted')}, which judges the overlay for it."
            if workload is Kind.DOCUMENTED
            else "Ask for a namespace whose level is restricted or less."
        )
        return Finding("pod security", f"{what}: {words}.", fix)
    if "quota" in words:
        return Finding("quota", f"{what}: {words}.", f"See `kubectl -n {namespace} describe resourcequota`.")
    if re.search(
        r"(minimum|maximum) \S+ usage|limit to request ratio|per (Pod|Container|PersistentVolumeClaim)", words
    ):
        return Finding("limits", f"{what}: {words}.", f"See `kubectl -n {namespace} describe limitrange`.")
    if re.search(r"denied (the )?request", words):
        fix = "Ask who runs that webhook or policy for an exception for this namespace."
        return Finding("admission", f"{what}: {words}.", fix)
    return Finding("admission", f"{what} ({error.status}): {words}.", "Use a namespace where it does.")


def _injected(sent: Object, stored: Object | None) -> Iterator[Finding]:
    def containers(pod: Object) -> set[str]:
        return {c["name"] for key in ("containers", "initContainers") for c in pod["spec"].get(key) or ()}

    if stored and (more := sorted(containers(stored) - containers(sent))):
        what = f"Something adds containers to our pods: {', '.join(more)}. They start and stop with ours."
        fix = "Exempt the namespace from injection, or read what starts late with that in mind."
        yield Finding("sidecars", what, fix, refuses=False)


def _quota(cluster: Cluster, asked: Asked, lacking: list[Right], pod: Object) -> Iterator[Finding]:
    """Whether everything that is there at one time fits beside what is there already."""
    if not asked.namespace or _lacks(lacking, "list", "resourcequotas"):
        return
    wanted = _wanted(cluster.storage_class, asked, pod)
    for quota in cluster.api.list("ResourceQuota", asked.namespace):
        spec, status = quota["spec"], quota.get("status") or {}
        if spec.get("scopes") or spec.get("scopeSelector"):
            continue  # a dry run has said whether one pod comes under it and fits
        for resource, hard in (status.get("hard") or spec.get("hard") or {}).items():
            free = quantity(hard) - quantity((status.get("used") or {}).get(resource, 0))
            if wanted.get(resource, 0) > free:
                name = quota["metadata"]["name"]
                what = f"Quota {name} leaves {free} of {resource}; the run takes up to {wanted[resource]} at one time."
                fix = f"Have it raised, or run less at one time with {spelled('scenario')} or {spelled('promises')}."
                yield Finding("quota", what, fix)


def _wanted(class_name: str, asked: Asked, pod: Object) -> dict[str, Decimal]:
    pods = Decimal(asked.pods + 1)
    found: dict[str, Decimal] = {
        **dict.fromkeys(("pods", "count/pods"), pods),
        **dict.fromkeys(("persistentvolumeclaims", "count/persistentvolumeclaims"), pods),
        **dict.fromkeys(("services", "count/services", "count/statefulsets.apps"), Decimal(asked.sets)),
        "requests.storage": Decimal(asked.pods * 2**30),
    }
    in_class = f"{class_name}.storageclass.storage.k8s.io"
    found |= {f"{in_class}/persistentvolumeclaims": pods, f"{in_class}/requests.storage": found["requests.storage"]}
    for container in (pod.get("spec") or {}).get("containers") or ():
        resources: dict[str, Any] = container.get("resources") or {}
        for side in ("requests", "limits"):
            for what, amount in (resources.get(side) or {}).items():
                for name in (f"{side}.{what}", *([what] if side == "requests" else ())):
                    found[name] = found.get(name, Decimal(0)) + quantity(amount) * asked.pods
    return found
