"""The judge on recordings made by hand: one situation each."""

import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from stsconf import suite_files
from stsconf.judging.judge import judge
from stsconf.judging.promise import Promise, import_promises
from stsconf.judging.verdict import Outcome, Verdict
from stsconf.timeline.events import Reason
from stsconf.timeline.questions import authors
from stsconf.timeline.questions.authors import Author
from tests.tape import Tape, created

PROMISES = import_promises(suite_files.conformance())


def verdict_of(promise: str, tape: Tape, tmp_path: Path, sealed: bool = True) -> Verdict:
    return judge(PROMISES[promise], tape.recording(tmp_path / "run.ndjson", sealed).timelines)


@pytest.mark.parametrize("promise", PROMISES.values(), ids=lambda p: p.id)
def test_a_set_created_as_documented_keeps_every_promise_about_it(promise: Promise, tmp_path: Path) -> None:
    if "create" not in promise.scenarios:
        pytest.skip("not about creation")
    verdict = verdict_of(promise.id, created(3), tmp_path)
    assert verdict.outcome is Outcome.HOLDS, verdict.explain()
    assert verdict.obligations > 0


def test_a_pod_created_before_the_one_below_exists_violates_the_order(tmp_path: Path) -> None:
    tape = Tape().open("create").set_created().volume(0).volume(1).pod_created(1).pod_ready(1).pod_created(0).close()
    verdict = verdict_of("ORD-01", tape, tmp_path)
    assert verdict.outcome is Outcome.VIOLATED
    assert [w.name for w in verdict.witness] == ["web-1", "web-0"]
    assert "Pod web-0 exists before Pod web-1 is created" in verdict.explain()


def test_a_pod_created_while_the_one_below_was_never_ready_violates_the_wait(tmp_path: Path) -> None:
    tape = Tape().open("create").set_created().volume(0).pod_created(0).volume(1).pod_created(1).pod_ready(0).close()
    verdict = verdict_of("ORD-02", tape, tmp_path)
    assert verdict.outcome is Outcome.VIOLATED
    assert "web-0 had never been Running and Ready" in verdict.explain()


def scaled_up(back: float, *, stopped: bool) -> Tape:
    """web-0 is lost for 0.2 s or more, is Ready again this long, then web-1 is made; minReadySeconds is 3.

    ``stopped``: by the controller, which makes it anew; else it was only not Ready for a moment.
    """
    tape = Tape(replicas=1, minReadySeconds=3).open("min_ready_seconds").set_created().volume(0)
    tape.pod_created(0).pod_ready(0).set_status(replicas=1, readyReplicas=1)
    tape.change("statefulsets", "web", {"metadata": {"generation": 2}, "spec": {"replicas": 2}})
    if stopped:
        tape.change("pods", "web-0", {"metadata": {"deletionTimestamp": "2026-11-29T10:00:00Z"}})
        tape.delete("pods", "web-0")
        tape.pod_created(0, uid="uid-of-the-next")
    else:
        tape.pod_ready(0, ready=False)
    return tape.pod_ready(0, after=0.2).volume(1).pod_created(1, after=back).close()


@pytest.mark.parametrize(
    ("back", "stopped", "outcome"),
    [
        (4.0, False, Outcome.HOLDS),
        (4.0, True, Outcome.HOLDS),
        (0.5, False, Outcome.INCONCLUSIVE),
        (0.5, True, Outcome.DIFFERS),
    ],
    ids=["long enough", "long enough anew", "after a flicker", "too soon after its own stop"],
)
def test_a_pod_that_was_lost_a_moment_ago_is_waited_for(
    back: float, stopped: bool, outcome: Outcome, tmp_path: Path
) -> None:
    verdict = verdict_of("MRS-04", scaled_up(back, stopped=stopped), tmp_path)
    assert verdict.outcome is outcome, verdict.explain()


def flapped(seconds: float) -> Tape:
    """web-0 ceases to be Ready this long before web-1 is created."""
    tape = Tape().open("create").set_created().pod_created(0).pod_ready(0).set_status(replicas=1, readyReplicas=1)
    return tape.pod_ready(0, ready=False).pod_created(1, after=seconds)


def test_a_view_younger_than_the_grace_is_raced_and_not_green(tmp_path: Path) -> None:
    verdict = verdict_of("ORD-02", flapped(0.5).close(), tmp_path)
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert verdict.cause is Reason.RACED
    assert "the controller may not have known" in verdict.explain()


def test_a_view_older_than_the_grace_is_no_excuse(tmp_path: Path) -> None:
    assert verdict_of("ORD-02", flapped(6.0).close(), tmp_path).outcome is Outcome.VIOLATED


def test_a_controller_whose_own_status_shows_the_change_has_no_excuse(tmp_path: Path) -> None:
    tape = Tape().open("create").set_created().pod_created(0).pod_ready(0).set_status(replicas=1, readyReplicas=1)
    tape.pod_ready(0, ready=False).set_status(replicas=1, readyReplicas=0).pod_created(1).close()
    assert verdict_of("ORD-02", tape, tmp_path).outcome is Outcome.VIOLATED


def crossed(seconds: float) -> Tape:
    """The Service begins to answer with web-0 this long after it ceased to be Ready; web-1 stays as it is."""
    tape = Tape().open("create").set_created()
    for ordinal in (0, 1):
        tape.volume(ordinal).pod_created(ordinal).pod_ready(ordinal)
    return tape.published(1).pod_ready(0, ready=False).published(0, 1, after=seconds)


@pytest.mark.parametrize(
    ("tape", "outcome"),
    [
        (crossed(0.5).published(1), Outcome.HOLDS),
        (crossed(0.5).pod_ready(0), Outcome.INCONCLUSIVE),
        (crossed(6.0).published(1), Outcome.VIOLATED),
    ],
    ids=["taken back", "not taken back", "too late to have crossed"],
)
def test_an_endpoint_that_crossed_with_its_pods_change_says_nothing_if_it_is_taken_back(
    tape: Tape, outcome: Outcome, tmp_path: Path
) -> None:
    verdict = verdict_of("IDN-11", tape.close(), tmp_path)
    assert verdict.outcome is outcome, verdict.explain()
    assert verdict.obligations >= 2


def test_an_early_doubt_does_not_hide_a_later_violation(tmp_path: Path) -> None:
    tape = flapped(0.5).pod_created(2, after=7.0).close()
    assert verdict_of("ORD-02", tape, tmp_path).outcome is Outcome.VIOLATED


def test_a_recording_without_a_seal_never_holds(tmp_path: Path) -> None:
    verdict = verdict_of("ORD-02", created(), tmp_path, sealed=False)
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert verdict.cause is Reason.TRUNCATED


def test_an_unrepaired_gap_in_a_kind_that_was_read_never_holds(tmp_path: Path) -> None:
    tape = created()
    tape.add(rec="gap", s="pods", ns="", after_rv="1", until_rv="2", why="410", repaired=False)
    assert verdict_of("ORD-02", tape, tmp_path).cause is Reason.GAP


def test_a_gap_in_a_kind_that_was_not_read_changes_nothing(tmp_path: Path) -> None:
    tape = created()
    tape.add(rec="gap", s="persistentvolumes", ns="", after_rv="1", until_rv="2", why="410", repaired=False)
    assert verdict_of("ORD-02", tape, tmp_path).outcome is Outcome.HOLDS


def test_nothing_to_check_is_not_green(tmp_path: Path) -> None:
    tape = Tape().open("create").set_created().pod_created(0).close()
    verdict = verdict_of("ORD-02", tape, tmp_path)
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert verdict.cause is Reason.VACUOUS


def test_a_scenario_that_was_not_recorded_is_not_judged() -> None:
    assert judge(PROMISES["ORD-02"], ()).outcome is Outcome.NOT_JUDGED


@pytest.mark.parametrize(
    ("server", "outcome"),
    [("v1.36.3", Outcome.NOT_APPLICABLE), ("v1.37.0", Outcome.HOLDS), ("v2.0.0", Outcome.HOLDS), ("", Outcome.HOLDS)],
)
def test_a_server_is_asked_for_what_its_version_promises(server: str, outcome: Outcome, tmp_path: Path) -> None:
    tape = created(2)
    tape.records[0]["server"] = {"gitVersion": server}
    verdict = judge(replace(PROMISES["ORD-01"], since="1.37"), tape.recording(tmp_path / "run.ndjson", True).timelines)
    assert verdict.outcome is outcome
    if outcome is Outcome.NOT_APPLICABLE:
        assert "promised since Kubernetes 1.37; this server is v1.36.3" in verdict.explain()


def test_a_check_of_ours_that_crashes_is_an_error_and_nobodys_fault(tmp_path: Path) -> None:
    def broken(_: object) -> None:
        raise KeyError("oops")

    timelines = created().recording(tmp_path / "run.ndjson").timelines
    original = PROMISES["ORD-02"]
    promise = Promise(**{field: getattr(original, field) for field in original.__slots__} | {"check": broken})
    verdict = judge(promise, timelines)
    assert verdict.outcome is Outcome.ERROR
    assert "KeyError" in verdict.explain()


def test_two_volumes_that_share_a_path_violate_storage(tmp_path: Path) -> None:
    tape = Tape().open("create").set_created()
    for ordinal in (0, 1):
        tape.volume(ordinal, path="/export/same").pod_created(ordinal).pod_ready(ordinal)
    verdict = verdict_of("STO-04", tape.close(), tmp_path)
    assert verdict.outcome is Outcome.VIOLATED
    assert "share the place 'nfs://10.96.0.49/export/same'" in verdict.explain()


def test_two_claims_that_changed_places_violate_storage(tmp_path: Path) -> None:
    tape = Tape().open("create").set_created()
    for ordinal in (0, 1):
        tape.volume(ordinal, claim_uid=f"uid-persistentvolumeclaims-www-web-{1 - ordinal}")
        tape.pod_created(ordinal).pod_ready(ordinal)
    assert verdict_of("STO-04", tape.close(), tmp_path).outcome is Outcome.VIOLATED


def test_a_spec_changed_by_somebody_else_takes_away_what_is_owed_in_the_end_and_nothing_else(tmp_path: Path) -> None:
    tape = created()
    managed = [{"manager": "autoscaler"}, {"manager": "kube-controller-manager", "subresource": "status"}]
    change = {"metadata": {"generation": 2, "managedFields": managed}, "spec": {"replicas": 3}}
    tape.change("statefulsets", "web", change)
    assert verdict_of("ORD-02", tape, tmp_path).outcome is Outcome.HOLDS
    verdict = verdict_of("ORD-12", tape, tmp_path)
    assert verdict.cause is Reason.INTERFERENCE
    assert "statefulsets web was changed" in verdict.explain()
    assert "another client (field manager autoscaler)" in verdict.explain()


def test_metadata_written_by_somebody_else_changes_no_verdict(tmp_path: Path) -> None:
    tape = created()
    tape.change("statefulsets", "web", {"metadata": {"managedFields": [{"manager": "kubectl-annotate"}]}})
    for promise in ("ORD-01", "ORD-02", "ORD-12"):
        assert verdict_of(promise, tape, tmp_path).outcome is Outcome.HOLDS


def stop(**condition: str) -> dict[str, Any]:
    """A version of a pod that is asked to stop."""
    conditions = [{"type": "DisruptionTarget", "status": "True", **condition}] if condition else []
    return {"metadata": {"deletionTimestamp": "2026-11-24T20:13:00Z"}, "status": {"conditions": conditions}}


def author_of_the_stop(tape: Tape, tmp_path: Path) -> Author:
    (timeline,) = tape.recording(tmp_path / "run.ndjson").timelines
    (asked,) = timeline.pods.stopping()
    return authors.of(timeline, asked).author


def test_an_evicted_pod_is_not_the_controllers_doing(tmp_path: Path) -> None:
    tape = created()
    tape.change("pods", "web-1", stop(reason="PreemptionByScheduler"))
    assert author_of_the_stop(tape, tmp_path) is Author.OTHER
    assert verdict_of("ORD-01", tape, tmp_path).outcome is Outcome.HOLDS
    assert verdict_of("ORD-12", tape, tmp_path).outcome is not Outcome.VIOLATED


@pytest.mark.parametrize(
    ("verb", "name", "body", "ours"),
    [
        ("evict", "web-1", {"deleteOptions": {"preconditions": {"uid": "uid-pods-web-1"}}}, True),
        ("evict", "web-1", {"deleteOptions": {"preconditions": {"uid": "its-predecessor"}}}, False),
        ("lose", "web", {"node": "worker"}, True),
        ("lose", "web", {"node": "another"}, False),
    ],
)
def test_an_eviction_of_our_own_is_no_interference(
    verb: str, name: str, body: dict[str, Any], ours: bool, tmp_path: Path
) -> None:
    tape = created()
    tape.change("pods", "web-1", {"spec": {"nodeName": "worker"}})
    what = {"id": "a", "verb": verb, "resource": "pods", "ns": "ns", "name": name, "body": body}
    tape.add(rec="act", phase="begin", **what)
    tape.add(rec="act", phase="end", **what, result=None)
    tape.change("pods", "web-1", stop(reason="EvictionByEvictionAPI"))
    assert (author_of_the_stop(tape, tmp_path) is Author.US) is ours


WAITED = "Timed out after 300 s waiting for StatefulSet web: too few pods Ready"


def late(settled: bool) -> Tape:
    return Tape().open("create").set_created().volume(0).pod_created(0).close(settled, waited_for=WAITED)


def test_a_set_whose_next_pod_is_never_made_violates_what_was_waited_for(tmp_path: Path) -> None:
    tape = Tape().open("create").set_created().volume(0).pod_created(0).pod_ready(0)
    verdict = verdict_of("ORD-12", tape.close(False, waited_for=WAITED), tmp_path)
    assert verdict.outcome is Outcome.VIOLATED
    assert "too few pods Ready" in verdict.explain()


def test_a_pod_that_is_there_and_does_not_get_ready_is_not_its_controllers_fault(tmp_path: Path) -> None:
    verdict = verdict_of("ORD-12", late(settled=False), tmp_path)
    assert (verdict.outcome, verdict.cause) == (Outcome.INCONCLUSIVE, Reason.ENVIRONMENT)
    assert "Pod web-0 is there and is not Running and Ready" in verdict.explain()


def test_a_controller_that_was_not_seen_at_work_owes_nothing(tmp_path: Path) -> None:
    tape = Tape(replicas=1).open("create").set_created().volume(0).pod_created(0).pod_ready(0)
    tape.change("statefulsets", "web", {"metadata": {"generation": 2}, "spec": {"replicas": 3}})
    tape.add(rec="act", phase="begin", id="a", verb="scale", resource="statefulsets", ns="ns", name="web", body={})
    tape.add(
        rec="act",
        phase="end",
        id="a",
        verb="scale",
        resource="statefulsets",
        ns="ns",
        name="web",
        result={"rv": tape.objects["statefulsets", "web"]["metadata"]["resourceVersion"]},
    )
    verdict = verdict_of("ORD-12", tape.close(False, waited_for=WAITED), tmp_path)
    assert (verdict.outcome, verdict.cause) == (Outcome.INCONCLUSIVE, Reason.NOT_REACHED)
    assert "the controller was not seen at work" in verdict.explain()


def test_a_set_whose_pod_is_ready_only_after_the_wait_was_slow_which_no_promise_forbids(tmp_path: Path) -> None:
    verdict = verdict_of("ORD-12", late(settled=False).pod_ready(0), tmp_path)
    assert (verdict.outcome, verdict.cause) == (Outcome.INCONCLUSIVE, Reason.NOT_REACHED)
    assert "Pod web-0 became Ready after that for the first time" in verdict.explain()


def test_a_pod_that_was_ready_once_before_the_wait_ran_out_is_not_slow(tmp_path: Path) -> None:
    tape = Tape().open("create").set_created().volume(0).pod_created(0).pod_ready(0)
    tape.change("pods", "web-0", {"status": {"conditions": [{"type": "Ready", "status": "False"}]}})
    tape.close(False, waited_for=WAITED).pod_ready(0)
    verdict = verdict_of("ORD-12", tape, tmp_path)
    assert "for the first time" not in verdict.explain()
    assert verdict.outcome is Outcome.VIOLATED


def test_not_getting_there_is_no_fault_where_part_of_the_time_was_not_seen(tmp_path: Path) -> None:
    tape = late(settled=False)
    tape.add(rec="gap", s="pods", ns="", after_rv="1", until_rv="2", why="410", repaired=False)
    assert verdict_of("ORD-12", tape, tmp_path).outcome is Outcome.INCONCLUSIVE


def test_a_passive_recording_that_ends_in_the_middle_of_scaling_blames_nobody(tmp_path: Path) -> None:
    tape = created(2)
    tape.records = [record for record in tape.records if record["rec"] != "mark"]
    tape.change("statefulsets", "web", {"metadata": {"generation": 2}, "spec": {"replicas": 3}})
    verdict = verdict_of("IDN-02", tape, tmp_path)
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert verdict.cause is Reason.NOT_REACHED


def misnumbered() -> Tape:
    """The first revision of a set is number 2."""
    tape = created(2)
    (made,) = [r for r in tape.records if r.get("s") == "controllerrevisions" and r["rec"] == "ev"]
    made["obj"]["revision"] = 2
    return tape


def test_a_scenario_that_did_not_end_hides_no_violation_in_another(tmp_path: Path) -> None:
    tape = misnumbered()
    tape.records[0]["scenarios"] = ["create", "rollout"]
    assert verdict_of("REV-01", tape, tmp_path).outcome is Outcome.VIOLATED
    assert verdict_of("ORD-12", tape, tmp_path).outcome is Outcome.HOLDS
    verdict = verdict_of("ORD-01", tape, tmp_path)
    assert verdict.outcome is Outcome.HOLDS
    tape.records[0]["scenarios"] = ["create", "scale_up"]
    verdict = verdict_of("ORD-01", tape, tmp_path)
    assert (verdict.outcome, verdict.cause) == (Outcome.INCONCLUSIVE, Reason.NOT_REACHED)
    assert "scenario scale_up was planned and did not begin" in verdict.explain()


def test_kinds_that_were_not_shown_comparable_decide_nothing(tmp_path: Path) -> None:
    tape = misnumbered()
    assert verdict_of("REV-01", tape, tmp_path).outcome is Outcome.VIOLATED
    tape.records = [record for record in tape.records if record["rec"] != "probe"]
    verdict = verdict_of("REV-01", tape, tmp_path)
    assert (verdict.outcome, verdict.cause) == (Outcome.INCONCLUSIVE, Reason.UNORDERED_KINDS)


def test_a_violation_that_may_come_from_a_gap_blames_nobody(tmp_path: Path) -> None:
    tape = misnumbered()
    tape.add(rec="gap", s="controllerrevisions", after_rv="1", until_rv="2", why="410", repaired=False)
    assert verdict_of("REV-01", tape, tmp_path).outcome is Outcome.INCONCLUSIVE


@pytest.mark.parametrize(
    ("stopping", "outcome"),
    [({}, Outcome.INCONCLUSIVE), ({"deletionTimestamp": "2026-11-24T20:13:00Z"}, Outcome.VIOLATED)],
)
def test_a_pod_that_ceases_to_be_ready_after_its_scenario_had_settled_is_no_fault_unless_it_was_asked_to_stop(
    stopping: dict[str, str], outcome: Outcome, tmp_path: Path
) -> None:
    tape = created(2)
    tape.change(
        "pods", "web-1", {"metadata": stopping, "status": {"conditions": [{"type": "Ready", "status": "False"}]}}
    )
    verdict = verdict_of("ORD-12", tape, tmp_path)
    assert verdict.outcome is outcome, verdict.explain()
    assert bool(stopping) or "web-1 stopped being Ready after the scenario had ended" in verdict.reason


def test_a_pod_that_was_not_ready_when_the_status_said_so_is_a_fault(tmp_path: Path) -> None:
    tape = Tape().open("create").set_created()
    for ordinal in (0, 1):
        tape.volume(ordinal).pod_created(ordinal).pod_ready(ordinal)
    tape.pod_ready(1, ready=False)
    assert verdict_of("ORD-12", copy.deepcopy(tape).close(), tmp_path).cause is Reason.RACED
    tape.set_status(replicas=2, readyReplicas=2)
    assert verdict_of("ORD-12", tape.close(), tmp_path).outcome is Outcome.VIOLATED


@pytest.mark.parametrize("promise", ["IDN-11", "MRS-02", "STS-03"])
@pytest.mark.parametrize(("settled_at_last", "outcome"), [(False, Outcome.INCONCLUSIVE), (True, Outcome.VIOLATED)])
def test_what_tells_of_ready_pods_need_not_tell_of_what_happened_after_its_scenario(
    promise: str, settled_at_last: bool, outcome: Outcome, tmp_path: Path
) -> None:
    tape = Tape().open("create").set_created()
    for ordinal in (0, 1):
        tape.volume(ordinal).pod_created(ordinal).pod_ready(ordinal)
    tape.published(0, 1).set_status(replicas=2, readyReplicas=2, availableReplicas=2)
    if settled_at_last:
        tape.pod_ready(1, ready=False).set_status(replicas=2, readyReplicas=2, availableReplicas=2).close()
    else:
        tape.close().pod_ready(1, ready=False)
    verdict = verdict_of(promise, tape, tmp_path)
    assert verdict.outcome is outcome, verdict.explain()


@pytest.mark.parametrize("promise", ["UPD-01", "UPD-15"])
@pytest.mark.parametrize("after_it", [False, True])
def test_an_update_is_not_blamed_for_a_pod_that_ceases_to_be_ready_after_it(
    promise: str, after_it: bool, tmp_path: Path
) -> None:
    tape = Tape(updateStrategy={"type": "RollingUpdate"}).open("rollout").set_created()
    for ordinal in (0, 1):
        tape.volume(ordinal).pod_created(ordinal).pod_ready(ordinal)
    tape.change("statefulsets", "web", {"metadata": {"generation": 2}, "spec": {"template": {"spec": {}}}})
    tape.set_status(replicas=2, readyReplicas=2, updatedReplicas=2, currentRevision="web-2", updateRevision="web-2")
    if after_it:
        tape.close()
    tape.pod_ready(1, ready=False).set_status(readyReplicas=1)
    verdict = verdict_of(promise, tape if after_it else tape.close(), tmp_path)
    assert ("web-1 stopped being Ready after the scenario had ended" in verdict.explain()) is after_it
    assert verdict.outcome is Outcome.INCONCLUSIVE


def test_parallel_pods_that_never_get_ready_were_all_created_early_but_their_scenario_is_stuck(tmp_path: Path) -> None:
    tape = Tape(podManagementPolicy="Parallel").open("parallel").set_created()
    for ordinal in (0, 1):
        tape.volume(ordinal).pod_created(ordinal)
    verdict = verdict_of("PAR-01", tape.close(settled=False, waited_for="web"), tmp_path)
    assert (verdict.outcome, verdict.cause) == (Outcome.INCONCLUSIVE, Reason.NOT_REACHED)
    assert verdict.obligations == 2
    assert not verdict.deciding or not verdict.deciding.failing
    assert "scenario parallel did not reach its end" in verdict.explain()


@pytest.mark.parametrize(
    ("limits", "settled", "outcome"),
    [
        ((2,), True, Outcome.NOT_APPLICABLE),
        ((2,), False, Outcome.INCONCLUSIVE),
        ((2, 10), True, Outcome.INCONCLUSIVE),
    ],
)
def test_a_limit_that_no_live_set_may_change_is_not_judged(
    limits: tuple[int, ...], settled: bool, outcome: Outcome, tmp_path: Path
) -> None:
    tape = Tape(revisionHistoryLimit=limits[0]).open("history").set_created()
    for generation, limit in enumerate(limits[1:], 2):
        change = {"metadata": {"generation": generation}, "spec": {"revisionHistoryLimit": limit}}
        tape.change("statefulsets", "web", change)
        tape.set_status(observedGeneration=generation)
    assert verdict_of("REV-09", tape.close(settled, waited_for="web"), tmp_path).outcome is outcome


REFUSED = "Pod web-1 was reported Failed 5 times, and each time that was taken back."


def ends_with(tape: Tape, plan: dict[str, object], scenario: str = "create") -> Tape:
    """The same run, whose scenario ended in this way; a run that a provider made plans its scenarios."""
    tape.records[0]["scenarios"] = [scenario]
    (mark,) = [record for record in tape.records if record["rec"] == "mark" and record["phase"] == "close"]
    mark["plan"] = plan
    return tape


def with_another(tape: Tape, **plan: object) -> Tape:
    """The same run, in which another scenario ended in this way beside it, in the same namespace."""
    tape.records[0]["scenarios"] = ["create", "drift"]
    tape.add(rec="mark", id="v", phase="open", scenario="drift", namespace="ns", set="other", plan={})
    tape.add(rec="mark", id="v", phase="close", plan=plan)
    return tape


@pytest.mark.parametrize("plan", [{"not_carried_out": REFUSED}, {"failed": "a fault of stsconf: KeyError: 'web-1'"}])
def test_a_scenario_that_was_given_up_is_inconclusive_with_its_reason(plan: dict[str, object], tmp_path: Path) -> None:
    for promise in ("ORD-01", "ORD-12"):
        verdict = verdict_of(promise, ends_with(created(), plan), tmp_path)
        assert (verdict.outcome, verdict.cause) == (Outcome.INCONCLUSIVE, Reason.NOT_REACHED)
        assert next(iter(plan.values())) in verdict.explain()


def test_what_an_act_that_did_not_take_should_have_caused_is_no_violation(tmp_path: Path) -> None:
    tape = ends_with(late(settled=False), {"not_carried_out": REFUSED})
    verdict = verdict_of("ORD-12", tape, tmp_path)
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert REFUSED in verdict.explain()


@pytest.mark.parametrize("plan", [{"not_carried_out": REFUSED}, {"failed": "connect: no answer"}, {}])
@pytest.mark.parametrize("promise", ["ORD-01", "ORD-12"])
def test_a_scenario_that_was_given_up_takes_nothing_from_another(
    promise: str, plan: dict[str, object], tmp_path: Path
) -> None:
    assert verdict_of(promise, with_another(created(), **plan), tmp_path).outcome is Outcome.HOLDS


@pytest.mark.parametrize(("tried_after", "outcome"), [(True, Outcome.VIOLATED), (False, Outcome.INCONCLUSIVE)])
def test_only_what_was_seen_before_an_act_that_did_not_take_is_a_violation(
    tried_after: bool, outcome: Outcome, tmp_path: Path
) -> None:
    def tries(tape: Tape) -> Tape:
        tape.seconds += 0.1
        for number in "ab":
            what = {"id": number, "verb": "finish", "resource": "pods", "ns": "ns", "name": "web-1", "body": {}}
            tape.add(rec="act", phase="begin", **what)
            tape.add(rec="act", phase="end", **what, result={"code": 409})
        return tape

    tape = Tape().open("create").set_created().volume(0).volume(1)
    tape = tape if tried_after else tries(tape)
    tape.pod_created(1).pod_ready(1).pod_created(0)  # the lower one last
    tape = tries(tape) if tried_after else tape
    verdict = verdict_of("ORD-01", ends_with(tape.close(), {"not_carried_out": REFUSED}), tmp_path)
    assert verdict.outcome is outcome


def test_a_cluster_on_which_no_pod_can_succeed_is_not_asked(tmp_path: Path) -> None:
    lack = "this server keeps no restartPolicy of a container"
    tape = Tape(replicas=1).open("completed").set_created().volume(0).pod_created(0).pod_ready(0).close()
    verdict = verdict_of(
        "REC-02", ends_with(tape, {"settled": True, "lacks": {"Succeeded": lack}}, "completed"), tmp_path
    )
    assert verdict.outcome is Outcome.NOT_APPLICABLE
    assert lack in verdict.explain()


@pytest.mark.parametrize("replaced", [True, False])
def test_a_pod_that_succeeded_is_to_be_replaced(replaced: bool, tmp_path: Path) -> None:
    tape = Tape(replicas=1).open("completed").set_created().volume(0).pod_created(0).pod_ready(0)
    tape.change("pods", "web-0", {"status": {"phase": "Succeeded"}})
    if replaced:
        tape.delete("pods", "web-0")
        tape.pod_created(0, uid="another").pod_ready(0)
    tape.close(settled=replaced, waited_for="" if replaced else "Timed out after 300 s waiting for web-0")
    assert verdict_of("REC-02", tape, tmp_path).outcome is (Outcome.HOLDS if replaced else Outcome.DIFFERS)
