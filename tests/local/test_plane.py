"""What a control plane of processes does: hollow pods, volumes, exchanged programs, feature gates."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from stsconf import suite_files
from stsconf.act.objects import GATE, Names, documented
from stsconf.clusters import Cluster, local
from stsconf.errors import ClusterError
from stsconf.kube.api import Api, ApiError, Object
from stsconf.waits import until
from tests.local.conftest import SECONDS, plane

pytestmark = [pytest.mark.local]


@pytest.fixture
def space(cluster: Cluster, request: pytest.FixtureRequest) -> Iterator[str]:
    """A namespace for one test."""
    name = request.node.originalname.replace("_", "-").removeprefix("test-")[:60].rstrip("-")
    cluster.api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    assert until(lambda: cluster.api.get("ServiceAccount", "default", name) is not None, SECONDS)
    yield name
    cluster.api.delete("Namespace", name)


def make(cluster: Cluster, space: str, name: str, spec: dict[str, Any] | None = None, **life: str) -> None:
    """A pod with annotations ``hollow.stsconf.dev/...``; underscores stand for dashes."""
    notes = {f"hollow.stsconf.dev/{key.replace('_', '-')}": value for key, value in life.items()}
    cluster.api.create(
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": name, "annotations": notes},
            "spec": {"containers": [{"name": "main", "image": "none"}], **(spec or {})},
        },
        space,
    )


def state(cluster: Cluster, space: str, name: str) -> tuple[str, str, str]:
    """Phase, status of condition Ready, and its reason."""
    status = (cluster.api.get("Pod", name, space) or {}).get("status") or {}
    ready = next((c for c in status.get("conditions") or () if c["type"] == "Ready"), {})
    return status.get("phase", "gone"), ready.get("status", ""), ready.get("reason", "")


def reaches(cluster: Cluster, space: str, name: str, *wanted: str) -> bool:
    return until(lambda: state(cluster, space, name)[: len(wanted)] == wanted, SECONDS)


def test_a_pod_lives_as_its_annotations_say(cluster: Cluster, space: str) -> None:
    make(cluster, space, "never", life="never-ready")
    make(cluster, space, "fails", life="fails")
    make(cluster, space, "succeeds", life="succeeds", ready_after="1s")
    make(cluster, space, "late", start_after="1s", ready_after="1s")
    make(cluster, space, "plain")
    assert reaches(cluster, space, "plain", "Running", "True")
    assert state(cluster, space, "late")[1] != "True"
    assert reaches(cluster, space, "fails", "Failed", "False")
    assert reaches(cluster, space, "succeeds", "Succeeded", "False")
    assert reaches(cluster, space, "late", "Running", "True")
    assert state(cluster, space, "never") == ("Running", "False", "ContainersNotReady")


def test_a_flapping_pod_gets_ready_again_and_again(cluster: Cluster, space: str) -> None:
    make(cluster, space, "flaps", life="flapping", ready_for="300ms", ready_after="300ms")
    for ready in ("True", "False", "True", "False", "True"):
        assert reaches(cluster, space, "flaps", "Running", ready)


def test_a_gated_pod_is_ready_only_while_its_condition_is_true(cluster: Cluster, space: str) -> None:
    make(cluster, space, "gated", {"readinessGates": [{"conditionType": GATE}]})

    def hold(status: str) -> None:
        body = {"status": {"conditions": [{"type": GATE, "status": status}]}}
        cluster.api.patch_status("Pod", "gated", body, space)

    assert reaches(cluster, space, "gated", "Running", "False", "ReadinessGatesNotReady")
    for status, reason in (("True", ""), ("False", "ReadinessGatesNotReady"), ("True", "")):
        hold(status)
        assert reaches(cluster, space, "gated", "Running", status, reason)


def test_a_slow_pod_takes_its_grace_and_keeps_its_finalizers(cluster: Cluster, space: str) -> None:
    make(cluster, space, "slow", {"terminationGracePeriodSeconds": 3}, stop_after="grace")
    make(cluster, space, "quick")
    make(cluster, space, "kept")
    cluster.api.patch("Pod", "kept", {"metadata": {"finalizers": ["stsconf.dev/test"]}}, space)
    for name in ("slow", "quick", "kept"):
        assert reaches(cluster, space, name, "Running", "True")
        cluster.api.delete("Pod", name, space)
    assert reaches(cluster, space, "quick", "gone")
    assert state(cluster, space, "slow")[0] == "Running"
    assert reaches(cluster, space, "slow", "gone")
    assert reaches(cluster, space, "kept", "Succeeded")
    cluster.api.patch("Pod", "kept", {"metadata": {"finalizers": None}}, space)
    assert reaches(cluster, space, "kept", "gone")


def test_a_claim_gets_a_folder_of_its_own_for_as_long_as_it_is_there(cluster: Cluster, space: str) -> None:
    claim = suite_files.manifest("nfs/probe.yaml")[0]

    def volume() -> Object | None:
        mine = [v for v in cluster.api.list("PersistentVolume") if v["spec"]["claimRef"]["namespace"] == space]
        return mine[0] if mine else None

    def bound() -> bool:
        return cluster.api.get("PersistentVolumeClaim", "stsconf-probe", space)["status"]["phase"] == "Bound"  # type: ignore[index]

    cluster.api.create(claim, space)
    assert until(bound, SECONDS)
    found = volume()
    assert found
    folder = Path(found["spec"]["hostPath"]["path"])
    assert folder.is_dir()
    cluster.api.delete("PersistentVolumeClaim", "stsconf-probe", space)
    assert until(lambda: volume() is None, SECONDS)
    assert not folder.exists()


IDLE = """#!/bin/sh
echo "$@" > "$STS_TEST_FOLDER/arguments"
exec sleep 1000
"""


def test_a_program_of_a_controllers_name_takes_its_place_and_has_its_rights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STS_TEST_FOLDER", str(tmp_path))
    monkeypatch.setenv("SECRET_OF_THE_USER", "x")
    own = tmp_path / "bin"
    own.mkdir()
    program = own / "statefulset-controller"
    program.write_text(IDLE)
    program.chmod(0o755)
    with plane(tmp_path / "logs", local.Settings(bin_dir=own)) as cluster:
        assert until((tmp_path / "arguments").is_file, SECONDS)
        assert set(cluster.facts["exchanged_programs"]) == {"statefulset-controller"}
        kubeconfig = Path((tmp_path / "arguments").read_text().strip().removeprefix("--kubeconfig="))
        theirs = Api.from_kubeconfig(kubeconfig, None)
        _, stateful_set = documented(Names("default"), "none", cluster.storage_class)
        cluster.api.create(stateful_set, "default")
        deployment = {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "other"},
            "spec": {key: stateful_set["spec"][key] for key in ("replicas", "selector", "template")},
        }
        del deployment["spec"]["template"]["spec"]["containers"][0]["volumeMounts"]
        cluster.api.create(deployment, "default")
        assert until(lambda: len(list(cluster.api.list("Pod", "default"))) == 2, SECONDS)
        (seen,) = theirs.list("StatefulSet")
        assert not seen["status"].get("observedGeneration")
        with pytest.raises(ApiError, match="403"):
            list(theirs.list("ConfigMap"))
        theirs.close()


def test_a_gate_that_does_not_exist_is_said_in_the_components_own_words(tmp_path: Path) -> None:
    settings = local.Settings.of(None, "NoSuchGate=true")
    with (
        pytest.raises(ClusterError, match="unrecognized feature gate: NoSuchGate") as error,
        plane(tmp_path, settings),
    ):
        pass
    assert error.value.stage == "kube-apiserver"


def test_gates_reach_every_component_and_the_report(tmp_path: Path) -> None:
    with plane(tmp_path, local.Settings.of(None, "MaxUnavailableStatefulSet=false")) as cluster:
        assert cluster.facts["feature_gates"] == "MaxUnavailableStatefulSet=false"
        stateful_set = documented(Names("default"), "none", cluster.storage_class)[1]
        stateful_set["spec"]["updateStrategy"] = {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 2}}
        stored = cluster.api.create(stateful_set, "default")
        assert "maxUnavailable" not in stored["spec"]["updateStrategy"]["rollingUpdate"]


def test_a_program_that_cannot_run_is_named(tmp_path: Path) -> None:
    own = tmp_path / "bin"
    own.mkdir()
    shutil.copy("/bin/false", own / "kube-scheduler")
    with (
        pytest.raises(ClusterError, match=r"^kube-scheduler: it ended by itself, with exit code 1"),
        plane(tmp_path / "logs", local.Settings(bin_dir=own)),
    ):
        pass
    (own / "kube-scheduler").chmod(0o644)
    with (
        pytest.raises(ClusterError, match=r"^kube-scheduler: it could not be started"),
        plane(tmp_path / "logs", local.Settings(bin_dir=own)),
    ):
        pass
