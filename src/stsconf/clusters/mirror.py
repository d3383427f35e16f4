"""A registry that the nodes of provider ``kind`` pull through: a company's mirror, or a cache beside the machine.

Nodes learn of it as in kind's documentation of local registries: a ``hosts.toml`` per registry, which containerd reads
at each pull (https://github.com/containerd/containerd/blob/main/docs/hosts.md).
"""

import ipaddress
import re
from collections.abc import Sequence
from pathlib import Path

from stsconf.clusters.engine import Engine
from stsconf.errors import ClusterError

MIRRORED = ("docker.io", "registry.k8s.io")
"""The registries of ``manifests/images.yaml``."""
FOLDER = "/etc/containerd/certs.d"
ADDRESS = re.compile(r"https?://(?P<host>[\w.-]+|\[[\da-fA-F:]+\])(:\d{1,5})?/?", re.ASCII)


def checked(url: str) -> str:
    """The address of a mirror, ``http[s]://HOST[:PORT]``. Raises ``ValueError`` with a sentence for anything else."""
    if not (found := ADDRESS.fullmatch(url)):
        raise ValueError(f"'{url}' is not a registry (use http[s]://HOST[:PORT], with no path)")
    if _is_loopback(found["host"].strip("[]")):
        raise ValueError(f"'{url}' would be each node itself (use the address that containers reach it by)")
    return url.rstrip("/")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def use(url: str, nodes: Sequence[str], engine: Engine) -> None:
    """Let the nodes' containerd ask a mirror first, and the registry itself for what the mirror does not have.

    ``nodes`` are names of containers. Raises ``ClusterError`` of stage ``mirror``.
    """
    for node in nodes:
        if FOLDER not in engine.docker("mirror", "exec", node, "containerd", "config", "dump"):
            raise ClusterError(
                "mirror",
                f"containerd of node {node} does not read {FOLDER}, so it would not use {url}.",
                "Use a node image of kind 0.27 or newer.",
            )
        for registry in MIRRORED:
            file = f"{FOLDER}/{registry}/hosts.toml"
            hosts = f'[host."{url}"]\n  capabilities = ["pull", "resolve"]\n'
            script = f"mkdir -p {Path(file).parent} && cat > {file}"
            engine.docker("mirror", "exec", "--interactive", node, "sh", "-c", script, given=hosts)
