"""Scenarios act to their end, an act that does not take is told at once, and no error touches another scenario."""

from collections.abc import Iterable
from typing import Any

import pytest

from stsconf.act.scenarios import SCENARIOS, Scenario
from stsconf.act.workload import Workload
from stsconf.deadline import Deadline
from stsconf.errors import NotCarriedOut
from stsconf.record.recorder import RecorderError, WaitTimeout
from stsconf.run import acting
from tests.faulty.controller import Controller
from tests.faulty.faults import KeepsFailed, KeepsSucceeded
from tests.scripted import Script

NOT_IN_MEMORY = {
    "two sets": {"orphan_delete", "retention_orphan"},
    "owners that are not sets": {"foreign_claim", "strangers"},
    "nodes": {"moved", "drain", "node_lost"},
    "gates": {"lost_claim", "rollout_stalls", "parallel_broken", "scale_down_two_held"},
}
"""Scenarios that need more than the world in memory has."""
ACTED = sorted(set(SCENARIOS) - set().union(*NOT_IN_MEMORY.values()))


def ended(scenario: Scenario, workload: Workload, said: list[str] | None = None) -> dict[str, Any]:
    """What the mark that closes the scenario's window carries."""
    script_marks: list[dict[str, Any]] = workload.setting.recorder._script.marks  # type: ignore[attr-defined]
    acting.act(scenario, workload, Deadline(), (said if said is not None else []).append)
    return {key: value for key, value in script_marks[-1].items() if key != "close"}


def scenario(act: Any) -> Scenario:
    return Scenario("one", "", act, 1, markers=False, hasty=False)


@pytest.mark.parametrize("name", ACTED)
def test_a_scenario_acts_to_its_end(name: str) -> None:
    assert ended(SCENARIOS[name], Script().workload()) == {"settled": True, "published": True}


def taking_back(script: Script, times: int) -> None:
    """A kubelet writes back the status of web-1, as often as this, before the controller sees what we wrote."""
    left = [times]

    def after(act: str) -> None:
        if act == "status Pod/web-1" and left[0]:
            left[0] -= 1
            pods = script.world.pods
            pods["web-1"] = {**pods["web-1"], "status": {**pods["web-1"]["status"], "phase": "Running"}}

    script.after = after


def test_a_status_that_was_taken_back_is_written_again() -> None:
    script = Script()
    taking_back(script, 2)
    assert ended(SCENARIOS["replace"], script.workload())["settled"]
    assert script.acts.count("status Pod/web-1") == 3


def test_a_status_that_is_always_taken_back_is_not_carried_out() -> None:
    script, said = Script(), list[str]()
    taking_back(script, 99)
    end = ended(SCENARIOS["replace"], script.workload(), said)
    assert end == {
        "not_carried_out": "Pod web-1 was reported Failed 5 times, and each time that was taken back.",
    }
    assert said[-1].startswith("replace: not carried out: Pod web-1")


@pytest.mark.parametrize(
    ("controller", "name", "pod"), [(KeepsFailed(), "replace", "web-1"), (KeepsSucceeded(), "completed", "web-0")]
)
def test_an_end_that_stands_is_waited_for_since_the_controller_owes_the_replacement(
    controller: Controller, name: str, pod: str
) -> None:
    end = ended(SCENARIOS[name], Script(controller).workload())
    assert end["settled"] is False
    assert end["waited_for"].startswith(f"Timed out after 300 s waiting for the replacement of {pod}. Last recorded: ")


def failing(script: Script, act: str) -> None:
    """A kubelet that ends web-1 some time after it was given a deadline, and stops nothing else."""

    def after(done: str) -> None:
        if done == act:
            script.world.end("web-1", "Failed")

    script.after = after


def test_under_a_kubelet_a_pod_fails_by_its_deadline_and_its_status_is_left_alone() -> None:
    script = Script()
    failing(script, "patch Pod/web-1")
    workload = script.workload(kubelet=True)
    workload.create_settled(2)
    before = workload.state.uids(1)
    workload.fail_pod(1)
    assert workload.state.uids(1) != before
    assert not [act for act in script.acts if act.startswith("status")]


def test_a_kubelet_that_does_not_end_a_pod_is_told_with_the_pods_state() -> None:
    workload = Script().workload(kubelet=True)
    workload.create_settled(2)
    with pytest.raises(NotCarriedOut, match=r"Pod web-1 was to become Failed by its activeDeadlineSeconds\. Timed out"):
        workload.fail_pod(1)


@pytest.mark.parametrize("kept", [True, False])
def test_under_a_kubelet_a_pod_succeeds_only_where_its_container_is_not_started_again(kept: bool) -> None:
    script = Script()

    def edit(stateful_set: Any) -> None:
        if not kept:
            del stateful_set["spec"]["template"]["spec"]["containers"][0]["restartPolicy"]

    workload = script.workload(kubelet=True, edit=edit)
    if kept:
        workload.ends.succeed = lambda ordinal: script.world.end(f"web-{ordinal}", "Succeeded")  # type: ignore[method-assign]
    end = ended(SCENARIOS["completed"], workload)
    assert end["settled"]
    assert ("Succeeded" in end.get("lacks", {})) is not kept


def refusing(status: int, times: int, wanted: str) -> Script:
    script, left = Script(), [times]

    def refuse(act: str) -> int:
        if act != wanted or not left[0]:
            return 0
        left[0] -= 1
        return status

    script.refuse = refuse
    return script


@pytest.mark.parametrize(
    ("status", "times", "tries", "settled"),
    [(409, 2, 3, True), (404, 2, 3, True), (404, 3, 3, False), (409, 9, 3, False), (403, 1, 1, False)],
)
def test_an_act_on_a_pod_is_tried_again_where_the_pod_had_just_changed(
    status: int, times: int, tries: int, settled: bool
) -> None:
    script = refusing(status, times, "delete Pod/web-1")

    def act(workload: Workload) -> None:
        workload.create_settled(2)
        workload.lose_pods(1)

    end = ended(scenario(act), script.workload())
    assert script.acts.count("delete Pod/web-1") == tries
    assert end.get("settled", False) is settled
    assert ("not_carried_out" in end) is not settled


def test_an_update_is_undone_although_the_status_does_not_tell_of_it_yet() -> None:
    script = Script()
    workload = script.workload()
    workload.create_settled(2)
    first = script.world.objects["StatefulSet"]["web"]["status"]["updateRevision"]
    workload.act.set_image("nginx_new")
    workload.wait.settled()
    assert workload.act.undo(to_revision=2).endswith("skipped rollback (current template already matches revision 2)")
    sets = script.world.objects["StatefulSet"]
    behind = {"updateRevision": first, "observedGeneration": sets["web"]["metadata"]["generation"] - 1}
    sets["web"] = {**sets["web"], "status": {**sets["web"]["status"], **behind}}
    assert workload.act.undo().endswith("rolled back")


def test_a_refused_change_of_the_set_is_not_carried_out() -> None:
    script = refusing(403, 1, "patch StatefulSet/web")
    end = ended(SCENARIOS["scale_up"], script.workload())
    assert set(end) == {"not_carried_out"}
    assert "403" in end["not_carried_out"]


def raising(error: BaseException) -> Scenario:
    def act(workload: Workload) -> None:  # noqa: ARG001 - the scenario does nothing else
        raise error

    return scenario(act)


def test_a_pod_that_is_not_there_ends_the_scenario_with_its_name() -> None:
    end = ended(scenario(lambda workload: workload.state.uids(1)), Script().workload())
    assert end == {"not_carried_out": "Pod web-1 was to be acted on, and is not there."}


def test_a_fault_of_ours_is_told_with_its_place_and_ends_only_its_scenario() -> None:
    said: list[str] = []
    end = ended(raising(KeyError("web-1")), Script().workload(), said)
    assert end["failed"].startswith("a fault of stsconf: KeyError: 'web-1' (act, line ")
    assert "a fault of stsconf" in said[-1]


@pytest.mark.parametrize("error", [RecorderError("the disk is full"), KeyboardInterrupt()])
def test_what_ends_the_recording_or_the_run_is_not_kept_to_one_scenario(error: BaseException) -> None:
    with pytest.raises(type(error)):
        acting.act(raising(error), Script().workload(), Deadline(), lambda text: None)  # noqa: ARG005


def names(words: Iterable[str], text: str) -> list[str]:
    return [word for word in words if word in text]


def test_a_wait_that_times_out_names_its_object_and_what_was_recorded_of_its_own() -> None:
    script = Script()
    script.world.held = {"web-1"}
    end = ended(SCENARIOS["create"], script.workload())
    assert end["settled"] is False
    assert end["waited_for"] == (
        "Timed out after 300 s waiting for StatefulSet web to be settled. "
        "Last recorded: 1 of 2 pods Ready; web-1 is Running and not Ready."
    )


def test_the_replacement_of_a_pod_is_named() -> None:
    workload = Script().workload()
    workload.create_settled(2)
    with pytest.raises(
        WaitTimeout, match=r"waiting for the replacement of web-1\. Last recorded: 2 of 2 pods Ready\.$"
    ):
        workload.wait.replaced(workload.state.uids(1))
