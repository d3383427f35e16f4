"""Pods without an owner are adopted, pods that no longer match are let go."""

from stsconf import Level, Timeline, expect, expect_none, expect_reached, promise
from stsconf.timeline.questions import ownership, pods, sets, updates

TUTORIAL = "tutorials/stateful-application/basic-stateful-set/"
ADOPTION = f"{TUTORIAL}#non-cascading-delete"
CODE = "https://github.com/kubernetes/kubernetes/blob/v1.36.2/pkg/controller/"


@promise("ADP-01", source=ADOPTION, scenarios=("readopt",))
def test_matching_pods_without_an_owner_are_adopted(timeline: Timeline) -> None:
    """A new StatefulSet adopts every Pod without an owner whose labels and name match."""
    for made in timeline.sets.created():
        for orphan in ownership.orphans_at(timeline, made.rv):
            adopted = ownership.adopted(timeline, orphan.uid, made.uid)
            expect_reached(
                adopted is not None, f"Pod {orphan.name} is adopted", orphan, *([adopted] if adopted else [])
            )


@promise("ADP-02", source=ADOPTION, scenarios=("readopt",), revision=3)
def test_adoption_does_not_restart_a_pod(timeline: Timeline) -> None:
    """Adoption neither deletes, replaces, restarts nor moves a Pod."""
    for made in timeline.sets.created():
        for orphan in ownership.orphans_at(timeline, made.rv):
            adopted = ownership.adopted(timeline, orphan.uid, made.uid)
            if adopted is not None and (was := timeline.pods.before(adopted.rv, orphan.name)):
                expect(adopted).keeps(was, "uid", "restarts", "node", "pod_ip", "terminating")
            stop = timeline.pods.stop_of(orphan.uid)
            if stop is not None and pods.wanted_at(timeline, stop) and not updates.was_due(timeline, stop):
                expect(stop).shows("deleted by hand", stop.uid in pods.by_hand(timeline), True)


@promise(
    "ADP-03", source=f"{CODE}controller_ref_manager.go", scenarios=("release_and_adopt",), level=Level.IMPLEMENTATION
)
def test_a_pod_whose_labels_no_longer_match_is_released(timeline: Timeline) -> None:
    """A Pod whose labels no longer match the selector loses its owner reference and keeps running."""
    for changed in ownership.unmatched(timeline):
        if changed.now is not None and changed.fact.owner_uid:
            freed = ownership.orphaned(timeline, changed.uid)
            expect_reached(freed is not None, f"Pod {changed.name} is released", changed)
            if freed is not None:
                expect(freed).keeps(changed, "uid", "terminating", "restarts")


@promise("ADP-04", source=f"{CODE}statefulset/stateful_set.go", scenarios=("strangers",), level=Level.IMPLEMENTATION)
def test_a_pod_of_another_name_is_not_adopted(timeline: Timeline) -> None:
    """A Pod whose name does not fit the StatefulSet is not adopted, even if its labels match."""
    taken = {e.name: e for e in ownership.strays(timeline)}
    for action in timeline.actions:
        if action.verb == "create" and action.resource == "pods":
            expect_none([e for e in taken.values() if e.name == action.name], f"pod {action.name} is adopted")


@promise(
    "ADP-09",
    source=f"{CODE}controller_ref_manager.go",
    scenarios=("strangers",),
    level=Level.IMPLEMENTATION,
    revision=2,
)
def test_a_pod_that_belongs_to_another_is_left_alone(timeline: Timeline) -> None:
    """A Pod that another controller owns is neither adopted nor deleted."""
    for other in timeline.pods.created():
        if other.fact.owner_uid and not ownership.owns(timeline, other.fact):
            for later in timeline.pods.named(other.name):
                if later.uid == other.uid and later.before:
                    expect(later).keeps(other, "owner_uid")
            stop = timeline.pods.stop_of(other.uid)
            if stop is not None:
                expect(stop).shows("deleted by hand", stop.uid in pods.by_hand(timeline), True)


@promise(
    "ADP-05",
    source=f"{CODE}statefulset/stateful_set.go",
    scenarios=("foreground_delete", "orphan_delete"),
    level=Level.IMPLEMENTATION,
)
def test_a_set_that_is_being_deleted_adopts_nothing(timeline: Timeline) -> None:
    """A StatefulSet that is being deleted adopts no Pod."""
    for asked in timeline.sets.stopping():
        owned = timeline.pods.becoming(lambda pod, uid=asked.uid: pod.owner_uid == uid)
        adopted = [member for member in owned if member.rv > asked.rv and member.before is not None]
        expect_none(adopted, "pod is adopted by a set that is being deleted")


@promise("ADP-06", source=ADOPTION, scenarios=("readopt",), revision=2)
def test_a_set_created_again_fills_its_holes_before_it_removes_pods(timeline: Timeline) -> None:
    """Under OrderedReady, a re-created StatefulSet creates its missing Pods before it deletes excess Pods."""
    if timeline.ordered:
        for stop in pods.excess_stops(timeline):
            spec = sets.spec_at(timeline, stop.rv)
            for ordinal in spec.ordinals if spec else ():
                name = timeline.pod_name(ordinal)
                expect(stop).finds(timeline.pods, name, lambda _: True, "there")


@promise(
    "ADP-08", source=f"{CODE}statefulset/stateful_set_control.go", scenarios=("readopt",), level=Level.IMPLEMENTATION
)
def test_an_adopted_pod_keeps_its_revision(timeline: Timeline) -> None:
    """An adopted Pod keeps its revision label for as long as it exists."""
    for made in timeline.sets.created():
        for orphan in ownership.orphans_at(timeline, made.rv):
            adopted = ownership.adopted(timeline, orphan.uid, made.uid)
            last = timeline.pods.latest().get(orphan.name)
            if adopted is not None and last is not None and last.uid == orphan.uid:
                expect(last).keeps(orphan, "revision")


@promise(
    "ADP-10",
    source=f"{CODE}statefulset/stateful_pod_control.go",
    scenarios=("release_and_adopt",),
    level=Level.IMPLEMENTATION,
)
def test_a_released_pod_keeps_its_name_and_is_not_replaced(timeline: Timeline) -> None:
    """A released Pod is neither deleted nor replaced by another Pod of the same name."""
    for changed in ownership.unmatched(timeline):
        if changed.now is not None and (freed := ownership.orphaned(timeline, changed.uid)):
            last = timeline.pods.latest().get(changed.name)
            expect(freed).shows(
                "still the Pod of that name in the end", last is not None and last.uid == freed.uid, True
            )
