"""What a scenario is, and all that there are."""

from collections.abc import Callable
from dataclasses import dataclass

from stsconf.act.workload import Workload

Act = Callable[[Workload], None]


@dataclass(frozen=True, slots=True)
class Scenario:
    """One scenario.

    ``pods`` is the most it has at one time: the run keeps the sum below the cluster's capacity. ``markers`` is whether
    it writes to volumes and looks for that again, ``hasty`` whether it acts before its last change is done,
    ``disruptive`` whether it takes a node away: then it is run on request only, alone, after all others.
    ``managers`` are field managers under which it writes through another program.
    """

    name: str
    summary: str
    act: Act
    pods: int
    markers: bool
    hasty: bool
    disruptive: bool = False
    managers: frozenset[str] = frozenset()


SCENARIOS: dict[str, Scenario] = {}


def scenario(
    pods: int, *, markers: bool = False, hasty: bool = False, disruptive: bool = False
) -> Callable[[Act], Act]:
    """Register a function of a workload; its name is the scenario's, its docstring the summary."""

    def register(act: Act) -> Act:
        name = act.__name__
        SCENARIOS[name] = Scenario(name, " ".join((act.__doc__ or "").split()), act, pods, markers, hasty, disruptive)
        return act

    return register
