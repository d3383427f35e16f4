"""A change of the pod template replaces the pods in reverse order, one at a time, and leaves their storage alone."""

from stsconf import Level, Timeline, expect, expect_none, expect_reached, healthy, promise
from stsconf.timeline.epochs import UpdateStop
from stsconf.timeline.questions import claims, pods, sets, updates

PAGE = "concepts/workloads/controllers/statefulset/"
ROLLING = f"{PAGE}#rolling-updates"
KEP_3541 = "https://www.kubernetes.dev/resources/keps/3541/"
TUTORIAL = "tutorials/stateful-application/basic-stateful-set/"
CODE = "https://github.com/kubernetes/kubernetes/blob/v1.36.2/pkg/controller/statefulset/"
STATUS = "reference/kubernetes-api/workload-resources/stateful-set-v1/#StatefulSetStatus"


@promise("UPD-01", source=ROLLING, scenarios=("rollout", "restart"), revision=2)
def test_every_pod_is_replaced_by_one_of_the_new_template(timeline: Timeline) -> None:
    """A rolling update without a partition brings every Pod to the new revision."""
    for rollout in updates.rollouts(timeline):
        rest = sets.rest(timeline, rollout.epoch)
        spec = rollout.epoch.spec
        if spec.strategy == "RollingUpdate" and not spec.held_by_partition:
            if rest is None and rollout.epoch.is_last:
                what = f"every pod is of revision {rollout.target}"
                expect_reached(False, what, rollout.epoch.began, *pods.members(timeline), of_ready_pods=True)
            for ordinal in spec.ordinals if rest else ():
                name = timeline.pod_name(ordinal)
                found = expect(rest).comes_with(timeline.pods.before(rest.rv, name), f"Pod {name}", timeline.pods)
                if found:
                    expect(found).has(revision=rollout.target)


def _goes_anyway(timeline: Timeline, update: UpdateStop) -> bool:
    """Whether the Pod was not available in any case, and so goes first under Parallel: PAR-06."""
    before = timeline.pods.before(update.stop.rv, update.stop.name)
    return bool(not timeline.ordered and before and before.now and not before.now.healthy)


@promise("UPD-02", source=ROLLING, scenarios=("rollout", "rollback", "restart"), revision=2)
def test_pods_are_updated_from_the_highest_ordinal_down(timeline: Timeline) -> None:
    """An update deletes outdated Pods from the highest ordinal down; under Parallel, unready ones may go first."""
    for update in updates.stops(timeline):
        if _goes_anyway(timeline, update):
            continue
        for higher in updates.outdated_above(timeline, update):
            asked = timeline.pods.deletion_of(higher.uid)
            expect(update.stop).follows(asked, f"Pod {higher.name}, not updated yet, is asked to stop")


@promise("UPD-03", source=ROLLING, scenarios=("rollout", "rollback", "restart"), revision=2)
def test_pods_are_updated_one_at_a_time(timeline: Timeline) -> None:
    """With maxUnavailable 1, an update deletes a Pod only after the one before is gone and re-created."""
    for update in updates.stops(timeline):
        if _goes_anyway(timeline, update):
            continue
        if update.epoch.spec.serial:
            for earlier in updates.stopped_before(timeline, update):
                expect(update.stop).follows(timeline.pods.end_of(earlier.uid), f"the old Pod {earlier.name} is gone")
                successor = pods.successor_of(timeline, earlier)
                expect(update.stop).follows(successor, f"the new Pod {earlier.name} is created")


@promise("UPD-04", source=ROLLING, scenarios=("rollout", "rollback", "restart"), revision=2)
def test_an_updated_pod_is_running_and_ready_before_its_predecessor_is_updated(timeline: Timeline) -> None:
    """With maxUnavailable 1, an update deletes a Pod only while all updated Pods are Running and Ready."""
    for update in updates.stops(timeline):
        if _goes_anyway(timeline, update):
            continue
        if update.epoch.spec.serial:
            for earlier in updates.stopped_before(timeline, update):
                expect(update.stop).finds(timeline.pods, earlier.name, healthy, "updated, Running and Ready")


@promise("UPD-05", source=ROLLING, scenarios=("min_ready_seconds",), since="1.25", revision=2)
def test_an_updated_pod_is_available_before_its_predecessor_is_updated(timeline: Timeline) -> None:
    """With minReadySeconds, an update deletes the next Pod only after updated Pods were Ready for that long."""
    for update in updates.stops(timeline):
        if update.epoch.spec.min_ready_seconds and update.epoch.spec.serial:
            for earlier in updates.stopped_before(timeline, update):
                seconds, what = update.epoch.spec.min_ready_seconds, f"{earlier.name} is Ready"
                expect(update.stop).waits_for(timeline.pods, earlier.name, healthy, seconds, what)


@promise("UPD-06", source=f"{CODE}stateful_set_control.go", scenarios=("rollout",), level=Level.IMPLEMENTATION)
def test_no_pod_is_updated_while_another_is_unavailable(timeline: Timeline) -> None:
    """Under OrderedReady with maxUnavailable 1, an update deletes a Pod only while all others are Ready."""
    if timeline.ordered:
        for update in updates.stops(timeline):
            for ordinal in update.epoch.spec.ordinals:
                if ordinal != update.stop.fact.ordinal and update.epoch.spec.serial:
                    expect(update.stop).finds(timeline.pods, timeline.pod_name(ordinal), healthy, "Running and Ready")


@promise("UPD-08", source=f"{TUTORIAL}#rolling-update", scenarios=("rollout", "partition", "rollback"))
def test_pods_that_are_updated_already_are_left_alone(timeline: Timeline) -> None:
    """An update deletes only Pods that are not yet at the requested revision."""
    for update in updates.stops(timeline):
        expect(update.stop).shows("another revision than the one asked for", update.explained, True)


@promise("UPD-09", source=KEP_3541, scenarios=("scale_up", "partition", "retention"), revision=2)
def test_only_the_template_makes_a_revision(timeline: Timeline) -> None:
    """A change outside the Pod template creates no ControllerRevision."""
    for was, epoch in sets.changes(timeline):
        if was.spec.template == epoch.spec.template:
            made = [e for e in timeline.revisions.created() if epoch.began.rv < e.rv < epoch.until_rv]
            stored = [e for e in made if was.spec.template in _templates_at(timeline, e.rv)]
            own = [e for e in stored if e.fact.owner_uid == epoch.began.uid]
            expect_none(own, f"revision is made by generation {epoch.spec.generation}, which changed no template")


def _templates_at(timeline: Timeline, rv: int) -> set[str]:
    """The templates that the set's revisions stored right before a revision of another kind."""
    return {revision.fact.template for revision in updates.revisions_at(timeline, rv)}


@promise("UPD-10", source=f"{PAGE}#forced-rollback", scenarios=("rollout_stalls",), revision=2)
def test_a_template_that_never_becomes_ready_stops_the_update(timeline: Timeline) -> None:
    """A Pod that never becomes Ready stops the update: no further Pod is deleted for that revision."""
    for rollout in updates.rollouts(timeline):
        broken = updates.never_ready(timeline, rollout.target)
        for pod in broken if rollout.epoch.spec.serial else ():
            further = [u.stop for u in updates.stops(timeline) if u.stop.rv > pod.rv and u.target == rollout.target]
            expect_none(further, f"pod is stopped for revision {rollout.target} while {pod.name} is not Ready")


@promise("UPD-11", source=f"{PAGE}#forced-rollback", scenarios=("rollout_stalls",), revision=3)
def test_reverting_the_template_does_not_replace_the_broken_pod(timeline: Timeline) -> None:
    """Under OrderedReady, reverting the template does not delete a Pod that never became Ready."""
    if timeline.ordered:
        for rollout in (r for r in updates.rollouts(timeline) if r.epoch.spec.strategy != "Recreate"):
            for pod in updates.never_ready(timeline, rollout.target):
                stop = timeline.pods.stop_of(pod.uid)
                if stop is not None and pods.wanted_at(timeline, stop):
                    expect(stop).shows("deleted by hand", stop.uid in pods.by_hand(timeline), True)


@promise("UPD-12", source=f"{PAGE}#forced-rollback", scenarios=("rollout_stalls",), revision=3)
def test_the_broken_pod_comes_back_with_the_reverted_template(timeline: Timeline) -> None:
    """A Pod that never became Ready and is deleted by hand is re-created from the latest template."""
    for rollout in updates.rollouts(timeline):
        for pod in updates.never_ready(timeline, rollout.target):
            for old, new in pods.deleted_and_replaced(timeline):
                if old.uid == pod.uid and (epoch := sets.in_force(timeline, new.rv)):
                    expect(new).has(revision=updates.target_of(timeline, epoch.spec))


@promise("UPD-13", source=f"{TUTORIAL}#rolling-update", scenarios=("partition",), revision=2)
def test_a_pod_that_was_updated_comes_back_updated(timeline: Timeline) -> None:
    """An updated Pod that is deleted by hand is re-created at the updated revision."""
    for old, new in pods.deleted_and_replaced(timeline):
        epoch = sets.in_force(timeline, new.rv)
        if (
            epoch
            and epoch.spec.strategy == "RollingUpdate"
            and new.fact.ordinal not in epoch.spec.held_by_partition
            and old.fact.revision == updates.target_of(timeline, epoch.spec)
        ):
            expect(new).keeps(old, "revision")


@promise("UPD-15", source=STATUS, scenarios=("rollout", "rollback", "restart", "hasty_updates"), revision=2)
def test_the_current_revision_becomes_the_update_revision(timeline: Timeline) -> None:
    """When a rolling update is complete, status.currentRevision and updateRevision are the new revision."""
    for rollout in updates.rollouts(timeline):
        if rollout.epoch.spec.strategy == "RollingUpdate" and not rollout.epoch.spec.held_by_partition:
            rest = sets.rest(timeline, rollout.epoch)
            if rest is not None:
                expect(rest).has(current_revision=rollout.target, update_revision=rollout.target)
            elif rollout.epoch.is_last:
                what = f"the current revision is {rollout.target}"
                expect_reached(False, what, rollout.epoch.began, *pods.members(timeline), of_ready_pods=True)


@promise(
    "UPD-17",
    source="reference/kubectl/generated/kubectl_rollout/kubectl_rollout_restart/#synopsis",
    scenarios=("restart",),
    revision=3,
)
def test_a_restart_replaces_every_pod(timeline: Timeline) -> None:
    """A kubectl rollout restart replaces every Pod, and each replacement becomes Running and Ready."""
    for action in timeline.actions:
        if action.verb == "rollout restart" and action.rv:
            members = pods.members_at(timeline, action.rv)
            for member in members:
                last = timeline.pods.latest().get(member.name)
                replaced = last is not None and last.uid != member.uid and last.fact.healthy
                marks = [last] if last else []
                expect_reached(replaced, f"Pod {member.name} is replaced", member, *marks, of_ready_pods=True)
    for epoch in updates.restarts(timeline):
        rest = sets.rest(timeline, epoch)
        for member in pods.members_at(timeline, epoch.began.rv) if rest else ():
            last = timeline.pods.before(rest.rv, member.name)
            if last and last.now and member.fact.ordinal in epoch.spec.ordinals:
                expect(last).differs_from(member, "uid")


@promise("UPD-18", source=f"{PAGE}#stable-storage", scenarios=("rollback", "rollout"), needs=("storage",), revision=2)
def test_an_update_leaves_claims_and_volumes_alone(timeline: Timeline) -> None:
    """An update or rollback keeps each Pod's PVCs, bound to the same volumes."""
    for update in updates.stops(timeline):
        successor = pods.successor_of(timeline, update.stop)
        if successor is None or not claims.retained(timeline):
            continue
        expect(successor).keeps(update.stop, "own_claims")
        for name in update.stop.fact.own_claims.values():
            then = timeline.claims.before(update.stop.rv, name)
            now = expect(successor).comes_with(timeline.claims.latest().get(name), f"PersistentVolumeClaim {name}")
            if then and now:
                expect(now).keeps(then, "uid", *(["volume_name"] if then.fact.volume_name else []))
                expect(now).has(phase="Bound", terminating=False)


@promise("REV-13", source=ROLLING, scenarios=("rollback",))
def test_a_rollback_replaces_pods_in_reverse_order(timeline: Timeline) -> None:
    """A rollback deletes Pods from the highest ordinal down."""
    back = {rollout.epoch.began.rv for rollout in updates.rollouts(timeline) if rollout.returns}
    for update in updates.stops(timeline):
        if update.epoch.began.rv in back:
            for higher in updates.outdated_above(timeline, update):
                asked = timeline.pods.deletion_of(higher.uid)
                expect(update.stop).follows(asked, f"Pod {higher.name}, not rolled back yet, is asked to stop")


@promise(
    "SDN-08", source=f"{CODE}stateful_set_control.go", scenarios=("hasty_scale_and_update",), level=Level.IMPLEMENTATION
)
def test_scaling_is_done_before_the_update_begins(timeline: Timeline) -> None:
    """Under OrderedReady, an update deletes a Pod only after all excess Pods are gone."""
    if timeline.ordered:
        for update in updates.stops(timeline):
            there = pods.members_at(timeline, update.epoch.began.rv)
            for excess in (e for e in there if e.fact.ordinal not in update.epoch.spec.ordinals):
                expect(update.stop).follows(timeline.pods.end_of(excess.uid), f"Pod {excess.name} is gone")
