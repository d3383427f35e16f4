"""``stsconf snapshot``: what sets, pods, revisions, claims and volumes are."""

import argparse
from pathlib import Path
from typing import Any

from stsconf.cli.arguments import add_cluster_options, add_command, connect
from stsconf.errors import ExitCode


def add(commands: Any) -> None:
    """Add the command."""
    parser = add_command(
        commands,
        _handle,
        "snapshot",
        "save the state of all StatefulSets, their Pods, revisions, PVCs and volumes, for compare",
        "Save every StatefulSet with its revisions, Pods, PVCs and volumes: uids, restarts, owners, and the paths of "
        "the fields of its Pod template with a short tag each. Only reads; no image, value of an environment variable "
        "or annotation is stored.",
        "example: stsconf snapshot -A -o before.json",
    )
    where = parser.add_mutually_exclusive_group()
    where.add_argument("-n", "--namespace", metavar="NAME", help="one namespace (default: that of the context)")
    where.add_argument("-A", "--all-namespaces", action="store_true", help="every namespace")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FILE", help="the file to write")
    add_cluster_options(parser)


def _handle(arguments: argparse.Namespace) -> int:
    from stsconf.gate.snapshot import take

    api = connect(arguments)
    kubeconfig, namespace = arguments.kubeconfig, arguments.namespace
    if not (namespace or arguments.all_namespaces):
        namespace = api.default_namespace(kubeconfig and kubeconfig.expanduser(), arguments.context)
    found = take(api, namespace)
    found.write(arguments.output)
    where = f"in namespace {namespace}" if namespace else "in all namespaces"
    print(f"{arguments.output}: {len(found.sets)} StatefulSets with {found.pods} pods {where}, {found.server}.")
    if found.unseen:
        print(f"Without the right to list them, these were not seen: {', '.join(found.unseen)}.")
    return ExitCode.HOLDS
