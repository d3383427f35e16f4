"""The StatefulSet tutorial that this project began with: its own kubectl commands, in its order, while we record."""

import json
import os
import shlex
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, BinaryIO

import yaml
from kubernetes.config import list_kube_config_contexts

from stsconf.act.objects import documented
from stsconf.act.scenarios import Scenario
from stsconf.act.workload import Workload
from stsconf.clusters import Cluster
from stsconf.errors import ClusterError, PreflightRefused
from stsconf.judging.tutorial import Command, Transcript, steps
from stsconf.record.recorder import WaitTimeout
from stsconf.run import run
from stsconf.run.config import Config
from stsconf.waits import Say

MANIFEST = "sts.yaml"
IMAGE = "nginx:1.8"
"""The image that the tutorial updates to, and that the run's own takes the place of."""

MANAGERS = frozenset({"kubectl", "kubectl-client-side-apply", "kubectl-create", "kubectl-patch", "kubectl-rollout"})
"""Field managers under which kubectl v1.37 writes what these commands ask for."""


WAITS: Mapping[str, Callable[[Workload], None]] = {
    "settled": lambda workload: workload.wait.settled(),
    "ready": lambda workload: workload.wait.all_ready(),
    "gone": lambda workload: workload.wait.gone(),
    "orphaned": lambda workload: workload.wait.owned(0, 1, owned=False),
    "pruned": lambda workload: workload.wait.revisions(2),
    "no pods": lambda workload: workload.wait.pods(),
}
"""What is waited for where the tutorial watches."""


def record(cluster: Cluster, config: Config, say: Say) -> tuple[Path, Transcript]:
    """Follow the tutorial in a namespace of its own, and return the sealed recording and what kubectl said.

    Raises ``PreflightRefused`` without kubectl, and what ``run.record`` raises. A command that fails ends the
    walkthrough early: the transcript then lacks the rest, and the recording says why.
    """
    if shutil.which(cluster.kubectl) is None:
        raise PreflightRefused(f"There is no program {cluster.kubectl}.", "Install kubectl, or put it on the PATH.")
    config.output_dir.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix="kubectl-", dir=config.output_dir) as folder:
        reader = _Reader(cluster, Path(folder).resolve(), config.output_dir / "timelines" / "run.ndjson", say)
        summary = "The StatefulSet tutorial, with kubectl."
        scenario = Scenario("walkthrough", summary, reader.follow, pods=4, markers=True, hasty=False, managers=MANAGERS)
        path = run.record(cluster, [scenario], config, say)
    images = {key: cluster.images[key] for key in ("nginx_old", "nginx_new")}
    return path, Transcript(images, cluster.storage_class, tuple(reader.commands))


class _Reader:
    """Somebody who follows the tutorial at a terminal."""

    def __init__(self, cluster: Cluster, folder: Path, recording: Path, say: Say) -> None:
        self.commands: list[Command] = []
        self._cluster = cluster
        self._folder = folder
        self._recording = recording
        self._say = say
        self._written: list[Mapping[str, str]] = []
        self._known: tuple[str, int] | None = None

    def follow(self, workload: Workload) -> None:
        """Do every step on this workload, whose set nobody else changes."""
        names = workload.names
        objects = documented(names, workload.setting.images["nginx_old"], self._cluster.storage_class)
        (self._folder / MANIFEST).write_text(yaml.safe_dump_all(objects, sort_keys=False), encoding="utf-8")
        environment = self._environment(names.namespace)
        with self._recording.open("rb") as file:
            for number, step in enumerate(steps()):
                self._say(f"walkthrough: {number + 1}. {step.title}")
                for line in step.does:
                    if line in WAITS:
                        WAITS[line](workload)
                    elif line == "write":
                        self._written.append(workload.content.write())
                    elif line == "read":
                        for written in self._written:
                            workload.content.read(written)
                    else:
                        self._kubectl(number, line, workload, environment, file)

    def _environment(self, namespace: str) -> dict[str, str]:
        """kubectl's own settings, with our namespace as the default one; credentials stay where they are."""
        kubeconfig, context = self._cluster.kubeconfig, self._cluster.context
        contexts, active = list_kube_config_contexts(str(kubeconfig) if kubeconfig else None)
        chosen = next((one for one in contexts if one["name"] == context), active)
        overlay = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "stsconf-walkthrough",
            "contexts": [{"name": "stsconf-walkthrough", "context": {**chosen["context"], "namespace": namespace}}],
        }
        (self._folder / "kubeconfig").write_text(yaml.safe_dump(overlay), encoding="utf-8")
        given = kubeconfig.resolve() if kubeconfig else os.environ.get("KUBECONFIG") or Path.home() / ".kube" / "config"
        return {
            **os.environ,
            "KUBECONFIG": f"{self._folder / 'kubeconfig'}{os.pathsep}{given}",
            "KUBECACHEDIR": str(self._folder / "cache"),
        }

    def _kubectl(
        self, step: int, line: str, workload: Workload, environment: Mapping[str, str], file: BinaryIO
    ) -> None:
        command = line.removeprefix("-").replace(IMAGE, workload.setting.images["nginx_new"])
        words, names = shlex.split(command)[1:], workload.names
        verb = " ".join(words[:2]) if words[0] == "rollout" else words[0]
        pod = int(words[2].rsplit("-", 1)[-1]) if words[:2] == ["delete", "pod"] else None
        lost = {} if pod is None else workload.state.uids(pod)
        resource, name = ("statefulsets", names.set_name) if pod is None else ("pods", words[2])
        body: dict[str, object] | None = None
        if verb == "delete" and pod is None:
            body = {"propagationPolicy": "Orphan" if "--cascade=orphan" in words else "Background"}
        self._say(f"walkthrough: $ {command}")
        self._made(file, names.namespace, name)  # what came before is not of this command
        with workload.setting.recorder.act(verb, resource, names.namespace, name, body) as act:
            output, code = self._run(words, workload, environment)
            self.commands.append(Command(step, command, output, code))
            if code == -signal.SIGKILL:
                last = "".join(output.splitlines()[-1:])
                raise WaitTimeout(f"`{command}` to end", workload.setting.waits.settle, last)
            if code and not line.startswith("-"):
                raise ClusterError("kubectl", f"`{command}` ended with {code}: {' '.join(output.split())[-300:]}.")
            for uid in lost.values():
                act.returned({"metadata": {"uid": uid}})
            if verb not in ("delete", "get", "exec", "rollout status", "rollout history"):
                workload.catch_up()
                if made := self._made(file, names.namespace, name):
                    act.returned(made)
        if lost:
            workload.wait.replaced(lost)

    def _run(self, words: Sequence[str], workload: Workload, environment: Mapping[str, str]) -> tuple[str, int]:
        """What the command printed, both streams as a terminal shows them, and its exit code.

        It is killed when it takes longer than a scenario may take to settle, or when the run is cancelled.
        """
        setting = workload.setting
        deadline = time.monotonic() + setting.waits.settle
        with subprocess.Popen(
            [self._cluster.kubectl, *words],
            cwd=self._folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process:
            try:
                while True:
                    try:
                        return process.communicate(timeout=0.5)[0], process.returncode
                    except subprocess.TimeoutExpired:
                        setting.recorder.wait_for(lambda: True, 0, "kubectl")  # raises when the run was cancelled
                        if time.monotonic() > deadline:
                            process.kill()
            except BaseException:
                process.kill()
                raise

    def _made(self, file: BinaryIO, namespace: str, name: str) -> dict[str, Any] | None:
        """The one new spec of the set since the last command, as recorded; several are not ours alone: ``None``."""
        found: list[dict[str, Any]] = []
        while (line := file.readline()).endswith(b"\n"):
            record = json.loads(line) if b'"s":"statefulsets"' in line else {}
            if record.get("rec") != "ev" or (record["ns"], record["name"]) != (namespace, name):
                continue
            metadata = record["obj"]["metadata"]
            spec = (metadata["uid"], metadata["generation"])
            if spec != self._known and record["type"] != "DELETED":
                found.append(record["obj"])
                self._known = spec
        file.seek(-len(line), os.SEEK_CUR)
        return found[0] if len(found) == 1 else None
