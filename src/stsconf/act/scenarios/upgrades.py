"""Sets of every kind that are there when the control plane is upgraded: how they come to be, and when they are at rest.

An ordinary run does not act these; ``stsconf upgrade`` does, all at once, and exchanges the version in between.
"""

from collections.abc import Callable
from dataclasses import dataclass

from stsconf.act.objects import with_spec
from stsconf.act.scenarios.deletion import policy
from stsconf.act.workload import Workload
from stsconf.kube.api import Object

Act = Callable[[Workload], None]


@dataclass(frozen=True, slots=True)
class UpgradeSubject:
    """One kind of set. ``prepare`` makes it and waits until it is at rest; ``rest`` waits for that again."""

    name: str
    summary: str
    prepare: Act
    rest: Act


UPGRADED: dict[str, UpgradeSubject] = {}
PODS = 5
"""The most pods that one of them has at one time, the witness included."""


def upgrade_subject(rest: Act) -> Callable[[Act], Act]:
    """Register a function that prepares a set; its name is the scenario's, its docstring the summary."""

    def register(prepare: Act) -> Act:
        name = prepare.__name__
        UPGRADED[name] = UpgradeSubject(name, " ".join((prepare.__doc__ or "").split()), prepare, rest)
        return prepare

    return register


def _without_claims(stateful_set: Object) -> None:
    del stateful_set["spec"]["volumeClaimTemplates"]
    del stateful_set["spec"]["template"]["spec"]["containers"][0]["volumeMounts"]


@upgrade_subject(lambda workload: workload.wait.settled())
def upgrade_plain(workload: Workload) -> None:
    """A set without claims."""
    workload.create_settled(3, _without_claims)


@upgrade_subject(lambda workload: workload.wait.settled())
def upgrade_claims(workload: Workload) -> None:
    """A set that owns its claims, since they are deleted with it."""
    workload.create_settled(3, with_spec(**policy("Retain", "Delete")))
    workload.wait.claims_owned(0, 1, 2)


@upgrade_subject(lambda workload: workload.wait.all_ready())
def upgrade_partition(workload: Workload) -> None:
    """A set in the middle of a staged update: pods 0 and 1 are behind the partition, pod 2 is updated."""
    workload.create_settled(3)
    workload.act.set_strategy(partition=2)
    workload.act.set_image("nginx_new")
    workload.wait.rolled_out()


@upgrade_subject(lambda workload: workload.wait.all_ready())
def upgrade_on_delete(workload: Workload) -> None:
    """A set under OnDelete, whose template changed and whose pods were not deleted since."""
    workload.create_settled(3, with_spec(updateStrategy={"type": "OnDelete"}))
    workload.act.set_image("nginx_new")
    workload.nudge()
    workload.wait.all_ready()


@upgrade_subject(lambda workload: workload.wait.settled())
def upgrade_parallel(workload: Workload) -> None:
    """A set whose pods are managed in parallel."""
    workload.create_settled(3, with_spec(podManagementPolicy="Parallel"))


@upgrade_subject(lambda workload: workload.wait.settled())
def upgrade_rolled_back(workload: Workload) -> None:
    """A set that was updated, and undone to its first revision."""
    workload.create_settled(2)
    workload.act.set_image("nginx_new")
    workload.wait.settled()
    workload.act.undo()
    workload.wait.settled()


@upgrade_subject(lambda workload: workload.wait.owned(0, 1, 2, owned=False))
def upgrade_orphans(workload: Workload) -> None:
    """Pods that a set left behind, deleted with cascade orphan."""
    workload.create_settled(3)
    workload.orphan(0, 1, 2)
