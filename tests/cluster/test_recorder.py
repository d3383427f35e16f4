"""The recorder on a real cluster: against the audit log, and through a server that dies and a network that is cut."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml

from stsconf import judge, load, suite_files
from stsconf.act.scenarios import SCENARIOS
from stsconf.clusters import Cluster
from stsconf.judging.promise import import_promises
from stsconf.judging.verdict import Outcome
from stsconf.kube.api import Api, run_in_pod
from stsconf.record.file import read_records
from stsconf.run.config import Config
from stsconf.run.run import record
from stsconf.timeline.recording import Recording
from stsconf.waits import until
from tests.cluster.conftest import audit_log
from tests.recorder.audit import compare

pytestmark = [pytest.mark.cluster]


def never_green_or_true(recording: Recording) -> None:
    """What may come of a disturbed run: nothing is violated, and a hole that stayed is never green."""
    holes = [p for p in recording.problems if p.kind == "pods"]
    for promise in import_promises(suite_files.conformance()).values():
        verdict = judge(promise, recording.timelines)
        assert verdict.outcome is not Outcome.VIOLATED, verdict.explain()
        if holes and promise.id == "ORD-02":
            assert verdict.outcome is not Outcome.HOLDS


def test_every_write_in_the_audit_log_is_in_the_recording(audited: Cluster, tmp_path: Path) -> None:
    config = Config.from_options({"output-dir": tmp_path / "out"})
    names = ("create", "scale_up", "scale_down", "rescale", "scale_up_held")
    path = record(audited, [SCENARIOS[name] for name in names], config, print)
    found = compare(path, audit_log(audited, tmp_path / "logs"))
    print(f"audit: {found.answered} answered writes; hidden by class: {dict(found.hidden)}")
    assert found.answered > 100
    assert not found.missing, found.missing[:5]
    assert not found.unexplained, found.unexplained[:5]


def test_an_api_server_killed_in_mid_scenario_costs_no_verdict_its_truth(audited: Cluster, tmp_path: Path) -> None:
    killer = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "killer"},
        "spec": {
            "hostPID": True,
            "terminationGracePeriodSeconds": 0,
            "containers": [
                {
                    "name": "killer",
                    "image": audited.images["nginx_old"],
                    "command": ["sleep", "3600"],
                    "securityContext": {"privileged": True},
                }
            ],
        },
    }
    audited.api.create(killer, "default")

    def running() -> bool:
        found = audited.api.get("Pod", "killer", "default") or {}
        return found["status"].get("phase") == "Running"

    assert until(running, 60)
    killed = threading.Event()

    def say(text: str) -> None:
        print(text)
        if text.startswith("create: done") and not killed.is_set():
            killed.set()
            with suppress(Exception):  # the connection dies with the server
                run_in_pod(
                    audited.api,
                    "default",
                    "killer",
                    "for p in /proc/[0-9]*; do grep -qa ^kube-apiserver $p/cmdline && kill -9 ${p#/proc/}; done",
                )

    config = Config.from_options({"output-dir": tmp_path / "out", "settle": "120"})
    try:
        path = record(audited, [SCENARIOS["create"], SCENARIOS["scale_up"]], config, say)
    finally:
        assert until(lambda: _answers(audited.api), 60)
        audited.api.delete("Pod", "killer", "default", gracePeriodSeconds=0)
    assert killed.is_set()
    recording = load(path)
    lost = [r for _, r in read_records(path) if r["rec"] == "conn" and r["what"] not in ("open", "eof")]
    assert lost
    never_green_or_true(recording)


def _answers(api: Api) -> bool:
    try:
        return bool(api.request("GET", "version"))
    except Exception:
        return False


class Cable:
    """A TCP relay to the API server that can be pulled out and plugged in again."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.plugged = threading.Event()
        self.plugged.set()
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            if not self.plugged.is_set():
                near.close()
                continue
            far = socket.create_connection(self._target)
            self._pairs.append((near, far))
            for one, other in ((near, far), (far, near)):
                threading.Thread(target=self._pump, args=(one, other), daemon=True).start()

    def _pump(self, one: socket.socket, other: socket.socket) -> None:
        with suppress(OSError):
            while data := one.recv(65536):
                other.sendall(data)
        for end in (one, other):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def pull(self) -> None:
        self.plugged.clear()
        for pair in self._pairs:
            for end in pair:
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
                end.close()
        self._pairs.clear()

    def close(self) -> None:
        self._listener.close()
        self.pull()


@contextmanager
def behind_a_cable(cluster: Cluster, folder: Path) -> Iterator[tuple[Cluster, Cable]]:
    """The same cluster, reached through a relay."""
    kubeconfig = yaml.safe_load(Path(str(cluster.kubeconfig)).read_text())
    server = urlsplit(kubeconfig["clusters"][0]["cluster"]["server"])
    cable = Cable(str(server.hostname), int(server.port or 443))
    kubeconfig["clusters"][0]["cluster"] |= {
        "server": f"https://127.0.0.1:{cable.port}",
        "tls-server-name": "kubernetes",
    }
    path = folder / "cable.kubeconfig"
    path.write_text(json.dumps(kubeconfig))
    api = Api.from_kubeconfig(path, None)
    try:
        yield replace(cluster, api=api, kubeconfig=path), cable
    finally:
        api.close()
        cable.close()


def test_a_network_cut_for_30_seconds_loses_nothing_that_is_not_said(audited: Cluster, tmp_path: Path) -> None:
    with behind_a_cable(audited, tmp_path) as (cluster, cable):
        cut = threading.Event()

        def say(text: str) -> None:
            print(text)
            if text.startswith("create: done") and not cut.is_set():
                cut.set()
                cable.pull()
                threading.Timer(30, cable.plugged.set).start()

        config = Config.from_options({"output-dir": tmp_path / "out", "settle": "120"})
        path = record(cluster, [SCENARIOS["create"], SCENARIOS["scale_up"]], config, say)
    assert cut.is_set()
    never_green_or_true(load(path))
