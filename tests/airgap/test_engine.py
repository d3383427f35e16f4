"""What only a real engine shows, made in the configured cache: minutes when it is warm."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cache import Cache, default_root
from progress import Failure, contained
from recipe import KUBERNETES, Recipe

from tests.airgap.conftest import AIRGAP

pytestmark = pytest.mark.cluster

VOLATILE = re.compile(
    r"^(fs\.(quota\.|dentry-state|file-nr|inode-nr|inode-state|aio-nr)|kernel\.(random\.|ns_last_pid|pty\.nr|sched_)"
    r"|net\.netfilter\.nf_conntrack_count|kernel\.perf|vm\.stat)"
)
"""Counters that every process moves."""


def until(condition: Callable[[], bool], seconds: float, what: str) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.1)


def output(*argv: str | Path, **more: Any) -> str:
    return subprocess.run(argv, check=True, capture_output=True, text=True, **more).stdout


def host(recipe: Recipe) -> dict[str, list[str]]:
    """Everything of the host that must be as before. The firewall is read by the engine's own tools."""
    root = recipe.engine.root
    sysctls = subprocess.run(["/usr/sbin/sysctl", "-a"], check=False, capture_output=True, text=True).stdout
    tables = [Path(f"/proc/net/{name}_tables_names") for name in ("ip", "ip6")]
    found = {
        "packages": output("dpkg-query", "--show", "--showformat", "${Package} ${Version} ${Status}\n").splitlines(),
        "links": sorted(link["ifname"] for link in json.loads(output("ip", "-json", "link"))),
        "routes": [line for family in ("-4", "-6") for line in _routes(family)],
        "mounts": [
            line.split(" - ")[0].split(" ", 2)[2] for line in Path("/proc/self/mountinfo").read_text().splitlines()
        ],
        "firewall": [
            line
            for command in ("iptables-nft-save", "ip6tables-nft-save")
            for line in output("chroot", root, command).splitlines()
            if not line.startswith("#")
        ],
        "legacy firewall": [line for table in tables if table.exists() for line in table.read_text().splitlines()],
        "sysctls": [line for line in sysctls.splitlines() if not VOLATILE.match(line)],
        "cgroups": sorted(str(path) for path in Path("/sys/fs/cgroup").glob("*/*/") if path.is_dir()),
        "run": sorted(str(path) for path in Path("/run").iterdir()),
    }
    elsewhere = re.compile(rf"\bsts(conf-)?(?!{recipe.engine.veth[3:]})[0-9a-f]{{8}}\b")  # the engine of another cache
    return {part: [line for line in lines if not elsewhere.search(line)] for part, lines in found.items()}


def _routes(family: str) -> list[str]:
    listed = output("ip", family, "route", "show", "table", "all").splitlines()
    return [re.sub(r" expires \d+sec", "", line).strip() for line in listed]


class Up:
    """``python3 airgap up`` as a child, read up to its JSON line."""

    def __init__(self, *options: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, AIRGAP, "up", *options], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, f"up ended with {self.process.wait()}"
        self.told: dict[str, Any] = json.loads(line)

    def docker(self, *argv: str) -> str:
        environment = os.environ | {"DOCKER_HOST": self.told["docker_host"]}
        return output(self.told["programs"]["docker"], *argv, env=environment).strip()

    def __enter__(self) -> "Up":
        return self

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        with self.process:  # closes the pipes and waits
            pass


@pytest.fixture
def recipe() -> Iterator[Recipe]:
    """The configured cache, complete, with no engine before and none after."""
    made = Recipe(Cache(default_root()), KUBERNETES)
    assert made.engine.running() is None, "an engine runs already; end it with `python3 airgap down`"
    subprocess.run([sys.executable, AIRGAP, "build"], check=True)
    yield made
    subprocess.run([sys.executable, AIRGAP, "down"], check=True)


def kind(up: Up, folder: Path, *argv: str) -> None:
    programs = up.told["programs"]
    path = f"{Path(programs['docker']).parent}{os.pathsep}{os.environ['PATH']}"
    environment = os.environ | {"DOCKER_HOST": up.told["docker_host"], "PATH": path}
    output(programs["kind"], *argv, "--kubeconfig", folder / "kubeconfig", env=environment)


def test_the_host_is_as_before_after_a_cluster(recipe: Recipe, tmp_path: Path) -> None:
    before = host(recipe)
    with Up("--until-stdin-closes") as up:
        during = host(recipe)
        assert [name for name in during["links"] if name not in before["links"]] == [recipe.engine.veth]
        routes = [line for line in during["routes"] if line not in before["routes"]]
        assert all(recipe.engine.veth in line for line in routes), routes
        assert len([line for line in routes if line.startswith("10.") and "/30" in line]) == 1, routes
        for part in ("packages", "mounts", "firewall", "legacy firewall"):
            assert during[part] == before[part], part

        config = tmp_path / "kind.yaml"
        networking = {"apiServerAddress": up.told["api_server_address"], "apiServerPort": 26443}
        config.write_text(
            json.dumps(
                {
                    "kind": "Cluster",
                    "apiVersion": "kind.x-k8s.io/v1alpha4",
                    **up.told["kind_config"],
                    "networking": up.told["kind_config"]["networking"] | networking,
                }
            )
        )
        image = up.told["node_image"]
        kind(
            up,
            tmp_path,
            "create",
            "cluster",
            "--name",
            "host",
            "--image",
            image,
            "--config",
            str(config),
            "--wait",
            "120s",
        )
        kubectl = [up.told["programs"]["kubectl"], "--kubeconfig", tmp_path / "kubeconfig"]
        assert KUBERNETES in output(*kubectl, "get", "nodes")
        within = host(recipe)
        for part in ("packages", "mounts", "firewall", "legacy firewall", "sysctls", "links"):
            expected = during[part]
            assert within[part] == expected, (part, set(within[part]) ^ set(expected))
        # the engine ends with the cluster still in it
    after = host(recipe)
    for part, was in before.items():
        assert after[part] == was, (part, set(after[part]) ^ set(was))


@pytest.mark.parametrize("victims", [("up",), ("keeper",), ("up", "keeper")])
def test_sigkill_ends_everything_and_the_next_up_finds_no_container(recipe: Recipe, victims: tuple[str, ...]) -> None:
    before = host(recipe)
    with Up() as up:
        running = recipe.engine.running()
        assert running is not None
        container = up.docker("run", "--detach", "--restart", "always", up.told["images"]["pause"])
        namespace = Path(f"/proc/{running.init}/ns/pid").readlink()
        for victim in victims:
            os.kill(running.keeper if victim == "keeper" else up.process.pid, signal.SIGKILL)
        up.process.wait()

    def inside() -> list[Path]:
        found = []
        for each in Path("/proc").glob("[0-9]*/ns/pid"):
            try:
                if each.readlink() == namespace:
                    found.append(each)
            except OSError:  # it ended meanwhile
                continue
        return found

    until(lambda: not inside(), 30, "processes of the engine are left")
    until(lambda: not Path(f"/sys/class/net/{recipe.engine.veth}").exists(), 30, "the link is left")
    after = host(recipe)
    for part in ("links", "routes", "mounts", "firewall", "sysctls"):
        assert after[part] == before[part], part

    with Up("--until-stdin-closes") as again:
        assert again.told["reused"] is False
        assert container not in again.docker("ps", "--all", "--quiet", "--no-trunc")
    assert host(recipe)["cgroups"] == before["cgroups"]


def test_two_at_once_share_an_engine_that_ends_with_the_last(recipe: Recipe) -> None:
    argv = [sys.executable, AIRGAP, "up"]
    both = [subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    try:
        told = [json.loads(each.stdout.readline()) for each in both if each.stdout]
        assert sorted(each["reused"] for each in told) == [False, True]
        assert told[0] | {"reused": None} == told[1] | {"reused": None}
        first, last = sorted(both, key=lambda each: told[both.index(each)]["reused"])
        first.terminate()
        assert first.wait(60) == 0
        assert recipe.engine.running() is not None
        last.terminate()
        assert last.wait(60) == 0
        assert recipe.engine.running() is None
        assert not recipe.engine.sockets.exists()
    finally:
        for each in both:
            each.terminate()
            with each:  # closes the pipe and waits
                pass


def test_a_user_of_an_engine_that_is_taken_down_says_so(recipe: Recipe) -> None:
    argv = [sys.executable, AIRGAP, "up"]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as user:
        assert user.stdout is not None
        assert user.stderr is not None
        assert user.stdout.readline()
        output(sys.executable, AIRGAP, "down")
        assert user.wait(60) == 3
        assert "ended by itself" in user.stderr.read()
    assert recipe.engine.running() is None


def test_an_engine_ends_with_the_process_that_asked_for_it(recipe: Recipe) -> None:
    script = f"{sys.executable} {AIRGAP} up & echo $!; wait"
    with subprocess.Popen(["sh", "-c", script], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        parent.stdout.readline()
        assert json.loads(parent.stdout.readline())["reused"] is False
        parent.kill()
    until(lambda: recipe.engine.running() is None and not recipe.engine.sockets.exists(), 60, "the engine is left")


def test_a_detached_engine_stays_until_down(recipe: Recipe) -> None:
    told = json.loads(output(sys.executable, AIRGAP, "up", "--detach"))
    assert told["reused"] is False
    assert "DOCKER_HOST" in output(sys.executable, AIRGAP, "env")
    assert json.loads(output(sys.executable, AIRGAP, "status"))["running"] is True
    assert Path(told["docker_host"].removeprefix("unix://")).stat().st_gid == 0
    assert Path(told["docker_host"].removeprefix("unix://")).parent.stat().st_mode & 0o777 == 0o700
    output(sys.executable, AIRGAP, "down")
    assert recipe.engine.running() is None


@pytest.mark.usefixtures("recipe")
def test_readiness_of_the_nfs_server_is_the_export_and_not_the_port() -> None:
    with Up("--until-stdin-closes") as up:

        def serve(*volume: str) -> str:
            allowed = ("--cap-add", "DAC_READ_SEARCH", "--security-opt", "seccomp=unconfined")
            return up.docker("run", "--detach", *allowed, *volume, up.told["images"]["nfs_server"])

        def succeeds(container: str, command: str) -> bool:
            try:
                up.docker("exec", container, "bash", "-c", command)
            except subprocess.CalledProcessError:
                return False
            return True

        good, exports_nothing = serve("--volume", "/export"), serve()  # overlayfs gives no file handles
        for container in (good, exports_nothing):
            until(lambda c=container: succeeds(c, "exec 3<>/dev/tcp/127.0.0.1/2049"), 30, "the port stays closed")  # type: ignore[misc]
        until(lambda: succeeds(good, "/srv/ready.sh"), 30, "a good export is not ready")
        assert not succeeds(exports_nothing, "/srv/ready.sh")


@pytest.mark.parametrize("way", ["SIGINT", "SIGTERM", "standard input ends"])
def test_an_interrupted_build_leaves_nothing_running(way: str, tmp_path: Path) -> None:
    mounts = Path("/proc/self/mounts").read_text()
    argv = [sys.executable, AIRGAP, "up", "--until-stdin-closes"]
    environment = os.environ | {"STS_CACHE_DIR": str(tmp_path / "cache")}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(argv, env=environment, text=True, **pipes) as process:  # type: ignore[call-overload]
        first = process.stderr.readline()
        assert "[1/" in first, first
        until(lambda: (tmp_path / "cache/logs").is_dir(), 30, "the first step does not start")
        if way == "standard input ends":
            process.stdin.close()
        else:
            process.send_signal(signal.Signals[way])
        assert process.wait(60) == 2
        assert "interrupted" in process.stderr.read()
    programs = subprocess.run(["pgrep", "-f", str(tmp_path)], check=False, capture_output=True, text=True)
    assert programs.stdout == ""
    assert Path("/proc/self/mounts").read_text() == mounts
    assert not (tmp_path / "cache/programs").exists()


def test_sigkill_ends_what_a_contained_command_started(tmp_path: Path) -> None:
    mark = tmp_path / "child"
    program = (
        f"import sys; sys.path.append({str(AIRGAP)!r})\nfrom pathlib import Path\nfrom progress import contained\n"
        f"contained(['sh', '-c', 'setsid sleep 987 & mount -t tmpfs none {tmp_path}; touch {mark}; wait'], "
        f"log=Path({str(tmp_path.parent / 'log')!r}))"
    )
    process = subprocess.Popen([sys.executable, "-c", program])

    def sleepers() -> list[str]:
        lines = subprocess.run(["pgrep", "-f", "sleep 987$"], check=False, capture_output=True, text=True)
        return lines.stdout.split()

    until(lambda: bool(sleepers()), 30, "the command does not start")
    process.send_signal(signal.SIGKILL)
    process.wait()
    until(lambda: not sleepers(), 30, "a grandchild is left")
    assert str(tmp_path) not in Path("/proc/self/mounts").read_text()


def test_a_contained_command_that_fails_shows_the_end_of_its_log(tmp_path: Path) -> None:
    with pytest.raises(Failure, match="no such mirror"):
        contained(["sh", "-c", "echo no such mirror >&2; exit 3"], log=tmp_path / "log")
