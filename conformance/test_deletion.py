"""Deleting a set: with its pods, or without them, and what stays in either case."""

from stsconf import Level, Timeline, expect, expect_none, expect_reached, expect_seen, promise
from stsconf.timeline.questions import claims, harness, ownership, pods, sets, updates

PAGE = "concepts/workloads/controllers/statefulset/"
DELETE = "tasks/run-application/delete-stateful-set/"
GC = "concepts/architecture/garbage-collection/"
TUTORIAL = "tutorials/stateful-application/basic-stateful-set/"
CODE = "https://github.com/kubernetes/kubernetes/blob/v1.36.2/pkg/controller/statefulset/"
LIMITATIONS = f"{PAGE}#limitations"


@promise("DEL-01", source=f"{GC}#background-deletion", scenarios=("background_delete",))
def test_background_deletion_removes_the_set_first(timeline: Timeline) -> None:
    """Background deletion removes the StatefulSet before it deletes any of its Pods."""
    for asked in harness.cascades(timeline, "Background"):
        for member in ownership.owned_at(timeline, asked.rv, asked.uid):
            stop = timeline.pods.stop_of(member.uid)
            if stop is not None and not member.fact.terminating:
                gone = timeline.sets.end_of(asked.uid)
                expect(stop).follows(gone, f"StatefulSet {asked.name} is gone", timeline.sets)


@promise("DEL-02", source=f"{GC}#cascading-deletion", scenarios=("background_delete", "foreground_delete"))
def test_the_pods_of_a_deleted_set_are_deleted(timeline: Timeline) -> None:
    """Background and foreground deletion of a StatefulSet remove all Pods it owns."""
    for asked in (*harness.cascades(timeline, "Background"), *harness.cascades(timeline, "Foreground")):
        for member in ownership.owned_at(timeline, asked.rv, asked.uid):
            ended = timeline.pods.end_of(member.uid)
            expect_reached(ended is not None, f"Pod {member.name} is gone", member, *([ended] if ended else []))


@promise("DEL-05", source=LIMITATIONS, scenarios=("scale_to_zero_then_delete",), revision=2)
def test_scaling_to_zero_first_ends_the_pods_in_order(timeline: Timeline) -> None:
    """Under OrderedReady, scaling to 0 removes Pods one by one from the highest, before the StatefulSet is deleted."""
    for gone in harness.cascades(timeline, "Background"):
        waited = not timeline.window.passive or gone.fact.at_rest
        if gone.fact.replicas == 0 and timeline.ordered and waited:
            for stop in pods.excess_stops(timeline):
                for higher in pods.higher_at(timeline, stop):
                    expect(stop).follows(timeline.pods.end_of(higher.uid), f"Pod {higher.name} is gone")
                expect(gone).follows(timeline.pods.end_of(stop.uid), f"Pod {stop.name} is gone", timeline.pods)


@promise("DEL-06", source=f"{GC}#foreground-deletion", scenarios=("foreground_delete", "hasty_delete"))
def test_foreground_deletion_removes_the_set_last(timeline: Timeline) -> None:
    """Foreground deletion sets a finalizer and removes the StatefulSet only after all its Pods are gone."""
    for asked in harness.cascades(timeline, "Foreground"):
        expect(asked).shows("waiting for its dependents", "foregroundDeletion" in asked.fact.finalizers, True)
        gone = timeline.sets.end_of(asked.uid)
        expect_reached(gone is not None, f"StatefulSet {asked.name} is gone", asked)
        for member in ownership.owned_at(timeline, asked.rv, asked.uid) if gone else ():
            expect(gone).follows(timeline.pods.end_of(member.uid), f"Pod {member.name} is gone", timeline.pods)


@promise(
    "DEL-07", source=f"{CODE}stateful_set_control.go", scenarios=("foreground_delete",), level=Level.IMPLEMENTATION
)
def test_a_set_that_is_being_deleted_makes_no_pods(timeline: Timeline) -> None:
    """No Pod is created for a StatefulSet that is being deleted."""
    for asked in timeline.sets.stopping():
        made = [e for e in pods.created_by_set(timeline) if e.fact.owner_uid == asked.uid and e.rv > asked.rv]
        for created in made:
            expect(created).finds(
                timeline.sets, asked.name, lambda desired: not desired.terminating, "not being deleted"
            )
        if not made:
            expect_none(made, "pod is created for a set that is being deleted")


@promise("DEL-09", source=f"{TUTORIAL}#non-cascading-delete", scenarios=("orphan_delete", "readopt"), revision=2)
def test_orphaned_pods_keep_running(timeline: Timeline) -> None:
    """Orphan deletion leaves the Pods running and removes only their owner reference."""
    for asked in harness.cascades(timeline, "Orphan"):
        for member in ownership.owned_at(timeline, asked.rv, asked.uid):
            freed = ownership.orphaned(timeline, member.uid)
            expect_reached(freed is not None, f"Pod {member.name} has no owner", member)
            if freed is not None:
                expect(freed).keeps(member, "uid", "terminating", "restarts", "phase", "ready")
            stop = timeline.pods.stop_of(member.uid)
            if stop is not None and stop.fact.owner_uid in (None, asked.uid):
                expect(stop).shows("deleted by hand", stop.uid in pods.by_hand(timeline), True)


@promise("DEL-10", source=f"{GC}#orphaned-dependents", scenarios=("orphan_delete", "readopt"))
def test_orphan_deletion_removes_the_set_after_the_references(timeline: Timeline) -> None:
    """Orphan deletion removes the StatefulSet only after every Pod has lost its owner reference."""
    for asked in harness.cascades(timeline, "Orphan"):
        gone = timeline.sets.end_of(asked.uid)
        for member in ownership.owned_at(timeline, asked.rv, asked.uid) if gone else ():
            freed = ownership.orphaned(timeline, member.uid)
            expect(gone).follows(freed, f"Pod {member.name} has no owner", timeline.pods)


@promise("DEL-11", source=f"{TUTORIAL}#non-cascading-delete", scenarios=("orphan_delete",), revision=2)
def test_a_deleted_orphan_is_not_replaced(timeline: Timeline) -> None:
    """An orphaned Pod that is deleted by hand is not re-created while there is no StatefulSet."""
    for asked in harness.cascades(timeline, "Orphan"):
        gone = timeline.sets.end_of(asked.uid)
        if gone is None:
            continue
        back = next((e.rv for e in timeline.sets.created() if e.rv > gone.rv), None)
        orphans = [e for e in timeline.pods.stopping() if e.rv > gone.rv and e.uid in harness.deleted_pods(timeline)]
        for orphan in orphans:
            made = [e for e in timeline.pods.created() if e.name == orphan.name and gone.rv < e.rv < (back or e.rv + 1)]
            expect_none(made, f"pod {orphan.name} is created although its set is gone")
            if back is None:
                expect_seen(timeline.window.settled is True, "the controller was seen at work after that", orphan)


@promise("DEL-12", source=f"{CODE}stateful_set.go", scenarios=("orphan_delete",), level=Level.IMPLEMENTATION)
def test_orphan_deletion_keeps_the_revisions(timeline: Timeline) -> None:
    """Orphan deletion keeps the ControllerRevisions and removes their owner reference."""
    for asked in harness.cascades(timeline, "Orphan"):
        for left in updates.revisions_at(timeline, asked.rv):
            owners = [
                e.fact.owner_uid for e in timeline.revisions.named(left.name) if e.uid == left.uid and e.rv > asked.rv
            ]
            ended = timeline.revisions.end_of(left.uid)
            kept = None in owners and (ended is None or ended.fact.owner_uid not in (None, asked.uid))
            expect_reached(kept, f"ControllerRevision {left.name} is kept, without its owner", left)


@promise("DEL-13", source=f"{DELETE}#persistent-volumes", scenarios=("background_delete", "foreground_delete"))
def test_deleting_a_set_keeps_its_claims_and_volumes(timeline: Timeline) -> None:
    """Under the default retention policy, deleting a StatefulSet keeps every PVC and its volume."""
    if claims.retained(timeline):
        for asked in sets.deletions(timeline):
            for claim in claims.of_set_at(timeline, asked.rv):
                last = expect(asked).comes_with(timeline.claims.latest().get(claim.name), f"claim {claim.name}")
                if last:
                    expect(last).keeps(
                        claim, "uid", "terminating", *(["volume_name"] if claim.fact.volume_name else [])
                    )


@promise("DEL-14", source=f"{TUTORIAL}#cascading-delete", scenarios=("background_delete",), needs=("storage",))
def test_a_set_created_again_mounts_the_same_volumes(timeline: Timeline) -> None:
    """Under the default retention policy, a re-created StatefulSet uses the same PVCs and volumes."""
    if claims.retained(timeline):
        for made in timeline.sets.created():
            for claim in claims.of_set_at(timeline, made.rv):
                for pod in pods.created_by_set(timeline):
                    if pod.rv > made.rv and claim.name in pod.fact.claims.values():
                        now = expect(pod).comes_with(timeline.claims.latest().get(claim.name), f"claim {claim.name}")
                        if now:
                            expect(now).keeps(claim, "uid", "volume_name")


@promise("DEL-16", source="concepts/workloads/pods/pod-lifecycle/#pod-termination", scenarios=("background_delete",))
def test_cascading_deletion_is_graceful(timeline: Timeline) -> None:
    """Background and foreground deletion give each running Pod its own termination grace period."""
    for asked in (*harness.cascades(timeline, "Background"), *harness.cascades(timeline, "Foreground")):
        for member in ownership.owned_at(timeline, asked.rv, asked.uid):
            stop = timeline.pods.stop_of(member.uid)
            if stop is not None and member.fact.node is not None and member.fact.phase == "Running":
                expect(stop).has(stop_grace_seconds=stop.fact.grace_seconds)


@promise("IDN-14", source=f"{DELETE}#deleting-a-statefulset", scenarios=("background_delete", "orphan_delete"))
def test_deleting_a_set_keeps_its_service(timeline: Timeline) -> None:
    """Deleting a StatefulSet keeps its governing Service."""
    for asked in sets.deletions(timeline):
        before = timeline.services.before(asked.rv, asked.fact.service_name or "")
        if before is not None:
            last = expect(asked).comes_with(timeline.services.latest().get(before.name), f"Service {before.name}")
            if last:
                expect(last).keeps(before, "uid", "terminating")
