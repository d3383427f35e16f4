"""How a pod ends for good while its set wants it: by its kubelet, or on a hollow node through its status.

A kubelet takes back what others write to a pod's status, so where there is one the end must be its own:

- *Failed*: ``spec.activeDeadlineSeconds`` may be added to a live pod (API reference, PodSpec), whatever its
  restartPolicy; the kubelet ends a pod that is past it, with reason DeadlineExceeded.
- *Succeeded*: a pod of a StatefulSet has restartPolicy Always, so its containers are started again unless one has a
  ``restartPolicy`` of its own (feature ContainerRestartRules, on by default since Kubernetes 1.35). Nothing else
  makes a live pod succeed.

Both were seen under a kubelet of v1.37.2: Failed 1 s after the patch, Succeeded 3 s after the container ended.
"""

from collections.abc import Callable
from contextlib import suppress

from stsconf.act.actions import Actions
from stsconf.act.setting import Setting
from stsconf.act.state import State
from stsconf.errors import ClusterError, NotCarriedOut
from stsconf.kube.api import Object, run_in_pod
from stsconf.record.recorder import WaitTimeout
from stsconf.timeline import facts

TRIES = 5
"""How often an end is reported again that somebody else takes back."""
STOP = "kill -QUIT 1"
"""What ends nginx, the first process of its container, with exit code 0."""


def run_once(stateful_set: Object) -> None:
    """Have the pods' container not started again once it has ended; servers without that feature drop the field."""
    stateful_set["spec"]["template"]["spec"]["containers"][0]["restartPolicy"] = "Never"


class Ends:
    """Lets a pod of the set end. Raises ``NotCarriedOut`` where it did not, or not for long."""

    def __init__(self, setting: Setting, state: State, act: Actions) -> None:
        self._setting = setting
        self._state = state
        self._act = act

    def fail(self, ordinal: int) -> None:
        """Let a pod become Failed."""
        if not self._setting.kubelet:
            self._report(ordinal, "Failed")
            return
        pod = self._state.pod(ordinal)
        self._act.patch_pod(ordinal, {"spec": {"activeDeadlineSeconds": 1}}, "finish")
        self._await_kubelet(pod, "Failed", "its activeDeadlineSeconds")

    def succeed(self, ordinal: int) -> None:
        """Let a pod become Succeeded; under a kubelet the set was made with ``run_once``."""
        if not self._setting.kubelet:
            self._report(ordinal, "Succeeded")
            return
        pod, namespace = self._state.pod(ordinal), self._setting.names.namespace
        act = self._setting.recorder.act("finish", "pods", namespace, pod.name, {"exec": STOP})
        with act, suppress(ClusterError):  # the connection may end with the container; what is recorded decides
            run_in_pod(self._setting.api, namespace, pod.name, STOP)
        self._await_kubelet(pod, "Succeeded", "the end of its container")

    def cannot_succeed(self) -> str:
        """Why no pod of the set can become Succeeded on this cluster, or ""."""
        if not self._setting.kubelet:
            return ""
        spec = ((self._state.manifest() or {}).get("spec") or {}).get("template", {}).get("spec") or {}
        if any(container.get("restartPolicy") == "Never" for container in spec.get("containers") or ()):
            return ""
        return "this server keeps no restartPolicy of a container, without which no Pod of a StatefulSet succeeds"

    def _await_kubelet(self, pod: facts.Pod, phase: str, how: str) -> None:
        """Wait until the kubelet has ended the pod, or its controller already acts on that."""

        def ended() -> bool:
            found = self._state.pods().get(pod.name)
            return found is None or found.uid != pod.uid or found.terminating or found.phase == phase

        seconds = self._setting.waits.ended
        try:
            self._setting.recorder.wait_for(ended, seconds, f"{pod.name} to be {phase}", self._state.words)
        except WaitTimeout as late:
            raise NotCarriedOut(f"Pod {pod.name} was to become {phase} by {how}. {late}") from late

    def _report(self, ordinal: int, phase: str) -> None:
        """Write the phase to the pod's status, again where somebody else takes it back before the controller acts."""
        pod = self._state.pod(ordinal)
        for _ in range(TRIES):
            version = self._act.finish(ordinal, phase)
            taken, seconds = self._taken(pod, phase, version), self._setting.waits.undone
            try:
                if self._setting.recorder.wait_for(taken, seconds, f"{pod.name} to be acted on") == "acted on":
                    return
            except WaitTimeout:  # it stands: that nothing happens is for the controller to answer
                return
        raise NotCarriedOut(f"Pod {pod.name} was reported {phase} {TRIES} times, and each time that was taken back.")

    def _taken(self, pod: facts.Pod, phase: str, version: int) -> Callable[[], str]:
        """What came of a status that we wrote as this version: "acted on", "taken back", or nothing yet."""
        recorder, namespace = self._setting.recorder, self._setting.names.namespace

        def taken() -> str:
            raw = recorder.current("pods", namespace, pod.name)
            found = self._state.pods().get(pod.name)
            if raw is None or found is None or found.uid != pod.uid or found.terminating:
                return "acted on"
            seen = int(raw["metadata"]["resourceVersion"]) >= version
            return "taken back" if seen and found.phase != phase else ""

        return taken
