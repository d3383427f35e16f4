"""What users and nodes do to a set, as short stories: each shows some decision of the controller."""

from collections.abc import Callable

from tests.faulty.controller import Controller
from tests.faulty.objects import Object, reference
from tests.faulty.world import World

Story = Callable[[World], None]
STORIES: dict[str, Story] = {}

ROLLING: Object = {"type": "RollingUpdate", "rollingUpdate": {"partition": 0}}


def story(act: Story) -> Story:
    STORIES[act.__name__] = act
    return act


def told(controller: Controller, act: Story) -> World:
    """The world after a story."""
    world = World(controller)
    act(world)
    world.settle()
    return world


def created(world: World, replicas: int = 3, **spec: object) -> None:
    world.create_set(replicas, **spec)
    world.settle()


def _partition(at: int) -> Object:
    return {"type": "RollingUpdate", "rollingUpdate": {"partition": at}}


def _retention(deleted: str, scaled: str) -> Object:
    return {"whenDeleted": deleted, "whenScaled": scaled}


@story
def scaling(world: World) -> None:
    created(world, 2)
    for replicas in (4, 2, 4, 0):
        world.change(replicas=replicas)
        world.settle()


@story
def created_while_held(world: World) -> None:
    world.held = {"web-0"}
    created(world)
    world.held = set()


@story
def scaled_while_held(world: World) -> None:
    created(world, 2)
    for replicas in (4, 2):
        world.held = {"web-1"}
        world.settle()
        world.change(replicas=replicas)
        world.settle()
        world.held = set()
        world.settle()


@story
def same_named_volume(world: World) -> None:
    volumes = [{"name": "www", "emptyDir": {}}, {"name": "tmp", "emptyDir": {}}]
    containers = [{"name": "nginx", "image": "a"}]
    template = {"metadata": {"labels": {"app": "nginx"}}, "spec": {"containers": containers, "volumes": volumes}}
    created(world, 1, template=template)


@story
def all_pods_lost(world: World) -> None:
    created(world)
    for name in list(world.pods):
        world.remove("Pod", name)


@story
def holes(world: World) -> None:
    created(world, 4)
    for name in ("web-1", "web-2"):
        del world.pods[name]
    world.settle()
    world.remove("Pod", "web-0")
    del world.pods["web-3"]


@story
def stranger_nearby(world: World) -> None:
    stranger = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "stranger", "labels": {"app": "nginx"}}}
    world.create({**stranger, "spec": {"containers": [{"image": "a"}]}})
    created(world, 1)


@story
def pods_end(world: World) -> None:
    for phase in ("Failed", "Succeeded"):
        if "web" not in world.objects["StatefulSet"]:
            created(world)
        world.end("web-1", phase)
        world.settle()


@story
def claim_lost_while_pending(world: World) -> None:
    world.create_set(1)
    world.sync()
    world.sync()
    del world.claims["www-web-0"]


@story
def claim_leaves(world: World) -> None:
    created(world, 1)
    world.remove("PersistentVolumeClaim", "www-web-0")
    world.remove("Pod", "web-0")


@story
def label_drifts(world: World) -> None:
    created(world, 1)
    world.label("web-0", **{"statefulset.kubernetes.io/pod-name": "web-9"})


@story
def start_ordinal(world: World) -> None:
    created(world, 2, ordinals={"start": 5})
    world.change(ordinals={"start": 6})


@story
def parallel(world: World) -> None:
    world.held = {"web-0", "web-2"}
    created(world, podManagementPolicy="Parallel")
    world.change(replicas=5)
    world.settle()
    world.held = set()
    world.settle()
    world.change(replicas=2)
    world.settle()
    world.image("b")


@story
def rollout(world: World) -> None:
    created(world, 4)
    world.image("b")
    world.settle()
    world.image("a")


@story
def scaled_and_rolled(world: World) -> None:
    created(world, 4)
    world.image("b")
    world.change(replicas=2)


@story
def rollout_of_age(world: World) -> None:
    created(world, minReadySeconds=10)
    world.image("b")


@story
def broken_rollout(world: World) -> None:
    created(world)
    world.image("broken")
    world.settle()
    world.image("a")
    world.settle()
    world.remove("Pod", "web-2")


@story
def partition(world: World) -> None:
    created(world, 4, updateStrategy=_partition(2))
    world.image("b")
    world.settle()
    for name in ("web-0", "web-3"):
        world.remove("Pod", name)
        world.settle()
    for at in (3, 1, 0):
        world.change(updateStrategy=_partition(at))
        world.settle()


@story
def partition_above_replicas(world: World) -> None:
    created(world, updateStrategy=_partition(9))
    world.image("b")


@story
def max_unavailable(world: World) -> None:
    created(world, 5, updateStrategy={"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 2}})
    world.image("b")


@story
def recreate(world: World) -> None:
    created(world, updateStrategy=ROLLING)
    world.change(updateStrategy={"type": "Recreate"})
    world.settle()
    world.image("b")
    world.settle()
    world.held = {"web-0"}
    world.image("c")
    world.settle()
    world.held = set()
    world.image("b")


@story
def recreate_in_parallel(world: World) -> None:
    created(world, podManagementPolicy="Parallel", updateStrategy={"type": "Recreate"})
    world.image("b")


@story
def min_ready_seconds(world: World) -> None:
    created(world, minReadySeconds=30)
    world.change(replicas=1)


@story
def on_delete(world: World) -> None:
    created(world, updateStrategy={"type": "OnDelete"})
    world.image("b")
    world.settle()
    world.remove("Pod", "web-1")


@story
def history(world: World) -> None:
    created(world, 1, revisionHistoryLimit=2)
    for image in "bcdeb":
        world.image(image)
        world.settle()


@story
def no_history(world: World) -> None:
    created(world, 2, revisionHistoryLimit=0)
    world.image("b")
    world.settle()
    world.image("broken")
    world.settle()


@story
def re_created(world: World) -> None:
    created(world, 4)
    world.image("b")
    world.settle()
    world.orphan()
    del world.pods["web-1"]
    created(world, 2)
    world.image("b")


@story
def re_created_alike(world: World) -> None:
    created(world)
    world.orphan()
    created(world)


@story
def released(world: World) -> None:
    created(world)
    world.label("web-1", app="other")
    world.settle()
    world.label("web-1", app="nginx")


@story
def deleted_in_the_foreground(world: World) -> None:
    created(world)
    world.set["metadata"]["deletionTimestamp"] = "2027-01-15T08:00:00Z"
    world.remove("Pod", "web-1")


@story
def deleted(world: World) -> None:
    created(world)
    del world.objects["StatefulSet"]["web"]


@story
def claims_go_with_the_set(world: World) -> None:
    created(world, 2, persistentVolumeClaimRetentionPolicy=_retention("Delete", "Retain"))
    del world.objects["StatefulSet"]["web"]


@story
def scaled_to_one_and_deleted(world: World) -> None:
    created(world, 2, persistentVolumeClaimRetentionPolicy=_retention("Delete", "Retain"))
    world.change(replicas=1)
    world.settle()
    del world.objects["StatefulSet"]["web"]


@story
def claims_go_with_the_pods(world: World) -> None:
    created(world, persistentVolumeClaimRetentionPolicy=_retention("Retain", "Delete"))
    world.remove("Pod", "web-0")
    world.settle()
    world.change(replicas=1)
    world.sync()
    world.sync()
    world.change(replicas=3)


@story
def scaled_back_while_claims_leave(world: World) -> None:
    created(world, 2, persistentVolumeClaimRetentionPolicy=_retention("Retain", "Delete"))
    world.change(replicas=1)
    world.sync()
    world.sync()
    world.change(replicas=2)
    del world.pods["web-1"]
    world.sync()


@story
def policy_changes(world: World) -> None:
    created(world, 2)
    for policy in (_retention("Delete", "Delete"), _retention("Retain", "Retain")):
        world.change(persistentVolumeClaimRetentionPolicy=policy)
        world.settle()


@story
def claim_of_another(world: World) -> None:
    created(world, 1, persistentVolumeClaimRetentionPolicy=_retention("Delete", "Delete"))
    world.create(
        {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "other"}, "spec": {"containers": [{"image": "a"}]}}
    )
    world.end("other", "Failed")
    world.own("PersistentVolumeClaim", "www-web-0", reference(world.pods["other"]))


@story
def parallel_rollout(world: World) -> None:
    rolling = {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 2}}
    created(world, 5, podManagementPolicy="Parallel", updateStrategy=rolling)
    world.image("b")


@story
def parallel_rollout_past_broken(world: World) -> None:
    created(world, podManagementPolicy="Parallel")
    world.held = {"web-0", "web-1"}
    world.settle()
    world.image("b")
    world.settle()
    world.held = set()


@story
def history_without_limit(world: World) -> None:
    created(world, 1, revisionHistoryLimit=-1)
    for image in "bcd":
        world.image(image)
        world.settle()


@story
def removed_while_both_are_held(world: World) -> None:
    created(world, 4)
    world.held = {"web-2", "web-3"}
    world.settle()
    world.change(replicas=2)
    world.settle()
    world.held = {"web-2"}


@story
def re_created_to_own_its_claims(world: World) -> None:
    policy = {"persistentVolumeClaimRetentionPolicy": _retention("Delete", "Retain")}
    created(world, 2, **policy)
    world.orphan()
    created(world, 2, **policy)


@story
def told_where_to_run(world: World) -> None:
    spec = {"containers": [{"name": "nginx", "image": "a"}], "affinity": {"nodeAffinity": {}}}
    created(world, 1, template={"metadata": {"labels": {"app": "nginx"}}, "spec": spec})
