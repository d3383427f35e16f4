"""A provisioner outside of the cluster: one folder and one PersistentVolume for each claim of its class.

Follows the contract of external provisioners (kubernetes-sigs/sig-storage-lib-external-provisioner v13): it answers
claims that the volume controller has handed to it by the annotation ``storage-provisioner``, binds the volume to the
claim's uid, and removes a released volume whose reclaim policy is Delete.
"""

import json
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from urllib3.exceptions import HTTPError

from stsconf.errors import ClusterError
from stsconf.kube.api import Api, Object
from stsconf.kube.http import HttpProblem, Wire

ASKED = "volume.kubernetes.io/storage-provisioner"
PROVIDED = "pv.kubernetes.io/provisioned-by"
CLAIMS, VOLUMES = "/api/v1/persistentvolumeclaims", "/api/v1/persistentvolumes"
PAUSE = 0.2
"""Seconds before a watch that broke is opened again."""
SILENCE = 3600.0
"""A watch may be quiet for as long as a run."""


def volume_for(claim: Object, storage_class: Object, folder: Path) -> Object:
    """The PersistentVolume that answers a claim, on a folder of its own."""
    metadata, spec = claim["metadata"], claim["spec"]
    name = f"pvc-{metadata['uid']}"
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": name, "annotations": {PROVIDED: storage_class["provisioner"]}},
        "spec": {
            "storageClassName": storage_class["metadata"]["name"],
            "persistentVolumeReclaimPolicy": storage_class.get("reclaimPolicy", "Delete"),
            "capacity": {"storage": spec["resources"]["requests"]["storage"]},
            "accessModes": spec["accessModes"],
            "volumeMode": spec.get("volumeMode", "Filesystem"),
            "hostPath": {"path": str(folder / f"{metadata['namespace']}-{metadata['name']}-{name}")},
            "claimRef": {
                "apiVersion": "v1",
                "kind": "PersistentVolumeClaim",
                **{key: metadata[key] for key in ("namespace", "name", "uid", "resourceVersion")},
            },
        },
    }


class FolderProvisioner:
    """Runs from ``start`` until ``end`` was called and the API server is gone, and closes ``api`` then.

    ``storage_class`` is the class as created; volumes are folders below ``folder``.
    """

    def __init__(self, api: Api, storage_class: Object, folder: Path) -> None:
        self._api = api
        self._wire = Wire(api.client, connect=5.0, answer=30.0)
        self._class = storage_class
        self._folder = folder
        self._ending = threading.Event()
        self._failed: Exception | None = None
        self._threads = [
            threading.Thread(target=self._follow, args=(CLAIMS, self._provide), daemon=True),
            threading.Thread(target=self._follow, args=(VOLUMES, self._reclaim), daemon=True),
        ]

    def start(self) -> None:
        """Begin."""
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        """From now on a lost connection is the end."""
        self._ending.set()

    def join(self) -> None:
        """Wait for the end; the connections must be gone, or go."""
        for thread in self._threads:
            thread.join()
        self._api.close()

    def check(self) -> None:
        """Raise ``ClusterError`` when it has failed."""
        if self._failed:
            raise ClusterError("provisioner", f"it failed: {self._failed!r}.", "This is a bug in stsconf: report it.")

    def _follow(self, path: str, handle: Callable[[Object], None]) -> None:
        while not self._ending.is_set():
            try:
                revision, found = self._wire.list(path)
                for thing in found:
                    handle(thing)
                for thing in self._changes(path, revision):
                    handle(thing)
            except (HttpProblem, HTTPError, OSError):
                self._ending.wait(PAUSE)
            except Exception as error:  # shown by check(): a thread must not die in silence
                self._failed = error
                return

    def _changes(self, path: str, revision: int) -> Iterator[Object]:
        """Objects as they are added or changed, until the watch ends."""
        response = self._wire.request("GET", path, {"watch": "1", "resourceVersion": str(revision)}, silence=SILENCE)
        rest = b""
        with response:
            while chunk := response.read1(65536):
                *lines, rest = (rest + chunk).split(b"\n")
                for line in lines:
                    event: dict[str, Any] = json.loads(line)
                    if event["type"] == "ERROR":
                        return
                    if event["type"] != "DELETED":
                        yield event["object"]

    def _provide(self, claim: Object) -> None:
        asked = (claim["metadata"].get("annotations") or {}).get(ASKED)
        if asked != self._class["provisioner"] or claim["spec"].get("volumeName"):
            return
        volume = volume_for(claim, self._class, self._folder)
        Path(volume["spec"]["hostPath"]["path"]).mkdir(exist_ok=True)
        try:
            self._wire.call("POST", VOLUMES, body=volume)
        except HttpProblem as problem:
            if problem.status != 409:  # it is there: we saw an older version of the claim
                raise

    def _reclaim(self, volume: Object) -> None:
        metadata, spec = volume["metadata"], volume["spec"]
        ours = (metadata.get("annotations") or {}).get(PROVIDED) == self._class["provisioner"]
        released = (volume.get("status") or {}).get("phase") == "Released" and not metadata.get("deletionTimestamp")
        if ours and released and spec["persistentVolumeReclaimPolicy"] == "Delete":
            shutil.rmtree(spec["hostPath"]["path"], ignore_errors=True)
            try:
                self._wire.call("DELETE", f"{VOLUMES}/{metadata['name']}")
            except HttpProblem as problem:
                if problem.status != 404:
                    raise
