"""Under strategy Recreate a change of the Pod template replaces all Pods at once, and no two revisions are together."""

from dataclasses import dataclass

from stsconf import Event, NotApplicable, Pod, Timeline, expect, expect_none, expect_reached, healthy, promise
from stsconf.timeline.epochs import Epoch, Rollout
from stsconf.timeline.events import END
from stsconf.timeline.questions import claims, ownership, pods, sets, updates

KEP_3541 = "https://www.kubernetes.dev/resources/keps/3541/"
RECREATING = ("recreate", "recreate_parallel")


@dataclass(frozen=True, slots=True)
class Recreation:
    """A change of the template under Recreate: until when it is asked for, the Pods it must replace, and the new ones.

    Of the old ones those count that were not being stopped already.
    """

    rollout: Rollout
    until_rv: int
    old: list[Event[Pod]]
    new: list[Event[Pod]]

    @property
    def is_last(self) -> bool:
        """Whether no other template and no other strategy was asked for afterwards."""
        return self.until_rv >= END


@promise("RCT-01", source=KEP_3541, scenarios=RECREATING, since="1.37")
def test_all_pods_of_the_old_revision_are_stopped_together(timeline: Timeline) -> None:
    """Under Recreate, a template change deletes all old Pods before the first of them is gone."""
    for recreation in _recreations(timeline):
        stops = [stop for old in recreation.old if (stop := timeline.pods.stop_of(old.uid))]
        ends = [end for stop in stops if (end := timeline.pods.end_of(stop.uid))]
        first = min(ends, key=lambda end: end.rv, default=None)
        for old in recreation.old:
            asked = timeline.pods.deletion_of(old.uid)
            what = f"Pod {old.name}, of the old revision, is asked to stop"
            if asked is not None and asked.rv < recreation.until_rv:
                expect_reached(True, what, asked)
                if first is not None and first.uid != old.uid and old.uid not in pods.by_hand(timeline):
                    expect(first).follows(asked, what)
            elif recreation.is_last:
                expect_reached(False, what, old)


@promise("RCT-02", source=KEP_3541, scenarios=RECREATING, since="1.37")
def test_no_new_pod_exists_before_every_old_one_is_gone(timeline: Timeline) -> None:
    """Under Recreate, no Pod of the new revision is created before every old Pod is gone."""
    for recreation in _recreations(timeline):
        began = recreation.rollout.epoch.began
        there = ownership.owned_at(timeline, began.rv, began.uid)
        late = [e for e in pods.created_by_set(timeline) if began.rv < e.rv < recreation.until_rv]
        old = [e for e in (*there, *late) if e.fact.revision != recreation.rollout.target]
        for created in recreation.new:
            for other in (e for e in old if e.rv < created.rv):
                expect(created).follows(timeline.pods.end_of(other.uid), f"the old Pod {other.name} is gone")


@promise("RCT-03", source=KEP_3541, scenarios=RECREATING, since="1.37", everywhere=False)
def test_new_pods_are_created_as_the_pod_management_policy_says(timeline: Timeline) -> None:
    """Under Recreate, a new Pod waits until all lower ones are Ready under OrderedReady, for none under Parallel."""
    for recreation in _recreations(timeline):
        began, target = recreation.rollout.epoch.began, recreation.rollout.target
        gone = {end.uid for end in timeline.pods.gone() if end.rv < began.rv}
        ready = [e for e in timeline.pods.becoming(healthy) if e.fact.revision == target and e.uid not in gone]
        if timeline.ordered:
            for created in recreation.new:
                for lower in pods.names_below(timeline, created):
                    first = next((e for e in ready if e.name == lower), None)
                    expect(created).follows(first, f"the new Pod {lower} is Running and Ready")
        elif not any(began.rv < e.rv < recreation.until_rv for e in ready):
            made = {created.name for created in recreation.new}
            for ordinal in recreation.rollout.epoch.spec.ordinals:
                name = timeline.pod_name(ordinal)
                expect_reached(name in made, f"Pod {name} is created while no other is Ready", *recreation.new)


@promise("RCT-04", source=KEP_3541, scenarios=RECREATING, since="1.37")
def test_a_corrected_template_replaces_broken_pods(timeline: Timeline) -> None:
    """Under Recreate, a corrected template replaces Pods that never became Ready, without manual deletion."""
    ready = {event.uid for event in timeline.pods.becoming(healthy)}
    for recreation in _recreations(timeline):
        broken = [old for old in recreation.old if old.uid not in ready and not old.fact.healthy]
        for old in broken:
            going, new = timeline.pods.deletion_of(old.uid), pods.successor_of(timeline, old)
            if recreation.is_last or (new is not None and new.rv < recreation.until_rv):
                alone = going is not None and old.uid not in pods.by_hand(timeline)
                expect_reached(alone, f"the broken Pod {old.name} is stopped by the controller", old)
                made = new is not None and new.fact.revision == recreation.rollout.target
                expect_reached(made, f"Pod {old.name} is created from the corrected template", *([new] if new else []))
        if broken and recreation.rollout.epoch.is_last:
            began = recreation.rollout.epoch.began
            rest = sets.rest(timeline, recreation.rollout.epoch)
            what = f"all Pods are of revision {recreation.rollout.target} and Ready"
            expect_reached(rest is not None, what, began, *pods.members(timeline))


@promise("RCT-05", source=KEP_3541, scenarios=("recreate",), since="1.37")
def test_switching_the_strategy_alone_starts_nothing(timeline: Timeline) -> None:
    """Changing only the strategy, to or from Recreate, deletes no Pod."""
    _needs_the_strategy(timeline)
    for was, epoch in sets.changes(timeline):
        strategies, until = {was.spec.strategy, epoch.spec.strategy}, _until(timeline, epoch)
        if was.spec.template != epoch.spec.template or len(strategies) == 1 or "Recreate" not in strategies:
            continue
        members = pods.members_at(timeline, epoch.began.rv)
        if any(member.fact.revision != updates.target_of(timeline, epoch.spec) for member in members):
            continue  # an update is under way, or was held back: it is not the switch that starts it
        for member in members:
            stop = timeline.pods.stop_of(member.uid)
            own = stop and stop.rv < until and _of_the_controller(timeline, stop)
            what = f"stop of Pod {member.name} when the strategy becomes {epoch.spec.strategy}"
            expect_none([stop] if stop and own else [], what)


@promise("RCT-06", source=KEP_3541, scenarios=RECREATING, since="1.37", needs=("storage",), revision=2)
def test_claims_and_volumes_are_kept(timeline: Timeline) -> None:
    """Under Recreate, each replacement Pod has the same PVCs, still bound to the same volumes."""
    for recreation in _recreations(timeline) if claims.retained(timeline) else ():
        for old in recreation.old:
            new = pods.successor_of(timeline, old)
            if new is None or new.rv > recreation.until_rv:
                continue
            expect(new).keeps(old, "own_claims")
            for name in old.fact.own_claims.values():
                then = timeline.claims.before(recreation.rollout.epoch.began.rv, name)
                now = expect(new).comes_with(timeline.claims.latest().get(name), f"PersistentVolumeClaim {name}")
                if then and now:
                    expect(now).keeps(then, "uid", "volume_name")
                    expect(now).has(phase="Bound", terminating=False)


@promise("RCT-07", source=KEP_3541, scenarios=RECREATING, since="1.37")
def test_the_status_tells_that_pods_are_being_replaced(timeline: Timeline) -> None:
    """Under Recreate, the Progressing condition is True while Pods are replaced and changes once that is done."""
    for recreation in _recreations(timeline):
        epoch = recreation.rollout.epoch
        rest = sets.rest(timeline, epoch)
        told = [
            e
            for e in timeline.sets.events
            if epoch.began.rv < e.rv < recreation.until_rv and e.fact.observed_generation >= epoch.spec.generation
            if e.fact.progressing and e.fact.progressing[0] == "True" and not e.fact.at_rest
            if rest is None or e.fact.progressing != rest.fact.progressing
        ]
        if recreation.old and (told or recreation.is_last or recreation.new):
            what = "the status says that Pods are being replaced, until that is done"
            expect_reached(bool(told), what, epoch.began, *told[:1], *([rest] if rest else []))


def _recreations(timeline: Timeline) -> list[Recreation]:
    """Each change of the template under Recreate that was seen."""
    _needs_the_strategy(timeline)
    found = []
    for rollout in updates.rollouts(timeline):
        if rollout.epoch.spec.strategy == "Recreate":
            began, until = rollout.epoch.began.rv, _until(timeline, rollout.epoch)
            old = [member for member in pods.members_at(timeline, began) if member.fact.revision != rollout.target]
            made = (e for e in pods.created_by_set(timeline) if began < e.rv < until)
            new = [e for e in made if e.fact.revision == rollout.target]
            found.append(Recreation(rollout, until, old, new))
    return found


def _until(timeline: Timeline, epoch: Epoch) -> int:
    """The revision at which another template or another strategy is asked for."""
    asked = (epoch.spec.template, epoch.spec.strategy)
    later = (e for e in sets.epochs(timeline) if e.began.rv > epoch.began.rv)
    return next((e.began.rv for e in later if (e.spec.template, e.spec.strategy) != asked), END)


def _of_the_controller(timeline: Timeline, stop: Event[Pod]) -> bool:
    """Whether only the set's controller can have stopped the Pod, and not because it had ended or is in excess."""
    others = stop.fact.disrupted or stop.uid in pods.by_hand(timeline)
    return pods.wanted_at(timeline, stop) and not others and not (stop.before or stop.fact).finished


def _needs_the_strategy(timeline: Timeline) -> None:
    """Say that nothing is promised where the server refuses strategy Recreate, as 1.37 does by default."""
    asked = any("'Recreate'" in str(action.body) for action in timeline.actions if action.verb == "create")
    if asked and all(e.fact.strategy != "Recreate" for e in timeline.sets.events):
        raise NotApplicable("this server does not accept updateStrategy type Recreate")
