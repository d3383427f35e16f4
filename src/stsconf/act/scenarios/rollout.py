"""Updates of the pod template: rolled out, staged, stopped, undone."""

from stsconf.act.objects import GATE, gated, with_spec
from stsconf.act.scenarios.registry import scenario
from stsconf.act.workload import Workload
from stsconf.kube.api import ApiError, Object

GATED = {"spec": {"template": {"spec": {"readinessGates": [{"conditionType": GATE}]}}}}
UNGATED = {"spec": {"template": {"spec": {"readinessGates": None}}}}


@scenario(pods=4)
def rollout(workload: Workload) -> None:
    """Change the image of 4 replicas by JSON patch, and wait as ``kubectl rollout status`` does."""
    workload.create_settled(4)
    workload.act.set_image("nginx_new")
    workload.wait.rolled_out()
    workload.wait.settled()


@scenario(pods=3)
def rollout_stalls(workload: Workload) -> None:
    """Roll out a template that never becomes Ready, revert it, and then delete the broken pod by hand."""
    workload.create_settled(3)
    _break_and_correct(workload, 2)
    workload.nudge()
    workload.act.delete_pods(2)
    workload.wait.settled()


@scenario(pods=4)
def partition(workload: Workload) -> None:
    """Roll out behind a partition of 5, then 3 and 1; lose a pod on each side of it; raise it to 4; lower it to 0."""
    workload.create_settled(4)
    workload.act.set_strategy(partition=5)
    workload.act.set_image("nginx_new")
    workload.nudge()
    workload.wait.all_ready()
    for boundary in (3, 1):
        workload.act.set_strategy(partition=boundary)
        workload.wait.rolled_out()
    for lost in (0, 2):
        workload.lose_pods(lost)
        workload.wait.all_ready()
    workload.act.set_strategy(partition=4)
    workload.nudge()
    workload.wait.all_ready()
    workload.act.set_strategy(partition=0)
    workload.wait.settled()


@scenario(pods=4)
def on_delete(workload: Workload) -> None:
    """Change the template under OnDelete, delete the pods by hand one after another, and scale up in between."""
    workload.create_settled(3, with_spec(updateStrategy={"type": "OnDelete"}))
    workload.act.set_image("nginx_new")
    workload.nudge()
    workload.wait.all_ready()
    workload.act.scale(4)
    workload.wait.all_ready()
    for ordinal in (1, 0, 2):
        workload.lose_pods(ordinal)
        workload.wait.all_ready()


@scenario(pods=3, markers=True)
def rollback(workload: Workload) -> None:
    """Update, write to the volumes, undo to revision 1, go forth again, and undo during an update."""
    workload.create_settled(3)
    written = [workload.content.write()]
    workload.act.set_image("nginx_new")
    workload.wait.settled()
    workload.content.read(written[0])
    written.append(workload.content.write())
    workload.act.undo(to_revision=1)
    workload.wait.settled()
    for markers in written:
        workload.content.read(markers)
    next_one = workload.state.uids(1)
    workload.act.undo()
    workload.wait.stopping(next_one)
    workload.act.undo()
    workload.wait.settled()
    for markers in written:
        workload.content.read(markers)


@scenario(pods=2)
def history(workload: Workload) -> None:
    """Five templates under revisionHistoryLimit 2, two more under 10, one under -1, and then the limit lowered to 0."""

    def change(step: int) -> None:
        workload.act.patch({"spec": {"template": {"metadata": {"annotations": {"stsconf.dev/step": str(step)}}}}})
        workload.wait.settled()

    workload.create_settled(2, with_spec(revisionHistoryLimit=2))
    for step in range(4):
        change(step)
    workload.wait.revisions(3)
    if not workload.act.set_history_limit(10):
        return
    for step in (4, 5):
        change(step)
    workload.wait.revisions(5)
    workload.act.patch({"spec": {"revisionHistoryLimit": -1}})
    change(6)
    workload.wait.revisions(6)
    workload.act.patch({"spec": {"revisionHistoryLimit": 0}})
    workload.wait.revisions(1)
    workload.wait.settled()


@scenario(pods=3)
def restart(workload: Workload) -> None:
    """Do what ``kubectl rollout restart`` does."""
    workload.create_settled(3)
    workload.act.restart()
    workload.wait.rolled_out()
    workload.wait.settled()


@scenario(pods=4)
def max_unavailable(workload: Workload) -> None:
    """Update 4 replicas with maxUnavailable 2, where the server keeps that field."""
    strategy = {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 2}}
    workload.create_settled(4, with_spec(updateStrategy=strategy))
    workload.act.set_image("nginx_new")
    workload.wait.rolled_out()
    workload.wait.settled()


@scenario(pods=3)
def min_ready_seconds(workload: Workload) -> None:
    """Create, scale up and update with minReadySeconds 3, and change the value on the live set."""
    workload.act.create(2, with_spec(minReadySeconds=3))
    workload.wait.available(2)
    workload.act.scale(3)
    workload.wait.available(3)
    workload.act.set_image("nginx_new")
    workload.wait.settled()
    workload.wait.available(3)
    workload.act.patch({"spec": {"minReadySeconds": 3600}})
    workload.wait.available(0)
    workload.act.patch({"spec": {"minReadySeconds": 0}})
    workload.wait.available(3)


@scenario(pods=3)
def parallel(workload: Workload) -> None:
    """Parallel: create 3 pods that are held not Ready, let them go, update them, and scale to 0."""
    _create_parallel(workload, 3)
    workload.act.patch(UNGATED)
    workload.wait.settled()
    workload.act.scale(0)
    workload.wait.settled()


@scenario(pods=5)
def start_ordinal(workload: Workload) -> None:
    """Create 3 replicas from ordinal 5 on, then let the range begin at 6, then update behind partition 1."""
    workload.create_settled(3, with_spec(ordinals={"start": 5}))
    workload.act.patch({"spec": {"ordinals": {"start": 6}}})
    workload.wait.settled()
    workload.act.set_strategy(partition=1)
    workload.act.set_image("nginx_new")
    workload.wait.rolled_out()


@scenario(pods=2)
def staged_to_zero(workload: Workload) -> None:
    """Hold an update back by a partition, scale to 0 and up again."""
    workload.create_settled(2)
    workload.act.set_strategy(partition=2)
    workload.act.set_image("nginx_new")
    workload.wait.rolled_out()
    workload.act.scale(0)
    workload.wait.all_ready()
    workload.act.scale(2)
    workload.wait.all_ready()


@scenario(pods=4)
def parallel_rollout(workload: Workload) -> None:
    """Update under Parallel with maxUnavailable 2, and let the first pods become Ready out of order."""
    _create_parallel(workload, 4, rollingUpdate={"maxUnavailable": 2})
    if workload.wait.observed().max_unavailable != 2:
        return
    two, one, zero = workload.state.uids(2, 3), workload.state.uids(1), workload.state.uids(0)
    workload.act.set_image("nginx_new")
    workload.wait.replaced(two)
    workload.nudge()
    workload.act.release(2)
    workload.wait.replaced(one)
    workload.act.release(3)
    workload.wait.replaced(zero)
    workload.act.release(0, 1)
    workload.wait.settled()


@scenario(pods=4)
def parallel_broken(workload: Workload) -> None:
    """Update under Parallel while the two lowest of 4 pods are not Ready, where the server keeps maxUnavailable."""
    _create_parallel(workload, 4, rollingUpdate={"maxUnavailable": 1})
    if workload.wait.observed().max_unavailable is None:
        return  # such a server updates serially: it waits for the highest pod before the broken ones
    low, high = workload.state.uids(0, 1), workload.state.uids(2, 3)
    workload.hold(0, 1)
    workload.act.set_image("nginx_new")
    workload.wait.replaced(low)
    workload.act.release(0, 1)
    for ordinal in (3, 2):
        workload.wait.replaced({name: uid for name, uid in high.items() if name.endswith(f"-{ordinal}")})
        workload.act.release(ordinal)
    workload.wait.settled()


def _create_parallel(workload: Workload, replicas: int, **strategy: object) -> None:
    """Create pods under Parallel that can be held back, and let them become Ready."""

    def edit(stateful_set: Object) -> None:
        gated(stateful_set)
        stateful_set["spec"].update(podManagementPolicy="Parallel", updateStrategy=strategy)

    workload.act.create(replicas, edit)
    workload.wait.pods(*range(replicas))
    workload.act.release(*range(replicas))
    workload.wait.settled()


@scenario(pods=3)
def recreate(workload: Workload) -> None:
    """Leave Recreate and come back, update by it, and correct a template that never becomes Ready, where accepted."""
    if not _create_recreating(workload):
        return
    for strategy in ("RollingUpdate", "Recreate"):
        workload.act.set_strategy(strategy)
        workload.wait.settled()
    workload.act.set_image("nginx_new")
    workload.wait.settled()
    _break_and_correct(workload, 0)
    workload.wait.settled()


@scenario(pods=3)
def recreate_parallel(workload: Workload) -> None:
    """The same under Parallel: a template that never becomes Ready, and its correction."""
    if not _create_recreating(workload, podManagementPolicy="Parallel"):
        return
    _break_and_correct(workload, 0, 1, 2)
    workload.wait.settled()


def _create_recreating(workload: Workload, **fields: object) -> bool:
    """Create 3 pods under strategy Recreate and wait for them; whether the server accepts that strategy."""
    try:
        workload.create_settled(3, with_spec(updateStrategy={"type": "Recreate"}, **fields))
    except ApiError as refused:
        if "updateStrategy" not in str(refused):
            raise
        return False
    return True


def _break_and_correct(workload: Workload, *ordinals: int) -> None:
    """Update to a template that never becomes Ready, and take that back once these pods are of it."""
    sound = workload.state.uids(*ordinals)
    workload.act.patch(GATED)
    workload.wait.replaced(sound)
    workload.nudge()
    workload.act.patch(UNGATED)
