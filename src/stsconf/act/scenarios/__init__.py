"""Act once: a scenario acts on one workload and waits for the set's own status; it judges nothing."""

from stsconf.act.scenarios import (
    deletion,  # noqa: F401 - each registers its scenarios
    hasty,  # noqa: F401 - each registers its scenarios
    lifecycle,  # noqa: F401 - each registers its scenarios
    nodes,  # noqa: F401 - each registers its scenarios
    rollout,  # noqa: F401 - each registers its scenarios
    scaling,  # noqa: F401 - each registers its scenarios
)
from stsconf.act.scenarios.registry import SCENARIOS, Scenario

ORDINARY = {name: scenario for name, scenario in SCENARIOS.items() if not scenario.disruptive}
"""What a run records unasked."""

__all__ = ["ORDINARY", "SCENARIOS", "Scenario"]
