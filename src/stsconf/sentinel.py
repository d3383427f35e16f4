"""One object of our own per recorded kind, written to when a recording must be proven complete up to now.

Only on clusters we made: a write makes the server deliver an event, and everything before that event has then been
delivered too. The objects do nothing: no scheduler, controller or provisioner acts on them.
"""

import time
from collections.abc import Iterable
from contextlib import suppress
from itertools import count
from typing import Any

from urllib3.exceptions import HTTPError

from stsconf.streams import STREAMS, Stream
from stsconf.wire import HttpProblem, Wire

NAME = "stsconf-sentinel"
LABELS = {"app.kubernetes.io/managed-by": "stsconf", "app.kubernetes.io/component": "sentinel"}
CONFIG_MAPS = Stream("configmaps", "", "v1", "configmaps", namespaced=True)

_CONTAINER = {"name": "none", "image": "stsconf.invalid/none"}
_BODIES: dict[str, tuple[str, dict[str, Any]]] = {
    "pods": ("Pod", {"spec": {"schedulerName": "stsconf-none", "containers": [_CONTAINER]}}),
    "statefulsets": (
        "StatefulSet",
        {
            "spec": {
                "replicas": 0,
                "serviceName": NAME,
                "selector": {"matchLabels": LABELS},
                "template": {"metadata": {"labels": LABELS}, "spec": {"containers": [_CONTAINER]}},
            }
        },
    ),
    "controllerrevisions": ("ControllerRevision", {"revision": 1, "data": {}}),
    # A claim that names a volume that does not exist stays pending in silence; one without would be provisioned.
    "persistentvolumeclaims": (
        "PersistentVolumeClaim",
        {
            "spec": {
                "storageClassName": "",
                "volumeName": f"{NAME}-none",
                "accessModes": ["ReadWriteOnce"],
                "resources": {"requests": {"storage": "1Mi"}},
            }
        },
    ),
    "persistentvolumes": (
        "PersistentVolume",
        {
            "spec": {
                "storageClassName": NAME,
                "capacity": {"storage": "1Mi"},
                "accessModes": ["ReadWriteOnce"],
                "persistentVolumeReclaimPolicy": "Retain",
                "hostPath": {"path": f"/nonexistent/{NAME}"},
            }
        },
    ),
    "services": ("Service", {"spec": {"clusterIP": "None", "ports": [{"port": 9}]}}),
    "endpointslices": ("EndpointSlice", {"addressType": "IPv4", "endpoints": [], "ports": []}),
    "events": ("Event", {"reason": "Sentinel", "type": "Normal"}),
    "configmaps": ("ConfigMap", {"data": {}}),
}


class Sentinel:
    """The objects, in a namespace that exists and is ours. Errors of the server are ``HttpProblem``."""

    def __init__(self, wire: Wire, namespace: str) -> None:
        self.namespace = namespace
        self._wire = wire
        self._streams = {s.name: s for s in (*STREAMS, CONFIG_MAPS)}
        self._names: dict[str, str] = {}
        self._writes = count(1)

    def _collection(self, kind: str) -> str:
        stream = self._streams[kind]
        return stream.path(self.namespace if stream.namespaced else None)

    def create(self, seconds: float) -> None:
        """Make the objects, each tried for ``seconds``.

        A new namespace has no service account for a moment, and an object left by a killed run must go first.
        """
        deadline = time.monotonic() + seconds
        for kind, (title, body) in _BODIES.items():
            stream = self._streams[kind]
            name = NAME if stream.namespaced else f"{NAME}-{self.namespace}"
            group = f"{stream.group}/{stream.version}" if stream.group else stream.version
            whole = {"apiVersion": group, "kind": title, "metadata": {"name": name, "labels": LABELS}, **body}
            if kind == "events":
                whole["involvedObject"] = {"kind": "Namespace", "name": self.namespace, "namespace": self.namespace}
            self._names[kind] = name
            while True:
                try:
                    self._wire.call("POST", self._collection(kind), body=whole)
                    break
                except HttpProblem as problem:
                    waiting = problem.status == 409 or "serviceaccount" in problem.message
                    if not waiting or time.monotonic() > deadline:
                        raise
                    if problem.status == 409:
                        self._remove(kind)
                    time.sleep(0.1)

    def touch(self, kinds: Iterable[str] = tuple(_BODIES)) -> None:
        """Change the object of each kind. What fails is not an error: the proof then takes another way."""
        for kind in kinds:
            with suppress(HttpProblem, HTTPError, OSError):
                self._write(kind)

    def _write(self, kind: str) -> int:
        answer = self._wire.call(
            "PATCH",
            f"{self._collection(kind)}/{self._names[kind]}",
            body={"metadata": {"annotations": {NAME: str(next(self._writes))}}},
            content_type="application/merge-patch+json",
        )
        return int(answer["metadata"]["resourceVersion"])

    def bracketed_write(self) -> list[int]:
        """The revisions of a list of pods, a write to another kind, and such a list again; in one domain they rise."""
        before, _ = self._wire.list(self._collection("pods"), limit="1")
        own = self._write("configmaps")
        after, _ = self._wire.list(self._collection("pods"), limit="1")
        return [before, own, after]

    def delete(self) -> None:
        """Remove the objects; what fails stays, labelled, in the namespace that is removed with the run."""
        with suppress(HTTPError, OSError):  # no server, nothing to remove from it
            for kind in self._names:
                self._remove(kind)
        self._names = {}

    def _remove(self, kind: str) -> None:
        options = {"gracePeriodSeconds": 0, "propagationPolicy": "Background"}
        with suppress(HttpProblem):
            self._wire.call("DELETE", f"{self._collection(kind)}/{self._names[kind]}", body=options)
