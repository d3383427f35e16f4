"""Snapshot and compare on a real API server, with no right but to read one namespace."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from stsconf.act.objects import Names, documented
from stsconf.clusters import Cluster
from stsconf.kube.api import Object
from stsconf.waits import until
from tests.local.conftest import SECONDS

pytestmark = [pytest.mark.local]

SPACE = "sentry"
NAMED = {"metadata": {"name": "reader"}}
GROUP = "rbac.authorization.k8s.io"
READ = [
    {"apiGroups": ["apps"], "resources": ["statefulsets", "controllerrevisions"], "verbs": ["list"]},
    {"apiGroups": [""], "resources": ["pods", "persistentvolumeclaims"], "verbs": ["list"]},
]


READ_VOLUMES = [
    {"apiGroups": [""], "resources": ["persistentvolumes"], "verbs": ["list"]},
    {"apiGroups": [""], "resources": ["namespaces"], "resourceNames": ["kube-system"], "verbs": ["get"]},
]


def reader(cluster: Cluster, folder: Path, *, volumes: bool = False) -> Path:
    """A kubeconfig of a service account that may list one namespace, or also see volumes and which cluster it is."""
    subjects = [{"kind": "ServiceAccount", "name": "reader", "namespace": SPACE}]
    cluster.api.create({"apiVersion": "v1", "kind": "ServiceAccount", **NAMED}, SPACE)
    grants = [("Role", "RoleBinding", READ, SPACE)]
    if volumes:
        grants.append(("ClusterRole", "ClusterRoleBinding", READ_VOLUMES, None))
    for kind, binding, rules, space in grants:
        role = {"apiGroup": GROUP, "kind": kind, "name": "reader"}
        api_version = f"{GROUP}/v1"
        cluster.api.create({"apiVersion": api_version, "kind": kind, **NAMED, "rules": rules}, space)
        manifest = {"apiVersion": api_version, "kind": binding, **NAMED, "subjects": subjects, "roleRef": role}
        cluster.api.create(manifest, space)
    path = f"{cluster.api.path('ServiceAccount', SPACE, 'reader')}/token"
    request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
    token = cluster.api.request("POST", path, request)["status"]["token"]
    configuration = cluster.api.client.configuration
    kubeconfig = folder / "reader.kubeconfig"
    where = {"server": configuration.host, "certificate-authority": str(configuration.ssl_ca_cert)}
    context = {"cluster": "it", "user": "reader", "namespace": SPACE}
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "it", "cluster": where}],
        "users": [{"name": "reader", "user": {"token": token}}],
        "contexts": [{"name": "it", "context": context}],
        "current-context": "it",
    }
    kubeconfig.write_text(json.dumps(document))
    return kubeconfig


def stsconf(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-P", "-m", "stsconf", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def made(cluster: Cluster, space: str = SPACE) -> None:
    """The documented set in a new namespace, at rest."""
    cluster.api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": space}})
    for manifest in documented(Names(space), cluster.images["nginx_old"], cluster.storage_class):
        cluster.api.create(manifest, space)
    assert until(lambda: settled(cluster, space), SECONDS)


def settled(cluster: Cluster, space: str = SPACE) -> bool:
    found = cluster.api.get("StatefulSet", "web", space) or {}
    status = found.get("status") or {}
    return (
        status.get("observedGeneration") == found["metadata"]["generation"]
        and status.get("updatedReplicas") == status.get("readyReplicas") == found["spec"]["replicas"]
        and status.get("currentRevision") == status.get("updateRevision")
    )


def test_a_reader_of_one_namespace_sees_what_moved_and_says_what_it_cannot_see(
    cluster: Cluster, tmp_path: Path
) -> None:
    made(cluster)
    kubeconfig = reader(cluster, tmp_path)

    def take(name: str, *more: str) -> str:
        file = str(tmp_path / name)
        done = stsconf("snapshot", "-o", file, "--kubeconfig", str(kubeconfig), *more)
        assert done.returncode == 0, done.stderr
        assert "1 StatefulSets with 2 pods in namespace sentry" in done.stdout
        assert "these were not seen: persistentvolumes" in done.stdout
        return file

    one, two = take("one.json"), take("two.json")
    quiet = stsconf("compare", one, two)
    assert (quiet.returncode, quiet.stdout) == (0, "")
    assert "persistentvolumes were not compared" in quiet.stderr

    image: Object = {"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": "another"}
    cluster.api.patch("StatefulSet", "web", [image], SPACE, "application/json-patch+json")
    assert until(lambda: settled(cluster), SECONDS)
    moved = stsconf("compare", one, take("three.json"))
    assert moved.returncode == 1
    assert "sentry/web changed" in moved.stdout
    assert ": spec.template.spec.containers[nginx].image changed\n" in moved.stdout
    for pod in ("web-0", "web-1"):
        replaced = rf"Pod {pod}: was replaced by another object of its name; (node was .* and is .*; )?revision was"
        assert re.search(replaced, moved.stdout)

    refused = stsconf("snapshot", "-A", "-o", str(tmp_path / "x"), "--kubeconfig", str(kubeconfig))
    assert refused.returncode == 11
    assert "name one namespace with -n" in " ".join(refused.stderr.split())
    cluster.api.delete("Namespace", SPACE)
