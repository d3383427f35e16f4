import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from preflight import PROGRAMS, Machine, missing

from tests.airgap.conftest import AIRGAP

GOOD = Machine(
    root=lambda: True,
    has=lambda _: True,
    go=lambda: "go1.26.8",
    exists=lambda _: True,
    file_systems=lambda: "nodev\toverlay\nnodev\tfuse\n",
    links=lambda: True,
    free=lambda _: 100_000,
    kind_of=lambda _: "ext2/ext3",
)
CACHE = Path("/somewhere/cache")


def test_a_good_machine_lacks_nothing() -> None:
    assert missing(GOOD, CACHE, 14_000) == []


@pytest.mark.parametrize(
    ("change", "says", "helps"),
    [
        ({"root": lambda: False}, "not root", "sudo"),
        ({"has": lambda name: name != "unshare"}, "unshare is missing", "apt-get install util-linux"),
        ({"has": lambda name: name != "go"}, "Go is missing", "go.dev/dl"),
        ({"go": lambda: "go1.25.9"}, "Go is go1.25", "at least go1.26"),
        ({"exists": lambda path: "keyring" not in str(path)}, "key ring", "debian-archive-keyring"),
        ({"exists": lambda path: path != Path("/dev/fuse")}, "/dev/fuse is missing", "modprobe fuse"),
        ({"file_systems": lambda: "nodev\tfuse\n"}, "no overlay file system", "modprobe overlay"),
        ({"file_systems": lambda: "nodev\toverlay\nfuseblk\n"}, "no fuse file system", "modprobe fuse"),
        ({"links": lambda: False}, "veth pairs", "modprobe veth"),
        ({"kind_of": lambda _: "overlayfs"}, "lies on overlayfs", "STS_CACHE_DIR"),
        ({"free": lambda _: 15_999}, "has 16.0 GB free and 16.0 GB are needed", "make room"),
    ],
)
def test_what_is_missing_is_named_with_what_helps(change: dict[str, object], says: str, helps: str) -> None:
    found = missing(replace(GOOD, **change), CACHE, 14_000)  # type: ignore[arg-type]
    assert len(found) == 1, found
    assert says in found[0]
    assert helps in found[0]


def test_go_1_30_is_newer_than_1_26() -> None:
    assert missing(replace(GOOD, go=lambda: "go1.30"), CACHE, 0) == []


def test_everything_missing_is_named_at_once() -> None:
    bare = Machine(
        root=lambda: False,
        has=lambda _: False,
        go=lambda: "",
        exists=lambda _: False,
        file_systems=lambda: "",
        links=lambda: False,
        free=lambda _: 0,
        kind_of=lambda _: "overlayfs",
    )
    assert len(missing(bare, CACHE, 14_000)) == len(PROGRAMS) + 8


def test_the_command_refuses_with_code_11_before_it_makes_anything(tmp_path: Path, command_folder: Path) -> None:
    go = command_folder / "go"
    go.write_text("#!/bin/sh\necho go1.20\n")
    go.chmod(0o755)
    cache = tmp_path / "cache"
    environment = os.environ | {"STS_CACHE_DIR": str(cache)}
    for verb in ("check", "plan", "build", "up", "status"):
        done = subprocess.run(
            [sys.executable, AIRGAP, verb], env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 11, done
        assert "Go is go1.20" in done.stderr
        assert done.stdout == ""
    assert not cache.exists()


@pytest.mark.parametrize(
    ("version", "sentence"),
    [
        ("v0.1.0", "There is no program kubernetes-v0.1.0"),
        ("v1.34.4", "go/kubernetes-v1.34.4 has no kube-proxy, kubelet, kubeadm, kubectl, which a node needs"),
    ],
)
def test_a_kubernetes_version_of_which_there_can_be_no_node_is_a_usage_error(version: str, sentence: str) -> None:
    done = subprocess.run(
        [sys.executable, AIRGAP, "--kubernetes", version, "check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 4
    assert sentence in done.stderr
    assert done.stdout == ""
