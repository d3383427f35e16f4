import hashlib
from pathlib import Path

import engine
import images
import packages
import programs
import pytest
import recipe
from cache import Cache
from engine import LINKS, Engine, Running
from images import Image
from progress import Failure
from recipe import KUBERNETES, Recipe

from tests.airgap.conftest import AIRGAP


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Recipe:
    monkeypatch.setattr(programs, "go_version", lambda: "go1.26.8")
    return Recipe(Cache(tmp_path), KUBERNETES)


def test_every_step_has_an_artefact_of_its_own(made: Recipe) -> None:
    paths = [step.path for step in (*made.files(), *made.images())]
    assert len(set(paths)) == len(paths)


def test_a_step_is_done_once_its_artefact_stands(made: Recipe) -> None:
    step = made.files()[0]
    assert not step.done
    step.path.mkdir(parents=True)
    assert made.files()[0].done


def test_the_go_version_is_part_of_a_programs_key(made: Recipe, monkeypatch: pytest.MonkeyPatch) -> None:
    before = programs.build(made.store, programs.ETCD).path
    monkeypatch.setattr(programs, "go_version", lambda: "go1.26.9")
    assert programs.build(made.store, programs.ETCD).path != before


def test_the_node_changes_with_any_image_inside(made: Recipe) -> None:
    contents = made.contents()
    before = images.node_reference(made.node(), contents)
    contents["pause"] = Image("pause:2", "pause")
    assert images.node_reference(made.node(), contents) != before


def test_kubernetes_is_stamped_with_its_version_and_others_are_not() -> None:
    flags = programs.link_flags("kubernetes-v1.37.2")
    assert "-X k8s.io/component-base/version.gitVersion=v1.37.2" in flags
    assert "-X k8s.io/client-go/pkg/version.gitMinor=37" in flags
    assert programs.link_flags("etcd") == "-s -w"


def test_every_program_is_pinned_by_a_committed_go_sum() -> None:
    for folder in (AIRGAP / "go").iterdir():
        if (folder / "go.mod").exists() and "require" in (folder / "go.mod").read_text():
            assert (folder / "go.sum").stat().st_size > 0, folder


def test_the_stand_ins_name_the_go_sum_of_kubernetes(made: Recipe) -> None:
    digest = hashlib.sha256((made.kubernetes.source / "go.sum").read_bytes()).hexdigest()
    assert any(digest in sentence for sentence in made.stand_ins())


@pytest.mark.parametrize(("file_systems", "named"), [("nodev\tfuse\n", True), ("nodev\tnfs\nnodev\tnfs4\n", False)])
def test_the_userspace_client_is_a_stand_in_only_where_it_is_used(
    made: Recipe, monkeypatch: pytest.MonkeyPatch, file_systems: str, named: bool
) -> None:
    monkeypatch.setattr(Path, "read_text", lambda _: file_systems)
    assert recipe.kernel_has_nfs() is not named
    monkeypatch.undo()
    monkeypatch.setattr(recipe, "kernel_has_nfs", lambda: not named)
    assert any("userspace NFSv3 client" in sentence for sentence in made.stand_ins()) is named


def test_the_description_names_every_part_its_user_needs(made: Recipe) -> None:
    told = made.description(Running(1, 2, 3, 4, "10.88.255.2"), reused=True)
    assert told["api_server_address"] == "10.88.255.2"
    assert told["reused"] is True
    assert set(told["programs"]) == {"kind", "kubectl", "docker"}
    assert {"nginx_old", "nginx_new", "nfs_server", "nfs_provisioner", "coredns"} <= set(told["images"])
    assert told["images"].keys() == told["image_versions"].keys()
    assert told["node_image"].startswith(f"stsconf/node:{KUBERNETES}-")


def test_the_link_avoids_ranges_that_are_routed() -> None:
    assert engine.free_link(["default", "192.0.2.0/24"]) == LINKS[0]
    assert engine.free_link(["10.88.0.0/16", "10.89.255.1"]) == LINKS[2]


def test_no_free_range_is_said_with_what_helps() -> None:
    with pytest.raises(Failure, match="Remove one of these routes"):
        engine.free_link(["10.0.0.0/8"])


def test_state_of_an_engine_that_is_gone_is_not_an_engine(tmp_path: Path) -> None:
    found = Engine(Cache(tmp_path), tmp_path)
    found.state.parent.mkdir()
    for content in (
        "",
        "{}",
        '{"init": 1}',
        '{"init": 4194305, "init_started": 7, "keeper": 4194305, "keeper_started": 7, "address": "10.88.255.2"}',
        '{"init": 1, "init_started": -7, "keeper": 1, "keeper_started": -7, "address": "10.88.255.2"}',  # a reused pid
    ):
        found.state.write_text(content)
        assert found.running() is None
        found.end_kept()  # signals nobody
        assert not found.kept()


APT = """#!/bin/sh
cat <<'LIST'
https://other.example/deb nodistro main
http://mirror.example/debian/ bookworm main
http://mirror.example/debian/ bookworm-updates main
http://mirror.example/debian-security/ bookworm-security main
LIST
"""


def test_other_suites_come_from_the_mirror_the_machine_uses(command_folder: Path) -> None:
    (command_folder / "apt-get").write_text(APT)
    (command_folder / "apt-get").chmod(0o755)
    lines = packages.sources("trixie").splitlines()
    keyring = f"deb [signed-by={packages.KEYRING}]"
    assert lines == [
        f"{keyring} http://mirror.example/debian/ trixie main",
        f"{keyring} http://mirror.example/debian/ trixie-updates main",
        f"{keyring} http://mirror.example/debian-security/ trixie-security main",
    ]


def test_a_machine_without_a_debian_archive_is_told_so(command_folder: Path) -> None:
    (command_folder / "apt-get").write_text("#!/bin/sh\necho https://other.example/deb nodistro main\n")
    (command_folder / "apt-get").chmod(0o755)
    with pytest.raises(Failure, match="knows no Debian archive"):
        packages.mirror()


def test_no_setting_that_loosens_signature_checks_is_taken_over(command_folder: Path) -> None:
    dump = 'Acquire::http::Proxy "http://p:1";\nAcquire::AllowInsecureRepositories "1";\nAPT::Get::Assume-Yes "1";\n'
    (command_folder / "apt-config").write_text(f"#!/bin/sh\ncat <<'END'\n{dump}END\n")
    (command_folder / "apt-config").chmod(0o755)
    assert packages.machine_settings() == 'Acquire::http::Proxy "http://p:1";\n'
