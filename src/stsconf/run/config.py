"""What a run was asked to do."""

import math
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_hex

from stsconf import options, suite_files
from stsconf.act.objects import Kind
from stsconf.act.scenarios import ORDINARY, SCENARIOS, Scenario
from stsconf.clusters import Provider, images, kind, mirror
from stsconf.clusters.engine import EngineChoice
from stsconf.clusters.keeping import Keep
from stsconf.clusters.local import Settings
from stsconf.deadline import Deadline
from stsconf.errors import UsageError
from stsconf.judging import catalogue
from stsconf.judging.promise import Profile, Promise
from stsconf.options import Given, meant, spelled
from stsconf.waits import Waits


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
    dry_run: bool = False
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
    def from_options(cls, given: Mapping[str, object], environment: Mapping[str, str] | None = None) -> "Config":
        """Read options by name, as text or as the values they stand for, and their variables in an environment.

        Raises ``UsageError`` for one that makes no sense, alone or beside the others.
        """
        return cls.of(options.read(given, environment or {}))

    @classmethod
    def of(cls, asked: Given) -> "Config":
        """The configuration that these options ask for. Raises ``UsageError`` for names that there are not."""
        with asked.checking("promises"):
            promises = asked["promises"] and catalogue.named(asked["promises"])
        with asked.checking("scenario"):
            names = asked["scenario"] and scenarios_named(asked["scenario"])
        with asked.checking("image"):
            chosen = images.named(asked["image"] or (), asked["image-prefix"])
        with asked.checking("feature-gates"):
            settings = Settings.of(asked["local-bin"], asked["feature-gates"], asked["kubernetes"])
        with asked.checking("registry-mirror"):
            registry = asked["registry-mirror"] and mirror.checked(asked["registry-mirror"])
        for name, folder in (("output-dir", asked["output-dir"]), ("save-baseline", asked["save-baseline"])):
            with asked.checking(name):
                _check_writable(folder)
        if (asked["disruptive"] or not set(names or ()) <= set(ORDINARY)) and asked["nodes"] <= kind.SPARE:
            raise UsageError(
                "A node can be taken away only where there are others.",
                f"Use {spelled('cluster', 'kind')} {spelled('nodes', '3')}.",
            )
        run_id = new_id()
        return cls(
            cluster=Provider(asked["cluster"]),
            kubeconfig=asked["kubeconfig"],
            context=asked["context"],
            storage_class=asked["storage-class"],
            namespace=asked["namespace"],
            impersonate=asked["as"],
            allow_foreign=asked["allow-foreign"],
            workload=Kind(asked["workload"]),
            images=chosen,
            engine=EngineChoice(asked["engine"]),
            kubernetes=asked["kubernetes"],
            local=settings,
            registry_mirror=registry,
            nodes=asked["nodes"],
            disruptive=asked["disruptive"],
            profile=Profile(asked["profile"]),
            promises=promises,
            scenarios=names,
            baseline=asked["baseline"],
            save_baseline=asked["save-baseline"],
            accepted=asked["accepted"],
            output_dir=suite_files.output_dir(asked["output-dir"], run_id),
            waits=replace(Waits(), settle=asked["settle"]),
            keep=Keep(asked["keep"]),
            deadline=Deadline(asked["deadline"] or math.inf),
            dry_run=asked["dry-run"],
            run_id=run_id,
        )


def scenarios_named(words: Iterable[str]) -> tuple[str, ...]:
    """The scenarios that somebody named, with hyphens or underscores. Raises ``ValueError`` for others."""
    found = {word: word.lower().replace("-", "_") for word in words}
    for word, name in found.items():
        if name not in SCENARIOS:
            known = ", ".join(SCENARIOS)
            raise ValueError(f"there is no scenario {word}{meant(name, SCENARIOS) or f' (there is {known})'}")
    return tuple(dict.fromkeys(found.values()))


def _check_writable(path: Path | None) -> None:
    """Raise ``ValueError`` for a path that nothing can be written to, so that no run finds out at its end."""
    if path:
        there = next(one for one in (path.absolute(), *path.absolute().parents) if one.exists())
        if there != path.absolute() and not there.is_dir():
            raise ValueError(f"{path} cannot be made, since {there} is a file")
        if not os.access(there, os.W_OK):
            raise ValueError(f"{path} cannot be written, since {there} is read-only")


def new_id() -> str:
    """The id of a recording: when it began, and four digits that name what it makes."""
    return f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{token_hex(2)}"
