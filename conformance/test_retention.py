"""persistentVolumeClaimRetentionPolicy decides what becomes of the claims."""

from stsconf import Level, Timeline, expect, expect_reached, promise
from stsconf.timeline.questions import claims, harness, ownership, pods, sets

RETENTION = "concepts/workloads/controllers/statefulset/#persistentvolumeclaim-retention"
CODE = "https://github.com/kubernetes/kubernetes/blob/v1.36.2/pkg/controller/statefulset/"
KEP = "https://github.com/kubernetes/enhancements/blob/master/keps/sig-apps/1847-autoremove-statefulset-pvcs/README.md"


@promise("PVR-01", source=RETENTION, scenarios=("create",), since="1.27", revision=2)
def test_claims_are_retained_by_default(timeline: Timeline) -> None:
    """Under the default retention policy, PVCs have no owner references."""
    if claims.retained(timeline):
        for claim in timeline.claims.latest().values():
            ours = claims.owners_of_ours(timeline, claim.fact)
            expect(claim).shows("owners that are the set or its Pods", set(ours), set())


@promise("PVR-02", source=RETENTION, scenarios=("retention",), since="1.27")
def test_claims_belong_to_the_set_when_they_are_deleted_with_it(timeline: Timeline) -> None:
    """With whenDeleted Delete, every PVC has an owner reference to the StatefulSet when that is deleted."""
    for asked in sets.deletions(timeline):
        if asked.fact.when_deleted == "Delete":
            for claim in claims.of_set_at(timeline, asked.rv):
                expect(claim).shows("refers to the set", asked.uid in claim.fact.owner_uids, True)


@promise("PVR-03", source=RETENTION, scenarios=("retention",), since="1.27")
def test_claims_are_deleted_with_the_set(timeline: Timeline) -> None:
    """With whenDeleted Delete, deleting the StatefulSet removes its PVCs."""
    for asked in sets.deletions(timeline):
        if asked.fact.when_deleted == "Delete" and "orphan" not in asked.fact.finalizers:
            for claim in claims.of_set_at(timeline, asked.rv):
                ended = timeline.claims.end_of(claim.uid)
                expect_reached(ended is not None, f"claim {claim.name} is gone", claim, *([ended] if ended else []))


@promise("PVR-05", source=RETENTION, scenarios=("retention",), since="1.27")
def test_only_the_claims_of_removed_pods_are_deleted(timeline: Timeline) -> None:
    """With whenScaled Delete, scaling down deletes the PVCs of the removed Pods and keeps the others."""
    for before, epoch in sets.scalings(timeline):
        if epoch.spec.replicas < before.replicas and epoch.spec.when_scaled == "Delete":
            removed = {e.name for e in pods.excess_stops(timeline) if epoch.began.rv < e.rv < epoch.until_rv}
            for claim in claims.of_set_at(timeline, epoch.began.rv):
                pod = timeline.pod_name(int(claim.name.rpartition("-")[2]))
                ended = timeline.claims.end_of(claim.uid)
                if pod in removed:
                    expect_reached(ended is not None, f"claim {claim.name} is deleted", claim)
                elif int(claim.name.rpartition("-")[2]) in epoch.spec.ordinals:
                    later = timeline.claims.before(epoch.until_rv, claim.name)
                    kept = later is not None and later.uid == claim.uid
                    expect(claim).shows("kept while its Pod is wanted", kept, True)


@promise("PVR-06", source=RETENTION, scenarios=("retention",), since="1.27", revision=2)
def test_a_pod_owns_its_claim_before_it_is_removed(timeline: Timeline) -> None:
    """With whenScaled Delete, a PVC gets an owner reference to its Pod before scaling down deletes the Pod."""
    for stop in pods.excess_stops(timeline):
        spec = sets.spec_at(timeline, stop.rv)
        for name in stop.fact.own_claims.values() if spec and spec.when_scaled == "Delete" else ():
            owned = timeline.claims.first(name, lambda claim, uid=stop.uid: uid in claim.owner_uids)
            if (known := timeline.claims.first(name)) and claims.foreign(timeline, known.fact):
                continue
            expect(stop).follows(owned, f"claim {name} refers to Pod {stop.name}", timeline.claims)


@promise("PVR-07", source=RETENTION, scenarios=("retention",), since="1.27", revision=2)
def test_a_pod_that_is_lost_keeps_its_claims(timeline: Timeline) -> None:
    """A Pod deleted by hand is re-created with the same PVCs and volumes, whatever the retention policy."""
    for old, new in pods.deleted_and_replaced(timeline):
        expect(new).keeps(old, "own_claims")
        for name in set(new.fact.own_claims.values()) - harness.deleted_claims(timeline):
            then, now = timeline.claims.before(old.rv, name), timeline.claims.before(new.rv, name)
            if then and now:
                expect(now).keeps(then, "uid", "volume_name", "terminating")


@promise(
    "PVR-09", source=f"{KEP}#mutating-persistentvolumeclaimretentionpolicy", scenarios=("retention",), since="1.27"
)
def test_a_change_of_the_policy_reaches_the_claims_that_are_there(timeline: Timeline) -> None:
    """Changing whenDeleted to Delete gives existing PVCs an owner reference to the StatefulSet."""
    for was, epoch in sets.changes(timeline):
        if was.spec.when_deleted != epoch.spec.when_deleted == "Delete":
            for claim in claims.of_set_at(timeline, epoch.began.rv):
                followed = timeline.claims.first(claim.name, lambda c, uid=epoch.began.uid: uid in c.owner_uids)
                expect_reached(followed is not None, f"claim {claim.name} comes to refer to the set", claim)


@promise("PVR-10", source=f"{KEP}#whenscaled-policy-of-delete", scenarios=("retention_hasty",), since="1.27")
def test_a_pod_waits_for_the_claim_that_is_going_away(timeline: Timeline) -> None:
    """A Pod is created only after an old PVC of the same name is gone."""
    for stop in timeline.claims.stopping():
        for created in claims.mounting_again(timeline, stop):
            expect(created).follows(timeline.claims.end_of(stop.uid), f"old claim {stop.name} is gone", timeline.claims)


@promise("PVR-11", source=f"{KEP}#non-cascading-deletion", scenarios=("retention_orphan",), since="1.27")
def test_orphan_deletion_keeps_claims_whatever_the_policy(timeline: Timeline) -> None:
    """With whenDeleted Delete, orphan deletion keeps the PVCs and removes their reference to the StatefulSet."""
    for asked in harness.cascades(timeline, "Orphan"):
        for claim in claims.of_set_at(timeline, asked.rv) if asked.fact.when_deleted == "Delete" else ():
            last = expect(asked).comes_with(timeline.claims.latest().get(claim.name), f"claim {claim.name}")
            if last:
                expect(last).keeps(claim, "uid", "volume_name", "terminating")
                expect(last).shows("refers to the deleted set", asked.uid in last.fact.owner_uids, False)


@promise("PVR-13", source=RETENTION, scenarios=("retention",), since="1.27", revision=2)
def test_an_excess_claim_belongs_to_its_pod_alone(timeline: Timeline) -> None:
    """With both policies Delete, the PVC of an excess Pod is owned by that Pod alone when the Pod is deleted."""
    for stop in pods.excess_stops(timeline):
        spec = sets.spec_at(timeline, stop.rv)
        if spec and spec.when_scaled == spec.when_deleted == "Delete":
            for name in stop.fact.own_claims.values():
                claim = timeline.claims.before(stop.rv, name)
                if claim and not claims.foreign(timeline, claim.fact):
                    ours = claims.owners_of_ours(timeline, claim.fact)
                    expect(claim).shows("owners that are the set or its Pods", set(ours), {stop.uid})


@promise("PVR-08", source=f"{KEP}#objects-associated-with-the-statefulset", scenarios=("foreign_claim",), since="1.27")
def test_a_claim_that_somebody_else_controls_is_left_alone(timeline: Timeline) -> None:
    """With policy Delete, a PVC that another controller owns keeps its owner references and is not deleted."""
    policies = {policy for e in timeline.sets.events for policy in (e.fact.when_scaled, e.fact.when_deleted)}
    for first in timeline.claims.created() if "Delete" in policies else ():
        if claims.foreign(timeline, first.fact):
            last = timeline.claims.latest().get(first.name)
            kept = expect(first).comes_with(last, f"PersistentVolumeClaim {first.name}, in the end", timeline.claims)
            if kept:
                expect(kept).keeps(first, "uid", "owner_uids", "terminating")


@promise(
    "PVR-12",
    source=f"{CODE}stateful_pod_control.go",
    scenarios=("retention_orphan",),
    since="1.27",
    level=Level.IMPLEMENTATION,
    revision=2,
)
def test_the_claims_of_adopted_pods_follow_the_policy(timeline: Timeline) -> None:
    """With whenDeleted Delete, the PVCs of adopted Pods get an owner reference to the StatefulSet."""
    for made in timeline.sets.created():
        for orphan in ownership.orphans_at(timeline, made.rv) if made.fact.when_deleted == "Delete" else ():
            for name in orphan.fact.own_claims.values():
                followed = timeline.claims.first(name, lambda claim, uid=made.uid: uid in claim.owner_uids)
                marks = [followed] if followed else []
                expect_reached(followed is not None, f"claim {name} comes to refer to the set", made, orphan, *marks)
