"""What a run would do, said before it does anything: scenarios, objects, seconds, and what it touches."""

import heapq
from collections.abc import Iterator, Sequence

from stsconf.act.scenarios import Scenario
from stsconf.clusters import Provider
from stsconf.clusters.keeping import Keep
from stsconf.run.config import Config
from stsconf.run.run import NODE_PODS

MEASURED = {
    "background_delete": 145,
    "claim_protection": 94,
    "completed": 72,
    "create": 53,
    "drift": 61,
    "foreground_delete": 112,
    "foreign_claim": 113,
    "hasty_delete": 51,
    "hasty_scale": 48,
    "hasty_scale_and_update": 184,
    "hasty_updates": 156,
    "history": 230,
    "lost_claim": 34,
    "max_unavailable": 119,
    "min_ready_seconds": 113,
    "moved": 98,
    "on_delete": 66,
    "orphan_delete": 104,
    "parallel": 141,
    "parallel_broken": 86,
    "parallel_rollout": 82,
    "partition": 138,
    "readopt": 128,
    "recreate": 0,
    "recreate_parallel": 0,
    "release_and_adopt": 44,
    "replace": 211,
    "replace_held": 117,
    "rescale": 63,
    "restart": 115,
    "retention": 198,
    "retention_hasty": 155,
    "retention_orphan": 57,
    "rollback": 170,
    "rollout": 70,
    "rollout_stalls": 66,
    "same_named_volume": 29,
    "scale_down": 68,
    "scale_down_held": 75,
    "scale_down_two_held": 99,
    "scale_to_zero_then_delete": 109,
    "scale_up": 50,
    "scale_up_held": 103,
    "staged_to_zero": 95,
    "start_ordinal": 118,
    "strangers": 93,
    "unmakeable": 78,
}
"""Seconds of each scenario beside all others, in the run reports/v1.37.2/kind: one node, two cores."""


def seconds(scenarios: Sequence[Scenario]) -> int:
    """How long the measured ones take when each begins as soon as its pods fit, as they do in a run."""
    free, now, running = NODE_PODS, 0, list[tuple[int, int]]()
    for one in scenarios:
        while free < one.pods:
            now, pods = heapq.heappop(running)
            free += pods
        free -= one.pods
        heapq.heappush(running, (now + MEASURED.get(one.name, 0), one.pods))
    return max((end for end, _ in running), default=0)


def plan(config: Config, scenarios: Sequence[Scenario], promises: int) -> Iterator[str]:
    """The plan of a run as lines, for a terminal or a log. Nothing is asked of a cluster."""
    where = f"provider {config.cluster.value}, profile {config.profile.value}"
    yield f"Plan: {promises} promises from {len(scenarios)} scenarios on {where}"
    for one in scenarios:
        took = f"{MEASURED[one.name]:4d} s" if one.name in MEASURED else "     ?"
        yield f"  {one.name:26} {took}  {one.pods:2d} pods  {one.summary}"
    unknown = sum(one.name not in MEASURED for one in scenarios)
    rest = f"; {unknown} scenarios were not measured" if unknown else ""
    yield f"Time: about {seconds(scenarios)} s of acting, as on one kind node with two cores{rest}"
    most = sum(one.pods for one in scenarios)
    yield f"Objects: a StatefulSet and a Service for each scenario, at most {most} Pods at once, a PVC for each"
    if apart := [one.name for one in scenarios if one.disruptive]:
        yield f"Takes away: a node for the time of {' and of '.join(apart)}, alone, after all others"
    yield from _touched(config, len(scenarios))


_VOLUMES = "  volumes come from the StorageClass's provisioner, and go with their PVCs under reclaim policy Delete"


def _touched(config: Config, scenarios: int) -> Iterator[str]:
    made = "made and removed" if config.keep is Keep.NEVER else f"made, and kept {config.keep.value.replace('-', ' ')}"
    if config.cluster is not Provider.EXISTING:
        yield f"Touches: a {config.cluster.value} cluster of its own, {made}; no other cluster"
    elif config.namespace:
        yield f"Touches: namespace {config.namespace}, which stays; nothing cluster-scoped is written"
        yield _VOLUMES
    else:
        yield f"Touches: {scenarios + 1} namespaces stsconf-{config.short}-*, {made}: all that is cluster-scoped"
        yield _VOLUMES
