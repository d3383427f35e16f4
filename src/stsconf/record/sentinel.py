"""One object of our own per recorded kind, written to when a recording must be proven complete up to now.

Only on clusters we made: a write makes the server deliver an event, and everything before that event has then been
delivered too. The objects of ``manifests/sentinel.yaml`` do nothing.
"""

import time
from collections.abc import Collection
from contextlib import suppress
from itertools import count
from typing import Any

from urllib3.exceptions import HTTPError

from stsconf import suite_files
from stsconf.kube.http import HttpProblem, Wire
from stsconf.record.streams import STREAMS, Stream

NAME = "stsconf-sentinel"
LABELS = {"app.kubernetes.io/managed-by": "stsconf", "app.kubernetes.io/component": "sentinel"}
_CONFIG_MAPS = Stream("configmaps", "", "v1", "configmaps", namespaced=True)
_STREAMS = {stream.name: stream for stream in (*STREAMS, _CONFIG_MAPS)}


class Sentinel:
    """The objects, in a namespace that exists and is ours. Errors of the server are ``HttpProblem``."""

    def __init__(self, wire: Wire, namespace: str) -> None:
        self.namespace = namespace
        self._wire = wire
        self._kinds: list[str] = []
        self._writes = count(1)

    def _collection(self, kind: str) -> str:
        stream = _STREAMS[kind]
        return stream.path(self.namespace if stream.namespaced else None)

    def _name(self, kind: str) -> str:
        return NAME if _STREAMS[kind].namespaced else f"{NAME}-{self.namespace}"

    def create(self, seconds: float) -> None:
        """Make the objects within ``seconds``.

        A new namespace has no service account for a moment, and an object left by a killed run must go first.
        """
        deadline = time.monotonic() + seconds
        for manifest in suite_files.manifest("sentinel.yaml"):
            kind = manifest["kind"].lower() + "s"
            manifest["metadata"] = {"name": self._name(kind), "labels": LABELS}
            if kind == "events":
                manifest["involvedObject"] |= {"name": self.namespace, "namespace": self.namespace}
            self._kinds.append(kind)
            while not self._created(kind, manifest, deadline):
                time.sleep(0.1)

    def _created(self, kind: str, manifest: dict[str, Any], deadline: float) -> bool:
        try:
            self._wire.call("POST", self._collection(kind), body=manifest)
        except HttpProblem as problem:
            if time.monotonic() > deadline or (problem.status != 409 and "serviceaccount" not in problem.message):
                raise
            if problem.status == 409:
                self._remove(kind)
            return False
        return True

    def touch(self, kinds: Collection[str] = ()) -> None:
        """Change the object of each kind, or of all. What fails is no error: the proof then takes another way."""
        for kind in kinds or self._kinds:
            with suppress(HttpProblem, HTTPError, OSError):
                self._write(kind)

    def _write(self, kind: str) -> int:
        path = f"{self._collection(kind)}/{self._name(kind)}"
        body = {"metadata": {"annotations": {NAME: str(next(self._writes))}}}
        answer = self._wire.call("PATCH", path, body=body, content_type="application/merge-patch+json")
        return int(answer["metadata"]["resourceVersion"])

    def mark(self) -> int:
        """Write to our pod and return the revision, which an audit log that is whole shows."""
        return self._write("pods")

    def bracketed_write(self) -> list[int]:
        """The revisions of a list of pods, a write to another kind, and such a list again; in one domain they rise."""
        before, _ = self._wire.list(self._collection("pods"), limit="1")
        own = self._write("configmaps")
        after, _ = self._wire.list(self._collection("pods"), limit="1")
        return [before, own, after]

    def delete(self) -> None:
        """Remove the objects; what fails stays, labelled, in the namespace that is removed with the run."""
        with suppress(HTTPError, OSError):  # no server, nothing to remove from it
            for kind in self._kinds:
                self._remove(kind)
        self._kinds = []

    def _remove(self, kind: str) -> None:
        options = {"gracePeriodSeconds": 0, "propagationPolicy": "Background"}
        with suppress(HttpProblem):
            self._wire.call("DELETE", f"{self._collection(kind)}/{self._name(kind)}", body=options)
