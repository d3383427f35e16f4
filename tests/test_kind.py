"""What provider ``kind`` asks of kind and of the nodes, seen by programs that stand in their places."""

import json
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from kubernetes.client import ApiClient

from stsconf import suite_files
from stsconf.clusters import engine as engines
from stsconf.clusters import kind, kubeadm, mirror
from stsconf.clusters.engine import Engine, EngineChoice
from stsconf.clusters.keeping import Keep, KeepPolicy
from stsconf.errors import ClusterError, UsageError
from stsconf.kube.api import Api
from stsconf.waits import Waits


class Stage:
    """A folder of programs that write down how they were called."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder / "calls"
        self.engine = Engine(
            kind=folder / "kind",
            kubectl=folder / "kubectl",
            environment={"PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"},
            node_image="engine/node:1",
            node_image_of="engine/node:{}".format,
            images={"nginx_old": "engine/nginx:1"},
            kind_config={},
            nfs_server="ganesha",
            mount_options=(),
        )

    def program(self, name: str, body: str) -> None:
        """Put a shell script in place; it logs its arguments and its session before it does anything."""
        path = self.folder / name
        path.write_text(f'#!/bin/sh\necho "$(ps -o sid= -p $$ | tr -d " ") {name} $*" >> {self.log}\n{body}\n')
        path.chmod(0o755)

    def calls(self, words: str) -> list[tuple[int, str]]:
        """Session and command line of every call that contains ``words``."""
        found = [line.split(" ", 1) for line in self.log.read_text().splitlines()]
        return [(int(session), call) for session, call in found if words in call]


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stage:
    made = Stage(tmp_path)

    @contextmanager
    def engine(*_: object) -> Iterator[Engine]:
        yield made.engine

    monkeypatch.setattr(kind, "engine", engine)
    return made


def start(stage: Stage, images: dict[str, str]) -> None:
    with kind.cluster("ab12", stage.folder / "out", EngineChoice.AUTO, None, images, Waits(), lambda _: None):
        pass


@pytest.mark.parametrize(
    ("images", "wanted"),
    [({}, "engine/node:1"), ({"node": "mirror.example/kindest/node:v1"}, "mirror.example/kindest/node:v1")],
)
def test_the_node_image_is_the_one_asked_for(images: dict[str, str], wanted: str, stage: Stage) -> None:
    stage.program("kind", 'test "$1" != create')
    with pytest.raises(ClusterError, match="kind create cluster failed"):
        start(stage, images)
    ((_, call),) = stage.calls("create cluster")
    assert f" --image={wanted} " in call


@pytest.mark.parametrize("keep", Keep)
def test_a_cluster_that_is_ready_is_deleted_unless_it_stays(
    keep: Keep, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kind.Api, "from_kubeconfig", lambda *_: Api(ApiClient()))
    monkeypatch.setattr(kind, "_wait_ready", lambda *_: None)
    monkeypatch.setattr(kind.storage, "install", lambda *_: None)
    monkeypatch.setattr(kind, "identify", lambda _: ("v1", "uid"))
    written = {
        "current-context": "one",
        "clusters": [{"name": "one", "cluster": {"server": "http://127.0.0.1:1"}}],
        "users": [{"name": "one", "user": {}}],
        "contexts": [{"name": "one", "context": {"cluster": "one", "user": "one"}}],
    }
    stage.program("kind", f"echo '{json.dumps(written)}' > {stage.folder}/out/kubeconfig")
    say, images = (lambda _: None), dict[str, str]()
    staying = KeepPolicy(keep, lambda: True, "20261128-120000-ab12", say)
    out = stage.folder / "out"
    with kind.cluster("ab12", out, EngineChoice.AUTO, None, images, Waits(), say, staying=staying) as made:
        assert stage.calls("create cluster")
    assert bool(stage.calls("delete cluster")) is (keep is Keep.NEVER)
    assert len(made.remains) == (keep is not Keep.NEVER)
    assert all("stsconf clean --run=20261128-120000-ab12 --yes" in sentence for sentence in made.remains)


def test_a_cluster_that_did_not_come_up_never_stays(stage: Stage) -> None:
    stage.program("kind", 'test "$1" != create')
    staying = KeepPolicy(Keep.ALWAYS)
    with (
        pytest.raises(ClusterError),
        kind.cluster(
            "ab12", stage.folder / "out", EngineChoice.AUTO, None, {}, Waits(), lambda _: None, staying=staying
        ),
    ):
        pass
    assert stage.calls("delete cluster")


def test_a_cluster_is_deleted_where_the_terminals_ctrl_c_does_not_reach(stage: Stage) -> None:
    before = signal.getsignal(signal.SIGINT)
    stage.program("kind", f'grep SigIgn /proc/$$/status > {stage.folder}/ignored; test "$1" != create')
    with pytest.raises(ClusterError):
        start(stage, {})
    ((session, call),) = stage.calls("delete cluster")
    assert "--name=stsconf-ab12" in call
    assert session != os.getsid(0)
    assert int((stage.folder / "ignored").read_text().split()[1], 16) & 1 << (signal.SIGINT - 1)
    assert signal.getsignal(signal.SIGINT) is before


def test_every_node_learns_of_the_mirror_for_every_registry(stage: Stage) -> None:
    stage.program("docker", f'case "$*" in *dump) echo {mirror.FOLDER};; *) cat >> {stage.folder}/$3;; esac')
    mirror.use("https://mirror.example:5000", ["one", "two"], stage.engine)
    for node in ("one", "two"):
        for registry in mirror.MIRRORED:
            assert len(stage.calls(f"exec --interactive {node} sh -c mkdir -p {mirror.FOLDER}/{registry} ")) == 1
        assert (stage.folder / node).read_text().count('[host."https://mirror.example:5000"]') == len(mirror.MIRRORED)


def test_every_public_image_of_a_pod_is_on_a_registry_that_is_mirrored() -> None:
    pods = {key: image for key, image in suite_files.public_images().items() if key != "node"}
    assert {image.partition("/")[0] for image in pods.values()} == set(mirror.MIRRORED)


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ("echo nothing of the kind", f"containerd of node one does not read {mirror.FOLDER}"),
        ("echo no such container >&2; exit 1", "`docker exec one containerd config dump` failed: no such container"),
    ],
)
def test_a_node_that_would_not_use_the_mirror_is_named(body: str, sentence: str, stage: Stage) -> None:
    stage.program("docker", body)
    with pytest.raises(ClusterError) as refused:
        mirror.use("https://mirror.example", ["one"], stage.engine)
    assert refused.value.stage == "mirror"
    assert sentence in str(refused.value)


@pytest.mark.parametrize("url", ["http://10.0.0.1:5000", "https://mirror.example/", "http://[fd00::1]:5000"])
def test_a_mirror_is_scheme_host_and_port(url: str) -> None:
    assert mirror.checked(url) == url.rstrip("/")


@pytest.mark.parametrize(
    "url",
    [
        "mirror.example:5000",
        "ftp://mirror.example",
        "http://",
        "http://mirror.example:x",
        "http://mirror.example/v2/library",
        "http://mirror.example?ns=docker.io",
        "http://user:secret@mirror.example",
        'http://mirror.example"',
        "http://[fd00::1",
    ],
)
def test_what_is_no_mirror_is_a_usage_error(url: str) -> None:
    with pytest.raises(ValueError, match="is not a registry"):
        mirror.checked(url)


@pytest.mark.parametrize("url", ["http://localhost:5000", "http://127.0.0.1:5000", "http://[::1]"])
def test_a_mirror_that_would_be_the_node_itself_is_a_usage_error(url: str) -> None:
    with pytest.raises(ValueError, match="would be each node itself"):
        mirror.checked(url)


DONOR = """case "$*" in
*--entrypoint*) echo donor ;;
*'images list'*) printf 'registry/one:1\\nregistry/two:2\\n' ;;
'cp donor:'*) echo program ;;
*' export '*) echo images ;;
'cp - '* | *' import '*) cat >> {got} ;;
*' phase preflight '*) {preflight} ;;
*' upgrade apply '*) echo upgraded ;;
esac"""


def test_a_control_plane_is_upgraded_with_what_the_node_image_of_the_other_version_holds(stage: Stage) -> None:
    stage.program("docker", DONOR.format(got=stage.folder / "got", preflight="echo fine"))
    upgrade = kubeadm.prepare("c", "v9.9.9", stage.engine, stage.folder, lambda _: None)
    assert (stage.folder / "got").read_text() == "program\nimages\n"
    assert stage.calls(" images export - registry/one:1 registry/two:2")
    ((_, opened),) = stage.calls(" run ")
    assert "--label=io.x-k8s.kind.cluster=c" in opened
    assert " engine/node:v9.9.9 " in opened
    assert len(stage.calls("rm --force --volumes donor")) == 1
    assert not [call for _, call in stage.calls("upgrade apply") if "preflight v9.9.9" not in call]
    upgrade()
    assert [call for _, call in stage.calls("exec c-control-plane /usr/bin/kubeadm upgrade apply v9.9.9 --yes")]
    assert (stage.folder / "kubeadm-upgrade.log").read_text() == "upgraded\n"


def test_what_kubeadm_refuses_is_said_in_its_own_words_and_nothing_stays_open(stage: Stage) -> None:
    stage.program("docker", DONOR.format(got=stage.folder / "got", preflight="echo the version is too new >&2; exit 1"))
    with pytest.raises(ClusterError, match="the version is too new") as refused:
        kubeadm.prepare("c", "v9.9.9", stage.engine, stage.folder, lambda _: None)
    assert refused.value.stage == "upgrade"
    assert len(stage.calls("rm --force --volumes donor")) == 1


def test_images_that_cannot_be_read_are_no_upgrade(stage: Stage) -> None:
    body = DONOR.format(got=stage.folder / "got", preflight="echo fine")
    stage.program("docker", body.replace("echo images", "echo no such image >&2; exit 1"))
    with pytest.raises(ClusterError, match="no such image"):
        kubeadm.prepare("c", "v9.9.9", stage.engine, stage.folder, lambda _: None)
    assert not stage.calls(" phase preflight ")


@pytest.fixture
def docker(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Stage:
    """A machine with an engine, kind and kubectl; ``docker pull`` knows one image."""
    stage.program("docker", 'case "$*" in *:v1.36.3) ;; pull*) echo manifest unknown >&2; exit 1 ;; esac')
    for name in ("kind", "kubectl"):
        stage.program(name, "")
    monkeypatch.setenv("PATH", stage.engine.environment["PATH"])
    return stage


def test_with_docker_a_version_is_the_node_image_that_kind_publishes(docker: Stage) -> None:
    with engines.engine(EngineChoice.DOCKER, "v1.36.3", print) as found:
        assert found.node_image == "kindest/node:v1.36.3"
    assert docker.calls("docker pull --quiet kindest/node:v1.36.3")
    with engines.engine(EngineChoice.DOCKER, None, print) as found:
        assert found.node_image == suite_files.public_images()["node"]


@pytest.mark.parametrize(
    ("version", "sentence"),
    [
        ("v1.0.7", r"Kubernetes v1\.0\.7: pull: .*manifest unknown.*lists the node images"),
        ("./folder", r"Kubernetes \./folder is not a version such as"),
    ],
)
@pytest.mark.usefixtures("docker")
def test_a_version_that_kind_does_not_publish_is_a_usage_error(version: str, sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence), engines.engine(EngineChoice.DOCKER, version, print):
        pass


def test_a_version_of_which_the_engine_makes_no_node_is_a_usage_error(monkeypatch: pytest.MonkeyPatch) -> None:
    told = "case $1 in check) ;; *) echo 'v1.34.4 has no kubelet' >&2; exit 4; esac"
    monkeypatch.setattr(engines, "airgap_command", lambda: ["sh", "-c", told, "airgap"])
    expected = pytest.raises(UsageError, match=r"Kubernetes v1\.34\.4: v1\.34\.4 has no kubelet")
    with expected, engines.engine(EngineChoice.AIRGAP, "v1.34.4", print):
        pass
