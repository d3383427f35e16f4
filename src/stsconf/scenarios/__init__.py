"""Act once: a scenario acts on one workload and waits for the set's own status; it judges nothing."""

from stsconf.scenarios import deletion, hasty, lifecycle, rollout, scaling  # noqa: F401 - each registers its scenarios
from stsconf.scenarios.registry import SCENARIOS, Scenario

__all__ = ["SCENARIOS", "Scenario"]
