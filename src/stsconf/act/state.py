"""What was recorded last of one workload's own objects, as facts; and the one definition of *settled*."""

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from stsconf.act.blockers import waiting
from stsconf.act.objects import Names
from stsconf.errors import NotCarriedOut
from stsconf.kube.api import Object
from stsconf.record.recorder import Recorder
from stsconf.timeline import facts, reduce

F = TypeVar("F", bound=facts.Fact)


class State:
    """One workload's objects as recorded last. ``uid`` is the set's, ``generation`` that of our last change of it."""

    def __init__(self, recorder: Recorder, names: Names) -> None:
        self.uid, self.generation = "", 0
        self._recorder = recorder
        self._names = names
        self._known: dict[tuple[str, str], tuple[Mapping[str, Any], Any]] = {}
        self._pod_name = re.compile(re.escape(names.set_name) + r"-(0|[1-9]\d*)")

    def changed(self, stored: Object) -> None:
        """Note our own last change of the set, as the server stored it: what was recorded before it is old."""
        self.uid, self.generation = stored["metadata"]["uid"], stored["metadata"]["generation"]

    def manifest(self) -> Object | None:
        """The set as the server stores it, once our own last change of it was recorded; not to be changed."""
        found = self._recorder.current("statefulsets", self._names.namespace, self._names.set_name)
        known = found and found["metadata"]["uid"] == self.uid and found["metadata"]["generation"] >= self.generation
        return found if known else None

    def stateful_set(self) -> facts.StatefulSet | None:
        """The set, once our own last change of it was recorded."""
        found = self.manifest()
        return self._fact("statefulsets", found, reduce.stateful_set) if found else None

    def observed(self) -> facts.StatefulSet | None:
        """The set, once its status says that its controller has seen our last change."""
        found = self.stateful_set()
        return found if found and found.observed_generation >= self.generation else None

    def gone(self) -> bool:
        """Whether the set is no longer there."""
        found = self._recorder.current("statefulsets", self._names.namespace, self._names.set_name)
        return found is None or found["metadata"]["uid"] != self.uid

    def pods(self) -> dict[str, facts.Pod]:
        """The set's pods by name, also such as it does not own: those of a name that it gives."""
        return self._all("pods", reduce.pod, self._pod_name.fullmatch)

    def pod(self, ordinal: int) -> facts.Pod:
        """The pod of an ordinal. Raises ``NotCarriedOut`` where there is none: nothing can be done to it."""
        name = self._names.pod(ordinal)
        if found := self.pods().get(name):
            return found
        raise NotCarriedOut(f"Pod {name} was to be acted on, and is not there.")

    def uids(self, *ordinals: int) -> dict[str, str]:
        """The uids of these pods, by name. Raises ``NotCarriedOut`` where one is not there."""
        return {pod.name: pod.uid for pod in map(self.pod, ordinals)}

    def node_of(self, ordinal: int) -> str:
        """The node of a pod. Raises ``NotCarriedOut`` where it has none."""
        if node := self.pod(ordinal).node:
            return node
        raise NotCarriedOut(f"Pod {self._names.pod(ordinal)} has no node.")

    def ordinals_on(self, node: str) -> list[int]:
        """The ordinals of the set's pods on a node."""
        return [int(name.rpartition("-")[2]) for name, pod in sorted(self.pods().items()) if pod.node == node]

    def claims(self) -> dict[str, facts.Claim]:
        """The claims of the set's pods by name."""
        prefix = f"{self._names.claim}-{self._names.set_name}-"
        return self._all("persistentvolumeclaims", reduce.claim, lambda name: name.startswith(prefix))

    def claim(self, ordinal: int) -> facts.Claim:
        """The claim of an ordinal. Raises ``NotCarriedOut`` where there is none: nothing can be done to it."""
        name = self._names.claim_of(ordinal)
        if found := self.claims().get(name):
            return found
        raise NotCarriedOut(f"PersistentVolumeClaim {name} was to be acted on, and is not there.")

    def revisions(self) -> dict[str, facts.Revision]:
        """The ControllerRevisions of the set's template by name, also such as it does not own."""
        found = self._all("controllerrevisions", reduce.revision)
        return {name: one for name, one in found.items() if one.labels.get("app") == self._names.app}

    def all_ready(self) -> bool:
        """Whether all pods that were asked for are there and Ready, no others, and the set's own status says so."""
        found, pods = self.observed(), self.pods()
        return (
            found is not None
            and found.observed_generation >= found.generation
            and found.status_replicas == found.ready_replicas == found.replicas
            and set(pods) == {self._names.pod(ordinal) for ordinal in found.ordinals}
            and all(map(facts.healthy, pods.values()))
        )

    def settled(self) -> bool:
        """Whether all pods are there and Ready, and as far updated as was asked for, also by the set's own status."""
        found = self.stateful_set()
        return found is not None and found.at_rest and self.all_ready()

    def published(self) -> bool:
        """Whether the governing Service answers with exactly the set's Ready pods."""
        pods, namespace = self.pods(), self._all("pods", reduce.pod)
        others = {pod.uid for name, pod in namespace.items() if name not in pods}
        slices = self._all("endpointslices", reduce.endpoint_slice).values()
        mine = (endpoint for one in slices if one.service == self._names.service for endpoint in one.endpoints)
        found = {endpoint.pod_uid for endpoint in mine if endpoint.ready and endpoint.pod_uid}
        return found - others == {pod.uid for pod in pods.values() if pod.healthy}

    def words(self) -> str:
        """What is there, in words: ``1 of 2 pods Ready; web-1 is Pending``."""
        found = self.stateful_set()
        ready = f"{found.ready_replicas} of {found.replicas} pods Ready" if found else "no StatefulSet"
        rest = [f"{name} {said}" for name, pod in sorted(self.pods().items()) if (said := self._not_ready(pod))]
        lacking = found and not found.terminating and {self._names.pod(o) for o in found.ordinals} - set(self.pods())
        rest += [f"{name} is not there" for name in sorted(lacking or ())]
        return "; ".join([ready, *rest])

    def _not_ready(self, pod: facts.Pod) -> str:
        if pod.healthy:
            return ""
        if pod.terminating:
            return "is terminating"
        raw = self._recorder.current("pods", self._names.namespace, pod.name) or {}
        for reason, message in waiting(raw):
            return f"is waiting: {reason} {message[:160]}".strip()
        return f"is {pod.phase}" if pod.finished else f"is {pod.phase} and not Ready"

    def _all(self, stream: str, reduce: Callable[[Object], F], mine: Callable[[str], object] = bool) -> dict[str, F]:
        found = self._recorder.objects(stream, self._names.namespace)
        return {name: self._fact(stream, raw, reduce) for name, raw in found.items() if mine(name)}

    def _fact(self, stream: str, raw: Object, reduce: Callable[[Object], F]) -> F:
        """The fact of an object; made once for each version, since every wait asks again after every record."""
        key = stream, raw["metadata"]["name"]
        known = self._known.get(key)
        if known is None or known[0] is not raw:
            known = self._known[key] = (raw, reduce(raw))
        fact: F = known[1]
        return fact
