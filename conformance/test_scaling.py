"""Scaling down removes pods in reverse order, one at a time, and keeps what they stored."""

from stsconf import Level, Timeline, expect, expect_none, expect_seen, healthy, promise
from stsconf.timeline.questions import claims, content, pods, sets

PAGE = "concepts/workloads/controllers/statefulset/"
GUARANTEES = f"{PAGE}#deployment-and-scaling-guarantees"
TUTORIAL = "tutorials/stateful-application/basic-stateful-set/"
CODE = "https://github.com/kubernetes/kubernetes/blob/v1.36.2/pkg/controller/statefulset/"


@promise("SDN-01", source=GUARANTEES, scenarios=("scale_down", "hasty_scale"), survives_gaps=True)
def test_pods_are_removed_in_descending_order(timeline: Timeline) -> None:
    """Under OrderedReady, scaling down deletes Pods from the highest ordinal down."""
    if timeline.ordered:
        for stop in pods.excess_stops(timeline):
            for higher in pods.higher_at(timeline, stop):
                expect(stop).follows(timeline.pods.stop_of(higher.uid), f"Pod {higher.name} is asked to stop")


@promise("SDN-02", source=GUARANTEES, scenarios=("scale_down",), survives_gaps=True)
def test_a_pod_is_not_stopped_before_every_higher_pod_is_gone(timeline: Timeline) -> None:
    """Under OrderedReady, scaling down deletes a Pod only after every higher excess Pod is gone."""
    if timeline.ordered:
        for stop in pods.excess_stops(timeline):
            for higher in pods.higher_at(timeline, stop):
                expect(stop).follows(timeline.pods.end_of(higher.uid), f"Pod {higher.name} is gone")


@promise(
    "SDN-03",
    source="tasks/run-application/scale-stateful-set/#scaling-down-does-not-work-right",
    scenarios=("scale_down", "scale_down_held"),
    survives_gaps=True,
)
def test_scaling_down_waits_for_every_pod_that_stays(timeline: Timeline) -> None:
    """Under OrderedReady, scaling down deletes a Pod only while every remaining Pod is Running and Ready."""
    if timeline.ordered:
        for stop in pods.excess_stops(timeline):
            for name in pods.names_that_stay(timeline, stop):
                expect(stop).finds(timeline.pods, name, healthy, "Running and Ready")


@promise(
    "SDN-06",
    source=f"{CODE}stateful_set_control.go",
    scenarios=("scale_down",),
    level=Level.IMPLEMENTATION,
    survives_gaps=True,
)
def test_no_pod_is_created_outside_the_range_asked_for(timeline: Timeline) -> None:
    """After scaling down, no Pod is created outside the requested ordinals."""
    for before, epoch in sets.scalings(timeline):
        if epoch.spec.replicas < before.replicas:
            outside = [
                created
                for created in pods.created_by_set(timeline)
                if sets.noticed(timeline, epoch) < created.rv < epoch.until_rv
                and created.fact.ordinal not in epoch.spec.ordinals
            ]
            expect_none(outside, f"pod is created outside the ordinals of {epoch.spec.replicas} replicas")


@promise(
    "SDN-07",
    source=f"{PAGE}#stable-storage",
    scenarios=("scale_down",),
    needs=("storage",),
    survives_gaps=True,
    revision=2,
)
def test_the_claims_of_removed_pods_stay(timeline: Timeline) -> None:
    """Under the default retention policy, scaling down keeps the PVCs of removed Pods."""
    for stop in pods.excess_stops(timeline):
        if claims.retained_when_scaled(timeline):
            for claim in stop.fact.own_claims.values():
                what = f"PersistentVolumeClaim {claim}, after the pod is gone"
                found = expect(stop).comes_with(claims.at_end_of_set(timeline, stop.fact.owner_uid, claim), what)
                if found:
                    expect(found).has(terminating=False)


@promise(
    "SDN-09",
    source="reference/kubernetes-api/workload-resources/stateful-set-v1/#StatefulSet",
    scenarios=("rescale",),
    needs=("storage", "kubelet"),
    survives_gaps=True,
    revision=3,
)
def test_scaling_up_again_uses_the_same_claims_and_data(timeline: Timeline) -> None:
    """A Pod re-created by scaling up again uses the same PVCs and finds its data."""
    content.needs_reading(timeline)
    for before, epoch in sets.scalings(timeline):
        if epoch.spec.replicas > before.replicas:
            for old, new in pods.replacements(timeline):
                if epoch.began.rv < new.rv < epoch.until_rv:
                    expect(new).keeps(old, "own_claims")
                    for name in new.fact.own_claims.values() if claims.retained(timeline) else ():
                        first = timeline.claims.first(name)
                        last = expect(new).comes_with(
                            timeline.claims.latest().get(name), f"PersistentVolumeClaim {name}"
                        )
                        if first and last:
                            expect(last).keeps(first, "uid")
                    if content.wrote(timeline) and (written := content.written(timeline, old.uid)):
                        readings = content.readings(timeline, written)
                        expect_seen(bool(readings), f"what {old.name} wrote is looked for", new)
                        for reading in readings:
                            expect(new).shows(reading.what, reading.content, written)


@promise(
    "SDN-10",
    source="tasks/run-application/force-delete-stateful-set-pod/#delete-pods",
    scenarios=("scale_down",),
    survives_gaps=True,
)
def test_pods_are_stopped_with_their_own_grace_period(timeline: Timeline) -> None:
    """Scaling down gives each running Pod its own termination grace period."""
    for stop in pods.excess_stops(timeline):
        if stop.fact.node is not None and stop.fact.phase == "Running":
            expect(stop).has(stop_grace_seconds=stop.fact.grace_seconds)


@promise(
    "SDN-05", source=f"{CODE}stateful_set_control.go", scenarios=("scale_down_two_held",), level=Level.IMPLEMENTATION
)
def test_an_unready_pod_is_removed_only_when_no_lower_one_is_unready(timeline: Timeline) -> None:
    """Under OrderedReady, scaling down deletes an unready Pod only while all lower Pods are Running and Ready."""
    for stop in pods.excess_stops(timeline) if timeline.ordered else ():
        before = timeline.pods.before(stop.rv, stop.name)
        if before and before.now and not before.now.healthy and not before.now.finished:
            for lower in pods.names_below(timeline, stop):
                expect(stop).finds(timeline.pods, lower, healthy, "Running and Ready")
