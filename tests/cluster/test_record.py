"""`stsconf record` on a namespace that others work in: what it keeps, what it never keeps, and how it ends."""

import base64
import gzip
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from stsconf import judge, load, suite_files
from stsconf.act.objects import Names, documented
from stsconf.clusters import Cluster
from stsconf.judging.promise import import_promises
from stsconf.judging.verdict import Outcome
from stsconf.kube.api import Api, Object
from stsconf.record.file import inspect
from stsconf.waits import until

pytestmark = [pytest.mark.cluster]

NAMESPACE, OTHER = "shop", "vault"
CANARIES = {
    "secret elsewhere": "canary-4f1a-secret-elsewhere",
    "secret here": "canary-7c2b-secret-here",
    "env": "canary-9d3e-env-value",
    "annotation": "canary-1e5f-annotation",
}


@pytest.fixture
def shop(cluster: Cluster) -> Iterator[str]:
    """A namespace of somebody else, with secrets beside it and in it; both go at the end, with their volumes."""
    api = cluster.api
    for name, key in ((OTHER, "secret elsewhere"), (NAMESPACE, "secret here")):
        api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
        secret = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "keys"},
            "stringData": {"k": CANARIES[key]},
        }
        api.request("POST", f"api/v1/namespaces/{name}/secrets", secret)
    yield NAMESPACE
    for name in (NAMESPACE, OTHER):
        api.delete("Namespace", name)

    def gone() -> bool:
        claimed = [v["spec"].get("claimRef", {}).get("namespace") for v in api.list("PersistentVolume")]
        return NAMESPACE not in claimed and not any(api.get("Namespace", name) for name in (NAMESPACE, OTHER))

    assert until(gone, 180)


def users_set(cluster: Cluster) -> tuple[Object, Object]:
    """A Service and a StatefulSet as somebody might have them, with canaries where secrets hide."""
    names = Names(NAMESPACE, set_name="db", service="db", claim="data", app="db")
    service, stateful_set = documented(names, cluster.images["nginx_old"], cluster.storage_class)
    notes = {"example.com/token": CANARIES["annotation"]}
    template = stateful_set["spec"]["template"]
    template["metadata"]["annotations"] = notes
    template["spec"]["containers"][0]["env"] = [
        {"name": "PASSWORD", "value": CANARIES["env"]},
        {"name": "KEY", "valueFrom": {"secretKeyRef": {"name": "keys", "key": "k"}}},
    ]
    applied = {"kubectl.kubernetes.io/last-applied-configuration": json.dumps(stateful_set)}
    stateful_set["metadata"]["annotations"] = notes | applied
    service["metadata"]["annotations"] = notes
    return service, stateful_set


def settled(api: Api, replicas: int) -> bool:
    found = api.get("StatefulSet", "db", NAMESPACE) or {}
    status: dict[str, Any] = found.get("status") or {}
    pods = [p for p in api.list("Pod", NAMESPACE) if p["metadata"]["name"].startswith("db-")]
    return status.get("observedGeneration") == found["metadata"]["generation"] and status.get(
        "readyReplicas", 0
    ) == replicas == len(pods)


def command(cluster: Cluster, *arguments: str) -> list[str]:
    record = [sys.executable, "-P", "-m", "stsconf", "record", "-n", NAMESPACE]
    return [*record, f"--kubeconfig={cluster.kubeconfig}", *arguments]


@contextmanager
def recording(cluster: Cluster, folder: Path) -> Iterator[subprocess.Popen[str]]:
    """`stsconf record` for the time of the block, ended by Ctrl-C; what it says is in ``log`` and ``out``."""
    with (folder / "log").open("w") as log, (folder / "out").open("w") as out:
        process = subprocess.Popen(
            command(cluster, "--output", str(folder / "shop.ndjson")), stdout=out, stderr=log, cwd=folder, text=True
        )
        try:
            opened = until(lambda: "every watch is open" in (folder / "log").read_text(), 60)
            assert opened, (folder / "log").read_text()
            yield process
            process.send_signal(signal.SIGINT)
            process.wait(60)
        finally:
            process.kill()
            process.wait()


def test_a_set_that_others_scale_is_judged_by_every_promise_that_triggers_and_no_secret_is_kept(
    cluster: Cluster, shop: str, tmp_path: Path
) -> None:
    api = cluster.api
    with recording(cluster, tmp_path) as process:
        for manifest in users_set(cluster):
            api.create(manifest, shop)
        assert until(lambda: settled(api, 2), 180)
        for replicas in (3, 1):
            api.patch("StatefulSet", "db", {"spec": {"replicas": replicas}}, shop)
            assert until(lambda count=replicas: settled(api, count), 180)  # type: ignore[misc]
        assert until(lambda: "1 StatefulSets" in (tmp_path / "log").read_text(), 30)
    assert process.returncode == 0, (tmp_path / "log").read_text()

    sealed = tmp_path / "shop.ndjson.gz"
    assert f"Next: stsconf judge {sealed}" in (tmp_path / "out").read_text()
    assert {path.name for path in tmp_path.iterdir()} == {"log", "out", "shop.ndjson.gz"}
    state = inspect(sealed)
    assert state.sealed
    assert state.problem is None

    text = (
        gzip.decompress(sealed.read_bytes()).decode() + (tmp_path / "log").read_text() + (tmp_path / "out").read_text()
    )
    assert '"name":"db-2"' in text  # the recording is not empty
    assert '"name":"PASSWORD"' in text
    for canary in CANARIES.values():
        assert canary not in text
        assert base64.b64encode(canary.encode()).decode().rstrip("=") not in text

    timelines = load(sealed).timelines
    assert [(t.window.namespace, t.window.set_name) for t in timelines] == [(shop, "db")]
    verdicts = [judge(p, timelines) for p in import_promises(suite_files.conformance()).values()]
    outcomes = {v.outcome for v in verdicts if v.obligations}
    assert outcomes == {Outcome.HOLDS}, [v.explain() for v in verdicts if v.outcome is not Outcome.HOLDS]
    triggered = {v.id for v in verdicts if v.obligations}
    assert triggered >= {"IDN-01", "IDN-02", "ORD-01", "ORD-02", "SDN-01", "SDN-02", "STO-01"}


def test_a_deadline_ends_a_recording_as_ctrl_c_does(cluster: Cluster, shop: str, tmp_path: Path) -> None:  # noqa: ARG001
    output = tmp_path / "shop.ndjson"
    done = subprocess.run(
        command(cluster, "--output", str(output), "--duration", "1"), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert inspect(tmp_path / "shop.ndjson.gz").sealed
    again = subprocess.run(command(cluster, "--output", str(output)), capture_output=True, text=True, check=False)
    assert again.returncode == 4
    assert "shop.ndjson.gz exists" in again.stderr


def refused(arguments: list[str], folder: Path, code: int, words: str) -> None:
    done = subprocess.run(arguments, capture_output=True, text=True, check=False, cwd=folder)
    assert done.returncode == code, done.stdout + done.stderr
    assert words in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr
    assert not list(folder.glob("*.ndjson*"))


def test_a_namespace_that_does_not_exist_is_a_usage_error(cluster: Cluster, tmp_path: Path) -> None:
    refused(command(cluster), tmp_path, 4, f"There is no namespace {NAMESPACE}")


def test_without_rights_it_is_refused_and_says_which_are_needed(cluster: Cluster, shop: str, tmp_path: Path) -> None:
    api = cluster.api
    api.create({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "nobody"}}, shop)
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": 600}}
    token = api.request("POST", f"{api.path('ServiceAccount', shop, 'nobody')}/token", body)["status"]["token"]
    config = yaml.safe_load(Path(str(cluster.kubeconfig)).read_text())
    config["users"][0]["user"] = {"token": token}
    (tmp_path / "kubeconfig").write_text(yaml.safe_dump(config))
    arguments = [*command(cluster), f"--kubeconfig={tmp_path / 'kubeconfig'}"]
    refused(arguments, tmp_path, 11, "statefulsets.apps is forbidden")


def test_a_server_that_does_not_answer_is_named(cluster: Cluster, tmp_path: Path) -> None:
    config = yaml.safe_load(Path(str(cluster.kubeconfig)).read_text())
    config["clusters"][0]["cluster"]["server"] = "https://127.0.0.1:9"
    (tmp_path / "kubeconfig").write_text(yaml.safe_dump(config))
    arguments = [*command(cluster), f"--kubeconfig={tmp_path / 'kubeconfig'}"]
    refused(arguments, tmp_path, 11, "https://127.0.0.1:9 does not answer")
