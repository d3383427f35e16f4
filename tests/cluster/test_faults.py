"""What a broken environment looks like: one paragraph, the right exit code, nothing left behind."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from stsconf import suite_files
from stsconf.clusters import Cluster
from stsconf.clusters.storage import NFS_NAMESPACE
from stsconf.errors import ExitCode
from stsconf.waits import until
from tests.cluster.conftest import Suite
from tests.signals import HEEDING_SIGNALS

pytestmark = [pytest.mark.cluster]


@contextmanager
def stopped(cluster: Cluster, deployment: str, namespace: str = NFS_NAMESPACE) -> Iterator[None]:
    """A deployment is scaled to 0 for the time of the block."""
    wanted = (cluster.api.get("Deployment", deployment, namespace) or {})["spec"]["replicas"]

    def scale(replicas: int) -> None:
        cluster.api.patch("Deployment", deployment, {"spec": {"replicas": replicas}}, namespace)

        def there() -> bool:
            found = cluster.api.get("Deployment", deployment, namespace) or {}
            return (found["status"].get("availableReplicas") or 0) == replicas

        assert until(there, 180), deployment

    scale(0)
    try:
        yield
    finally:
        scale(wanted)


def refused(done: subprocess.CompletedProcess[str], stage: str) -> None:
    assert done.returncode == 11, done.stdout + done.stderr
    assert f"Exit: {stage}: " in done.stdout
    assert "Traceback" not in done.stdout


@pytest.mark.usefixtures("nothing_left")
def test_a_class_that_does_not_exist_is_named_with_those_that_do(suite: Suite) -> None:
    done = suite("--sts-storage-class=fast")
    assert done.returncode == ExitCode.REFUSED, done.stdout + done.stderr
    assert "The preflight refused the run before anything was made: class." in done.stdout
    assert "There is no StorageClass fast (this cluster has: " in done.stdout
    assert "managed-nfs-storage" in done.stdout


@pytest.mark.usefixtures("nothing_left")
def test_a_provisioner_that_is_down_is_named(suite: Suite, cluster: Cluster) -> None:
    with stopped(cluster, "nfs-client-provisioner"):
        refused(suite(), "provisioner")


@pytest.mark.usefixtures("nothing_left")
def test_a_storage_server_that_is_down_is_found_at_the_bind(suite: Suite, cluster: Cluster) -> None:
    with stopped(cluster, "nfs-server"):
        refused(suite(), "bind")


@pytest.mark.usefixtures("nothing_left")
def test_an_image_that_cannot_be_had_is_named(suite: Suite) -> None:
    done = suite("--sts-image=nginx_old=stsconf.invalid/none:1")
    refused(done, "image")
    assert "stsconf.invalid/none:1" in done.stdout


@pytest.mark.usefixtures("nothing_left")
def test_a_cluster_without_dns_breaks_no_promise_of_its_statefulset_controller(suite: Suite, cluster: Cluster) -> None:
    with stopped(cluster, "coredns", "kube-system"):
        done = suite("--sts-scenario=create,replace", "--sts-profile=core")
    assert done.returncode == ExitCode.HOLDS, done.stdout + done.stderr
    assert "IDN-09    ✓ holds" in done.stdout or "IDN-09    + holds" in done.stdout


def interrupt_when(said: Sequence[str], command: list[str], folder: Path) -> tuple[int, str]:
    """Start a command, press Ctrl-C each time it or its kind has said the next thing; returns exit code and output.

    As a terminal does, the signal goes to the whole process group.
    """
    log = folder / "log"

    def heard(words: str) -> bool:
        return any(words in file.read_text() for file in (log, *folder.glob("out/kind/kind.log")))

    with log.open("w") as out:
        process = subprocess.Popen(
            [*HEEDING_SIGNALS, *command],
            stdout=out,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env={**os.environ, "PYTEST_ADDOPTS": ""},
            start_new_session=True,
        )
        for words in said:
            until(lambda words=words: heard(words) or process.poll() is not None, 300, every=0.05)
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGINT)
        return process.wait(timeout=300), log.read_text()


def suite_command(*arguments: str) -> list[str]:
    suite = str(suite_files.conformance())
    return [sys.executable, "-P", "-m", "pytest", suite, "-p", "no:cacheprovider", *arguments]


@pytest.mark.usefixtures("nothing_left")
def test_ctrl_c_during_the_scenarios_leaves_nothing(cluster: Cluster, tmp_path: Path) -> None:
    code, text = interrupt_when(
        ["recording: every watch is open"],
        suite_command(
            "--sts-cluster=existing",
            f"--sts-kubeconfig={cluster.kubeconfig}",
            f"--sts-output-dir={tmp_path / 'out'}",
            f"--sts-image=nginx_old={cluster.images['nginx_old']}",
        ),
        tmp_path,
    )
    assert code == 2, text
    assert "KeyboardInterrupt" in text


@pytest.mark.parametrize("begun", ["kind: creating cluster", "kind: waiting for nodes"])
def test_ctrl_c_while_the_cluster_starts_and_again_while_it_is_deleted_leaves_nothing(
    begun: str, cluster: Cluster, tmp_path: Path
) -> None:
    code, text = interrupt_when(
        [begun, "Deleting cluster"], suite_command(f"--sts-output-dir={tmp_path / 'out'}"), tmp_path
    )
    assert code == 2, text
    assert "cleaning up; this ends by itself" in text
    kind = tmp_path / "out" / "kind" / "kind"
    clusters = subprocess.run([str(kind), "get", "clusters"], capture_output=True, text=True, check=True).stdout.split()
    made = text.partition("creating cluster ")[2].split()[0]
    assert made not in clusters
    assert cluster.name in clusters


def test_a_machine_without_engine_and_without_root_says_what_is_missing() -> None:
    checkout = suite_files.checkout()
    assert checkout is not None
    with tempfile.TemporaryDirectory() as folder:  # pytest's own folders are closed to other users
        shutil.copytree(checkout / "airgap", folder, dirs_exist_ok=True)
        Path(folder).chmod(0o755)
        done = subprocess.run(
            ["/usr/bin/python3", folder, "check"],
            capture_output=True,
            text=True,
            user=65534,
            group=65534,
            extra_groups=[],
            env={"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "STS_CACHE_DIR": "/nonexistent"},
            check=False,
        )
    assert done.returncode == 11, done.stdout + done.stderr
    assert "root" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_provider_is_the_one_of_pytest_kind(cluster: Cluster) -> None:
    folder = Path(str(cluster.kubeconfig)).parent
    assert (folder / ".pytest-kind" / cluster.name).is_dir()
    assert json.loads(json.dumps(cluster.provider)) == "kind"
