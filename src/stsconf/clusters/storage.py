"""The class ``managed-nfs-storage``: installed on clusters we make, proven usable on every cluster.

Stages of the proof, in order: class, provisioner, bind, image, mount, write. A failure names the first not passed.
"""

from collections.abc import Mapping, Sequence

from stsconf import suite_files
from stsconf.act.objects import NO_IMAGE, Kind
from stsconf.cleanup.inventory import labels
from stsconf.clusters import Cluster
from stsconf.errors import StorageNotReady
from stsconf.kube.api import Api, ApiError, Object
from stsconf.options import spelled
from stsconf.waits import Say, Waits, until

NFS_NAMESPACE = "nfs-storage"
NFS_ADDRESS = "10.96.0.49"
PROBE = "stsconf-probe"
"""Name of the claim and of the pod that prove a class."""
READER = (NFS_NAMESPACE, "nfs-reader")
"""Namespace and name of the pod that serves the whole export over HTTP, where we installed the storage."""


def install(
    api: Api, images: dict[str, str], server: str, mount_options: Sequence[str], waits: Waits, say: Say
) -> None:
    """Install NFS server, provisioner and class on a cluster we made.

    ``server`` is ``ganesha`` or ``kernel``. Raises ``StorageNotReady`` naming the stage.
    """
    export = "/export" if server == "ganesha" else "/exports"
    for manifest in suite_files.manifest(f"nfs/server-{server}.yaml"):
        api.create(_with_images(manifest, images))
    _wait_available(api, "nfs-server", "server", waits, say)
    for manifest in suite_files.manifest("nfs/provisioner.yaml"):
        if manifest["kind"] == "Deployment":
            pod = manifest["spec"]["template"]["spec"]
            for variable in pod["containers"][0]["env"]:
                known = {"NFS_SERVER": NFS_ADDRESS, "NFS_PATH": export}
                variable["value"] = known.get(variable["name"], variable["value"])
            pod["volumes"][0]["nfs"] = {"server": NFS_ADDRESS, "path": export}
        api.create(_with_images(manifest, images))
    _wait_available(api, "nfs-client-provisioner", "provisioner", waits, say)
    reader = suite_files.manifest("nfs/reader.yaml")[0]
    reader["spec"]["volumes"][0]["nfs"] = {"server": NFS_ADDRESS, "path": export}
    api.create(_with_images(reader, images))
    for manifest in suite_files.manifest("nfs/class.yaml"):
        api.create({**manifest, "mountOptions": list(mount_options)})


def _with_images(manifest: Object, images: Mapping[str, str]) -> Object:
    """Image keys of ``manifests/images.yaml`` replaced by references."""
    spec = manifest.get("spec") or {}
    pod = (spec.get("template") or {}).get("spec") or spec
    for container in pod.get("containers") or ():
        container["image"] = images.get(container["image"], container["image"])
    return manifest


def _wait_available(api: Api, deployment: str, stage: str, waits: Waits, say: Say) -> None:
    def available() -> bool:
        found = api.get("Deployment", deployment, NFS_NAMESPACE)
        return bool(found and (found.get("status") or {}).get("availableReplicas"))

    say(f"storage: waiting for {deployment}")
    if not until(available, waits.storage_server):
        _refuse_missing_image(api, NFS_NAMESPACE)
        raise StorageNotReady(
            stage,
            f"deployment {NFS_NAMESPACE}/{deployment} was not available within {waits.storage_server:.0f} s. "
            f"{_last_warning(api, NFS_NAMESPACE)}",
            f"Look at `kubectl -n {NFS_NAMESPACE} describe pods`.",
        )


def prove(cluster: Cluster, namespace: str, run: str, kind: Kind, waits: Waits, say: Say) -> None:
    """Bind a claim of the class, and write to and read from it in a pod, where pods run; both are removed again.

    They carry the labels of ``run``. Raises ``StorageNotReady`` naming the stage that did not pass.
    """
    api, class_name = cluster.api, cluster.storage_class
    if not _class_exists(api, class_name):
        raise StorageNotReady(
            "class",
            f"there is no StorageClass {class_name} (this cluster has: {known_classes(api)}).",
            f"Name one of them with {spelled('storage-class')}, or create the StorageClass.",
        )
    say(f"storage: testing StorageClass {class_name}")
    claim, pod = probe(cluster.images, class_name, kind, labels(run))
    try:
        api.create(claim, namespace)
        if "kubelet" in cluster.capabilities:
            api.create(pod, namespace)
        _prove(cluster, namespace, waits)
    finally:
        api.delete("Pod", PROBE, namespace, gracePeriodSeconds=0)
        api.delete("PersistentVolumeClaim", PROBE, namespace)


def probe(images: Mapping[str, str], class_name: str | None, kind: Kind, marks: Mapping[str, str]) -> list[Object]:
    """The claim and the pod of the proof; without a class the server names its default one."""
    claim, pod = suite_files.manifest("nfs/probe.yaml")
    del claim["spec"]["storageClassName"]
    claim["spec"] |= {"storageClassName": class_name} if class_name else {}
    kind.fit(_with_images(pod, images)["spec"])
    for manifest in (claim, pod):
        manifest["metadata"]["labels"] = dict(marks)
    return [claim, pod]


def known_classes(api: Api) -> str:
    """The names of the classes there are, for a message."""
    return ", ".join(c["metadata"]["name"] for c in api.list("StorageClass")) or "none"


def _class_exists(api: Api, name: str) -> bool:
    """Whether the class is there; where classes may not be read the claim will tell."""
    try:
        return api.get("StorageClass", name) is not None
    except ApiError as error:
        if error.status == 403:
            return True
        raise


def _prove(cluster: Cluster, namespace: str, waits: Waits) -> None:
    api, class_name = cluster.api, cluster.storage_class

    def bound() -> bool:
        cluster.alive()
        claim = api.get("PersistentVolumeClaim", PROBE, namespace) or {}
        return (claim.get("status") or {}).get("phase") == "Bound"

    def ended() -> bool:
        return _phase(api, namespace) in ("Succeeded", "Failed") or _image_trouble(api, namespace, PROBE) is not None

    if not until(bound, waits.storage_bind):
        accepted = any(e["reason"] == "Provisioning" for e in _events(api, namespace, PROBE))
        stage = "bind" if accepted else "provisioner"
        what = "the provisioner accepted the PVC but made no volume" if accepted else "no provisioner accepted the PVC"
        raise StorageNotReady(
            stage,
            f"a PVC of StorageClass {class_name} was not bound within {waits.storage_bind:.0f} s: {what}. "
            f"{_last_warning(api, namespace, PROBE)}",
            "Check that the StorageClass's provisioner runs and that its storage server answers.",
        )
    if "kubelet" not in cluster.capabilities:
        return
    finished = until(ended, waits.storage_write)
    _refuse_missing_image(api, namespace, PROBE)
    if not finished:
        mounting = any(e["reason"] in ("FailedMount", "FailedAttachVolume") for e in _events(api, namespace, PROBE))
        raise StorageNotReady(
            "mount" if mounting else "write",
            f"the probe pod was {_phase(api, namespace)} after {waits.storage_write:.0f} s. "
            f"{_last_warning(api, namespace, PROBE)}",
            "Check that the nodes can mount its volumes: NFS client installed, server reachable from the node.",
        )
    if _phase(api, namespace) == "Failed":
        raise StorageNotReady(
            "write",
            "the probe pod could not write to its volume and read it back.",
            "Check the rights of the exported folder (root squash, read-only export).",
        )


def _phase(api: Api, namespace: str) -> str:
    found = api.get("Pod", PROBE, namespace) or {}
    return str((found.get("status") or {}).get("phase"))


def _refuse_missing_image(api: Api, namespace: str, name: str | None = None) -> None:
    if trouble := _image_trouble(api, namespace, name):
        raise StorageNotReady(
            "image",
            f"{trouble}. {_last_warning(api, namespace)}",
            f"Make it available to the nodes, or name another with {spelled('image')}, or a mirror with "
            f"{spelled('registry-mirror')}.",
        )


def _image_trouble(api: Api, namespace: str, name: str | None) -> str | None:
    """Why the image of a pod cannot be had, as the kubelet says it; of the pod of this name, or of any."""
    for pod in api.list("Pod", namespace):
        if name is not None and pod["metadata"]["name"] != name:
            continue
        for status in (pod.get("status") or {}).get("containerStatuses") or ():
            waiting = (status.get("state") or {}).get("waiting") or {}
            if waiting.get("reason") in NO_IMAGE:
                return f"image {status['image']} cannot be had ({waiting['reason']})"
    return None


def _events(api: Api, namespace: str, name: str | None) -> list[Object]:
    """The events about the claim and the pod of this name as they are now, or all that the namespace holds."""
    found = list(api.list("Event", namespace))
    if name is None:
        return found
    there = (api.get(kind, name, namespace) for kind in ("PersistentVolumeClaim", "Pod"))
    uids = {one["metadata"]["uid"] for one in there if one}
    return [event for event in found if (event.get("involvedObject") or {}).get("uid") in uids]


def _last_warning(api: Api, namespace: str, name: str | None = None) -> str:
    warnings = [e for e in _events(api, namespace, name) if e.get("type") == "Warning"]
    if not warnings:
        return "The cluster logged no warning about it."
    return f"The cluster says: {' '.join(warnings[-1]['message'].split())[:300]}"
