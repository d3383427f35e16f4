"""A cluster somebody else made: everyone's development loop, and the gate before an upgrade."""

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

from stsconf import kubeconfig as kubeconfigs
from stsconf import suite_files
from stsconf.api import Api, ApiError
from stsconf.clusters import Cluster, Provider, identify
from stsconf.clusters.storage import probe
from stsconf.errors import ClusterError, PreflightRefused
from stsconf.waits import Waits
from stsconf.workload import Kind

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
