"""One run: namespaces, recorder, scenarios side by side, closing proof, and nothing left behind."""

import contextlib
import math
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from secrets import token_hex
from typing import TypeVar

from msgspec import to_builtins

from stsconf import suite_files
from stsconf.act.objects import Edit, Kind, Names
from stsconf.act.scenarios import ORDINARY, SCENARIOS, Scenario
from stsconf.act.setting import Setting
from stsconf.act.workload import Workload
from stsconf.cleanup.inventory import RUN, Inventory
from stsconf.clusters import Cluster, Provider, existing, images, kind, mirror, preflight, storage
from stsconf.clusters.engine import EngineChoice
from stsconf.clusters.keeping import Keep
from stsconf.clusters.local import Settings
from stsconf.clusters.preflight import Asked
from stsconf.deadline import Deadline, seconds
from stsconf.errors import ClusterError, UsageError
from stsconf.judging import catalogue
from stsconf.judging.promise import Profile, Promise
from stsconf.kube.api import ApiError
from stsconf.record.recorder import Recorder, RecorderError, WaitTimeout
from stsconf.record.streams import Scope
from stsconf.timeline.window import ScenarioEnd, ScenarioPlan
from stsconf.waits import Say, Waits

C = TypeVar("C", bound=StrEnum)

NODE_PODS = 60
"""How many pods the scenarios that act at one time may have; the pods of those that ended stay until the run ends."""


@dataclass(frozen=True, slots=True)
class Config:
    """What a run was asked to do. Field names are the options of ``options.toml``."""

    cluster: Provider = Provider.KIND
    kubeconfig: Path | None = None
    context: str | None = None
    storage_class: str | None = None
    namespace: str | None = None
    impersonate: str | None = None
    allow_foreign: bool = False
    workload: Kind = Kind.DOCUMENTED
    images: Mapping[str, str] = field(default_factory=dict)
    engine: EngineChoice = EngineChoice.AUTO
    kubernetes: str | None = None
    local: Settings = field(default_factory=Settings)
    registry_mirror: str | None = None
    nodes: int = 1
    disruptive: bool = False
    profile: Profile = Profile.FULL
    promises: tuple[str, ...] | None = None
    scenarios: tuple[str, ...] | None = None
    baseline: Path | None = None
    save_baseline: Path | None = None
    accepted: Path | None = None
    output_dir: Path = Path("stsconf-report")
    waits: Waits = field(default_factory=Waits)
    deadline: Deadline = field(default_factory=Deadline)
    keep: Keep = Keep.NEVER
    run_id: str = ""

    @property
    def short(self) -> str:
        """The end of the run's id, which names what it makes."""
        return self.run_id.rsplit("-", 1)[-1]

    @property
    def home(self) -> str:
        """The namespace that holds the run's record."""
        return self.namespace or f"stsconf-{self.short}-probe"

    def wants(self, promise: Promise) -> bool:
        """Whether the promise was asked for: by profile, id or area, and one of its scenarios; no upgrade is a run."""
        if promise.of_upgrades or not self.profile.holds(promise):
            return False
        named = self.promises is None or promise.id in self.promises or promise.area in self.promises
        return named and any(map(self._allows, promise.scenarios))

    def _allows(self, scenario: str) -> bool:
        """Whether the configuration does not leave the scenario out."""
        return (self.disruptive or scenario in ORDINARY) if self.scenarios is None else scenario in self.scenarios

    def scenarios_of(self, promises: Iterable[Promise]) -> list[Scenario]:
        """The scenarios that these promises need and the configuration does not leave out, in the order of a run."""
        asked = {name for promise in promises for name in promise.scenarios}
        return [scenario for name, scenario in SCENARIOS.items() if name in asked and self._allows(name)]

    @classmethod
    def from_options(cls, options: Mapping[str, object]) -> "Config":
        """Read the values of ``options.toml``'s options. Raises ``UsageError`` for one that makes no sense."""

        def text(name: str) -> str | None:
            value = options.get(name)
            return str(value) if value not in (None, "") else None

        def words(name: str) -> tuple[str, ...] | None:
            value = text(name)
            return tuple(word.strip() for word in value.split(",")) if value else None

        promises = words("promises")
        if unknown := sorted(set(promises or ()) - set(catalogue.AREAS) - {row.id for row in catalogue.rows()}):
            raise UsageError(
                f"There is no promise and no area {', '.join(unknown)}.",
                f"`stsconf promises` lists them; the areas are {', '.join(catalogue.AREAS)}.",
            )
        names = words("scenario")
        if unknown := sorted(set(names or ()) - set(SCENARIOS)):
            raise UsageError(f"There is no scenario {', '.join(unknown)}.", f"There is {', '.join(SCENARIOS)}.")

        def choice(name: str, default: C) -> C:
            try:
                return type(default)(text(name) or default)
            except ValueError:
                raise UsageError(f"--sts-{name}={text(name)} is none of {', '.join(type(default))}.") from None

        def duration(name: str, default: float) -> float:
            value = text(name)
            try:
                return seconds(value) if value else default
            except ValueError:
                raise UsageError(f"--sts-{name}={value} is no time such as 90 or 10m.") from None

        def path(name: str) -> Path | None:
            value = text(name)
            return Path(value).expanduser() if value else None

        prefix = _only_with(Provider.EXISTING, "image-prefix", text("image-prefix"), text("cluster"))
        if (kubernetes := text("kubernetes")) and text("cluster") == Provider.EXISTING:
            raise UsageError("--sts-kubernetes has no meaning with --sts-cluster=existing, which has its version.")
        nodes, disruptive = kind.nodes_of(text("nodes"), text("cluster")), bool(options.get("disruptive"))
        if (disruptive or not set(names or ()) <= set(ORDINARY)) and nodes <= kind.SPARE:
            raise UsageError("A node can be taken away only where there are others.", "Use --cluster kind --nodes 3.")
        run_id = new_id()
        return cls(
            cluster=choice("cluster", Provider.KIND),
            kubeconfig=path("kubeconfig"),
            context=text("context"),
            storage_class=text("storage-class"),
            namespace=_only_with(Provider.EXISTING, "namespace", text("namespace"), text("cluster")),
            impersonate=_only_with(Provider.EXISTING, "as", text("as"), text("cluster")),
            allow_foreign=bool(options.get("allow-foreign")),
            workload=choice("workload", Kind.DOCUMENTED),
            images=images.named(options.get("image"), prefix),
            engine=choice("engine", EngineChoice.AUTO),
            kubernetes=kubernetes,
            local=Settings.from_text(text("local-bin"), text("feature-gates"), kubernetes),
            registry_mirror=mirror.checked(text("registry-mirror"), text("cluster")),
            nodes=nodes,
            disruptive=disruptive,
            profile=choice("profile", Profile.FULL),
            promises=promises,
            scenarios=names,
            baseline=path("baseline"),
            save_baseline=path("save-baseline"),
            accepted=path("accepted"),
            output_dir=suite_files.output_dir(text("output-dir"), run_id),
            waits=replace(Waits(), settle=duration("settle", Waits().settle)),
            keep=choice("keep", Keep.NEVER),
            deadline=Deadline(duration("deadline", math.inf)),
            run_id=run_id,
        )


def new_id() -> str:
    """The id of a recording: when it began, and four digits that name what it makes."""
    return f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{token_hex(2)}"


def _only_with(needed: Provider, name: str, value: str | None, provider: str | None) -> str | None:
    if value and provider != needed:
        raise UsageError(f"--sts-{name} has a meaning only with --sts-cluster={needed}.")
    return value


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
    recorder, names = workload.setting.recorder, workload.names
    with gate.room(scenario.pods):
        markers = scenario.markers and workload.setting.kubelet
        plan = ScenarioPlan(scenario.summary, markers, scenario.hasty, tuple(sorted(scenario.managers)))
        window = recorder.open_window(scenario.name, names.namespace, names.set_name, **to_builtins(plan))
        began = time.monotonic()
        try:
            if not deadline.passed:
                scenario.act(workload)
            end = ScenarioEnd(settled=True, published=workload.wait.published())
            said = f"done in {time.monotonic() - began:.1f} s"
        except WaitTimeout as late:
            end = ScenarioEnd(settled=False, waited_for=str(late), environment=workload.blocker() or "")
            said = end.environment or end.waited_for
        except (ApiError, ClusterError) as broken:  # without an end the scenario is inconclusive, and the others go on
            end, said = ScenarioEnd(failed=str(broken)), f"given up: {broken}"
        if deadline.passed:
            end = ScenarioEnd(stopped=f"{deadline} before scenario {scenario.name} ended")
            said = f"stopped: {deadline}"
        recorder.close_window(window, **to_builtins(end))
        say(f"{scenario.name}: {said}")
