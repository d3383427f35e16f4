"""Creation and scaling."""

from stsconf.act.scenarios.registry import scenario
from stsconf.act.workload import Workload, gated
from stsconf.kube.api import Object


@scenario(pods=2)
def create(workload: Workload) -> None:
    """Create the documented Service and StatefulSet with 2 replicas, and wait until both are Ready."""
    workload.create_settled()


@scenario(pods=4)
def scale_up(workload: Workload) -> None:
    """Scale from 2 to 4 replicas."""
    workload.create_settled()
    workload.scale(4)
    workload.wait_settled()


@scenario(pods=4)
def scale_down(workload: Workload) -> None:
    """Scale from 4 to 2 replicas, and then to 0."""
    workload.create_settled(4)
    workload.scale(2)
    workload.wait_settled()
    workload.scale(0)
    workload.wait_settled()


@scenario(pods=4, markers=True)
def rescale(workload: Workload) -> None:
    """Scale 2, 4, 2, 4; each pod writes to its volume before the scale-down, which is looked for after it."""
    workload.create_settled()
    workload.scale(4)
    workload.wait_settled()
    written = workload.write_markers()
    workload.scale(2)
    workload.wait_settled()
    workload.scale(4)
    workload.wait_settled()
    workload.read_markers(written)


@scenario(pods=4)
def scale_up_held(workload: Workload) -> None:
    """Scale from 2 to 4 while pod 1 is held not Ready, then let it go."""
    workload.create(edit=gated)
    workload.wait_pods(0)
    workload.release(0)
    workload.wait_pods(0, 1)
    workload.release(1)
    workload.wait_ready(2)
    workload.hold(1)
    workload.scale(4)
    workload.nudge()
    workload.release(1)
    for ordinal in (2, 3):
        workload.wait_pods(*range(ordinal + 1))
        workload.release(ordinal)
    workload.wait_settled()


@scenario(pods=4)
def scale_down_held(workload: Workload) -> None:
    """Scale from 4 to 2 while pod 0 is held not Ready, then let it go."""
    workload.create_gated(4)
    workload.hold(0)
    workload.scale(2)
    workload.nudge()
    workload.release(0)
    workload.wait_settled()


@scenario(pods=4)
def scale_down_two_held(workload: Workload) -> None:
    """Scale from 4 to 2 while pods 2 and 3, which are to go, are held not Ready, then let pod 3 go."""
    workload.create_gated(4)
    workload.hold(2, 3)
    workload.scale(2)
    workload.nudge()
    workload.release(3)
    workload.wait_settled()


@scenario(pods=1)
def same_named_volume(workload: Workload) -> None:
    """Create a set whose pod template has a volume of the same name as a claim template."""

    def edit(stateful_set: Object) -> None:
        name = workload.names.claim
        stateful_set["spec"]["template"]["spec"].setdefault("volumes", []).append({"name": name, "emptyDir": {}})

    workload.create_settled(1, edit)
