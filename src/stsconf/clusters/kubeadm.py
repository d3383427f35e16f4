"""The control plane in a kind node, upgraded as kubeadm's documentation says: kubeadm itself, then ``upgrade apply``.

https://kubernetes.io/docs/tasks/administer-cluster/kubeadm/kubeadm-upgrade/. No registry is asked: kubeadm and the
images that it wants come from the node image of the other version. The kubelet stays as it is, as it may for three
minor versions (https://kubernetes.io/releases/version-skew-policy/#kubelet): kubeadm's page asks to drain a node before
the kubelet gets another minor version, and on the only node this would end every pod.
"""

import os
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from stsconf.clusters.engine import Engine
from stsconf.errors import ClusterError
from stsconf.waits import Say, until

KUBEADM = "/usr/bin/kubeadm"
CONTAINERD = ("ctr", "--namespace=k8s.io")
OWNER = "io.x-k8s.kind.cluster"
"""kind's label of a container that goes with its cluster, also by ``stsconf clean`` after a run that was killed."""
NO_KERNEL = "--ignore-preflight-errors=SystemVerification"
"""That check reads the kernel's configuration, which a container does not see; kind itself runs none of the checks."""
START = 30.0
"""Seconds that containerd may take to answer."""
CHECKS = 180.0
"""Seconds for kubeadm's preflight checks; one of them runs a Job and waits up to 60."""
APPLY = 900.0
"""Seconds for the upgrade; kubeadm itself waits up to 300 for each of four static pods."""


def prepare(cluster: str, version: str, engine: Engine, folder: Path, say: Say) -> Callable[[], None]:
    """Bring what the upgrade to ``version`` takes into the one node of a kind cluster, and let kubeadm check it.

    Returns what upgrades, and is done when kubeadm is; ``folder`` receives what kubeadm says. Both raise
    ``ClusterError`` of stage ``upgrade`` with kubeadm's own words, and this raises ``UsageError`` for a version that
    cannot be had.
    """
    node, image = f"{cluster}-control-plane", engine.node_image_of(version)

    def kubeadm(log: str, *arguments: str, seconds: float) -> None:
        said = engine.docker("upgrade", "exec", node, KUBEADM, *arguments, version, "--yes", NO_KERNEL, seconds=seconds)
        (folder / log).write_text(said, encoding="utf-8")

    def apply() -> None:
        say(f"kind: kubeadm upgrade apply {version} in {node}")
        kubeadm("kubeadm-upgrade.log", "upgrade", "apply", seconds=APPLY)

    say(f"kind: bringing kubeadm and images of {image} into {node}")
    with _opened(image, cluster, engine) as donor:
        _pipe(engine, ("cp", f"{donor}:{KUBEADM}", "-"), ("cp", "-", f"{node}:{Path(KUBEADM).parent}"))
        wanted = ("config", "images", "list", f"--kubernetes-version={version}")
        images = engine.docker("upgrade", "exec", donor, KUBEADM, *wanted).split()
        _pipe(
            engine,
            ("exec", donor, *CONTAINERD, "images", "export", "-", *images),
            ("exec", "--interactive", node, *CONTAINERD, "images", "import", "-"),
        )
    say(f"kind: kubeadm checks whether {node} can be upgraded")
    kubeadm("kubeadm-preflight.log", "upgrade", "apply", "phase", "preflight", seconds=CHECKS)
    return apply


@contextmanager
def _opened(image: str, cluster: str, engine: Engine) -> Iterator[str]:
    """A container of a node image that is no node: only its containerd runs, so that its images can be read."""
    options = ("--detach", "--privileged", "--network=none", f"--label={OWNER}={cluster}", "--entrypoint=sleep")
    donor = engine.docker("upgrade", "run", *options, image, "infinity").strip()

    def answers() -> bool:
        try:
            engine.docker("upgrade", "exec", donor, *CONTAINERD, "version")
        except ClusterError:
            return False
        return True

    try:
        engine.docker("upgrade", "exec", "--detach", donor, "containerd")
        if not until(answers, START):
            raise ClusterError("upgrade", f"containerd does not start in a container of {image}.")
        yield donor
    finally:
        engine.docker("upgrade", "rm", "--force", "--volumes", donor)


def _pipe(engine: Engine, source: Sequence[str], target: Sequence[str]) -> None:
    """What one command of Docker's client prints is the other's standard input."""
    environment = {**os.environ, **engine.environment}
    with (
        subprocess.Popen(
            ["docker", *source],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as giving,
        subprocess.Popen(
            ["docker", *target], env=environment, stdin=giving.stdout, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        ) as taking,
    ):
        if giving.stdout:
            giving.stdout.close()  # the other's alone, so that the one ends when the other does
        said, _ = taking.communicate()
        complained = giving.stderr.read() if giving.stderr else b""
    if giving.returncode or taking.returncode:
        text = " ".join((complained + said).decode("utf-8", "replace").split())
        raise ClusterError("upgrade", f"`docker {' '.join(source)} | docker {' '.join(target)}` failed: {text[-600:]}")
