"""One workload: acts on it, what was recorded of it, waits for it, its content; and steps that are several of these."""

from stsconf.act import blockers
from stsconf.act.actions import Actions
from stsconf.act.content import Content
from stsconf.act.ends import Ends, run_once
from stsconf.act.objects import Edit, gated
from stsconf.act.setting import Setting
from stsconf.act.state import State
from stsconf.act.waiting import Waiting
from stsconf.errors import ClusterError
from stsconf.kube.api import ApiError, Object


class Workload:
    """One Service and one StatefulSet in one namespace, acted on and observed through the recorder."""

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        self.names = setting.names
        self.state = State(setting.recorder, setting.names)
        self.act = Actions(setting, self.state)
        self.wait = Waiting(setting, self.state)
        self.content = Content(setting, self.state)
        self.ends = Ends(setting, self.state, self.act)
        self.lacks: dict[str, str] = {}
        """What a scenario wanted to bring about and this cluster cannot, and why."""

    def create_settled(self, replicas: int | None = None, edit: Edit | None = None) -> None:
        """Create the documented objects, and wait until all of it is there and Ready."""
        self.act.create(replicas, edit)
        self.wait.settled()

    def create_gated(self, replicas: int) -> None:
        """Create pods that a scenario can hold back, let each become Ready, and wait until their controller knows."""
        self.act.create(replicas, gated)
        for ordinal in range(replicas):
            self.wait.pods(*range(ordinal + 1))
            self.act.release(ordinal)
        self.wait.ready(replicas)

    def hold(self, *ordinals: int) -> None:
        """Keep Ready pods of a gated set from being Ready, one after the other: each is known before the next."""
        for ordinal in ordinals:
            ready = self.wait.observed().ready_replicas
            self.act.release(ordinal, ready=False)
            self.wait.ready(ready - 1)
            self.wait.published()

    def orphan(self, *ordinals: int) -> None:
        """Delete the set but not its pods, and wait until it is gone and these pods have no owner."""
        self.act.delete("Orphan")
        self.wait.gone()
        self.wait.owned(*ordinals, owned=False)

    def lose_pods(self, *ordinals: int) -> None:
        """Delete pods by hand and wait until each has been replaced."""
        uids = self.state.uids(*ordinals)
        self.act.delete_pods(*ordinals)
        self.wait.replaced(uids)

    def fail_pod(self, ordinal: int) -> None:
        """Let one pod fail, and wait until it has been replaced and the set is settled."""
        uids = self.state.uids(ordinal)
        self.ends.fail(ordinal)
        self.wait.replaced(uids)
        self.wait.settled()

    def create_and_complete(self) -> None:
        """Create one pod that succeeds, where this cluster has such, and wait until it has been replaced."""
        try:
            self.create_settled(1, run_once if self.setting.kubelet else None)
        except ApiError as refused:
            if "restartPolicy" not in str(refused):
                raise
            self.lacks["Succeeded"] = f"this server refuses a container that is not started again: {refused}"
            return
        if why := self.ends.cannot_succeed():
            self.lacks["Succeeded"] = why
            return
        uids = self.state.uids(0)
        self.ends.succeed(0)
        self.wait.replaced(uids)
        self.wait.settled()

    def evict_pod(self, ordinal: int) -> None:
        """Evict one pod, and wait until it has been replaced and the set is settled."""
        uids = self.state.uids(ordinal)
        self.act.evict_pod(ordinal, self.state.pod(ordinal).uid)
        self.wait.replaced(uids)
        self.wait.settled()

    def lose_claim(self, ordinal: int) -> None:
        """Delete the claim of one pod by hand and wait until that very claim is gone."""
        claim = self.state.claim(ordinal)
        self.act.delete_claim(ordinal)
        self.wait.claim_gone(ordinal, claim.uid)

    def nudge(self) -> None:
        """Change the spec in a way that asks for nothing, and wait until the controller has noticed.

        It proves that the controller was alive and read the set: what it did not do, it chose not to do. No set that is
        nudged has a start ordinal.
        """
        limit = self.wait.observed().revision_limit
        if not self.act.set_history_limit(limit + 1, "nudge"):
            spec = (self.state.manifest() or {}).get("spec") or {}
            self.act.patch({"spec": {"ordinals": None if "ordinals" in spec else {"start": 0}}}, "nudge")
        self.wait.observed()

    def witness(self) -> None:
        """Have the controller make a pod for a second set: what it did not do meanwhile, it chose not to do."""
        self.wait.pod_of_second_set(self.act.create_second_set())

    def catch_up(self) -> None:
        """Take over a change of the set that was made past us, as by kubectl, once its controller has seen it."""
        if found := self.setting.api.get("StatefulSet", self.names.set_name, self.names.namespace):
            self.state.changed(found)
            self.wait.observed()

    def blocker(self) -> str | None:
        """What outside the set's controller keeps its pods from being there and Ready, as far as it shows.

        Where the server does not answer that is it: what was recorded last may be old.
        """
        api, namespace = self.setting.api, self.names.namespace
        try:
            events = list(api.list("Event", namespace))
        except ApiError:  # what the objects show is left
            events = []
        except ClusterError as away:
            return away.what
        recorder = self.setting.recorder
        pods = {n: raw for n, raw in recorder.objects("pods", namespace).items() if n in self.state.pods()}
        claims = recorder.objects("persistentvolumeclaims", namespace)
        mine = {name: raw for name, raw in claims.items() if name in self.state.claims()}
        nodes = self._nodes({pod.node for pod in self.state.pods().values() if pod.node})
        return blockers.blocker(self.state.uid, pods, mine, events, nodes)

    def _nodes(self, names: set[str]) -> list[Object]:
        """These nodes; none where they may not be read."""
        try:
            found = [self.setting.api.get("Node", name) for name in sorted(names)]
        except (ApiError, ClusterError):
            return []
        return [node for node in found if node]
