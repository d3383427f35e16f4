"""A run killed at any point, and then `stsconf clean`: the cluster is as before, and nobody else lost anything."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from stsconf.cleanup.clean import Request, clean_cluster, look, remove
from stsconf.cleanup.inventory import MANAGED_BY, RECORD, RECORD_LABEL, Inventory, labels, read_record
from stsconf.clusters import Cluster
from stsconf.errors import ExitCode
from stsconf.kube.api import Api
from stsconf.waits import Waits, until
from tests.cluster.test_faults import suite_command

pytestmark = [pytest.mark.cluster]

TEMPTING = "stsconf-ab12-create"
FOREVER = "stsconf.dev/held-by-a-test"
BRIEF = Waits(namespace_gone=8, volumes_gone=0)


def everything(api: Api) -> dict[str, str]:
    """Uids of all namespaces and volumes, by kind and name."""
    return {
        f"{kind} {found['metadata']['name']}": found["metadata"]["uid"]
        for kind in ("Namespace", "PersistentVolume")
        for found in api.list(kind)
    }


@pytest.fixture
def stranger(cluster: Cluster) -> Iterator[str]:
    """A namespace that looks like one of ours in name and labels and that no run made."""
    api = cluster.api
    metadata = {"name": TEMPTING, "labels": labels("20261124-200000-ab12")}
    api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
    yield TEMPTING
    api.delete("Namespace", TEMPTING)
    assert until(lambda: api.get("Namespace", TEMPTING) is None, 60)


def stsconf_clean(cluster: Cluster, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [
        sys.executable,
        "-P",
        "-m",
        "stsconf",
        "clean",
        f"--kubeconfig={cluster.kubeconfig}",
        *arguments,
    ]
    return subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)


def recorded(api: Api, log: Path) -> bool:  # noqa: ARG001 - one signature for all points
    return bool(list(api.list("ConfigMap", query=f"?labelSelector={RECORD_LABEL}=run")))


def said(words: str) -> Callable[[Api, Path], bool]:
    return lambda _, log: words in log.read_text()


def pods_run(api: Api, log: Path) -> bool:  # noqa: ARG001 - one signature for all points
    spaces = [n["metadata"]["name"] for n in api.list("Namespace", query=f"?labelSelector={MANAGED_BY}=stsconf")]
    return any(
        pod["metadata"]["name"] == "web-1" and pod["status"].get("phase") == "Running"
        for space in spaces
        for pod in api.list("Pod", space)
    )


POINTS = {
    "while namespaces are made": recorded,
    "at the storage probe": said("storage: testing StorageClass"),
    "when the recording is open": said("recording: every watch is open"),
    "in mid-scenario": pods_run,
    "while cleaning up": said("cleaning up:"),
}


@pytest.mark.parametrize("point", POINTS)
def test_what_a_killed_run_left_is_removed_and_nothing_else(
    point: str, cluster: Cluster, stranger: str, tmp_path: Path
) -> None:
    api, before = cluster.api, everything(cluster.api)
    log = tmp_path / "log"
    with log.open("w") as out:
        process = subprocess.Popen(
            suite_command(
                "--sts-cluster=existing",
                f"--sts-kubeconfig={cluster.kubeconfig}",
                f"--sts-output-dir={tmp_path / 'out'}",
                f"--sts-image=nginx_old={cluster.images['nginx_old']}",
                "--sts-scenario=create,scale_up",
            ),
            stdout=out,
            stderr=subprocess.STDOUT,
            cwd=tmp_path,
            env={**os.environ, "PYTEST_ADDOPTS": ""},
        )
        assert until(lambda: POINTS[point](api, log) or process.poll() is not None, 300), log.read_text()
        assert process.poll() is None, log.read_text()
        process.kill()
        process.wait()
    assert everything(api) != before

    listed = stsconf_clean(cluster)
    assert listed.returncode == 10, listed.stdout + listed.stderr
    assert f"stsconf clean --kubeconfig={cluster.kubeconfig} --yes" in listed.stdout
    assert f"namespace {stranger} carries our label" in listed.stdout
    assert everything(api) != before

    done = stsconf_clean(cluster, "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    assert everything(api) == before
    assert stsconf_clean(cluster).returncode == 0


def test_the_kind_cluster_of_a_killed_run_is_deleted_and_no_other(cluster: Cluster, tmp_path: Path) -> None:
    log, kind = tmp_path / "log", tmp_path / "out" / "kind" / "kind"
    with log.open("w") as out:
        process = subprocess.Popen(
            suite_command(f"--sts-output-dir={tmp_path / 'out'}"),
            stdout=out,
            stderr=subprocess.STDOUT,
            cwd=tmp_path,
            env={**os.environ, "PYTEST_ADDOPTS": ""},
        )
        until(lambda: "kind: waiting for nodes" in log.read_text() or process.poll() is not None, 300)
        process.kill()
        process.wait()
    assert "kind: waiting for nodes" in log.read_text()

    def clusters() -> list[str]:
        return subprocess.run([str(kind), "get", "clusters"], capture_output=True, text=True, check=True).stdout.split()

    assert len(clusters()) == 2
    command = [sys.executable, "-P", "-m", "stsconf", "clean", "--yes"]
    alone = {**os.environ, "KUBECONFIG": str(tmp_path / "none")}
    done = subprocess.run(command, env=alone, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "(dead)" in done.stdout
    assert clusters() == [cluster.name]


@pytest.fixture
def inventory(cluster: Cluster) -> Iterator[Inventory]:
    """The record of a run with one namespace; whatever is left of it goes at the end."""
    with Inventory(cluster.api, "20261124-200000-cd34", "stsconf-cd34-probe") as made:
        made.make_namespace("stsconf-cd34-create")
        yield made
    stays = remove(cluster.api, look(cluster.api, made.record), Waits(), print)
    assert not stays


def test_a_run_that_is_alive_is_refused_here_and_from_elsewhere(cluster: Cluster, inventory: Inventory) -> None:
    api, before = cluster.api, everything(cluster.api)
    done = stsconf_clean(cluster, "--yes")
    assert done.returncode == 11, done.stdout + done.stderr
    assert "is alive" in done.stderr
    owner = inventory.record.owner
    elsewhere = f'{{"host": "elsewhere", "space": "another boot", "pid": {owner.pid}, "started": "1"}}'
    api.patch("ConfigMap", RECORD, {"data": {"owner": elsewhere}}, inventory.record.home)
    assert stsconf_clean(cluster, "--yes").returncode == 11
    assert everything(api) == before
    assert stsconf_clean(cluster, "--yes", "--force", f"--run={inventory.record.run}").returncode == 0
    assert everything(api).keys() == before.keys() - {"Namespace stsconf-cd34-create", "Namespace stsconf-cd34-probe"}


def test_a_sign_of_life_is_dated_by_the_server(cluster: Cluster, inventory: Inventory) -> None:
    api, home = cluster.api, inventory.record.home

    def beat_is_newer() -> bool:
        api.patch("ConfigMap", RECORD, {"data": {"beat": str(os.urandom(4))}}, home)
        record = read_record(api.get("ConfigMap", RECORD, home) or {})
        return record is not None and record.beat > record.created

    assert until(beat_is_newer, 30)


def test_a_namespace_made_again_by_others_under_a_recorded_name_survives(
    cluster: Cluster, inventory: Inventory, capsys: pytest.CaptureFixture[str]
) -> None:
    api, name = cluster.api, "stsconf-cd34-create"
    api.delete("Namespace", name)
    assert until(lambda: api.get("Namespace", name) is None, 60)
    api.create(
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels(inventory.record.run)}}
    )
    try:
        request = Request(inventory.record.run, yes=True, force=True)
        assert clean_cluster(api, request, Waits(), print) is ExitCode.HOLDS
        survivor = api.get("Namespace", name)
        assert survivor is not None
        assert "deletionTimestamp" not in survivor["metadata"]
        assert api.get("Namespace", inventory.record.home) is None
    finally:
        api.delete("Namespace", name)
    assert until(lambda: api.get("Namespace", name) is None, 60)
    capsys.readouterr()


def test_a_finalizer_that_holds_is_named_and_the_record_stays(cluster: Cluster, inventory: Inventory) -> None:
    api, name = cluster.api, "stsconf-cd34-create"
    held = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "held", "finalizers": [FOREVER]}}
    api.create(held, name)
    try:
        (sentence,) = remove(api, look(api, inventory.record), BRIEF, print)
        assert sentence.startswith(f"namespace {name} is still there")
        assert FOREVER in sentence
        assert api.get("ConfigMap", RECORD, inventory.record.home) is not None
    finally:
        api.patch("ConfigMap", "held", {"metadata": {"finalizers": None}}, name)
    assert remove(api, look(api, inventory.record), Waits(), print) == []


def test_a_volume_that_is_to_be_retained_is_named_and_stays(cluster: Cluster, inventory: Inventory) -> None:
    api, name = cluster.api, "stsconf-cd34-retained"
    spec = {
        "capacity": {"storage": "1Mi"},
        "accessModes": ["ReadWriteOnce"],
        "persistentVolumeReclaimPolicy": "Retain",
        "storageClassName": "stsconf-none",
        "hostPath": {"path": "/nonexistent"},
        "claimRef": {"namespace": "stsconf-cd34-create", "name": "www-web-0"},
    }
    api.create({"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": name}, "spec": spec})
    try:
        (sentence,) = remove(api, look(api, inventory.record), Waits(), print)
        assert f"volume {name} has reclaim policy Retain" in sentence
        assert api.get("PersistentVolume", name) is not None
        assert api.get("Namespace", inventory.record.home) is None
    finally:
        api.delete("PersistentVolume", name)
