"""One upgrade of the control plane under sets of every kind, recorded from before it until all is at rest again."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from threading import Barrier, BrokenBarrierError

from msgspec import structs

from stsconf.act.scenarios import Scenario
from stsconf.act.scenarios.upgrades import PODS, UPGRADED, UpgradeSubject
from stsconf.act.workload import Workload
from stsconf.clusters import Cluster
from stsconf.errors import ClusterError, StsconfError, UsageError
from stsconf.gate.comparison import Moved, compare
from stsconf.gate.snapshot import Snapshot, take
from stsconf.run import run
from stsconf.run.config import Config
from stsconf.waits import Say


@dataclass(frozen=True, slots=True)
class Upgrade:
    """What was done: the sealed recording, and the sets that moved by two snapshots, taken at rest."""

    recording: Path
    moved: tuple[Moved, ...]

    @property
    def told(self) -> dict[str, list[str]]:
        """What moved, for a report: the words by ``namespace/name``."""
        return {one.name: list(one.what) for one in self.moved}


def record(cluster: Cluster, to: str, config: Config, say: Say) -> Upgrade:
    """Make the sets, exchange the control plane for the version ``to`` once all are at rest, and wait for that again.

    Writes ``before.json`` and ``after.json`` beside the recording's folder. Raises what ``run.record`` raises, and
    ``ClusterError`` when a StatefulSet never settled, so that nothing was upgraded.
    """
    exchange = cluster.exchange
    if exchange is None:
        raise UsageError(f"Provider {cluster.provider} cannot upgrade.", "Use --cluster local or kind.")
    course = _UpgradeRun(cluster, exchange(to), say)
    path = run.record(cluster, [course.scenario(kind) for kind in UPGRADED.values()], config, say)
    if course.failed:
        raise course.failed
    if len(course.snapshots) < 2:
        raise ClusterError("upgrade", "it was not started: not every StatefulSet settled.", f"See {path}.")
    for name, snapshot in course.snapshots.items():
        snapshot.write(config.output_dir / f"{name}.json")
    before, after = course.snapshots.values()
    return Upgrade(path, compare(before, after))


class _UpgradeRun:
    """Holds all scenarios at the two moments that they share."""

    def __init__(self, cluster: Cluster, exchange: Callable[[], None], say: Say) -> None:
        self.snapshots: dict[str, Snapshot] = {}
        self.failed: StsconfError | None = None
        self._sets: set[str] = set()
        self._cluster = cluster
        self._exchange = exchange
        self._say = say
        self._begin = Barrier(len(UPGRADED), self._upgrade)
        self._end = Barrier(len(UPGRADED), lambda: self._snapshot("after"))

    def scenario(self, kind: UpgradeSubject) -> Scenario:
        """The scenario of one kind of set."""

        def act(workload: Workload) -> None:
            try:
                kind.prepare(workload)
                written = workload.content.write()
                names = workload.names
                self._sets.add(f"{names.namespace}/{names.set_name}")
                with workload.setting.recorder.act("upgrade", "controlplane", names.namespace, names.set_name):
                    self._begin.wait()
                try:
                    workload.witness()
                    kind.rest(workload)
                    workload.content.read(written)
                finally:
                    self._end.wait()
            except BrokenBarrierError:
                raise ClusterError("upgrade", "another StatefulSet did not settle, or the upgrade failed.") from None
            except BaseException:
                self._begin.abort()
                self._end.abort()
                raise

        return Scenario(kind.name, kind.summary, act, PODS, markers=True, hasty=False)

    def _upgrade(self) -> None:
        self._snapshot("before")
        try:
            self._exchange()
        except StsconfError as error:
            self.failed = error
            raise

    def _snapshot(self, name: str) -> None:
        self._say(f"upgrade: all StatefulSets are settled; taking the snapshot {name}.json")
        found = take(self._cluster.api, None)
        mine = {key: objects for key, objects in found.sets.items() if key in self._sets}  # no witness, no sentinel
        self.snapshots[name] = structs.replace(found, sets=mine)
