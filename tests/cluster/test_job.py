"""The run as a Job inside the cluster: the printed manifests, and the image that airgap/ builds."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from stsconf import suite_files
from stsconf.clusters import Cluster
from stsconf.clusters.engine import EngineChoice, resolve
from stsconf.waits import until
from tests.foreign import space

pytestmark = [pytest.mark.cluster]

CHECKOUT = suite_files.checkout()
SPACE = "sts-job"


@pytest.fixture(scope="module")
def image(cluster: Cluster) -> str:
    """The suite's image, inside the node."""
    if resolve(EngineChoice.AUTO) is not EngineChoice.AIRGAP:
        pytest.skip("airgap/ builds the image for its own engine")
    built = subprocess.run(
        [sys.executable, "airgap", "image"], cwd=CHECKOUT, check=True, capture_output=True, text=True
    )
    name = built.stdout.split()[-1]
    kind = Path(str(cluster.kubeconfig)).parent / "kind"
    subprocess.run([kind, "load", "docker-image", name, "--name", cluster.name], check=True)
    return name


@pytest.fixture
def job(cluster: Cluster, image: str) -> Iterator[str]:
    """What ``stsconf rbac --job`` prints, applied with kubectl in a prepared namespace; the name of its pod."""
    asked = ["--scenario", "create", "--image", f"nginx_old={cluster.images['nginx_old']}"]
    printed = subprocess.run(
        [sys.executable, "-P", "-m", "stsconf", "rbac", "-n", SPACE, "--with-volumes", "--job", image, *asked],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    kubectl = [cluster.kubectl, f"--kubeconfig={cluster.kubeconfig}"]
    with space(cluster.api, SPACE):
        subprocess.run([*kubectl, "apply", "-f", "-"], input=printed, text=True, check=True)
        assert until(lambda: any(cluster.api.list("Pod", SPACE)), 60)
        (pod,) = cluster.api.list("Pod", SPACE)
        yield pod["metadata"]["name"]
        subprocess.run([*kubectl, "delete", "-f", "-"], input=printed, text=True, check=True)


def test_a_job_with_the_printed_role_judges_and_ends_with_the_exit_code_of_the_run(cluster: Cluster, job: str) -> None:
    def ended() -> bool:
        (status,) = (cluster.api.get("Pod", job, SPACE) or {})["status"].get("containerStatuses") or ({},)
        return "terminated" in status.get("state", {})

    try:
        assert until(ended, 300)
    finally:
        log = subprocess.run(
            [cluster.kubectl, f"--kubeconfig={cluster.kubeconfig}", "logs", "-n", SPACE, job],
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        print(log)
    (status,) = (cluster.api.get("Pod", job, SPACE) or {})["status"]["containerStatuses"]
    assert status["state"]["terminated"]["exitCode"] == 0
    assert "Exit 0: every required promise holds." in log
    assert "ORD-02    ✓ holds" in log or "ORD-02    + holds" in log
    assert not [*cluster.api.list("StatefulSet", SPACE)]
