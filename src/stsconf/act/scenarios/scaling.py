"""Creation and scaling."""

from stsconf.act.objects import gated
from stsconf.act.scenarios.registry import scenario
from stsconf.act.workload import Workload
from stsconf.kube.api import Object


@scenario(pods=2)
def create(workload: Workload) -> None:
    """Create the documented Service and StatefulSet with 2 replicas, and wait until both are Ready."""
    workload.create_settled()


@scenario(pods=4)
def scale_up(workload: Workload) -> None:
    """Scale from 2 to 4 replicas."""
    workload.create_settled()
    workload.act.scale(4)
    workload.wait.settled()


@scenario(pods=4)
def scale_down(workload: Workload) -> None:
    """Scale from 4 to 2 replicas, and then to 0."""
    workload.create_settled(4)
    workload.act.scale(2)
    workload.wait.settled()
    workload.act.scale(0)
    workload.wait.settled()


@scenario(pods=4, markers=True)
def rescale(workload: Workload) -> None:
    """Scale 2, 4, 2, 4; each pod writes to its volume before the scale-down, which is looked for after it."""
    workload.create_settled()
    workload.act.scale(4)
    workload.wait.settled()
    written = workload.content.write()
    workload.act.scale(2)
    workload.wait.settled()
    workload.act.scale(4)
    workload.wait.settled()
    workload.content.read(written)


@scenario(pods=4)
def scale_up_held(workload: Workload) -> None:
    """Scale from 2 to 4 while pod 1 is held not Ready, then let it go."""
    workload.act.create(edit=gated)
    workload.wait.pods(0)
    workload.act.release(0)
    workload.wait.pods(0, 1)
    workload.act.release(1)
    workload.wait.ready(2)
    workload.hold(1)
    workload.act.scale(4)
    workload.nudge()
    workload.act.release(1)
    for ordinal in (2, 3):
        workload.wait.pods(*range(ordinal + 1))
        workload.act.release(ordinal)
    workload.wait.settled()


@scenario(pods=4)
def scale_down_held(workload: Workload) -> None:
    """Scale from 4 to 2 while pod 0 is held not Ready, then let it go."""
    workload.create_gated(4)
    workload.hold(0)
    workload.act.scale(2)
    workload.nudge()
    workload.act.release(0)
    workload.wait.settled()


@scenario(pods=4)
def scale_down_two_held(workload: Workload) -> None:
    """Scale from 4 to 2 while pods 2 and 3, which are to go, are held not Ready, then let pod 3 go."""
    workload.create_gated(4)
    workload.hold(2, 3)
    workload.act.scale(2)
    workload.nudge()
    workload.act.release(3)
    workload.wait.settled()


@scenario(pods=1)
def same_named_volume(workload: Workload) -> None:
    """Create a StatefulSet whose Pod template has a volume of the same name as a claim template."""

    def edit(stateful_set: Object) -> None:
        name = workload.names.claim
        stateful_set["spec"]["template"]["spec"].setdefault("volumes", []).append({"name": name, "emptyDir": {}})

    workload.create_settled(1, edit)
