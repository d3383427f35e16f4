"""Every template is kept as a ControllerRevision, within the limit, and can be gone back to."""

from collections.abc import Iterable

from stsconf import (
    Event,
    Level,
    NotApplicable,
    Pod,
    Revision,
    StatefulSet,
    Timeline,
    expect,
    expect_none,
    expect_reached,
    promise,
)
from stsconf.timeline.questions import pods, sets, updates

PAGE = "concepts/workloads/controllers/statefulset/"
HISTORY = f"{PAGE}#revision-history"
LIMIT = "reference/kubernetes-api/workload-resources/stateful-set-v1/#StatefulSetSpec"
REVISION = "reference/kubernetes-api/workload-resources/controller-revision-v1/#ControllerRevision"
CODE = "https://github.com/kubernetes/kubernetes/blob/v1.36.2/pkg/controller/statefulset/"


@promise("REV-01", source=HISTORY, scenarios=("create", "history"))
def test_a_new_set_has_one_revision(timeline: Timeline) -> None:
    """The first ControllerRevision of a new StatefulSet has number 1 and holds its Pod template."""
    for made in timeline.sets.created():
        own = [e for e in timeline.revisions.created() if e.fact.owner_uid == made.uid and e.rv > made.rv]
        if own and not updates.revisions_at(timeline, made.rv):
            expect(own[0]).has(number=1, template=made.fact.template)


@promise("REV-02", source=HISTORY, scenarios=("history", "rollback"))
def test_each_new_template_gets_the_next_number(timeline: Timeline) -> None:
    """Each new ControllerRevision is numbered one above the highest existing one of its StatefulSet."""
    for made in timeline.revisions.created():
        before = updates.revisions_at(timeline, made.rv)
        numbers = [e.fact.number for e in before if e.fact.owner_uid == made.fact.owner_uid]
        if numbers:
            expect(made).has(number=max(numbers) + 1)


@promise("REV-03", source="https://www.kubernetes.dev/resources/keps/3541/", scenarios=("create", "rollout"))
def test_pods_name_the_revision_they_were_made_from(timeline: Timeline) -> None:
    """Each Pod names a ControllerRevision of its StatefulSet that existed before the Pod."""
    for created in pods.created_by_set(timeline):
        name = created.fact.revision or "(none)"
        expect(created).shows("a revision named after the set", name.startswith(f"{timeline.window.set_name}-"), True)
        expect(created).follows(timeline.revisions.first(name), f"ControllerRevision {name} exists", timeline.revisions)


@promise("REV-04", source=REVISION, scenarios=("history", "rollback"))
def test_what_a_revision_stores_never_changes(timeline: Timeline) -> None:
    """The data of a ControllerRevision never changes."""
    for later in timeline.revisions.events:
        if later.before is not None and later.now is not None:
            expect(later).shows("the data it had before", later.now.data == later.before.data, True)


@promise("REV-05", source=f"{CODE}stateful_set_control.go", scenarios=("rollback",), level=Level.IMPLEMENTATION)
def test_going_back_uses_the_same_revision_again(timeline: Timeline) -> None:
    """A rollback reuses the old ControllerRevision and gives it the highest number."""
    for rollout in updates.rollouts(timeline):
        if rollout.returns and (rest := sets.rest(timeline, rollout.epoch)):
            made = [e for e in timeline.revisions.created() if rollout.epoch.began.rv < e.rv < rest.rv]
            expect_none(made, f"revision is made for a template that {rollout.target} stores already")
            target = timeline.revisions.before(rest.rv, rollout.target or "")
            for other in updates.revisions_at(timeline, rest.rv):
                if target and other.name != target.name:
                    expect(target).shows(
                        f"a number above that of {other.name}", target.fact.number > other.fact.number, True
                    )


@promise("REV-06", source=LIMIT, scenarios=("history",))
def test_the_history_is_bounded_by_its_limit(timeline: Timeline) -> None:
    """Unused ControllerRevisions are removed down to revisionHistoryLimit, oldest first."""
    for desired in timeline.sets.latest().values():
        idle = _idle(timeline.revisions.latest().values(), pods.members(timeline), desired.fact)
        limit = desired.fact.revision_limit
        expect_reached(limit < 0 or len(idle) <= limit, f"at most {limit} unused revisions", desired, *idle)
    for removed in timeline.revisions.gone():
        desired_then = sets.spec_at(timeline, removed.rv)
        if desired_then is not None and not desired_then.terminating:
            revisions, members = updates.revisions_at(timeline, removed.rv), pods.members_at(timeline, removed.rv)
            for other in _idle(revisions, members, desired_then):
                if other.uid != removed.uid:
                    expect(removed).shows(f"older than {other.name}", removed.fact.number < other.fact.number, True)


def _idle(
    revisions: Iterable[Event[Revision]], members: Iterable[Event[Pod]], desired: StatefulSet
) -> list[Event[Revision]]:
    """Those that are neither current nor update revision, and that no pod names."""
    used = {desired.current_revision, desired.update_revision, *(member.fact.revision for member in members)}
    return [revision for revision in revisions if revision.name not in used]


@promise("REV-07", source=f"{CODE}stateful_set_control.go", scenarios=("history",), level=Level.IMPLEMENTATION)
def test_a_revision_in_use_is_never_removed(timeline: Timeline) -> None:
    """A ControllerRevision that a Pod uses, or that is the current revision, is never removed."""
    for removed in timeline.revisions.gone():
        desired = sets.spec_at(timeline, removed.rv)
        if desired is not None and not desired.terminating:
            users = [e.name for e in pods.members_at(timeline, removed.rv) if e.fact.revision == removed.name]
            expect(removed).shows("pods that name it", users, [])
            expect(removed).shows("the set's current revision", desired.current_revision == removed.name, False)


@promise("REV-08", source=HISTORY, scenarios=("history",))
def test_a_limit_of_zero_leaves_no_history(timeline: Timeline) -> None:
    """With revisionHistoryLimit 0, only the current and the update revision are left in the end."""
    _limits(timeline)
    for desired in timeline.sets.latest().values():
        if desired.fact.revision_limit == 0:
            names = set(timeline.revisions.latest())
            wanted = {desired.fact.current_revision, desired.fact.update_revision}
            expect_reached(names <= wanted, "only the revision in use is kept", desired)


@promise("REV-16", source=f"{CODE}stateful_set_utils.go", scenarios=("create", "rollout"), level=Level.IMPLEMENTATION)
def test_only_the_template_is_stored(timeline: Timeline) -> None:
    """A ControllerRevision stores the Pod template and nothing else."""
    for made in timeline.revisions.created():
        expect(made).has(stores=frozenset({"spec.template"}))


@promise("REV-17", source=f"{CODE}stateful_set.go", scenarios=("readopt",), level=Level.IMPLEMENTATION)
def test_revisions_without_an_owner_are_adopted(timeline: Timeline) -> None:
    """A re-created StatefulSet adopts the ControllerRevisions that have no owner."""
    for made in timeline.sets.created():
        for left in updates.revisions_at(timeline, made.rv):
            if left.fact.owner_uid is None:
                adopted = timeline.revisions.first(left.name, lambda revision, uid=made.uid: revision.owner_uid == uid)
                expect_reached(adopted is not None, f"ControllerRevision {left.name} is owned by the new set", left)


@promise("REV-09", source=f"{CODE}stateful_set_control.go", scenarios=("history",), level=Level.IMPLEMENTATION)
def test_a_negative_limit_keeps_every_revision(timeline: Timeline) -> None:
    """With a negative revisionHistoryLimit, no ControllerRevision is removed."""
    _limits(timeline)
    for epoch in sets.epochs(timeline):
        if epoch.spec.revision_limit < 0 and not epoch.spec.terminating:
            began = sets.noticed(timeline, epoch)
            removed = [e for e in timeline.revisions.gone() if began < e.rv < epoch.until_rv]
            expect_none(removed, f"revision is removed under a limit of {epoch.spec.revision_limit}")


def _limits(timeline: Timeline) -> None:
    """Raise ``NotApplicable`` where the whole scenario ran under one limit, since the server let none follow it."""
    window = timeline.window
    if (
        window.scenario == "history"
        and window.settled
        and len({e.fact.revision_limit for e in timeline.sets.events}) == 1
    ):
        raise NotApplicable("this server lets revisionHistoryLimit of a live set stay as it is only; 1.33 changed that")
