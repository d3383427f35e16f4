"""Images under their upstream names: no node has them, and each pulls them through a registry that is a mirror."""

import io
import json
import os
import re
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from stsconf import suite_files
from stsconf.clusters.engine import Engine, EngineChoice, airgap_command, engine
from stsconf.waits import until

pytestmark = [pytest.mark.cluster]

IMAGE = "stsconf-test/registry:1"
CONFIG = """\
version: 0.1
log: {level: info}
storage: {filesystem: {rootdirectory: /var/lib/registry}}
http: {addr: ":0"}
"""


def docker(found: Engine, *argv: str, given: bytes = b"") -> str:
    environment = {**os.environ, **found.environment}
    done = subprocess.run(["docker", *argv], input=given, env=environment, capture_output=True, check=False)
    assert done.returncode == 0, (argv, done.stderr.decode())
    return done.stdout.decode() + done.stderr.decode()


@dataclass
class Registry:
    """A registry beside the nodes. The engine itself reaches it at 127.0.0.1, which it takes for insecure unasked."""

    engine: Engine
    container: str
    port: int
    tags: list[str]

    @property
    def mirror(self) -> str:
        """Where the nodes find it."""
        return f"http://{self.engine.api_server_address}:{self.port}"

    def serve(self, image: str, path: str) -> str:
        """Push an image of the engine, forget the tag, and return the reference by which the engine can pull it."""
        reference = f"127.0.0.1:{self.port}/{path}"
        self.tags.append(reference)
        docker(self.engine, "tag", image, reference)
        docker(self.engine, "push", "--quiet", reference)
        docker(self.engine, "rmi", reference)
        return reference

    def pulled(self, client: str) -> set[str]:
        """Paths and tags whose manifest a client has asked for and got, from the access log."""
        got = re.compile(rf'"(?:GET|HEAD) /v2/(\S+)/manifests/([^\s?]+)\S* HTTP/1\.1" 200 .*"{client}/')
        log = docker(self.engine, "logs", self.container)
        return {f"{path}:{tag}" for path, tag in got.findall(log) if not tag.startswith("sha256:")}


@pytest.fixture
def registry() -> Iterator[Registry]:
    """The distribution project's registry in the air-gapped engine, on the engine's own network."""
    command = airgap_command()
    assert command is not None
    built = subprocess.run([*command, "programs", "registry"], capture_output=True, check=True).stdout
    with engine(EngineChoice.AIRGAP, None, print) as found:
        root = io.BytesIO()
        with tarfile.open(fileobj=root, mode="w") as archive:
            archive.add(json.loads(built)["registry"], "registry")
            config = tarfile.TarInfo("config.yml")
            config.size = len(CONFIG)
            archive.addfile(config, io.BytesIO(CONFIG.encode()))
        start = 'ENTRYPOINT ["/registry", "serve", "/config.yml"]'
        docker(found, "import", "--change", start, "-", IMAGE, given=root.getvalue())
        quiet = ("--env", "OTEL_TRACES_EXPORTER=none")
        container = docker(found, "run", "--detach", "--network", "host", *quiet, IMAGE).strip()
        tags = [IMAGE]
        try:
            listening = re.compile(r"listening on \S+:(\d+)")
            assert until(lambda: bool(listening.search(docker(found, "logs", container))), 30)
            (port,) = listening.findall(docker(found, "logs", container))
            yield Registry(found, container, int(port), tags)
        finally:
            docker(found, "rm", "--force", "--volumes", container)
            known = docker(found, "images", "--format", "{{.Repository}}:{{.Tag}}").split()
            docker(found, "rmi", *(tag for tag in tags if tag in known))


def test_upstream_names_are_pulled_through_the_mirror_and_the_run_ends_as_with_images_inside(
    registry: Registry, tmp_path: Path
) -> None:
    public, ours = suite_files.public_images(), registry.engine.images
    used = ("nginx_old", "nfs_server", "nfs_provisioner")  # by scenario create and the storage
    paths = {key: public[key].partition("/")[2] for key in used}
    for key, path in paths.items():
        registry.serve(ours[key], path)
    node = f"kindest/node:{registry.engine.facts['kubernetes']}"
    images = {key: public[key] for key in used} | {"node": registry.serve(registry.engine.node_image, node)}
    done = subprocess.run(
        [
            *(sys.executable, "-P", "-m", "stsconf", "run", "--engine", "airgap", "--scenario", "create"),
            *("--registry-mirror", registry.mirror, "--output-dir", str(tmp_path / "out")),
            *(f"--image={key}={reference}" for key, reference in images.items()),
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTEST_ADDOPTS": ""},
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads((tmp_path / "out" / "verdict.json").read_text())
    judged = {promise["id"]: promise["verdict"] for promise in found["promises"] if promise["timelines"]}
    assert set(judged.values()) == {"holds"}
    assert judged.keys() >= {"IDN-01", "ORD-01", "ORD-02", "STO-01"}
    assert found["run"]["environment"]["images"].items() >= images.items()
    assert found["run"]["environment"]["registry_mirror"] == registry.mirror
    assert registry.pulled("docker") == {node}
    assert registry.pulled("containerd") == set(paths.values())
