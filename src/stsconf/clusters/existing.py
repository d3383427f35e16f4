"""A cluster somebody else made: everyone's development loop, and the gate before an upgrade."""

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

from stsconf import suite_files
from stsconf.api import Api
from stsconf.clusters import Cluster, Provider, identify
from stsconf.waits import Waits


@contextmanager
def cluster(
    kubeconfig: Path | None,
    context: str | None,
    storage_class: str,
    images: Mapping[str, str],
    waits: Waits,
) -> Iterator[Cluster]:
    """Use the cluster a kubeconfig names; nothing is installed on it and nothing of it is removed.

    ``images`` overrides entries of ``manifests/images.yaml``. Raises ``UsageError`` for a kubeconfig that cannot be
    used and ``ClusterError`` for a server that does not answer.
    """
    api = Api.from_kubeconfig(kubeconfig, context, waits.request)
    with closing(api):
        version, uid = identify(api)
        yield Cluster(
            provider=Provider.EXISTING,
            name=context or api.current_context(kubeconfig),
            kubeconfig=kubeconfig,
            context=context,
            api=api,
            ours=False,
            storage_class=storage_class,
            images={**suite_files.workload_images(), **images},
            version=version,
            uid=uid,
        )
