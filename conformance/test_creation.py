"""Pods are created in order, one at a time, and in the number asked for."""

from stsconf import Event, Level, Pod, Timeline, expect, expect_reached, healthy, promise
from stsconf.timeline.questions import pods, sets

PAGE = "concepts/workloads/controllers/statefulset/"
GUARANTEES = f"{PAGE}#deployment-and-scaling-guarantees"
TUTORIAL = "tutorials/stateful-application/basic-stateful-set/"
CODE = "https://github.com/kubernetes/kubernetes/blob/v1.36.2/pkg/controller/statefulset/"


@promise("ORD-01", source=GUARANTEES, scenarios=("create", "scale_up"), survives_gaps=True)
def test_pods_are_created_in_ascending_order(timeline: Timeline) -> None:
    """Under OrderedReady, a Pod is created only after the Pod with the next lower ordinal has been created."""
    if timeline.ordered:
        for created in pods.created_by_set(timeline):
            for lower in pods.names_below(timeline, created)[-1:]:
                expect(created).follows(timeline.pods.first(lower), f"Pod {lower} exists")


@promise("ORD-02", source=GUARANTEES, scenarios=("create", "scale_up"), survives_gaps=True)
def test_a_pod_is_created_only_when_every_lower_pod_is_running_and_ready(timeline: Timeline) -> None:
    """Under OrderedReady, a Pod is created only while every Pod with a lower ordinal is Running and Ready."""
    if timeline.ordered:
        for created in pods.created_by_set(timeline):
            for lower in pods.names_below(timeline, created):
                expect(created).finds(timeline.pods, lower, healthy, "Running and Ready")


@promise("ORD-04", source=GUARANTEES, scenarios=("scale_up_held",), survives_gaps=True)
def test_a_lower_pod_that_becomes_unhealthy_stops_creation_until_it_recovers(timeline: Timeline) -> None:
    """Under OrderedReady, a lower Pod that fails blocks creation until it is Running and Ready again."""
    if timeline.ordered:
        for created in pods.created_by_set(timeline):
            for lower in pods.names_below(timeline, created):
                if timeline.pods.last_loss(lower, healthy, created.rv):
                    expect(created).finds(timeline.pods, lower, healthy, "Running and Ready again")


@promise("ORD-06", source=f"{TUTORIAL}#scaling-a-statefulset", scenarios=("scale_up",), survives_gaps=True, revision=2)
def test_scaling_up_touches_no_pod_that_is_there(timeline: Timeline) -> None:
    """Scaling up neither deletes nor replaces an existing Pod."""
    for before, epoch in sets.scalings(timeline):
        if epoch.spec.replicas > before.replicas:
            for member in pods.members_at(timeline, epoch.began.rv):
                later = timeline.pods.before(epoch.until_rv, member.name)
                if later is not None and member.fact.ordinal in before.ordinals and not _by_itself(timeline, member):
                    expect(later).keeps(member, "uid", "terminating")


def _by_itself(timeline: Timeline, member: Event[Pod]) -> bool:
    """Whether a Pod was deleted by hand, or had Failed or Succeeded before it was removed: scaling did not do that."""
    end = timeline.pods.deletion_of(member.uid)
    return end is not None and (member.uid in pods.by_hand(timeline) or (end.before or end.fact).finished)


@promise(
    "ORD-08",
    source=f"{CODE}stateful_pod_control.go",
    scenarios=("create",),
    level=Level.IMPLEMENTATION,
    survives_gaps=True,
    revision=2,
)
def test_a_pods_claims_exist_before_the_pod(timeline: Timeline) -> None:
    """A Pod is created only after its PersistentVolumeClaims exist."""
    for created in pods.created_by_set(timeline):
        for template in sets.claim_templates(timeline, created.fact.owner_uid):
            claim = f"{template.name}-{created.name}"
            expect(created).follows(
                timeline.claims.first(claim), f"PersistentVolumeClaim {claim} exists", timeline.claims
            )


@promise(
    "ORD-12",
    source="tasks/run-application/force-delete-stateful-set-pod/#statefulset-considerations",
    scenarios=("create", "scale_up", "hasty_scale"),
    survives_gaps=True,
    revision=2,
)
def test_the_set_ends_with_exactly_the_pods_asked_for(timeline: Timeline) -> None:
    """In the end, the StatefulSet has exactly the Pods asked for, all Running and Ready."""
    for desired in timeline.sets.latest().values():
        names = {f"{desired.name}-{ordinal}" for ordinal in desired.fact.ordinals}
        there = {event.name: event for event in pods.members(timeline)}
        ready = all(name in there and there[name].fact.healthy for name in names)
        wanted = ", ".join(sorted(names)) or "no pod"
        expect_reached(
            ready and set(there) == names,
            f"the set has exactly {wanted}, Ready",
            desired,
            *there.values(),
            of_ready_pods=True,
        )
