"""Where the documents contradict each other, or what releases do: what was seen is reported, and nobody fails."""

from stsconf import Level, Timeline, characterise, promise
from stsconf.timeline.questions import harness, ownership, pods, sets, updates

TUTORIAL = "tutorials/stateful-application/basic-stateful-set/"
PARTITION = "concepts/workloads/controllers/statefulset/#partitions"
KEP_1847 = (
    "https://github.com/kubernetes/enhancements/blob/master/keps/sig-apps/1847-autoremove-statefulset-pvcs/README.md"
)


@promise(
    "DEL-04",
    source=f"{TUTORIAL}#cascading-delete",
    scenarios=("background_delete", "foreground_delete"),
    level=Level.CHARACTERISED,
)
def test_the_order_in_which_a_deleted_set_loses_its_pods(timeline: Timeline) -> None:
    """The documents disagree on the order in which cascading deletion stops Pods; the order seen is reported."""
    for cascade in ("Background", "Foreground"):
        for asked in harness.cascades(timeline, cascade):
            owned = ownership.owned_at(timeline, asked.rv, asked.uid)
            stops = [stop for member in owned if (stop := timeline.pods.stop_of(member.uid))]
            stops.sort(key=lambda stop: stop.rv)
            first_gone = min((e.rv for s in stops if (e := timeline.pods.end_of(s.uid))), default=0)
            together = sum(stop.rv < first_gone for stop in stops)
            names = ", ".join(stop.name for stop in stops)
            seen = f"{cascade}: asked to stop in the order {names}; {together} of them before the first was gone"
            characterise("the order of a cascading deletion", seen, *stops)


@promise("PRT-08", source=PARTITION, scenarios=("start_ordinal",), level=Level.CHARACTERISED)
def test_what_a_partition_counts_from(timeline: Timeline) -> None:
    """The documents disagree on whether a partition counts from the start ordinal; the result is reported."""
    for epoch, rest in sets.rests(timeline):
        target = updates.target_of(timeline, epoch.spec)
        if epoch.spec.start and epoch.spec.partition and not rest.fact.settled_revision:
            owned = ownership.owned_at(timeline, rest.rv, rest.uid)
            new = ", ".join(pod.name for pod in owned if pod.fact.revision == target) or "none"
            seen = (
                f"start {epoch.spec.start}, partition {epoch.spec.partition}: updated were {new} of {len(owned)} Pods"
            )
            characterise("what a partition counts from", seen, rest)


@promise("PRT-09", source=PARTITION, scenarios=("staged_to_zero",), level=Level.CHARACTERISED)
def test_what_scaling_to_zero_does_to_a_staged_update(timeline: Timeline) -> None:
    """No document says whether a staged update survives scaling to 0; the revision of the new Pods is reported."""
    for before, epoch in sets.scalings(timeline):
        if before.replicas == 0 and epoch.spec.partition and (rest := sets.rest(timeline, epoch)):
            target = updates.target_of(timeline, epoch.spec)
            owned = ownership.owned_at(timeline, rest.rv, rest.uid)
            back = [pod for pod in owned if pod.fact.ordinal in epoch.spec.held_by_partition]
            new = sum(pod.fact.revision == target for pod in back)
            seen = f"{new} of {len(back)} Pods below the partition came back at the update revision"
            characterise("a staged update after scaling to 0 and up", seen, rest, *back)


@promise("PVR-15", source=KEP_1847, scenarios=("retention_hasty",), level=Level.CHARACTERISED, everywhere=False)
def test_when_creation_resumes_after_a_claim_is_gone(timeline: Timeline) -> None:
    """No document says when creation resumes once an old PVC is gone; the delay is reported."""
    for gone in timeline.claims.gone():
        for created in pods.created_by_set(timeline):
            if gone.name in created.fact.claims.values() and created.rv > gone.rv:
                nudged = any(a.verb == "nudge" and gone.seconds < a.seconds < created.seconds for a in timeline.actions)
                how = "only after the spec was changed" if nudged else "by itself"
                seen = f"Pod {created.name}: {created.seconds - gone.seconds:.1f} s after its old claim was gone, {how}"
                characterise("when creation resumes", seen, gone, created)
                break
