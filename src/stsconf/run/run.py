"""One run: namespaces, recorder, scenarios side by side, closing proof, and nothing left behind."""

import contextlib
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from stsconf.act.objects import Edit, Names
from stsconf.act.scenarios import Scenario
from stsconf.act.setting import Setting
from stsconf.act.workload import Workload
from stsconf.cleanup.inventory import RUN, Inventory
from stsconf.clusters import Cluster, existing, preflight, storage
from stsconf.clusters.keeping import Keep
from stsconf.clusters.preflight import Asked
from stsconf.deadline import Deadline
from stsconf.record.recorder import Recorder, RecorderError
from stsconf.record.streams import Scope
from stsconf.run import acting
from stsconf.run.config import Config
from stsconf.waits import Say

NODE_PODS = 60
"""How many pods the scenarios that act at one time may have; the pods of those that ended stay until the run ends."""


def record(
    cluster: Cluster,
    scenarios: Sequence[Scenario],
    config: Config,
    say: Say,
    edits: Mapping[str, Edit] | None = None,
) -> Path:
    """Prove the storage, run the scenarios side by side while recording, and return the sealed recording.

    Each scenario gets a namespace of its own, or names of its own in the one that the configuration names. ``edits``
    change the StatefulSet manifest of a scenario: test equipment. Raises ``PreflightRefused`` and ``StorageNotReady``
    before anything is recorded. Whatever is made here is gone afterwards, unless the cluster itself goes, or the
    configuration may keep it: then ``provide`` ends it.
    """
    namespace, probe = config.namespace, config.home
    names = {s.name: _names(s.name, f"stsconf-{config.short}", namespace, config.run_id) for s in scenarios}
    if not cluster.ours:
        pods = sum(scenario.pods for scenario in scenarios)
        preflight.check(cluster, Asked(namespace, config.workload, pods, len(scenarios), config.allow_foreign), say)
    with contextlib.ExitStack() as stack:
        inventory = stack.enter_context(Inventory(cluster.api, config.run_id, probe, prepared=namespace is not None))
        if not cluster.ours and config.keep is Keep.NEVER:
            stack.callback(lambda: existing.remove(cluster, inventory.record, config.waits, say))
        if namespace is None:
            for own in names.values():
                inventory.make_namespace(own.namespace)
        say(f"namespaces: made {len(inventory.record.entries)}, recorded in {probe}")
        storage.prove(cluster, probe, config.run_id, config.workload, config.waits, say)
        name = scenarios[0].name if scenarios[0].disruptive else "run"
        path = config.output_dir / "timelines" / f"{name}.ndjson"
        path.parent.mkdir(parents=True, exist_ok=True)
        recorder = Recorder(
            cluster.api.client,
            path,
            run_id=config.run_id,
            scope=Scope(None if cluster.ours else tuple({own.namespace for own in names.values()})),
            header={
                "provider": cluster.provider.value,
                "capabilities": sorted(cluster.capabilities),
                "stand_ins": list(cluster.stand_ins),
                "workload": config.workload.value,
                "scenarios": [scenario.name for scenario in scenarios],
            },
            sentinel_namespace=probe if cluster.ours else None,
            deadline=config.deadline,
            audit_log=cluster.audit_log,
        )

        def setting_of(scenario: Scenario) -> Setting:
            return Setting(
                api=cluster.api,
                recorder=recorder,
                names=names[scenario.name],
                images=cluster.images,
                storage_class=cluster.storage_class,
                waits=config.waits,
                edit=(edits or {}).get(scenario.name),
                nfs_reader=cluster.nfs_reader,
                kubelet="kubelet" in cluster.capabilities,
                kind=config.workload,
                lose=cluster.lose,
            )

        with recorder:
            say("recording: every watch is open")
            config.deadline.disarm()
            with ThreadPoolExecutor(max_workers=len(scenarios)) as pool:
                gate = _Capacity(NODE_PODS)
                try:
                    futures = [
                        pool.submit(_act, scenario, Workload(setting_of(scenario)), gate, config.deadline, say)
                        for scenario in scenarios
                    ]
                    _gather(futures, cluster.alive)
                except BaseException:
                    recorder.cancel()
                    raise
            say("recording: proving that nothing was missed")
            seal = recorder.close()
        if recorder.failed:
            raise RecorderError(recorder.failed)
        return seal.path


def _names(scenario: str, prefix: str, namespace: str | None, run: str) -> Names:
    """The documented names in a namespace of its own, or names of which none begins another in a given one."""
    if namespace is None:
        return Names(f"{prefix}-{scenario.replace('_', '-')}")
    word = scenario.replace("_", "")
    return Names(namespace, f"web-{word}", f"nginx-{word}", f"www-{word}", f"nginx-{word}", {RUN: run})


def _gather(futures: Iterable[Future[None]], alive: Callable[[], None]) -> None:
    """Wait for all, in slices short enough for a signal; raise the first error, or what ``alive`` raises."""
    for future in futures:
        while not future.done():
            alive()
            with contextlib.suppress(TimeoutError):
                future.result(timeout=0.5)
        future.result()
    alive()


class _Capacity:
    """Lets scenarios begin while their pods fit."""

    def __init__(self, pods: int) -> None:
        self._free = pods
        self._changed = threading.Condition()

    @contextlib.contextmanager
    def room(self, pods: int) -> Iterator[None]:
        with self._changed:
            self._changed.wait_for(lambda: self._free >= pods)
            self._free -= pods
        try:
            yield
        finally:
            with self._changed:
                self._free += pods
                self._changed.notify_all()


def _act(scenario: Scenario, workload: Workload, gate: _Capacity, deadline: Deadline, say: Say) -> None:
    with gate.room(scenario.pods):
        acting.act(scenario, workload, deadline, say)
