import importlib.util
import json
import os
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator
from types import ModuleType

import pytest

from tests.airgap.conftest import AIRGAP

HELPER = AIRGAP / "images" / "node" / "mount_nfs3.py"


@pytest.fixture(scope="module")
def helper() -> ModuleType:
    spec = importlib.util.spec_from_file_location("mount_nfs3", HELPER)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("data", [b"", b"a", b"abc", b"abcd", b"x" * 1001])
def test_opaque_data_is_padded_to_four_bytes_and_comes_back(helper: ModuleType, data: bytes) -> None:
    packed = helper.opaque(data)
    assert len(packed) % 4 == 0
    xdr = helper.Xdr(packed + struct.pack(">I", 77))
    assert bytes(xdr.opaque()) == data
    assert xdr.get("I") == 77


def test_optional_attributes_and_handles_may_be_absent(helper: ModuleType) -> None:
    attributes = tuple(range(1, 18))
    packed = (
        struct.pack(">I", 0) + struct.pack(">I5I2Q2I2Q6I", 1, *attributes) + struct.pack(">I", 1) + helper.opaque(b"fh")
    )
    xdr = helper.Xdr(packed)
    assert xdr.attr() is None
    assert xdr.attr() == attributes
    assert xdr.fh() == b"fh"


def test_weak_cache_data_before_the_attributes_is_skipped(helper: ModuleType) -> None:
    attributes = tuple(range(1, 18))
    packed = struct.pack(">I24s", 1, b"") + struct.pack(">I5I2Q2I2Q6I", 1, *attributes)
    assert helper.Xdr(packed).wcc() == attributes


@pytest.mark.parametrize(
    "argv",
    [
        ["mount.nfs", "server:/export", "/mnt", "-o", "rw,hard,nfsvers=3,mountport=20048"],
        ["mount.nfs", "-o", "hard,nfsvers=3", "-o", "mountport=20048", "server:/export", "/mnt"],
    ],
)
def test_options_may_stand_before_or_after_the_paths(helper: ModuleType, argv: list[str]) -> None:
    source, target, options, flags = helper.parse(argv)
    assert (source, target, flags) == ("server:/export", "/mnt", 0)
    assert options["mountport"] == "20048"
    assert options["nfsvers"] == "3"


def test_read_only_reaches_the_kernel_and_the_last_word_counts(helper: ModuleType) -> None:
    assert helper.parse(["mount.nfs", "s:/e", "/m", "-o", "ro,nosuid"])[3] == 1 | 2
    assert helper.parse(["mount.nfs", "s:/e", "/m", "-o", "ro,rw"])[3] == 0


@pytest.mark.parametrize(
    ("argv", "code", "says"),
    [
        (["server:/export", "/mnt", "-o", "shiny"], 32, "incorrect mount option was specified: shiny"),
        (["server:/export", "/mnt", "-o", "nfsvers=4.1"], 32, "version or transport protocol is not supported"),
        (["/mnt"], 1, "usage"),
        (["127.0.0.1:/export", "/mnt", "-o", "mountport=1"], 32, "for 127.0.0.1:/export on /mnt"),
    ],
)
def test_a_mount_that_cannot_be_ends_with_a_reason(argv: list[str], code: int, says: str) -> None:
    done = subprocess.run([sys.executable, HELPER, *argv], capture_output=True, text=True, check=False)
    assert done.returncode == code
    assert says in done.stderr


@pytest.fixture
def portmapper(helper: ModuleType) -> Iterator[int]:
    """A server that answers one call in two fragments, after breaking the connection of the first attempt."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(10)

    def fragment(data: bytes, last: bool) -> bytes:
        return struct.pack(">I", len(data) | (0x80000000 if last else 0)) + data

    def serve() -> None:
        first, _ = listener.accept()
        first.recv(65536)
        first.close()
        second, _ = listener.accept()
        with second:
            call = second.recv(65536)
            xid = call[4:8]
            reply = (
                xid + struct.pack(">2I", 1, 0) + struct.pack(">I", 0) + helper.opaque(b"") + struct.pack(">2I", 0, 4711)
            )
            second.sendall(fragment(reply[:10], last=False) + fragment(reply[10:], last=True))
            second.recv(1)

    thread = threading.Thread(target=serve)
    thread.start()
    yield listener.getsockname()[1]
    listener.close()
    thread.join(10)


def test_a_call_is_sent_again_and_its_reply_put_together(helper: ModuleType, portmapper: int) -> None:
    rpc = helper.Rpc("127.0.0.1", portmapper, 100000, 2, tries=3)
    assert rpc.call(3).get("I") == 4711
    rpc.local.sock.close()


CHECKS = """
import os, stat
a, b = "/mnt/a", "/mnt/b"
def put(path, data, mode="w"):
    with open(path, mode) as file:
        file.write(data)
def get(path):
    with open(path) as file:
        return file.read()
put(a + "/f", "hello"); assert get(b + "/f") == "hello"
put(b + "/f", " world", "a"); assert get(a + "/f") == "hello world"
os.chmod(a + "/f", 0o4751); assert stat.S_IMODE(os.stat(b + "/f").st_mode) == 0o4751
os.chown(a + "/f", 12, 34); assert os.stat(b + "/f").st_uid == 12
os.truncate(a + "/f", 3); assert get(b + "/f") == "hel"
os.rename(a + "/f", a + "/g"); assert os.listdir(b) == ["g"]
os.symlink("g", a + "/l"); assert get(b + "/l") == "hel"
os.link(a + "/g", a + "/h"); assert os.stat(b + "/h").st_nlink == 2
os.mkdir(a + "/d")
for number in range(1000):
    put(f"{a}/d/{number}", str(number))
assert sorted(map(int, os.listdir(b + "/d"))) == list(range(1000))
with open(a + "/h") as kept:
    os.unlink(a + "/h"); os.unlink(a + "/g"); assert kept.read() == "hel"
with open(a + "/big", "wb") as file:
    file.write(os.urandom(1 << 20) * 8); os.fsync(file.fileno())
assert os.stat(b + "/big").st_size == 8 << 20
try:
    open(a + "/big", "x"); raise SystemExit("exclusive create of an existing file")
except FileExistsError:
    pass
assert [line.split()[0] for line in open("/proc/mounts") if " /mnt/a " in line] == [os.environ["SERVER"] + ":/export"]
print("good")
"""


@pytest.mark.cluster
def test_two_mounts_in_a_node_see_each_others_files() -> None:
    argv = [sys.executable, AIRGAP, "up", "--until-stdin-closes"]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as up:
        assert up.stdout is not None
        told = json.loads(up.stdout.readline())
        environment = os.environ | {"DOCKER_HOST": told["docker_host"]}

        def docker(*words: str, text: str | None = None) -> str:
            argv = [told["programs"]["docker"], *words]
            done = subprocess.run(argv, env=environment, input=text, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stderr
            return done.stdout.strip()

        made = []
        try:
            allowed = ("--cap-add", "DAC_READ_SEARCH", "--security-opt", "seccomp=unconfined", "--volume", "/export")
            made.append(server := docker("run", "--detach", *allowed, told["images"]["nfs_server"]))
            docker("exec", server, "sh", "-c", "until /srv/ready.sh; do sleep 0.1; done 2>/dev/null")
            address = docker("inspect", "--format", "{{.NetworkSettings.IPAddress}}", server)
            made.append(
                node := docker("run", "--detach", "--privileged", "--entrypoint", "sleep", told["node_image"], "600")
            )
            options = ",".join(told["nfs_mount_options"])
            for point in ("/mnt/a", "/mnt/b"):
                docker("exec", node, "mkdir", "-p", point)
                docker("exec", node, "mount", "-t", "nfs", "-o", options, f"{address}:/export", point)
            assert (
                docker("exec", "--interactive", "--env", f"SERVER={address}", node, "python3", "-", text=CHECKS)
                == "good"
            )
            assert "big" in docker("exec", server, "ls", "/export")
            docker("exec", node, "umount", "/mnt/a", "/mnt/b")
        finally:
            for container in made:
                docker("rm", "--force", "--volumes", container)
            up.terminate()
