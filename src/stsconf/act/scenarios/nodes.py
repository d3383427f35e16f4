"""A node is drained, and a node is lost. Each takes a cluster made for it, whose storage stands on another node."""

from stsconf.act.scenarios.registry import scenario
from stsconf.act.workload import Workload
from stsconf.kube.api import Object

TOLERATED = 5
"""Seconds after which the Pods of a lost node are asked to stop; 300 where a Pod says nothing."""


@scenario(pods=3, markers=True, disruptive=True)
def drain(workload: Workload) -> None:
    """Drain the node of Pod 1: cordon it, and evict the StatefulSet's Pods on it one after the other."""
    workload.create_settled(3)
    written = workload.content.write()
    node = workload.state.node_of(1)
    with workload.act.cordoned(node):
        for ordinal in workload.state.ordinals_on(node):
            workload.evict_pod(ordinal)
        workload.content.read(written)


@scenario(pods=3, markers=True, disruptive=True)
def node_lost(workload: Workload) -> None:
    """Lose the node of Pod 1 until deletion of its Pods is requested and another StatefulSet gets a Pod."""
    workload.create_settled(3, _tolerating)
    written = workload.content.write()
    node = workload.state.node_of(1)
    uids = workload.state.uids(*workload.state.ordinals_on(node))
    with workload.act.without(node):
        workload.wait.stopping(uids)
        workload.witness()
    workload.wait.replaced(uids)
    workload.wait.settled()
    workload.content.read(written)


def _tolerating(stateful_set: Object) -> None:
    stateful_set["spec"]["template"]["spec"]["tolerations"] = [
        {"key": f"node.kubernetes.io/{trouble}", "operator": "Exists", "effect": "NoExecute"}
        | {"tolerationSeconds": TOLERATED}
        for trouble in ("not-ready", "unreachable")
    ]
