"""The correct controller does what the documents say, in every story."""

import json
import re
from functools import cache
from typing import Any

import pytest

from tests.faulty.controller import Controller
from tests.faulty.objects import controller_of, name_of, owners_of, revision_of, uid_of
from tests.faulty.stories import STORIES, created, told
from tests.faulty.world import World


@cache
def after(story: str) -> World:
    return told(Controller(), STORIES[story])


def acts(world: World, kind: str = "Pod") -> str:
    """What was created and deleted of a kind, in order: ``+0`` is the creation of ordinal 0, ``-1`` a deletion."""
    found = []
    for line in world.trace:
        verb, _, rest = line.partition(" ")
        if verb == "create" and (body := json.loads(rest))["kind"] == kind:
            found.append("+" + body["metadata"]["name"].rsplit("-", 1)[-1])
        elif gone := re.match(rf"{kind} (\S+) ", rest) if verb == "delete" else None:
            found.append("-" + gone[1].rsplit("-", 1)[-1])
    return " ".join(found)


def status(world: World) -> dict[str, Any]:
    found: dict[str, Any] = world.set["status"]
    return found


@pytest.mark.parametrize("story", STORIES)
def test_every_story_comes_to_an_end(story: str) -> None:
    assert after(story).settled


def test_pods_come_in_ascending_and_go_in_descending_order() -> None:
    assert acts(after("scaling")) == "+0 +1 +2 +3 -3 -2 +2 +3 -3 -2 -1 -0"


def test_a_pod_waits_for_the_one_below() -> None:
    world = World(Controller())
    world.held = {"web-0"}
    created(world)
    assert acts(world) == "+0"


def test_a_pod_is_stopped_when_the_one_above_is_gone() -> None:
    world = World(Controller())
    created(world)
    world.change(replicas=1)
    while "web-2" in world.pods:
        world.sync()
        assert "-1" not in acts(world)
        world.step()
    world.sync()
    assert acts(world).endswith("-2 -1")


def test_claims_stay_and_are_used_again() -> None:
    world = after("scaling")
    assert acts(world, "PersistentVolumeClaim") == "+0 +1 +2 +3"
    assert sorted(world.claims) == [f"www-web-{ordinal}" for ordinal in range(4)]


def test_a_pod_has_its_identity_and_its_claim_instead_of_the_template_volume() -> None:
    pod = after("same_named_volume").pods["web-0"]
    assert pod["metadata"]["labels"] == {
        "app": "nginx",
        "statefulset.kubernetes.io/pod-name": "web-0",
        "apps.kubernetes.io/pod-index": "0",
        "controller-revision-hash": name_of(after("same_named_volume").revisions[0]),
    }
    assert (pod["spec"]["hostname"], pod["spec"]["subdomain"]) == ("web-0", "nginx")
    assert pod["spec"]["volumes"] == [
        {"name": "www", "persistentVolumeClaim": {"claimName": "www-web-0"}},
        {"name": "tmp", "emptyDir": {}},
    ]


def test_a_rollout_and_its_undo_go_down_one_by_one_and_share_two_revisions() -> None:
    world = after("rollout")
    down = "-3 +3 -2 +2 -1 +1 -0 +0"
    assert acts(world) == f"+0 +1 +2 +3 {down} {down}"
    assert [r["revision"] for r in world.revisions] == [2, 3]
    assert status(world)["updateRevision"] == name_of(world.revisions[-1])
    assert status(world)["currentRevision"] == status(world)["updateRevision"]
    assert acts(world, "PersistentVolumeClaim") == "+0 +1 +2 +3"


def test_a_broken_rollout_stops_until_the_pod_is_deleted_by_hand() -> None:
    assert acts(after("broken_rollout")) == "+0 +1 +2 -2 +2 +2"


def test_the_partition_divides_the_revisions() -> None:
    world = World(Controller())
    created(world, 4, updateStrategy={"type": "RollingUpdate", "rollingUpdate": {"partition": 2}})
    world.image("b")
    world.settle()
    old, new = (name_of(r) for r in world.revisions)
    world.remove("Pod", "web-0")
    world.settle()
    assert [revision_of(world.pods[f"web-{o}"]) for o in range(4)] == [old, old, new, new]
    assert (status(world)["currentRevision"], status(world)["updateRevision"]) == (old, new)
    assert (status(world)["currentReplicas"], status(world)["updatedReplicas"]) == (2, 2)


def test_a_partition_above_replicas_updates_nothing() -> None:
    assert acts(after("partition_above_replicas")) == "+0 +1 +2"


def test_max_unavailable_pods_go_together() -> None:
    assert acts(after("max_unavailable")) == "+0 +1 +2 +3 +4 -4 -3 +3 +4 -2 -1 +1 +2 -0 +0"


def test_on_delete_waits_for_the_user() -> None:
    world = after("on_delete")
    assert acts(world) == "+0 +1 +2 +1"
    assert revision_of(world.pods["web-1"]) == status(world)["updateRevision"]


def test_recreate_stops_all_and_makes_them_again_in_order_and_tells() -> None:
    world = after("recreate")
    replaced = "-0 -1 -2 +0 +1 +2"
    assert acts(world) == f"+0 +1 +2 {replaced} -0 -1 -2 +0 -0 +0 +1 +2"
    told = [c["status"] for line in world.trace if '"conditions"' in line for c in _conditions(line)]
    assert told == ["True", "False", "True", "False"]
    assert acts(after("recreate_in_parallel")) == f"+0 +1 +2 {replaced}"


def _conditions(line: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(line[line.index("{") :])["conditions"]
    return found


def test_min_ready_seconds_paces_creation_and_counts_as_available_later() -> None:
    world = World(Controller())
    created(world, minReadySeconds=30)
    assert acts(world) == "+0 +1 +2"
    seen = [json.loads(line.removeprefix("status ")) for line in world.trace if line.startswith("status ")]
    counts = [(s.get("readyReplicas"), s.get("availableReplicas")) for s in seen]
    assert counts.index((1, None)) < counts.index((None, 1)) < counts.index((2, None)) < counts.index((None, 2))


def test_history_keeps_the_limit_beside_what_is_in_use() -> None:
    world = after("history")
    assert [r["revision"] for r in world.revisions] == [4, 5, 6]
    assert [r["data"]["spec"]["template"]["spec"]["containers"][0]["image"] for r in world.revisions] == list("deb")


def test_no_history_still_keeps_what_a_pod_uses() -> None:
    world = after("no_history")
    names = {name_of(r) for r in world.revisions}
    assert names == {revision_of(pod) for pod in world.pods.values()}
    assert len(names) == 2


def test_parallel_neither_waits_for_health_nor_for_the_end_of_others() -> None:
    world = World(Controller())
    world.held = {"web-0", "web-2"}
    created(world, podManagementPolicy="Parallel")
    assert acts(world) == "+0 +1 +2"
    world.change(replicas=0)
    world.sync()
    assert acts(world) == "+0 +1 +2 -2 -1 -0"


def test_start_ordinal_moves_the_range() -> None:
    assert acts(after("start_ordinal")) == "+5 +6 +7 -5"


def test_orphans_are_adopted_as_they_are_and_holes_filled_before_the_excess_goes() -> None:
    world = World(Controller())
    created(world, 4)
    world.orphan()
    before = {name: uid_of(pod) for name, pod in world.pods.items()}
    del world.pods["web-1"]
    created(world, 2)
    assert acts(world) == "+0 +1 +2 +3 +1 -3 -2"
    assert uid_of(world.pods["web-0"]) == before["web-0"]
    assert controller_of(world.pods["web-0"]) == uid_of(world.set)
    assert len(world.revisions) == 1


def test_a_pod_is_released_with_its_labels_and_comes_home_with_them() -> None:
    world = World(Controller())
    created(world)
    world.label("web-1", app="other")
    world.settle(20)
    assert controller_of(world.pods["web-1"]) is None
    world.label("web-1", app="nginx")
    world.settle()
    assert controller_of(world.pods["web-1"]) == uid_of(world.set)


def test_a_set_that_is_being_deleted_is_left_alone() -> None:
    world = after("deleted_in_the_foreground")
    assert acts(world) == "+0 +1 +2"
    assert status(world)["replicas"] == 2


@pytest.mark.parametrize(
    ("deleted", "scaled", "staying", "leaving"),
    [
        ("Retain", "Retain", "", ""),
        ("Delete", "Retain", "web", "web"),
        ("Retain", "Delete", "", "web-1"),
        ("Delete", "Delete", "web", "web-1"),
    ],
)
def test_claims_are_owned_as_the_retention_policy_says(deleted: str, scaled: str, staying: str, leaving: str) -> None:
    world = World(Controller())
    created(world, 2, persistentVolumeClaimRetentionPolicy={"whenDeleted": deleted, "whenScaled": scaled})
    world.change(replicas=1)
    while "-1" not in acts(world):
        world.sync()
    owners = {name: "".join(r["name"] for r in owners_of(claim)) for name, claim in world.claims.items()}
    assert owners == {"www-web-0": staying, "www-web-1": leaving}


def test_a_claim_that_leaves_with_its_pod_is_waited_for() -> None:
    world = after("scaled_back_while_claims_leave")
    made = acts(world, "PersistentVolumeClaim")
    assert made == "+0 +1 +1"
    assert acts(world) == "+0 +1 -1 +1"


def test_a_claim_of_another_controller_is_left_to_it() -> None:
    world = after("claim_of_another")
    assert [r["name"] for r in owners_of(world.claims["www-web-0"])] == ["other"]


def test_a_name_that_is_taken_by_another_revision_is_counted_as_a_collision() -> None:
    world = World(Controller())
    created(world, 1)
    taken = world.revisions[0]
    world.objects["ControllerRevision"].clear()
    world.create({**taken, "metadata": {"name": name_of(taken)}, "data": {"other": True}})
    world.settle()
    assert status(world)["collisionCount"] == 1
    assert len({name_of(r) for r in world.revisions}) == 2
