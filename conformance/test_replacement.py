"""Pods that are lost or have ended are made again, under the same name and with the same storage."""

from stsconf import Event, Level, NotApplicable, Pod, Timeline, expect, expect_none, expect_reached, healthy, promise
from stsconf.timeline.questions import claims, harness, ownership, pods, sets, updates

PAGE = "concepts/workloads/controllers/statefulset/"
IDENTITY = f"{PAGE}#pod-identity"
GUARANTEES = f"{PAGE}#deployment-and-scaling-guarantees"
TUTORIAL = "tutorials/stateful-application/basic-stateful-set/"
CODE = "https://github.com/kubernetes/kubernetes/blob/v1.36.2/pkg/controller/statefulset/"


@promise(
    "REC-01", source=f"{CODE}stateful_set_control.go", scenarios=("replace",), level=Level.IMPLEMENTATION, revision=2
)
def test_a_failed_pod_is_replaced(timeline: Timeline) -> None:
    """A Pod in phase Failed is replaced by a new Pod of the same name."""
    _finished_is_replaced(timeline, "Failed")


@promise(
    "REC-02",
    source=f"{CODE}stateful_set_control.go",
    scenarios=("completed",),
    level=Level.IMPLEMENTATION,
    since="1.29",
    revision=2,
)
def test_a_succeeded_pod_is_replaced(timeline: Timeline) -> None:
    """A Pod in phase Succeeded is replaced by a new Pod of the same name."""
    _finished_is_replaced(timeline, "Succeeded")


def _finished_is_replaced(timeline: Timeline, phase: str) -> None:
    if lack := timeline.window.end.lacks.get(phase):
        raise NotApplicable(lack)
    for ended in timeline.pods.becoming(lambda pod: pod.phase == phase and pod.owner_uid is not None):
        if pods.wanted_at(timeline, ended) and not ended.fact.terminating:
            successor = pods.successor_of(timeline, ended)
            marks = [successor] if successor else []
            later = [e for e in timeline.pods.named(ended.name) if e.uid == ended.uid and e.rv > ended.rv and e.now]
            taken_back = next((e for e in later if e.fact.phase != phase), None)
            short = taken_back.seconds - ended.seconds if taken_back else 0.0
            not_owed = f"{ended.name} was {phase} for {short:.3f} s, then {taken_back.fact.phase}" if taken_back else ""
            what = f"Pod {ended.name}, which is {phase}, is replaced"
            expect_reached(successor is not None, what, ended, *marks, not_owed=not_owed)


def _deleted_by_hand(timeline: Timeline, stop: Event[Pod]) -> bool:
    """Whether a Pod of the set that the set still wants was deleted by hand."""
    return stop.uid in pods.by_hand(timeline) and pods.wanted_at(timeline, stop) and ownership.owns(timeline, stop.fact)


@promise("REC-03", source=f"{TUTORIAL}#using-stable-network-identities", scenarios=("replace", "drain"), revision=3)
def test_a_deleted_pod_comes_back_with_its_name_and_storage(timeline: Timeline) -> None:
    """A Pod deleted by hand is re-created with the same name, ordinal, hostname and PVCs."""
    for stop in timeline.pods.stopping():
        if _deleted_by_hand(timeline, stop):
            successor = pods.successor_of(timeline, stop)
            if successor is None and timeline.window.passive:
                continue  # what a user asked for next may have made it needless
            marks = [successor] if successor else []
            gone = timeline.pods.end_of(stop.uid) is not None
            not_owed = "" if gone else f"the deleted {stop.name} is still there"
            what = f"Pod {stop.name} is created again"
            expect_reached(successor is not None, what, stop, *marks, not_owed=not_owed)
            if successor:
                expect(successor).keeps(stop, "name", "ordinal", "hostname", "own_claims")


@promise(
    "REC-05",
    source="tasks/run-application/force-delete-stateful-set-pod/#delete-pods",
    scenarios=("node_lost",),
    everywhere=False,
    needs=("nodes",),
)
def test_a_pod_on_a_lost_node_stays(timeline: Timeline) -> None:
    """No Pod is removed while its node is unreachable."""
    for node, lost, back in harness.absent_nodes(timeline):
        for pod in timeline.pods.when(lost.seconds).values():
            if pod.fact.node == node and ownership.owns(timeline, pod.fact):
                ended = timeline.pods.end_of(pod.uid)
                early = [ended] if ended and ended.seconds < back else []
                expect_none(early, f"end of Pod {pod.name} while its node {node} cannot be reached")


@promise("REC-06", source=GUARANTEES, scenarios=("replace_held",))
def test_a_lower_pod_is_replaced_although_a_higher_one_is_not_ready(timeline: Timeline) -> None:
    """A Pod deleted by hand is re-created even while a Pod with a higher ordinal is not Ready."""
    for stop in timeline.pods.stopping():
        if not _deleted_by_hand(timeline, stop):
            continue
        for higher in pods.members_at(timeline, stop.rv):
            if (higher.fact.ordinal or 0) > (stop.fact.ordinal or 0) and not higher.fact.healthy:
                later = (e for e in timeline.pods.becoming(healthy) if e.uid == higher.uid and e.rv > stop.rv)
                recovered = next(later, None)
                successor = pods.successor_of(timeline, stop)
                if recovered is None or (successor is not None and successor.rv < recovered.rv):
                    what = f"Pod {stop.name} is created again while {higher.name} is not Ready"
                    expect_reached(successor is not None, what, stop, higher)


@promise("ORD-05", source=f"{CODE}stateful_set_control.go", scenarios=("replace",), level=Level.IMPLEMENTATION)
def test_a_terminating_lower_pod_blocks_creation(timeline: Timeline) -> None:
    """Under OrderedReady, no Pod is created while a lower Pod is terminating."""
    if timeline.ordered:
        for created in pods.created_by_set(timeline):
            for lower in pods.names_below(timeline, created):
                for stop in timeline.pods.stopping():
                    if stop.name == lower and stop.rv < created.rv:
                        expect(created).follows(timeline.pods.end_of(stop.uid), f"the old Pod {lower} is gone")


@promise(
    "ORD-09", source=f"{CODE}stateful_set_control.go", scenarios=("replace",), level=Level.IMPLEMENTATION, revision=2
)
def test_holes_are_filled_from_the_lowest_up(timeline: Timeline) -> None:
    """Under OrderedReady, a Pod is created only when every Pod with a lower ordinal exists."""
    if timeline.ordered:
        for created in pods.created_by_set(timeline):
            for lower in pods.names_below(timeline, created):
                expect(created).finds(timeline.pods, lower, lambda _: True, "there")


@promise("ORD-11", source=f"{TUTORIAL}#using-stable-network-identities", scenarios=("replace",), revision=2)
def test_pods_deleted_together_come_back_one_after_another(timeline: Timeline) -> None:
    """Under OrderedReady, Pods deleted together are re-created in order, each once the lower ones are Ready."""
    if timeline.ordered:
        for old, new in pods.deleted_and_replaced(timeline):
            for lower in pods.names_below(timeline, new):
                replaced = pods.deleted_and_replaced(timeline)
                before = next((o for o, n in replaced if n.name == lower and o.rv < new.rv), None)
                if before is not None and old.uid in pods.by_hand(timeline):
                    expect(new).finds(timeline.pods, lower, healthy, "Running and Ready again")


@promise(
    "ORD-03",
    source=f"{CODE}stateful_set_control.go",
    scenarios=("min_ready_seconds",),
    level=Level.IMPLEMENTATION,
    since="1.25",
    revision=2,
)
def test_creation_waits_for_minready_seconds(timeline: Timeline) -> None:
    """Under OrderedReady, a Pod is created only after all lower Pods have been Ready for minReadySeconds."""
    for created in pods.created_by_set(timeline) if timeline.ordered else ():
        spec = sets.spec_at(timeline, created.rv)
        for lower in pods.names_below(timeline, created) if spec and spec.min_ready_seconds else ():
            seconds = spec.min_ready_seconds if spec else 0
            expect(created).waits_for(timeline.pods, lower, healthy, seconds, f"{lower} is Ready")


@promise("REC-08", source=f"{CODE}stateful_pod_control.go", scenarios=("claim_protection",), level=Level.IMPLEMENTATION)
def test_a_claim_that_is_being_deleted_blocks_its_pod(timeline: Timeline) -> None:
    """While a PVC is being deleted, no Pod that uses it is created."""
    for stop in timeline.claims.stopping():
        for created in claims.mounting_again(timeline, stop):
            gone = timeline.claims.end_of(stop.uid)
            expect(created).follows(gone, f"the old claim {stop.name} is gone", timeline.claims)


@promise("REC-09", source=f"{CODE}stateful_pod_control.go", scenarios=("drift",), level=Level.IMPLEMENTATION)
def test_a_changed_name_label_is_repaired(timeline: Timeline) -> None:
    """A changed statefulset.kubernetes.io/pod-name label is restored on the same Pod."""
    label = "statefulset.kubernetes.io/pod-name"
    for changed in timeline.pods.losing(lambda pod: pod.labels.get(label) == pod.name):
        if changed.now is not None and pods.wanted_at(timeline, changed):
            again = (e for e in timeline.pods.becoming(lambda pod: pod.labels.get(label) == pod.name))
            repaired = next((e for e in again if e.uid == changed.uid and e.rv > changed.rv), None)
            expect_reached(repaired is not None, f"the label of Pod {changed.name} is right again", changed)


@promise(
    "REC-07",
    source=f"{CODE}stateful_set_control.go",
    scenarios=("lost_claim",),
    level=Level.IMPLEMENTATION,
    everywhere=False,
)
def test_a_lost_claim_of_a_pending_pod_is_made_again(timeline: Timeline) -> None:
    """A PVC deleted while its Pod is Pending is re-created, and the Pod is not replaced."""
    for lost in timeline.claims.gone():
        for pod in pods.members_at(timeline, lost.rv) if lost.name in harness.deleted_claims(timeline) else ():
            if pod.fact.phase == "Pending" and lost.name in pod.fact.own_claims.values():
                again = next((e for e in timeline.claims.created() if e.name == lost.name and e.rv > lost.rv), None)
                expect(pod).comes_with(
                    again, f"PersistentVolumeClaim {lost.name}, after the first is gone", timeline.claims
                )
                later = timeline.pods.latest().get(pod.name)
                if again and later:
                    expect(later).keeps(pod, "uid", "claims")


@promise(
    "STS-10",
    source="https://github.com/kubernetes/kubernetes/pull/108837",
    scenarios=("unmakeable",),
    level=Level.IMPLEMENTATION,
    everywhere=False,
)
def test_the_status_is_published_although_a_pod_cannot_be_made(timeline: Timeline) -> None:
    """When a Pod cannot be created, the status still shows the new generation and a missing Pod."""
    made = {e.fact.revision for e in pods.created_by_set(timeline)}
    for rollout in updates.rollouts(timeline):
        if rollout.target not in made:
            wanted, generation = rollout.epoch.spec.replicas, rollout.epoch.spec.generation
            own = [e for e in timeline.sets.events if rollout.epoch.began.rv < e.rv < rollout.epoch.until_rv]
            told = [e for e in own if e.fact.observed_generation >= generation and e.fact.ready_replicas < wanted]
            expect_reached(bool(told), "the status tells that a Pod is missing", rollout.epoch.began, *told[:1])
