"""The cluster that a configuration asks for, from the provider it names."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from stsconf.clusters import Cluster, Provider, existing, kind, local
from stsconf.clusters.keeping import Keep, KeepPolicy
from stsconf.clusters.notes import PREFIX, noted
from stsconf.run.config import Config
from stsconf.waits import Say


@contextmanager
def provide(config: Config, say: Say, failed: Callable[[], bool] = lambda: True) -> Iterator[Cluster]:
    """Yield the cluster that the configuration asks for; ``failed`` tells at the end whether the run did."""

    staying = KeepPolicy(config.keep, failed, config.run_id, say)
    if config.cluster is Provider.EXISTING:
        with existing.cluster(
            config.kubeconfig,
            config.context,
            config.storage_class,
            config.images,
            config.waits,
            config.impersonate,
            config.namespace,
        ) as found:
            yield found
            if config.keep is not Keep.NEVER:
                existing.leave(found, config.home, config.impersonate, staying.applies(), config.waits, say)
        return
    short, folder = config.short, config.output_dir / config.cluster.value
    if config.cluster is Provider.LOCAL:
        with local.cluster(short, folder, config.local, config.images, config.waits, say, staying) as found:
            yield found
    else:
        with (
            noted(f"{PREFIX}{short}", config.run_id, folder, staying.applies),
            kind.cluster(
                *(short, folder, config.engine, config.kubernetes, config.images, config.waits, say),
                registry_mirror=config.registry_mirror,
                staying=staying,
                count=config.nodes,
            ) as found,
        ):
            yield found
