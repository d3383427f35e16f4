"""Waits of a scenario: each for a state of the workload's own objects, named in its message."""

from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

from stsconf.act import kubectl
from stsconf.act.setting import Setting
from stsconf.act.state import State
from stsconf.record.recorder import WaitTimeout
from stsconf.timeline import facts

T = TypeVar("T")


class Waiting:
    """Each method returns when its state was recorded, or raises ``WaitTimeout`` after ``Waits.settle`` seconds."""

    def __init__(self, setting: Setting, state: State) -> None:
        self._setting = setting
        self._names = setting.names
        self._state = state

    def settled(self) -> None:
        """All pods that were asked for are there and Ready, updated as far as was asked for."""
        self.until(self._state.settled, f"StatefulSet {self._names.set_name} to be settled")

    def all_ready(self) -> None:
        """All pods that were asked for are there and Ready, whatever their revision."""
        self.until(self._state.all_ready, f"the pods of {self._names.set_name} to be Ready")

    def rolled_out(self) -> None:
        """``kubectl rollout status`` says that the update is complete, as far as the partition lets it."""

        def complete() -> bool:
            found = self._state.all_ready() and self._state.manifest()
            return bool(found and kubectl.rollout_status(found)[1])

        self.until(complete, f"the rollout of {self._names.set_name} to be complete")

    def observed(self) -> facts.StatefulSet:
        """The set's controller has noticed our last change of it; returns the set."""
        return self.until(
            self._state.observed, f"the controller of {self._names.set_name} to notice a change of the spec"
        )

    def ready(self, count: int) -> None:
        """The set's controller itself counts this many ready pods: from then on it knows."""

        def counted() -> bool:
            found = self._state.stateful_set()
            return found is not None and found.ready_replicas == count

        self.until(counted, f"status.readyReplicas of {self._names.set_name} to be {count}")

    def available(self, count: int) -> None:
        """The set's controller counts this many available pods under the spec we gave last."""

        def counted() -> bool:
            found = self._state.observed()
            return found is not None and found.available_replicas == count

        self.until(counted, f"status.availableReplicas of {self._names.set_name} to be {count}")

    def gone(self) -> None:
        """The set is no longer there."""
        self.until(self._state.gone, f"StatefulSet {self._names.set_name} to be gone")

    def revisions(self, count: int) -> None:
        """This many ControllerRevisions of the set's template are there: pruning follows the status."""
        what = f"{count} ControllerRevisions of {self._names.set_name}"
        self.until(lambda: len(self._state.revisions()) == count, what)

    def pods(self, *ordinals: int) -> None:
        """Exactly these pods are there, terminating ones included, whatever their state."""
        names = {self._names.pod(ordinal) for ordinal in ordinals}
        what = f"{_listed(names)} to be the only pods" if names else f"no pod of {self._names.set_name} to be there"
        self.until(lambda: set(self._state.pods()) == names, what)

    def pod_of_second_set(self, name: str) -> None:
        """The pod of this name, which is not the set's, is there."""
        recorder, namespace = self._setting.recorder, self._names.namespace
        self.until(lambda: recorder.current("pods", namespace, name), f"Pod {name}")

    def replaced(self, uids: Mapping[str, str]) -> None:
        """Each of these pods, uids by name, has a replacement."""

        def replaced() -> bool:
            pods = self._state.pods()
            return all(name in pods and pods[name].uid != uid for name, uid in uids.items())

        self.until(replaced, f"the replacement of {_listed(uids)}")

    def stopping(self, uids: Mapping[str, str]) -> None:
        """Each of these pods, uids by name, has been asked to stop."""

        def stopping() -> bool:
            left = [pod for pod in self._state.pods().values() if pod.uid in uids.values()]
            return all(pod.terminating for pod in left)

        self.until(stopping, f"{_listed(uids)} to be terminating")

    def owned(self, *ordinals: int, owned: bool) -> None:
        """These pods are there and carry an owner reference, or none."""
        names = [self._names.pod(ordinal) for ordinal in ordinals]

        def done() -> bool:
            pods = self._state.pods()
            return all(name in pods and bool(pods[name].owner_uids) is owned for name in names)

        self.until(done, f"{_listed(names)} to {'be owned' if owned else 'have no owner'}")

    def label(self, ordinal: int, label: str) -> None:
        """A label of this pod holds the pod's own name."""
        name = self._names.pod(ordinal)

        def repaired() -> bool:
            pod = self._state.pods().get(name)
            return pod is not None and pod.labels.get(label) == name

        self.until(repaired, f"label {label} of {name} to be its name")

    def claims(self, *ordinals: int) -> None:
        """The claims of exactly these ordinals are there, terminating ones included."""
        names = f"to be the only PVCs of {self._names.set_name}"
        self._claims(ordinals, lambda _: True, names if ordinals else f"no PVC of {self._names.set_name} to be there")

    def claims_owned(self, *ordinals: int) -> None:
        """Exactly these claims are there and each carries a reference to the set."""
        self._claims(ordinals, lambda claim: self._state.uid in claim.owner_uids, "to refer to the StatefulSet")

    def claims_stay(self) -> None:
        """No claim of the set is on its way out: asked to go, or owned by a pod that is no longer there."""

        def stay() -> bool:
            pods, claims = self._state.pods().values(), self._state.claims().values()
            there = {pod.uid for pod in pods if not pod.terminating} | {self._state.uid}
            leaving = any(claim.terminating or not claim.owner_uids <= there for claim in claims)
            return not leaving and not any(pod.terminating for pod in pods)

        self.until(stay, f"all PVCs of {self._names.set_name} to be kept")

    def claim_gone(self, ordinal: int, uid: str) -> None:
        """The claim of this ordinal that has this uid is no longer there."""
        name = self._names.claim_of(ordinal)

        def gone() -> bool:
            found = self._state.claims().get(name)
            return found is None or found.uid != uid

        self.until(gone, f"PersistentVolumeClaim {name} to be gone")

    def published(self) -> bool:
        """Whether the governing Service came to answer with exactly the set's ready pods, in ``Waits.publish``."""
        what = f"Service {self._names.service} to answer with its pods"
        try:
            return self._setting.recorder.wait_for(self._state.published, self._setting.waits.publish, what)
        except WaitTimeout:
            return False

    def until(self, condition: Callable[[], T | None], what: str) -> T:
        """Something true comes back; returns it. ``what`` completes "waiting for ..."."""
        return self._setting.recorder.wait_for(condition, self._setting.waits.settle, what, self._state.words)

    def _claims(self, ordinals: Iterable[int], condition: Callable[[facts.Claim], bool], what: str) -> None:
        names = {self._names.claim_of(ordinal) for ordinal in ordinals}

        def done() -> bool:
            mine = self._state.claims()
            return set(mine) == names and all(map(condition, mine.values()))

        self.until(done, f"{_listed(names)} {what}".strip())


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))
