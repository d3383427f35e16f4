"""One kind cluster for all tests that need one; the suite under test sees it as an existing one."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from stsconf import suite_files
from stsconf.clusters import Cluster, kind
from stsconf.run.config import Config
from stsconf.run.provider import provide

Suite = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    config = Config.from_options({"output-dir": tmp_path_factory.mktemp("cluster")})
    with provide(config, lambda text: print(text, file=sys.stderr)) as found:
        yield replace(found, ours=False)


AUDIT = """\
kind: ClusterConfiguration
apiServer:
  extraArgs:
  - {name: audit-policy-file, value: /kind/audit/policy.yaml}
  - {name: audit-log-path, value: /var/log/kubernetes/audit.log}
  - {name: audit-log-mode, value: blocking}
  extraVolumes:
  - {name: audit, hostPath: /kind/audit, mountPath: /kind/audit, readOnly: true}
  - {name: log, hostPath: /var/log/kubernetes, mountPath: /var/log/kubernetes, pathType: DirectoryOrCreate}
"""


@pytest.fixture(scope="session")
def audited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A cluster of our own whose API server keeps an audit log."""
    config = Config.from_options({"output-dir": tmp_path_factory.mktemp("audited")})

    def say(text: str) -> None:
        print(text, file=sys.stderr)

    run_id = config.run_id.rsplit("-", 1)[-1]
    with kind.cluster(run_id, config.output_dir, config.engine, None, {}, config.waits, say, [AUDIT]) as found:
        yield found


def audit_log(cluster: Cluster, folder: Path) -> list[str]:
    kind_program = Path(str(cluster.kubeconfig)).parent / "kind"
    # Not everything it wants to export is there; the log itself must be.
    subprocess.run([str(kind_program), "export", "logs", str(folder), "--name", cluster.name], check=False)
    (log,) = folder.rglob("audit*.log")
    return log.read_text(encoding="utf-8").splitlines()


@pytest.fixture
def suite(cluster: Cluster, tmp_path: Path) -> Suite:
    """Run the suite on the cluster as a user would, with more arguments; results go to ``tmp_path / "out"``."""
    images = [f"--sts-image={key}={cluster.images[key]}" for key in ("nginx_old", "nginx_new")]

    def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [
                *(sys.executable, "-P", "-m", "pytest", str(suite_files.conformance()), "-p", "no:cacheprovider"),
                "--sts-cluster=existing",
                f"--sts-kubeconfig={cluster.kubeconfig}",
                f"--sts-output-dir={tmp_path / 'out'}",
                *images,
                *arguments,
            ],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            env={**os.environ, "PYTEST_ADDOPTS": "", **environment},
            check=False,
        )

    return run


@pytest.fixture
def nothing_left(cluster: Cluster) -> Iterator[None]:
    """Whatever the test does: namespaces and volumes of the suite are gone afterwards."""

    def ours() -> set[str]:
        spaces = {n["metadata"]["name"] for n in cluster.api.list("Namespace")}
        volumes = {v["metadata"]["name"] for v in cluster.api.list("PersistentVolume")}
        return {name for name in spaces | volumes if not name.startswith(("kube-", "default", "nfs-"))}

    before = ours()
    yield
    assert ours() == before
