"""Act once: a scenario acts on one workload and waits for the set's own status; it judges nothing."""

from collections.abc import Callable
from dataclasses import dataclass

from stsconf.workload import Workload

Act = Callable[[Workload], None]


@dataclass(frozen=True, slots=True)
class Scenario:
    """One scenario. ``pods`` is the most it has at one time: the run keeps the sum below the cluster's capacity."""

    name: str
    summary: str
    act: Act
    pods: int


SCENARIOS: dict[str, Scenario] = {}


def scenario(pods: int) -> Callable[[Act], Act]:
    """Register a function of a workload; its name is the scenario's, its docstring the summary."""

    def register(act: Act) -> Act:
        name = act.__name__
        SCENARIOS[name] = Scenario(name, " ".join((act.__doc__ or "").split()), act, pods)
        return act

    return register


@scenario(pods=2)
def create(workload: Workload) -> None:
    """Create the documented Service and StatefulSet with 2 replicas, and wait until both are Ready."""
    workload.create()
    workload.wait_settled()
