"""Whatever ends a run, nothing of its control plane is left; and whatever ends a component, it is named."""

import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from stsconf import judge, load, suite_files
from stsconf.act.scenarios import SCENARIOS
from stsconf.clusters import Cluster, local
from stsconf.errors import ClusterError, ExitCode
from stsconf.judging.promise import import_promises
from stsconf.judging.verdict import Outcome
from stsconf.run.config import Config
from stsconf.run.run import record
from stsconf.waits import until
from tests.local.conftest import SECONDS, Run, assert_nothing_left, of, plane, say, status

pytestmark = [pytest.mark.local]

HOLD = """
import sys
from pathlib import Path
from stsconf.clusters import local
from stsconf.waits import Waits
with local.cluster("held", Path("logs"), local.Settings(), {}, Waits(), print):
    print("held", flush=True)
    sys.stdin.read()
"""
Start = Callable[[list[str]], Run]


def suite(folder: Path) -> list[str]:
    options = ["--sts-cluster=local", f"--sts-output-dir={folder / 'out'}", "--sts-scenario=rescale"]
    return ["-P", "-m", "pytest", str(suite_files.conformance()), "-p", "no:cacheprovider", *options]


def listening(cluster: Cluster) -> bool:
    server = urlsplit(cluster.api.client.configuration.host)
    with socket.socket() as one:
        return one.connect_ex((str(server.hostname), int(server.port or 443))) == 0


def test_a_normal_end_leaves_nothing_but_logs(tmp_path: Path) -> None:
    with plane(tmp_path) as cluster:
        data = Path(str(cluster.kubeconfig)).parent
        assert listening(cluster)
        assert set(of(data)) == {"keeper", *local.PROGRAMS}
        assert data.stat().st_mode & 0o077 == 0
    assert not of(data)
    assert not data.exists()
    assert not listening(cluster)
    assert {path.suffix for path in tmp_path.iterdir()} == {".log"}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=str)
@pytest.mark.parametrize("when", ["local: starting etcd", "local: starting controllers", "recording: every watch"])
def test_a_signal_ends_a_run_and_its_control_plane(number: int, when: str, start: Start, tmp_path: Path) -> None:
    run = start(suite(tmp_path))
    data = run.wait_for(when)
    run.process.send_signal(number)
    assert run.process.wait(60) == ExitCode.INTERRUPTED, run.said
    assert_nothing_left(data)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGHUP, signal.SIGTERM], ids=str)
def test_a_run_that_can_clean_up_nothing_leaves_nothing(number: int, start: Start) -> None:
    run = start(["-c", HOLD])
    data = run.wait_for("held")
    run.process.send_signal(number)
    assert run.process.wait(60) == -number
    assert_nothing_left(data)


def test_a_keeper_that_is_killed_takes_all_with_it(start: Start) -> None:
    run = start(["-c", HOLD])
    data = run.wait_for("held")
    keeper = of(data)["keeper"]
    os.kill(keeper, signal.SIGKILL)
    # It has no command line a moment before its parent can know that it is dead.
    assert until(lambda: status(keeper)[0] == "Z", SECONDS), status(keeper)
    assert until(lambda: not of(data), SECONDS), of(data)
    run.process.communicate()
    assert "keeper: it was killed, and every component with it" in run.said
    assert_nothing_left(data)


def test_four_at_once_do_not_meet(tmp_path: Path) -> None:
    ready, done = threading.Barrier(4), threading.Barrier(4)
    found: list[tuple[str, str]] = []

    def one(number: int) -> None:
        try:
            with plane(tmp_path / str(number)) as cluster:
                found.append((cluster.uid, cluster.api.client.configuration.host))
                ready.wait(180)
                cluster.api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": f"only-{number}"}})
                done.wait(180)
                mine = {n["metadata"]["name"] for n in cluster.api.list("Namespace")}
                assert {name for name in mine if name.startswith("only-")} == {f"only-{number}"}
        except BaseException:
            ready.abort()
            done.abort()
            raise

    with ThreadPoolExecutor(4) as pool:
        for future in [pool.submit(one, number) for number in range(4)]:
            future.result()
    assert len({uid for uid, _ in found}) == len({host for _, host in found}) == 4


def test_a_deadline_stops_what_acts_and_what_ended_before_it_is_judged(tmp_path: Path) -> None:
    config = Config.from_options({"cluster": "local", "output-dir": tmp_path, "deadline": "1h"})

    def end(text: str) -> None:
        say(text)
        if text.startswith("create: done"):
            config.deadline.ends = time.monotonic()

    with plane(tmp_path / "logs") as cluster:
        recording = load(record(cluster, [SCENARIOS["create"], SCENARIOS["rollback"]], config, end))
    assert recording.sealed
    assert recording.problems == ()
    windows = {timeline.window.scenario: timeline.window for timeline in recording.timelines}
    assert windows["create"].settled
    assert windows["rollback"].end.stopped.endswith("passed before scenario rollback ended")
    promises = import_promises(suite_files.conformance())
    found = {name: judge(promises[name], recording.timelines).outcome for name in ("IDN-01", "REV-05")}
    assert found == {"IDN-01": Outcome.HOLDS, "REV-05": Outcome.NOT_JUDGED}


@pytest.mark.parametrize("name", [*local.PROGRAMS, "keeper"])
def test_a_component_that_is_killed_in_a_scenario_is_named(name: str, tmp_path: Path) -> None:
    config = Config.from_options({"cluster": "local", "output-dir": tmp_path})
    with plane(tmp_path / "logs") as cluster:
        data = Path(str(cluster.kubeconfig)).parent

        def kill(text: str) -> None:
            say(text)
            if text.startswith("recording: every watch is open"):
                os.kill(of(data)[name], signal.SIGKILL)

        with pytest.raises(ClusterError, match=f"^{name}: it (ended by itself, by SIGKILL|was killed)") as error:
            record(cluster, [SCENARIOS["rescale"]], config, kill)
        assert name == "keeper" or "Its log ends: " in str(error.value)
    assert_nothing_left(data)


def test_the_suite_names_it_too_and_blames_nobody(start: Start, tmp_path: Path) -> None:
    run = start(suite(tmp_path))
    data = run.wait_for("recording: every watch is open")
    os.kill(of(data)["kube-controller-manager"], signal.SIGKILL)
    assert run.process.wait(120) == ExitCode.HARNESS, run.said
    assert "kube-controller-manager: it ended by itself, by SIGKILL. Its log ends: " in run.said
    assert "violated" not in run.said
    assert "Traceback" not in run.said
    assert_nothing_left(data)
