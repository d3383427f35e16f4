"""Pods are created in order, one at a time."""

from stsconf import Timeline, expect, promise

GUARANTEES = "concepts/workloads/controllers/statefulset/#deployment-and-scaling-guarantees"


@promise("ORD-01", source=GUARANTEES, scenarios=("create",))
def test_pods_are_created_in_ascending_order(timeline: Timeline) -> None:
    """For a StatefulSet with N replicas, Pods are created sequentially, in order from 0 to N-1."""
    if timeline.ordered:
        for created in timeline.created_by_set():
            for lower in timeline.names_below(created)[-1:]:
                expect(created).follows(timeline.pods.first(lower), f"Pod {lower} exists")


@promise("ORD-02", source=GUARANTEES, scenarios=("create",))
def test_a_pod_is_created_only_when_every_lower_pod_is_running_and_ready(timeline: Timeline) -> None:
    """Before a Pod is created, all of its predecessors are Running and Ready."""
    if timeline.ordered:
        for created in timeline.created_by_set():
            for lower in timeline.names_below(created):
                expect(created).finds(timeline.pods, lower, lambda pod: pod.healthy, "Running and Ready")
