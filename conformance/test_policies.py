"""What a set's own settings change: Parallel, maxUnavailable, minReadySeconds, the start ordinal, and the status."""

from collections.abc import Callable

from stsconf import (
    Event,
    Level,
    NotApplicable,
    Pod,
    StatefulSet,
    Timeline,
    expect,
    expect_reached,
    healthy,
    promise,
)
from stsconf.timeline.events import GRACE_SECONDS
from stsconf.timeline.questions import ownership, pods, sets, updates

PAGE = "concepts/workloads/controllers/statefulset/"
PARALLEL = f"{PAGE}#parallel-pod-management"
START = f"{PAGE}#start-ordinal"
MIN_READY = f"{PAGE}#minimum-ready-seconds"
MAX_UNAVAILABLE = f"{PAGE}#maximum-unavailable-pods"
STATUS = "reference/kubernetes-api/workload-resources/stateful-set-v1/#StatefulSetStatus"
CODE = "https://github.com/kubernetes/kubernetes/blob/v1.36.2/pkg/controller/statefulset/"
KEP_961 = (
    "https://github.com/kubernetes/enhancements/blob/master/keps/sig-apps/961-maxunavailable-for-statefulset/README.md"
)


@promise("PAR-01", source=PARALLEL, scenarios=("parallel",), everywhere=False, passive=True, revision=2)
def test_parallel_creation_does_not_wait(timeline: Timeline) -> None:
    """Under Parallel, a new StatefulSet creates all its Pods before any of them is Running and Ready."""
    for made in timeline.sets.created() if not timeline.ordered else ():
        first_ready = next((e for e in timeline.pods.becoming(healthy) if e.rv > made.rv), None)
        for ordinal in made.fact.ordinals:
            name = timeline.pod_name(ordinal)
            created = next((e for e in timeline.pods.created() if e.name == name and e.rv > made.rv), None)
            if created is None and timeline.window.passive:
                continue
            early = created is not None and (first_ready is None or created.rv < first_ready.rv)
            expect_reached(
                early, f"Pod {name} is created before any Pod is Ready", made, *([created] if created else [])
            )


@promise("PAR-02", source=PARALLEL, scenarios=("parallel",), everywhere=False, passive=True, revision=2)
def test_parallel_scale_down_does_not_wait(timeline: Timeline) -> None:
    """Under Parallel, scaling down by two or more deletes several Pods before the first of them is gone."""
    for before, epoch in sets.scalings(timeline) if not timeline.ordered else ():
        stops = [e for e in pods.excess_stops(timeline) if epoch.began.rv < e.rv < epoch.until_rv]
        ends = [end.rv for e in stops if (end := timeline.pods.end_of(e.uid))]
        if before.replicas - epoch.spec.replicas > 1 and stops:
            together = sum(stop.rv < min(ends, default=0) for stop in stops)
            expect_reached(together > 1, "Pods are stopped before the first of them is gone", epoch.began, *stops)


@promise("MXU-01", source=MAX_UNAVAILABLE, scenarios=("max_unavailable", "parallel_rollout"), since="1.35", revision=3)
def test_no_more_pods_are_unavailable_than_allowed(timeline: Timeline) -> None:
    """An update takes down at most maxUnavailable Running and Ready Pods at the same time."""
    _needs_the_field(timeline)
    for update in updates.stops(timeline):
        allowed = update.epoch.spec.max_unavailable or 1
        if isinstance(allowed, int) and _was_healthy(timeline, update.stop):
            before = [stop for stop in updates.stopped_before(timeline, update) if _was_healthy(timeline, stop)]
            away = [stop.name for stop in before if not timeline.pods.since(stop.name, healthy, update.stop.rv)]
            long = [name for name in away if not timeline.pods.lately(name, healthy, update.stop)]
            expect(update.stop).counts(
                "replaced Pods unavailable, itself included", len(long) + 1, len(away) + 1, allowed
            )


@promise("MXU-05", source=f"{KEP_961}#api-changes", scenarios=("max_unavailable",), since="1.35")
def test_a_batch_is_stopped_from_the_highest_ordinal_down(timeline: Timeline) -> None:
    """Under OrderedReady with maxUnavailable above 1, Pods are updated from the highest ordinal down."""
    _needs_the_field(timeline)
    for update in updates.stops(timeline):
        if not update.epoch.spec.serial and timeline.ordered:
            for higher in updates.outdated_above(timeline, update):
                asked = timeline.pods.stop_of(higher.uid)
                expect(update.stop).follows(asked, f"Pod {higher.name}, not updated yet, is asked to stop")


@promise("PAR-05", source=PARALLEL, scenarios=("parallel_rollout",), since="1.35", everywhere=False)
def test_parallel_updates_as_many_pods_at_once_as_may_be_unavailable(timeline: Timeline) -> None:
    """Under Parallel with maxUnavailable above 1, an update deletes that many Pods before the first is gone."""
    for stops, allowed in _parallel_updates(timeline):
        first = timeline.pods.end_of(stops[0].uid)
        together = [stop for stop in stops if first and stop.rv < first.rv]
        what = f"{allowed} Pods are stopped before the first of them is gone"
        expect_reached(len(together) >= allowed > 1, what, *together)


@promise("MXU-06", source=f"{KEP_961}#api-changes", scenarios=("parallel_rollout",), since="1.35", everywhere=False)
def test_parallel_goes_on_when_any_pod_is_ready(timeline: Timeline) -> None:
    """Under Parallel, an update continues once one replaced Pod is Ready, even while another is not."""
    for stops, _ in _parallel_updates(timeline):
        ready = [
            {bool(timeline.pods.since(past.name, healthy, stop.rv)) for past in stops if past.rv < stop.rv}
            for stop in stops
        ]
        what = "a Pod is stopped when one of those before it is Ready again, and another is not"
        expect_reached({True, False} in ready, what, *stops)


@promise(
    "PAR-06",
    source="https://github.com/kubernetes/kubernetes/pull/137666",
    scenarios=("parallel_broken",),
    since="1.37",
    level=Level.IMPLEMENTATION,
    everywhere=False,
)
def test_parallel_first_replaces_what_is_unavailable_anyway(timeline: Timeline) -> None:
    """Under Parallel, an update deletes outdated Pods that are not Ready before any Pod that is Ready."""
    _needs_the_field(timeline)
    for rollout in updates.rollouts(timeline) if not timeline.ordered else ():
        for member in pods.members_at(timeline, rollout.epoch.began.rv):
            if member.fact.healthy or member.fact.revision == rollout.target:
                continue
            stop = timeline.pods.stop_of(member.uid)
            what = f"Pod {member.name}, not available anyway, is asked to stop"
            expect_reached(stop is not None, what, member, *([stop] if stop else []))
            for update in updates.stops(timeline):
                if update.target == rollout.target and _was_healthy(timeline, update.stop):
                    expect(update.stop).follows(stop, what)


def _needs_the_field(timeline: Timeline) -> None:
    """Say that nothing is promised where the server drops maxUnavailable, as 1.35.4 to 1.36 do by default."""
    asked = any("maxUnavailable" in str(action.body) for action in timeline.actions if action.verb == "create")
    if asked and all(e.fact.max_unavailable is None for e in timeline.sets.events):
        raise NotApplicable("this server does not keep maxUnavailable")


def _counted_ready_since(timeline: Timeline, name: str, status: Event[StatefulSet]) -> Event[Pod] | None:
    """Since when a Pod was Ready in what a status could have been counted from, which may be the grace older."""
    ends = [e.rv for e in timeline.pods.named(name) if e.rv < status.rv and status.seconds - e.seconds <= GRACE_SECONDS]
    moments = (timeline.pods.since(name, lambda pod: pod.ready, rv) for rv in (*ends, status.rv))
    return next((moment for moment in moments if moment), None)


def _was_healthy(timeline: Timeline, stop: Event[Pod]) -> bool:
    """Whether a Pod was Running and Ready right before it was asked to stop."""
    before = timeline.pods.before(stop.rv, stop.name)
    return bool(before and before.now and before.now.healthy)


def _parallel_updates(timeline: Timeline) -> list[tuple[list[Event[Pod]], int]]:
    """The Pods that each update under Parallel stopped, in order, and how many could be unavailable."""
    _needs_the_field(timeline)
    found = updates.stops(timeline) if not timeline.ordered else ()
    allowed = {update.target: update.epoch.spec.max_unavailable or 1 for update in found}
    return [
        ([update.stop for update in found if update.target == target], most)
        for target, most in allowed.items()
        if isinstance(most, int)
    ]


@promise("MRS-01", source=MIN_READY, scenarios=("min_ready_seconds",), since="1.25", revision=2)
def test_a_pod_is_available_after_minready_seconds(timeline: Timeline) -> None:
    """A Pod counts as available only after it has been Ready for minReadySeconds."""
    for event in timeline.sets.events:
        if event.now and event.before and event.now.available_replicas > event.before.available_replicas:
            seconds = event.now.min_ready_seconds
            if seconds and event.now.observed_generation == event.now.generation == event.before.generation:
                names = {e.name for e in timeline.pods.events if e.fact.owner_uid == event.uid}
                since = [_counted_ready_since(timeline, name, event) for name in names]
                in_order = sorted((e for e in since if e), key=lambda e: e.rv)
                ready = next(iter(in_order[event.now.available_replicas - 1 :]), None)
                expect(event).waits(ready, seconds, f"{event.now.available_replicas} Pods are Ready")


@promise("MRS-02", source=STATUS, scenarios=("min_ready_seconds",), since="1.25")
def test_available_replicas_counts_available_pods(timeline: Timeline) -> None:
    """The status never counts more available than ready Pods; with minReadySeconds 0 it counts all Ready ones."""
    for event in timeline.sets.events:
        if event.now is not None:
            expect(event).shows(
                "available replicas within ready ones", event.now.available_replicas <= event.now.ready_replicas, True
            )
    for desired in timeline.sets.latest().values():
        if desired.fact.min_ready_seconds == 0:
            ready, members = len(pods.healthy_members(timeline)), pods.members(timeline)
            expect_reached(desired.fact.available_replicas == ready, f"{ready} available replicas", desired, *members)


@promise("MRS-03", source=MIN_READY, scenarios=("min_ready_seconds",), since="1.25")
def test_a_new_value_counts_at_once(timeline: Timeline) -> None:
    """Once minReadySeconds is set back to 0, every Ready Pod counts as available."""
    for was, epoch in sets.changes(timeline):
        if was.spec.min_ready_seconds > epoch.spec.min_ready_seconds == 0 and epoch.is_last:
            last = timeline.sets.latest().get(timeline.window.set_name)
            reached = last is not None and last.fact.available_replicas == last.fact.ready_replicas
            expect_reached(reached, "every Ready Pod is available", epoch.began, *([last] if last else []))


@promise(
    "MRS-04",
    source=f"{CODE}stateful_set_control.go",
    scenarios=("min_ready_seconds",),
    level=Level.IMPLEMENTATION,
    revision=2,
)
def test_scaling_up_waits_for_minready_seconds(timeline: Timeline) -> None:
    """Under OrderedReady, scaling up waits until the next lower Pod has been Ready for minReadySeconds."""
    if timeline.ordered:
        for before, epoch in sets.scalings(timeline):
            seconds = epoch.spec.min_ready_seconds
            for created in pods.created_by_set(timeline) if seconds and epoch.spec.replicas > before.replicas else ():
                if epoch.began.rv < created.rv < epoch.until_rv:
                    for lower in pods.names_below(timeline, created)[-1:]:
                        expect(created).waits_for(timeline.pods, lower, healthy, seconds, f"{lower} is Ready")


@promise("IDN-03", source=START, scenarios=("start_ordinal",), since="1.27")
def test_the_ordinals_begin_at_the_start_ordinal(timeline: Timeline) -> None:
    """With start ordinal k and N replicas, the Pods have exactly the ordinals k to k+N-1."""
    for epoch, rest in sets.rests(timeline):
        if epoch.spec.start:
            ordinals = sorted(e.fact.ordinal or 0 for e in ownership.owned_at(timeline, rest.rv, rest.uid))
            expect(rest).shows("ordinals of its pods", ordinals, list(epoch.spec.ordinals))


@promise("SDN-11", source=f"{CODE}stateful_set_control.go", scenarios=("start_ordinal",), level=Level.IMPLEMENTATION)
def test_moving_the_range_builds_the_new_end_first(timeline: Timeline) -> None:
    """Under OrderedReady, moving the start ordinal creates all Pods of the new range before it deletes others."""
    for was, epoch in sets.changes(timeline):
        if was.spec.start != epoch.spec.start and timeline.ordered:
            for stop in pods.excess_stops(timeline):
                if epoch.began.rv < stop.rv < epoch.until_rv:
                    for ordinal in epoch.spec.ordinals:
                        there = timeline.pods.first(timeline.pod_name(ordinal))
                        expect(stop).follows(there, f"Pod {timeline.pod_name(ordinal)} exists")


@promise("STS-01", source=STATUS, scenarios=("create", "scale_up", "rollout"))
def test_the_observed_generation_catches_up(timeline: Timeline) -> None:
    """The status never reports a later generation than the latest, and reports the latest in the end."""
    for event in timeline.sets.events:
        if event.now is not None:
            seen = event.now.observed_generation <= event.now.generation
            expect(event).shows("an observed generation that exists", seen, True)
    for desired in timeline.sets.latest().values():
        caught_up = desired.fact.observed_generation == desired.fact.generation
        expect_reached(caught_up, f"the status is of generation {desired.fact.generation}", desired)


@promise("STS-02", source=STATUS, scenarios=("create", "scale_up", "scale_down"))
def test_replicas_counts_the_pods_there_are(timeline: Timeline) -> None:
    """In the end, status.replicas is the number of Pods that the StatefulSet owns."""
    _comes_to_count(timeline, "replicas", lambda s: s.status_replicas, lambda _, __: True)


@promise("STS-03", source=STATUS, scenarios=("create", "scale_up", "scale_up_held"))
def test_ready_replicas_counts_the_ready_pods(timeline: Timeline) -> None:
    """In the end, status.readyReplicas is the number of Ready Pods."""
    _comes_to_count(timeline, "ready replicas", lambda s: s.ready_replicas, lambda p, _: p.ready)


@promise("STS-04", source=STATUS, scenarios=("rollout", "partition"))
def test_updated_and_current_replicas_count_pods_by_revision(timeline: Timeline) -> None:
    """In the end, status.updatedReplicas and currentReplicas are the numbers of Pods of those revisions."""
    _comes_to_count(
        timeline, "updated replicas", lambda s: s.updated_replicas, lambda p, s: p.revision == s.update_revision
    )
    _comes_to_count(
        timeline, "current replicas", lambda s: s.current_replicas, lambda p, s: p.revision == s.current_revision
    )


def _comes_to_count(
    timeline: Timeline, what: str, counted: Callable[[StatefulSet], int], counts: Callable[[Pod, StatefulSet], bool]
) -> None:
    for desired in timeline.sets.latest().values():
        members = pods.members(timeline)
        number = sum(counts(e.fact, desired.fact) for e in members)
        expect_reached(counted(desired.fact) == number, f"the status counts {number} {what}", desired, *members)
