"""Several nodes of kind: the way between their pods where the node image brings none, and the loss of one."""

from collections.abc import Iterator
from contextlib import contextmanager

from stsconf.clusters.engine import Engine
from stsconf.kube.api import Api

STAGE = "nodes"


def connect(api: Api, engine: Engine) -> None:
    """Give each node its own pod range, and a route to that of every other, as kind's own network plugin does.

    Raises ``ClusterError`` of stage ``nodes``.
    """
    nodes = {
        node["metadata"]["name"]: (
            node["spec"]["podCIDR"],
            next(one["address"] for one in node["status"]["addresses"] if one["type"] == "InternalIP"),
        )
        for node in api.list("Node")
    }
    for name, (own, _) in nodes.items():
        routes = [f"ip route replace {pods} via {address}" for pods, address in nodes.values() if pods != own]
        ranges = f"""sed -i 's|"subnet": "[^"]*"|"subnet": "{own}"|' /etc/cni/net.d/*.conflist"""
        engine.docker(STAGE, "exec", name, "sh", "-ec", "\n".join([ranges, *routes]))


@contextmanager
def lost(engine: Engine, node: str) -> Iterator[None]:
    """The kubelet of a node does not run in the context; what runs on the node goes on."""
    engine.docker(STAGE, "exec", node, "systemctl", "stop", "kubelet")
    try:
        yield
    finally:
        engine.docker(STAGE, "exec", node, "systemctl", "start", "kubelet")
