"""A kind cluster as somebody else's: the printed Role in a prepared namespace, and Pod Security level restricted."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from stsconf import suite_files
from stsconf.act.objects import Names, documented
from stsconf.clusters import Cluster
from stsconf.clusters.rights import LOOKS, NEEDED
from stsconf.waits import until
from tests.cluster.conftest import audit_log
from tests.foreign import SECONDS, account, entries_of, outside, right_of, space, telling

pytestmark = [pytest.mark.cluster]

SPACE, STRICT, NEIGHBOUR, OTHERS = "sts-check", "sts-strict", "next-door", "over-the-road"
GREEN = {"holds", "characterised", "not applicable"}
THEIRS = ("ConfigMap", "Service", "StatefulSet", "Pod", "PersistentVolumeClaim", "ControllerRevision")


def suite(cluster: Cluster, folder: Path, *arguments: str) -> tuple[int, str, dict[str, Any]]:
    """Run the suite in a process of its own; returns exit code, output and verdict.json."""
    images = [f"--sts-image={key}={cluster.images[key]}" for key in ("nginx_old", "nginx_new")]
    command = [sys.executable, "-P", "-m", "pytest", str(suite_files.conformance()), "-p", "no:cacheprovider"]
    done = subprocess.run(
        [*command, "--sts-cluster=existing", f"--sts-output-dir={folder}", "--sts-settle=900", *images, *arguments],
        cwd=folder.parent,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTEST_ADDOPTS": ""},
        check=False,
    )
    verdict = folder / "verdict.json"
    found = json.loads(verdict.read_text()) if verdict.exists() else {}
    return done.returncode, done.stdout + done.stderr, found


def test_the_printed_role_is_enough_for_all_but_volumes_and_writes_nowhere_else(
    audited: Cluster, tmp_path: Path
) -> None:
    api = audited.api
    with space(api, SPACE), space(api, NEIGHBOUR), account(audited, SPACE, tmp_path) as kubeconfig:
        secret = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "untold"}, "data": {"untold": "untold"}}
        api.create(secret, NEIGHBOUR)
        code, text, found = suite(
            audited, tmp_path / "out", f"--sts-kubeconfig={kubeconfig}", f"--sts-namespace={SPACE}"
        )
        left = [kind for kind in ("StatefulSet", "Pod", "PersistentVolumeClaim", "Service") if [*api.list(kind, SPACE)]]
    assert code == 10, text
    assert left == []
    unknown = {p["id"]: p["reason"] for p in found["promises"] if p["verdict"] not in GREEN}
    print(found["counts"], unknown)
    assert set(unknown) == {"STO-03", "STO-04"}
    assert all("the right to list and watch persistentvolumes" in reason for reason in unknown.values())
    assert not telling(tmp_path / "out", ["untold", NEIGHBOUR])

    entries = entries_of(audit_log(audited, tmp_path / "logs"), f"system:serviceaccount:{SPACE}:stsconf")
    assert not outside(entries, SPACE)
    used = {right_of(e) for e in entries if e["objectRef"].get("namespace") == SPACE}
    assert used <= {*NEEDED, *LOOKS}  # the log has writes only; tests/local shows that no right is printed in vain


def test_a_restricted_namespace_forbids_the_documented_workload_and_the_overlay_is_judged_in_it(
    audited: Cluster, tmp_path: Path
) -> None:
    level = {"pod-security.kubernetes.io/enforce": "restricted"}
    user = f"system:serviceaccount:{STRICT}:stsconf"
    with space(audited.api, STRICT, **level), account(audited, STRICT, tmp_path, volumes=True):
        as_user = (f"--sts-kubeconfig={audited.kubeconfig}", f"--sts-as={user}", f"--sts-namespace={STRICT}")
        code, text, found = suite(audited, tmp_path / "documented", *as_user)
        assert code == 11, text
        assert "--sts-workload=restricted" in text
        assert found == {}
        code, text, found = suite(
            audited,
            tmp_path / "restricted",
            *as_user,
            "--sts-workload=restricted",
            "--sts-scenario=create,rescale,rollout,background_delete,strangers,orphan_delete",
        )
    assert code == 0, text
    assert {p["verdict"] for p in found["promises"]} <= GREEN
    assert found["run"]["environment"]["workload"] == "restricted"
    assert any(p["id"] == "STO-06" and p["obligations"] for p in found["promises"])


def test_an_administrators_run_tells_and_touches_nothing_of_a_neighbour_at_work(
    audited: Cluster, tmp_path: Path
) -> None:
    api = audited.api
    service, stateful_set = documented(
        Names(OTHERS, set_name="untold", service="untold"), audited.images["nginx_old"], audited.storage_class
    )
    stateful_set["spec"]["template"]["spec"]["containers"][0]["command"] = ["sleep", "2"]  # so that it is never quiet
    config_map = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "untold"}, "data": {"untold": "untold"}}
    manifests = (config_map, service, stateful_set)

    def restarts() -> int:
        (status,) = (api.get("Pod", "untold-0", OTHERS) or {}).get("status", {}).get("containerStatuses") or [{}]
        return int(status.get("restartCount", 0))

    def uids() -> dict[str, str]:
        found = [one["metadata"] for kind in THEIRS for one in api.list(kind, OTHERS)]
        return {f"{one['name']} {one['uid']}": one["name"] for one in found}

    with space(api, OTHERS):
        for manifest in manifests:
            api.create(manifest, OTHERS)
        assert until(lambda: restarts() > 0, SECONDS)
        volume = next(iter(api.list("PersistentVolumeClaim", OTHERS)))["spec"]["volumeName"]
        before, restarted = uids(), restarts()
        code, text, found = suite(
            audited,
            tmp_path / "out",
            f"--sts-kubeconfig={audited.kubeconfig}",
            "--sts-scenario=create,rescale,rollout,retention,background_delete,strangers,orphan_delete",
        )
        worked = restarts() - restarted
        assert uids() == before
    assert code == 0, text
    assert worked > 0, "there was nothing to tell"
    assert any(p["id"] == "STO-03" and p["verdict"] == "holds" for p in found["promises"]), "volumes are cluster-wide"
    words = ["untold", OTHERS, volume, *(name.split()[1] for name in before)]
    assert not [word for word in words if word in text]
    assert not telling(tmp_path / "out", words)
    assert "timelines/run.ndjson.gz: stsconf-" in telling(tmp_path / "out", ["stsconf-"])

    entries = entries_of(audit_log(audited, tmp_path / "logs"), "kubernetes-admin")
    written = [e["objectRef"] for e in entries if e["objectRef"]["resource"] != "namespaces"]
    ours = [w for w in written if w.get("namespace") == OTHERS or w.get("name") == volume]
    assert sorted(w["resource"] for w in ours) == ["configmaps", "services", "statefulsets"], ours
    assert len(written) > len(ours)
