"""What goes wrong around the controller in mid-run is the environment's: it is named, and no promise is violated."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from threading import Event, Timer
from typing import Self

import pytest

from stsconf import judge, load, suite_files
from stsconf.act.scenarios import ORDINARY, SCENARIOS
from stsconf.clusters import Cluster, existing, local
from stsconf.judging.promise import import_promises
from stsconf.judging.verdict import Outcome, Verdict
from stsconf.run.config import Config
from stsconf.run.run import record
from stsconf.timeline.recording import Recording
from stsconf.waits import Waits
from tests.local.conftest import of, plane, say
from tests.relay import relayed

pytestmark = [pytest.mark.local]

NODE_GRACE = 15
"""Seconds until a node whose kubelet is silent is not ready; kwok renews its leases every 10."""
EXHAUSTIVE = bool(os.environ.get("STS_EXHAUSTIVE"))
PROMISES = import_promises(suite_files.conformance())


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    arguments = {"kube-controller-manager": (f"--node-monitor-grace-period={NODE_GRACE}s", "--node-monitor-period=1s")}
    with plane(tmp_path_factory.mktemp("plane"), local.Settings(arguments=arguments)) as found:
        yield found


@contextmanager
def foreign(ours: Cluster, kubeconfig: Path | None = None) -> Iterator[Cluster]:
    """The control plane as provider ``existing`` gives it, with pods that are hollow all the same."""
    with existing.cluster(kubeconfig or ours.kubeconfig, None, "managed-nfs-storage", {}, Waits()) as found:
        yield replace(found, capabilities=ours.capabilities)


def run(cluster: Cluster, folder: Path, hear: Callable[[str], None], *names: str, settle: float = 120) -> Recording:
    """Record these scenarios, or all without names; ``hear`` is told what the run says."""

    def both(text: str) -> None:
        say(text)
        hear(text)

    config = replace(Config.from_options({"output-dir": folder}), waits=Waits(settle=settle, publish=10))
    return load(record(cluster, [SCENARIOS[name] for name in names or ORDINARY], config, both))


def verdicts(recording: Recording) -> dict[str, Verdict]:
    """Every promise judged; none may be violated by what was around its controller."""
    found = {promise.id: judge(promise, recording.timelines) for promise in PROMISES.values()}
    blamed = [v.explain() for v in found.values() if v.outcome in (Outcome.VIOLATED, Outcome.DIFFERS, Outcome.ERROR)]
    assert not blamed
    return found


def process(ours: Cluster, name: str) -> int:
    return of(Path(str(ours.kubeconfig)).parent)[name]


class Outage:
    """An API server that is away for us, with every watch, from a request of the first kind until ``over``.

    ``passed``: that request still gets its answer.
    """

    def __init__(self, ours: Cluster, folder: Path, method: str, resource: str, *, passed: bool) -> None:
        self._begins = (method, resource)
        self._passed = passed
        self._away, self._past = Event(), Event()
        self._relay = relayed(Path(str(ours.kubeconfig)), folder, self._heard)

    def __enter__(self) -> Self:
        self.relay = self._relay.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._relay.__exit__(None, None, None)

    def over(self) -> None:
        self._away.clear()

    def _heard(self, method: str, target: str) -> bool:
        if method == self._begins[0] and self._begins[1] in target and not self._past.is_set():
            self._past.set()
            self._away.set()
            self.relay.interrupt()
            return self._passed
        return not self._away.is_set()


def test_an_api_server_that_is_away_when_a_scenario_writes_is_named_and_violates_nothing(
    ours: Cluster, tmp_path: Path
) -> None:
    with Outage(ours, tmp_path, "PATCH", "/statefulsets/", passed=False) as outage:

        def hear(text: str) -> None:
            if ": given up: " in text:
                outage.over()

        with foreign(ours, outage.relay.kubeconfig) as cluster:
            recording = run(cluster, tmp_path, hear, "create", "rescale")
    why = f"scenario rescale was planned and did not end: connect: the API server {outage.relay.url} does not answer"
    assert recording.sealed
    assert [p for t in recording.timelines for p in t.problems if p.what.startswith(why)]
    assert verdicts(recording)["ORD-12"].outcome in (Outcome.HOLDS, Outcome.INCONCLUSIVE)


def test_an_api_server_that_is_away_when_a_wait_runs_out_is_named_and_violates_nothing(
    ours: Cluster, tmp_path: Path
) -> None:
    with Outage(ours, tmp_path, "POST", "/statefulsets", passed=True) as outage:
        why = f"connect: the API server {outage.relay.url} does not answer"

        def hear(text: str) -> None:
            if text.startswith(f"create: {why}"):
                outage.over()

        with foreign(ours, outage.relay.kubeconfig) as cluster:
            recording = run(cluster, tmp_path, hear, "create", settle=5)
    (timeline,) = recording.timelines
    assert timeline.window.end.environment.startswith(why)
    verdicts(recording)


@pytest.mark.skipif(not EXHAUSTIVE, reason="half a minute each, with STS_EXHAUSTIVE=1")
@pytest.mark.parametrize("name", ["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"])
def test_a_component_that_does_nothing_for_20_seconds_costs_no_verdict_its_truth(
    name: str, ours: Cluster, tmp_path: Path
) -> None:
    pid = process(ours, name)
    back = Timer(20, os.kill, (pid, signal.SIGCONT))

    def hear(text: str) -> None:
        if text.startswith("create: done"):
            os.kill(pid, signal.SIGSTOP)
            back.start()

    with foreign(ours) as cluster:
        verdicts(run(cluster, tmp_path, hear))
    back.join()


def test_nodes_that_are_not_ready_are_named_and_violate_nothing(ours: Cluster, tmp_path: Path) -> None:
    kubelets = process(ours, "kwok")

    def hear(text: str) -> None:
        if text.startswith("create: done"):
            os.kill(kubelets, signal.SIGSTOP)
        if text.startswith("cleaning up: "):
            os.kill(kubelets, signal.SIGCONT)

    names = () if EXHAUSTIVE else ("create", "scale_up")
    with foreign(ours) as cluster:
        recording = run(cluster, tmp_path, hear, *names, settle=3 * NODE_GRACE)
    held = [t for t in recording.timelines if t.window.end.environment.startswith("node: Pod web-")]
    assert EXHAUSTIVE or [t.window.scenario for t in held] == ["scale_up"]
    verdicts(recording)
    reached = judge(PROMISES["ORD-12"], held)
    assert reached.outcome is Outcome.INCONCLUSIVE
    assert "not reached: node: Pod web-" in reached.reason


def test_a_server_whose_clock_is_an_hour_off_is_a_warning_and_changes_no_verdict(ours: Cluster, tmp_path: Path) -> None:
    said: list[str] = []
    with relayed(Path(str(ours.kubeconfig)), tmp_path, skew=3600) as relay, foreign(ours, relay.kubeconfig) as cluster:
        recording = run(cluster, tmp_path, said.append, "create")
    (warning,) = [line for line in said if line.startswith("preflight: clock (a warning): ")]
    assert "are 3600 s apart" in warning or "are 3599 s apart" in warning
    asked = [promise.id for promise in PROMISES.values() if "create" in promise.scenarios and not promise.needs]
    found = verdicts(recording)
    assert {found[promise].outcome for promise in asked} <= {Outcome.HOLDS, Outcome.CHARACTERISED}
