"""An API server and a recorder in memory for the acting side: the faulty controller's world, without faults.

Time passes only while something is waited for; a wait that meets nothing new for long enough times out.
"""

import copy
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar, cast

from stsconf.act.objects import Names
from stsconf.act.setting import Setting
from stsconf.act.workload import Workload
from stsconf.kube.api import Api, ApiError
from stsconf.record.recorder import Recorder, WaitTimeout
from stsconf.waits import Waits
from tests.faulty.controller import Controller
from tests.faulty.objects import Object, merged, phase_of
from tests.faulty.world import World

T = TypeVar("T")
KINDS = {
    "statefulsets": "StatefulSet",
    "pods": "Pod",
    "persistentvolumeclaims": "PersistentVolumeClaim",
    "controllerrevisions": "ControllerRevision",
}
STEPS = 200


class Script:
    """What the server does besides: ``after`` is called with each act that was answered, as ``verb kind/name``.

    ``refuse`` gives the HTTP status with which an act is answered instead of being done, or 0. ``acts`` are all acts.
    """

    def __init__(self, controller: Controller | None = None) -> None:
        self.world = World(controller or Controller())
        self.services: dict[str, Object] = {}
        self.acts: list[str] = []
        self.marks: list[dict[str, Any]] = []
        self.after: Callable[[str], None] = lambda act: None  # noqa: ARG005 - nothing besides
        self.refuse: Callable[[str], int] = lambda act: 0  # noqa: ARG005 - nothing is refused
        self._versions: dict[tuple[str, str], tuple[Object, Object]] = {}
        self._last = 0

    def stored(self, kind: str) -> dict[str, Object]:
        """All objects of a kind by name, with a resourceVersion that grows when one changes."""
        if kind == "Service":
            return self.services
        found = {}
        for name, obj in self.world.objects.get(kind, {}).items():
            known = self._versions.get((kind, name))
            if known is None or known[0] is not obj:
                self._last += 1
                raw = {**obj, "metadata": {**obj["metadata"], "resourceVersion": str(self._last)}}
                known = self._versions[kind, name] = (obj, raw)
            found[name] = known[1]
        return found

    def workload(self, **setting: Any) -> Workload:
        """A workload of this server."""
        return Workload(
            Setting(
                **{
                    "api": cast(Api, _Api(self)),
                    "recorder": cast(Recorder, _Recorder(self)),
                    "names": Names("ns"),
                    "images": {"nginx_old": "old", "nginx_new": "new"},
                    "storage_class": "nfs",
                    "waits": Waits(again=0),
                    "kubelet": False,
                    **setting,
                }
            )
        )


class _Api:
    def __init__(self, script: Script) -> None:
        self._script = script
        self._world = script.world

    def _answer(self, verb: str, kind: str, name: str, do: Callable[[], None]) -> Object:
        act = f"{verb} {kind}/{name}"
        self._script.acts.append(act)
        if status := self._script.refuse(act):
            raise ApiError(status, verb, name, "said the script")
        known = kind == "Service" or verb == "create" or name in self._world.objects.get(kind, {})
        if not known:
            raise ApiError(404, verb, name, "not found")
        do()
        stored = copy.deepcopy(self._script.stored(kind).get(name) or {"metadata": {"name": name}})
        self._script.after(act)
        return stored

    def create(self, manifest: Object, namespace: str) -> Object:  # noqa: ARG002 - one namespace
        kind, name = manifest["kind"], manifest["metadata"]["name"]
        if kind == "Service":
            return self._answer("create", kind, name, lambda: self._script.services.update({name: manifest}))
        return self._answer("create", kind, name, lambda: self._world.create(manifest))

    def patch(self, kind: str, name: str, body: Any, namespace: str, content_type: str = "") -> Object:  # noqa: ARG002
        def do() -> None:
            old = self._world.objects[kind][name]
            if isinstance(body, list):
                new = copy.deepcopy(old)
                new["spec"]["template"]["spec"]["containers"][0]["image"] = body[0]["value"]
            else:
                new = merged(old, body)
                new["spec"].get("template", {}).pop("$patch", None)
            if kind == "StatefulSet":
                new["metadata"] = {**new["metadata"], "generation": old["metadata"]["generation"] + 1}
            self._world.objects[kind][name] = new

        return self._answer("patch", kind, name, do)

    def patch_status(self, kind: str, name: str, body: Object, namespace: str) -> Object:  # noqa: ARG002
        pods = self._world.objects[kind]
        return self._answer("status", kind, name, lambda: pods.update({name: merged(pods[name], body)}))

    def delete(self, kind: str, name: str, namespace: str, propagationPolicy: str) -> Object | None:  # noqa: N803, ARG002
        gone = self._world.orphan if propagationPolicy == "Orphan" else lambda: self._world.remove(kind, name)
        return self._answer("delete", kind, name, gone)

    def request(self, method: str, path: str, body: object = None) -> Object:  # noqa: ARG002
        kind, name = path.split("/")
        return self._answer(method.lower(), kind, name, lambda: self._world.remove(kind, name))

    def path(self, kind: str, namespace: str, name: str) -> str:  # noqa: ARG002 - one namespace
        return f"{kind}/{name}"

    def get(self, kind: str, name: str, namespace: str = "") -> Object | None:  # noqa: ARG002 - one namespace
        return self._script.stored(kind).get(name)

    def list(self, kind: str, namespace: str) -> list[Object]:  # noqa: ARG002 - one namespace
        return list(self._script.stored(kind).values())


class _Act:
    def returned(self, answer: object) -> None:
        """Take note."""


class _Recorder:
    def __init__(self, script: Script) -> None:
        self._script = script

    @contextmanager
    def act(self, *what: object) -> Iterator[_Act]:  # noqa: ARG002 - nothing is written
        yield _Act()

    def open_window(self, *what: str, **plan: object) -> str:
        self._script.marks.append({"open": what, **plan})
        return "window"

    def close_window(self, window: str, **plan: object) -> None:
        self._script.marks.append({"close": window, **plan})

    def current(self, stream: str, namespace: str, name: str) -> Object | None:
        return self.objects(stream, namespace).get(name)

    def objects(self, stream: str, namespace: str) -> dict[str, Object]:  # noqa: ARG002 - one namespace
        if stream == "endpointslices":
            pods = [p for n, p in self._script.stored("Pod").items() if re.fullmatch(r"web-\d", n)]
            ready = [p for p in pods if phase_of(p) == "Running" and "deletionTimestamp" not in p["metadata"]]
            endpoints = [{"targetRef": {"uid": pod["metadata"]["uid"]}} for pod in ready]
            labels = {"kubernetes.io/service-name": "nginx"}
            return {"nginx": {"metadata": {"name": "nginx", "uid": "s", "labels": labels}, "endpoints": endpoints}}
        return self._script.stored(KINDS.get(stream, "Service"))

    def wait_for(
        self, predicate: Callable[[], T | None], seconds: float, what: str, last: Callable[[], str] | None = None
    ) -> T:
        world = self._script.world
        for _ in range(STEPS):
            if found := predicate():
                return found
            soon = world.sync() if world.objects["StatefulSet"] else None
            if not world.step():
                world.now += soon or 1
        raise WaitTimeout(what, seconds, last() if last else "")
