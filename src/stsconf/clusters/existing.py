"""A cluster somebody else made: everyone's development loop, and the gate before an upgrade."""

import shlex
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

from stsconf import suite_files
from stsconf.act.objects import Kind
from stsconf.cleanup import clean
from stsconf.cleanup.inventory import RECORD, RUN, Record, read_record
from stsconf.clusters import Cluster, Provider
from stsconf.clusters.keeping import kept, kubectl
from stsconf.clusters.shield import uninterruptible
from stsconf.clusters.storage import probe
from stsconf.errors import ClusterError, PreflightRefused, StsconfError
from stsconf.kube import kubeconfig as kubeconfigs
from stsconf.kube.api import Api, ApiError, identify
from stsconf.waits import Say, Waits

DOCUMENTED_CLASS = "managed-nfs-storage"
DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"


@contextmanager
def cluster(
    kubeconfig: Path | None,
    context: str | None,
    storage_class: str | None,
    images: Mapping[str, str],
    waits: Waits,
    impersonate: str | None = None,
    namespace: str | None = None,
) -> Iterator[Cluster]:
    """Use the cluster a kubeconfig names; nothing is installed on it and nothing of it is removed.

    ``images`` overrides entries of ``manifests/images.yaml``; ``namespace`` is one that was prepared for us. Raises
    ``UsageError`` for a kubeconfig that cannot be used and ``PreflightRefused`` for a server that does not let us in.
    """
    context = kubeconfigs.choose(kubeconfig, context)
    api = Api.from_kubeconfig(kubeconfig, context, waits.request, impersonate)
    with closing(api):
        try:
            version, uid = identify(api)
            found = storage_class or default_class(api, namespace)
        except (ApiError, ClusterError) as error:
            raise PreflightRefused(error.what, error.next_step) from None
        yield Cluster(
            provider=Provider.EXISTING,
            name=context or kubeconfigs.IN_CLUSTER,
            kubeconfig=kubeconfig,
            context=context,
            api=api,
            ours=False,
            storage_class=found,
            images={**suite_files.workload_images(), **images},
            version=version,
            uid=uid,
        )


def default_class(api: Api, namespace: str | None) -> str:
    """The class of the documentation where there is one, else the cluster's default one; empty without any.

    Where classes may not be read, a dry run of a claim in ``namespace`` shows which the server would give it.
    """
    try:
        classes = {c["metadata"]["name"]: c["metadata"].get("annotations") or {} for c in api.list("StorageClass")}
    except ApiError as error:
        if error.status != 403 or namespace is None:
            raise
        return _given_class(api, namespace)
    if DOCUMENTED_CLASS in classes:
        return DOCUMENTED_CLASS
    return next((name for name, notes in classes.items() if notes.get(DEFAULT_CLASS) == "true"), "")


def _given_class(api: Api, namespace: str) -> str:
    claim = probe({}, None, Kind.DOCUMENTED, {})[0]
    try:
        stored = api.request("POST", f"{api.path('PersistentVolumeClaim', namespace)}?dryRun=All", claim)
    except ApiError:  # the preflight says which right, quota or namespace is missing
        return ""
    return str(stored["spec"].get("storageClassName") or "")


def remove(cluster: Cluster, record: Record, waits: Waits, say: Say) -> None:
    """Delete what a run made and wait until it and the volumes of its claims are gone; say and note what stays."""
    with uninterruptible(say):
        say(f"cleaning up: {f'namespace {record.home}' if record.prepared else f'{len(record.entries)} namespaces'}")
        try:
            stays = clean.remove(cluster.api, clean.look(cluster.api, record), waits, say)
        except StsconfError as error:  # what ended the run matters more
            stays = [str(error)]
        for sentence in stays:
            say(f"cleaning up: {sentence}")
        cluster.remains.extend(stays)
        if stays:
            say(f"cleaning up: `{shlex.join(_clean(cluster, record))}` shows what is left and continues")


def leave(cluster: Cluster, home: str, impersonate: str | None, stays: bool, waits: Waits, say: Say) -> None:
    """Remove what the run whose record is in ``home`` made, or note how to look at it and how to remove it."""
    try:
        found = cluster.api.get("ConfigMap", RECORD, home)
    except StsconfError as error:
        cluster.remains.append(f"what the run made in {home} and beside it: {error}")
        return
    if not found or not (record := read_record(found)):  # nothing was made
        return
    if not stays:
        remove(cluster, record, waits, say)
        return
    what = f"what it made in namespace {home}" if record.prepared else f"{len(record.entries)} namespaces"
    get = f"statefulsets,pods,persistentvolumeclaims --namespace={home}" if record.prepared else "namespaces"
    reach = kubectl(cluster.kubeconfig, cluster.context, impersonate)
    look = [*reach, "get", *get.split(), f"--selector={RUN}={record.run}"]
    cluster.remains.append(kept(what, look, [*_clean(cluster, record), "--yes"]))
    say(f"keeping: {cluster.remains[-1]}")


def _clean(cluster: Cluster, record: Record) -> list[str]:
    """The command that shows what is left of a run."""
    home = record.home if record.prepared else None
    given = {"kubeconfig": cluster.kubeconfig, "context": cluster.context, "namespace": home, "run": record.run}
    return ["stsconf", "clean", *(f"--{name}={value}" for name, value in given.items() if value)]
