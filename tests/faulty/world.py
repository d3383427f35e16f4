"""One namespace in memory: what an API server, kubelets and the garbage collector make of a controller's actions.

Time passes one small step after each look of the controller, so that it sees every state in between. Only as real as
the tests of the pure part need; the faulty controller itself runs against a real API server.
"""

import copy
import json
from datetime import UTC, datetime
from typing import Any

from tests.faulty.controller import Action, Controller, Create, Delete, Patch, View, Wait, WriteStatus
from tests.faulty.objects import Object, is_finished, is_terminating, merged, name_of, owners_of, phase_of, ready_since

KINDS = ("StatefulSet", "Pod", "PersistentVolumeClaim", "ControllerRevision")
START = 1_800_000_000.0
STEPS_TO_STOP = 2


class World:
    """A namespace with one set, ``web``. ``trace`` is what was done to the server, in words, for comparison."""

    def __init__(self, controller: Controller) -> None:
        self.controller = controller
        self.objects: dict[str, dict[str, Object]] = {kind: {} for kind in KINDS}
        self.now = START
        self.trace: list[str] = []
        self.held: set[str] = set()
        self.settled = False
        self._uids = 0
        self._stopping: dict[str, int] = {}

    @property
    def set(self) -> Object:
        return self.objects["StatefulSet"]["web"]

    @property
    def pods(self) -> dict[str, Object]:
        return self.objects["Pod"]

    @property
    def claims(self) -> dict[str, Object]:
        return self.objects["PersistentVolumeClaim"]

    @property
    def revisions(self) -> list[Object]:
        return sorted(self.objects["ControllerRevision"].values(), key=lambda r: int(r["revision"]))

    # What users do.

    def create_set(self, replicas: int, **spec: Any) -> None:
        self.create(
            {
                "apiVersion": "apps/v1",
                "kind": "StatefulSet",
                "metadata": {"name": "web"},
                "spec": {
                    "replicas": replicas,
                    "serviceName": "nginx",
                    "selector": {"matchLabels": {"app": "nginx"}},
                    "template": {
                        "metadata": {"labels": {"app": "nginx"}},
                        "spec": {"containers": [{"name": "nginx", "image": "a"}]},
                    },
                    "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 0}},
                    "volumeClaimTemplates": [
                        {
                            "metadata": {"name": "www"},
                            "spec": {"storageClassName": "nfs", "resources": {"requests": {"storage": "1Gi"}}},
                        }
                    ],
                    **spec,
                },
            }
        )

    def change(self, **spec: Any) -> None:
        """Merge-patch the set's spec."""
        new = merged(self.set, {"spec": spec})
        new["metadata"] = {**new["metadata"], "generation": new["metadata"]["generation"] + 1}
        self.objects["StatefulSet"]["web"] = new

    def image(self, image: str) -> None:
        """Change the template."""
        self.change(template={"spec": {"containers": [{"name": "nginx", "image": image}]}})

    def end(self, name: str, phase: str) -> None:
        """A pod's containers come to an end."""
        self.pods[name] = {**self.pods[name], "status": {"phase": phase}}

    def remove(self, kind: str, name: str) -> None:
        """Delete an object as a user would."""
        self._delete(kind, name)

    def own(self, kind: str, name: str, *owners: Object) -> None:
        self._patch(kind, name, {"metadata": {"ownerReferences": list(owners)}})

    def label(self, name: str, **labels: str | None) -> None:
        self._patch("Pod", name, {"metadata": {"labels": labels}})

    def orphan(self) -> None:
        """Delete the set and leave its pods, revisions and claims."""
        for kind in ("Pod", "ControllerRevision", "PersistentVolumeClaim"):
            for name in list(self.objects[kind]):
                self.own(kind, name)
        del self.objects["StatefulSet"]["web"]

    # What the server does.

    def create(self, body: Object) -> None:
        kind, name = body["kind"], name_of(body)
        self._uids += 1
        obj = copy.deepcopy(body)
        obj["metadata"] |= {"uid": f"uid-{self._uids}", "generation": 1}
        if kind == "Pod":
            obj["status"] = {"phase": "Pending"}
        self.objects[kind][name] = obj

    def _patch(self, kind: str, name: str, body: Object) -> None:
        self.objects[kind][name] = merged(self.objects[kind][name], body)

    def _delete(self, kind: str, name: str, grace: int | None = None) -> None:
        stays = grace != 0 if kind == "Pod" else kind == "PersistentVolumeClaim" and self._mounted(name)
        if stays:
            self._patch(kind, name, {"metadata": {"deletionTimestamp": "2027-01-15T08:00:00Z"}})
        else:
            del self.objects[kind][name]

    def _mounted(self, claim: str) -> bool:
        volumes = (v for pod in self.pods.values() for v in pod["spec"].get("volumes") or ())
        return any(v.get("persistentVolumeClaim", {}).get("claimName") == claim for v in volumes)

    def apply(self, action: Action) -> bool:
        """Whether the server accepts an action of the controller; what it does is added to ``trace``."""
        match action:
            case Create(body):
                known = name_of(body) in self.objects[body["kind"]]
                self.trace.append(f"create {json.dumps(body, sort_keys=True)}{' (there already)' if known else ''}")
                if not known:
                    self.create(body)
                return not known
            case Delete(kind, name, uid, grace):
                self.trace.append(f"delete {kind} {name} {uid} {grace}")
                found = self.objects[kind].get(name)
                if found and found["metadata"]["uid"] == uid:
                    self._delete(kind, name, grace)
            case Patch(kind, name, body):
                self.trace.append(f"patch {kind} {name} {json.dumps(body, sort_keys=True)}")
                self._patch(kind, name, body)
            case WriteStatus(status):
                self.trace.append(f"status {json.dumps(status, sort_keys=True)}")
                self._patch("StatefulSet", "web", {"status": status})
            case Wait():
                pass
        return True

    # How time passes.

    def settle(self, steps: int = 200) -> None:
        """Let the controller look and time pass, until nothing changes any more or so many steps are over."""
        for _ in range(steps):
            done = len(self.trace)
            soon = self.sync() if self.objects["StatefulSet"] else None
            if not self.step() and len(self.trace) == done:
                if soon is None:
                    self.settled = True
                    return
                self.now += soon
        self.settled = False

    def sync(self) -> float | None:
        """One look of the controller; how soon it wants another without being told of anything."""
        o = self.objects
        view = View(self.set, o["Pod"], o["PersistentVolumeClaim"], o["ControllerRevision"], self.now)
        actions = self.controller.reconcile(view)
        failed = False
        for action in actions:
            if not failed or isinstance(action, WriteStatus):
                failed = not self.apply(action) or failed
        return min((a.seconds for a in actions if isinstance(a, Wait) and a.seconds), default=None)

    def step(self) -> bool:
        """The garbage collector or one kubelet does one thing."""
        return self._collect() or self._unmount() or self._stop() or self._advance()

    def _collect(self) -> bool:
        live = {o["metadata"]["uid"] for objects in self.objects.values() for o in objects.values()}
        for kind in KINDS[1:]:
            for name, obj in list(self.objects[kind].items()):
                if owners_of(obj) and not is_terminating(obj) and not live & {r["uid"] for r in owners_of(obj)}:
                    self.trace.append(f"collected {kind} {name}")
                    self._delete(kind, name)
                    return True
        return False

    def _unmount(self) -> bool:
        free = [n for n, c in self.claims.items() if is_terminating(c) and not self._mounted(n)]
        for name in free[:1]:
            del self.claims[name]
        return bool(free)

    def _stop(self) -> bool:
        stopping = sorted(n for n, p in self.pods.items() if is_terminating(p))
        for name in stopping[:1]:
            uid = self.pods[name]["metadata"]["uid"]
            self._stopping[uid] = self._stopping.get(uid, 0) + 1
            if self._stopping[uid] == STEPS_TO_STOP:
                del self.pods[name]
        return bool(stopping)

    def _advance(self) -> bool:
        for name, pod in sorted(self.pods.items()):
            broken = pod["spec"]["containers"][0]["image"] == "broken" or name in self.held
            bound = all(
                v["persistentVolumeClaim"]["claimName"] in self.claims
                for v in pod["spec"].get("volumes") or ()
                if "persistentVolumeClaim" in v
            )
            if is_finished(pod) or is_terminating(pod) or not bound:
                continue
            if phase_of(pod) == "Pending":
                self.pods[name] = {**pod, "status": {"phase": "Running"}}
                return True
            if (ready_since(pod) is None) != broken:
                since = datetime.fromtimestamp(self.now, UTC).isoformat()
                ready = {"type": "Ready", "status": "False" if broken else "True", "lastTransitionTime": since}
                self.pods[name] = {**pod, "status": {"phase": "Running", "conditions": [ready]}}
                return True
        return False
