"""The stand-in provisioner keeps upstream's contract, on a real cluster under upstream's Role."""

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from stsconf.clusters import Cluster
from stsconf.clusters.storage import NFS_ADDRESS, READER
from stsconf.run.config import Config
from stsconf.run.provider import provide
from stsconf.waits import until

pytestmark = pytest.mark.cluster

PROVISIONER = "k8s-sigs.io/nfs-subdir-external-provisioner"


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    config = Config.from_options({"output-dir": tmp_path_factory.mktemp("cluster")})
    with provide(config, lambda text: print(text, file=sys.stderr)) as found:

        def reader_runs() -> bool:
            namespace, name = READER
            pod = found.api.get("Pod", name, namespace) or {}
            return (pod.get("status") or {}).get("phase") == "Running"

        assert until(reader_runs, 120), "the pod that mounts the whole export does not run"
        yield found


def make_class(cluster: Cluster, name: str, **parameters: str) -> None:
    options = (cluster.api.get("StorageClass", cluster.storage_class) or {})["mountOptions"]
    manifest: dict[str, Any] = {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": name},
        "provisioner": PROVISIONER,
        "mountOptions": options,
    }
    cluster.api.create(manifest | ({"parameters": parameters} if parameters else {}))


def make_claim(cluster: Cluster, name: str, storage_class: str, **spec: Any) -> None:
    manifest = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": name},
        "spec": {
            "storageClassName": storage_class,
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "1Gi"}},
            **spec,
        },
    }
    cluster.api.create(manifest, "default")


def volume(cluster: Cluster, claim: str) -> dict[str, Any]:
    def bound() -> bool:
        found = cluster.api.get("PersistentVolumeClaim", claim, "default") or {}
        return (found.get("status") or {}).get("phase") == "Bound"

    assert until(bound, 60), f"claim {claim} is not bound"
    name = (cluster.api.get("PersistentVolumeClaim", claim, "default") or {})["spec"]["volumeName"]
    return cluster.api.get("PersistentVolume", name) or {}


def folders(cluster: Cluster) -> dict[str, str]:
    """Mode by name of every folder of the export, as seen through NFS."""
    namespace, pod = READER
    look = ("find", "/usr/share/nginx/html", "-mindepth", "1", "-maxdepth", "1", "-printf", "%f %m\\n")
    argv = [cluster.kubectl, "--kubeconfig", cluster.kubeconfig, "-n", namespace, "exec", pod, "--", *look]
    listed = subprocess.run(argv, check=True, capture_output=True, text=True).stdout
    return dict(line.split() for line in listed.splitlines())


@pytest.mark.parametrize(
    ("parameters", "becomes"),
    [
        ({}, "archived-{}"),
        ({"archiveOnDelete": "true"}, "archived-{}"),
        ({"archiveOnDelete": "false"}, None),
        ({"onDelete": "delete", "archiveOnDelete": "true"}, None),
        ({"onDelete": "retain", "archiveOnDelete": "false"}, "{}"),
    ],
)
def test_the_class_decides_what_becomes_of_the_folder(
    cluster: Cluster, parameters: dict[str, str], becomes: str | None
) -> None:
    name = "-".join(["class", *(f"{key}-{value}".lower() for key, value in parameters.items())])
    make_class(cluster, name, **parameters)
    make_claim(cluster, name, name)
    made = volume(cluster, name)
    folder = f"default-{name}-{made['metadata']['name']}"
    assert made["spec"]["nfs"] == {"server": NFS_ADDRESS, "path": f"/export/{folder}"}
    assert made["spec"]["capacity"] == {"storage": "1Gi"}
    assert made["spec"]["persistentVolumeReclaimPolicy"] == "Delete"
    assert made["spec"]["mountOptions"]
    assert folders(cluster)[folder] == "777"

    cluster.api.delete("PersistentVolumeClaim", name, "default")
    assert until(lambda: cluster.api.get("PersistentVolume", made["metadata"]["name"]) is None, 60)
    after = {name for name in folders(cluster) if folder in name}
    assert after == (set() if becomes is None else {becomes.format(folder)})


@pytest.mark.parametrize(
    ("name", "parameters", "spec", "says"),
    [
        ("pattern", {"pathPattern": "${.PVC.name}"}, {}, "parameter pathPattern of class pattern is not supported"),
        ("maybe", {"archiveOnDelete": "maybe"}, {}, 'archiveOnDelete of class maybe is "maybe"'),
        ("selector", {}, {"selector": {"matchLabels": {"a": "b"}}}, "claim Selector is not supported"),
    ],
)
def test_what_it_does_not_do_is_refused_with_an_event_on_the_claim(
    cluster: Cluster, name: str, parameters: dict[str, str], spec: dict[str, Any], says: str
) -> None:
    make_class(cluster, name, **parameters)
    make_claim(cluster, name, name, **spec)

    def refused() -> bool:
        events = cluster.api.list("Event", "default")
        about = [event for event in events if event["involvedObject"]["name"] == name]
        return any(event["reason"] == "ProvisioningFailed" and says in event["message"] for event in about)

    assert until(refused, 60), "there is no event that says why"
    assert not any(f"default-{name}-" in folder for folder in folders(cluster))
