"""Staged updates: a partition keeps the pods below it as they are; OnDelete leaves it to the user."""

from stsconf import Level, Timeline, expect, expect_none, promise
from stsconf.timeline.questions import pods, sets, updates

PAGE = "concepts/workloads/controllers/statefulset/"
PARTITION = f"{PAGE}#partitions"
ON_DELETE = f"{PAGE}#update-strategies"
TUTORIAL = "tutorials/stateful-application/basic-stateful-set/"
CODE = "https://github.com/kubernetes/kubernetes/blob/v1.36.2/pkg/controller/statefulset/"
API = "reference/kubernetes-api/workload-resources/stateful-set-v1/#StatefulSetStatus"


@promise("PRT-01", source=PARTITION, scenarios=("partition",))
def test_pods_at_or_above_the_partition_are_updated(timeline: Timeline) -> None:
    """With a partition, every Pod whose ordinal is at or above it is updated."""
    for epoch, rest in sets.rests(timeline):
        if epoch.spec.strategy == "RollingUpdate" and epoch.spec.partition and epoch.spec.start == 0:
            for ordinal in sorted(set(epoch.spec.ordinals) - set(epoch.spec.held_by_partition)):
                pod = timeline.pods.before(rest.rv, timeline.pod_name(ordinal))
                found = expect(rest).comes_with(pod, f"Pod {timeline.pod_name(ordinal)}", timeline.pods)
                if found:
                    expect(found).has(revision=updates.target_of(timeline, epoch.spec))


@promise("PRT-02", source=PARTITION, scenarios=("partition",))
def test_pods_below_the_partition_are_not_updated(timeline: Timeline) -> None:
    """With a partition, no Pod whose ordinal is below it is updated."""
    for update in updates.stops(timeline):
        expect(update.stop).shows(
            "an ordinal below the partition", update.stop.fact.ordinal in update.epoch.spec.held_by_partition, False
        )
    for epoch, rest in sets.rests(timeline):
        if epoch.spec.partition and not rest.fact.settled_revision:
            for ordinal in epoch.spec.held_by_partition:
                pod = timeline.pods.before(rest.rv, timeline.pod_name(ordinal))
                was = timeline.pods.before(epoch.began.rv, timeline.pod_name(ordinal))
                if pod and was and was.now and was.fact.revision != updates.target_of(timeline, epoch.spec):
                    expect(pod).keeps(was, "revision")


@promise("PRT-03", source=PARTITION, scenarios=("partition",), revision=2)
def test_a_pod_lost_below_the_partition_comes_back_at_the_previous_version(timeline: Timeline) -> None:
    """A Pod below the partition that is deleted by hand is re-created at its previous revision."""
    for old, new in pods.deleted_and_replaced(timeline):
        epoch = sets.in_force(timeline, new.rv)
        behind = epoch and new.fact.ordinal in epoch.spec.held_by_partition and epoch.spec.strategy == "RollingUpdate"
        if epoch and behind and old.fact.revision != updates.target_of(timeline, epoch.spec):
            expect(new).keeps(old, "revision")


@promise("PRT-04", source=PARTITION, scenarios=("partition",))
def test_a_partition_above_the_replicas_updates_nothing(timeline: Timeline) -> None:
    """A partition at or above the replica count lets no Pod be updated."""
    for epoch in sets.epochs(timeline):
        spec = epoch.spec
        if spec.partition is not None and spec.partition >= spec.replicas > 0 and spec.strategy == "RollingUpdate":
            stops = [update.stop for update in updates.stops_in(timeline, epoch)]
            expect_none(stops, f"pod is updated behind partition {spec.partition} of {spec.replicas} replicas")


@promise("PRT-05", source=f"{TUTORIAL}#rolling-out-a-canary", scenarios=("partition",))
def test_lowering_the_partition_goes_on_with_the_pods_it_frees(timeline: Timeline) -> None:
    """Lowering the partition updates only the Pods that are newly at or above it, highest ordinal first."""
    for was, epoch in sets.changes(timeline):
        held, held_now = was.spec.held_by_partition, epoch.spec.held_by_partition
        if was.spec.template == epoch.spec.template and len(held_now) < len(held):
            freed = set(held) - set(held_now)
            for update in updates.stops_in(timeline, epoch):
                expect(update.stop).shows("an ordinal that was freed", update.stop.fact.ordinal in freed, True)
                for higher in updates.outdated_above(timeline, update):
                    asked = timeline.pods.stop_of(higher.uid)
                    expect(update.stop).follows(asked, f"Pod {higher.name}, not updated yet, is asked to stop")


@promise(
    "PRT-06",
    source=f"{CODE}stateful_set_control.go",
    scenarios=("partition",),
    level=Level.IMPLEMENTATION,
    revision=2,
)
def test_raising_the_partition_rolls_nothing_back(timeline: Timeline) -> None:
    """Raising the partition neither deletes nor replaces a Pod."""
    for was, epoch in sets.changes(timeline):
        held, held_now = was.spec.held_by_partition, epoch.spec.held_by_partition
        if was.spec.template == epoch.spec.template and len(held_now) > len(held):
            for member in pods.members_at(timeline, epoch.began.rv):
                later = timeline.pods.before(epoch.until_rv, member.name)
                if later is not None and member.uid not in pods.by_hand(timeline):
                    expect(later).keeps(member, "uid", "terminating")


@promise("PRT-07", source=API, scenarios=("partition",))
def test_the_current_revision_stays_behind_while_the_partition_holds(timeline: Timeline) -> None:
    """While a partition keeps Pods at an old revision, status.currentRevision differs from status.updateRevision."""
    for epoch, rest in sets.rests(timeline):
        back = [timeline.pods.before(rest.rv, timeline.pod_name(n)) for n in epoch.spec.held_by_partition]
        target = updates.target_of(timeline, epoch.spec)
        if epoch.spec.strategy == "RollingUpdate" and any(e and e.now and e.fact.revision != target for e in back):
            expect(rest).shows("an update that is not complete", rest.fact.settled_revision, False)


@promise("OND-01", source=ON_DELETE, scenarios=("on_delete",))
def test_on_delete_updates_no_pod_by_itself(timeline: Timeline) -> None:
    """Under OnDelete, the controller deletes no Pod to update it."""
    for epoch in sets.epochs(timeline):
        if epoch.spec.strategy == "OnDelete":
            stops = [update.stop for update in updates.stops_in(timeline, epoch)]
            expect_none(stops, "pod is stopped under OnDelete")


@promise("OND-02", source=ON_DELETE, scenarios=("on_delete",), revision=2)
def test_on_delete_a_deleted_pod_comes_back_with_the_new_template(timeline: Timeline) -> None:
    """Under OnDelete, a Pod deleted by hand is re-created from the latest template."""
    for old, new in pods.deleted_and_replaced(timeline):
        epoch = sets.in_force(timeline, new.rv)
        if epoch and epoch.spec.strategy == "OnDelete" and old.fact.revision != updates.target_of(timeline, epoch.spec):
            expect(new).has(revision=updates.target_of(timeline, epoch.spec))


@promise("OND-03", source=API, scenarios=("on_delete",), since="1.37")
def test_on_delete_the_current_revision_catches_up(timeline: Timeline) -> None:
    """Under OnDelete, status.currentRevision becomes the update revision once all Pods have it."""
    for desired in timeline.sets.latest().values():
        target = updates.target_of(timeline, desired.fact)
        members = pods.members(timeline)
        all_new = len(members) == desired.fact.replicas and all(e.fact.revision == target for e in members)
        if desired.fact.strategy == "OnDelete" and all_new and any(updates.rollouts(timeline)):
            expect(desired).has(current_revision=target)


@promise(
    "OND-05", source=f"{CODE}stateful_set_utils.go", scenarios=("on_delete",), level=Level.IMPLEMENTATION, revision=2
)
def test_on_delete_new_pods_are_of_the_new_template(timeline: Timeline) -> None:
    """Under OnDelete, every new Pod is created from the latest template."""
    for created in pods.created_by_set(timeline):
        epoch = sets.in_force(timeline, created.rv)
        if epoch and epoch.spec.strategy == "OnDelete":
            expect(created).has(revision=updates.target_of(timeline, epoch.spec))
