"""What a hasty user does: the next change before the last one is done. Judged on facts that never un-happen only."""

from stsconf.act.scenarios.registry import scenario
from stsconf.act.workload import Workload


@scenario(pods=5, hasty=True)
def hasty_scale(workload: Workload) -> None:
    """Scale 1, 5, 2 without waiting."""
    workload.create_settled(1)
    workload.act.scale(5)
    workload.act.scale(2)
    workload.wait.settled()


@scenario(pods=4, hasty=True)
def hasty_scale_and_update(workload: Workload) -> None:
    """Scale from 4 to 2 and change the template without waiting."""
    workload.create_settled(4)
    workload.act.scale(2)
    workload.act.set_image("nginx_new")
    workload.wait.settled()


@scenario(pods=3, hasty=True)
def hasty_updates(workload: Workload) -> None:
    """Change the template twice without waiting."""
    workload.create_settled(3)
    workload.act.set_image("nginx_new")
    workload.act.restart()
    workload.wait.settled()


@scenario(pods=4, hasty=True)
def hasty_delete(workload: Workload) -> None:
    """Delete the StatefulSet in the foreground while it scales from 2 to 4."""
    workload.create_settled(2)
    workload.act.scale(4)
    workload.wait.pods(0, 1, 2)
    workload.act.delete("Foreground")
    workload.wait.gone()
    workload.wait.pods()
