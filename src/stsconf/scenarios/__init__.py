"""Act once: a scenario acts on one workload and waits for the set's own status; it judges nothing."""

from stsconf.scenarios import deletion, hasty, lifecycle, nodes, rollout, scaling  # noqa: F401 - each registers its scenarios
from stsconf.scenarios.registry import SCENARIOS, Scenario

ORDINARY = {name: scenario for name, scenario in SCENARIOS.items() if not scenario.disruptive}
"""What a run records unasked."""

__all__ = ["ORDINARY", "SCENARIOS", "Scenario"]
