"""``stsconf rbac``: the rights that a run takes."""

import argparse
from typing import Any

from stsconf.cli.arguments import add_command
from stsconf.errors import ExitCode


def add(commands: Any) -> None:
    """Add the command."""
    parser = add_command(
        commands,
        _handle,
        "rbac",
        "print the Role that a run needs in a prepared namespace",
        "Print a ServiceAccount, the minimal Role for a run in a prepared namespace, and the binding, for kubectl "
        "apply. It holds nothing cluster-scoped, so promises about volumes are inconclusive; --with-volumes adds "
        "a ClusterRole that reads PersistentVolumes and StorageClasses. --job adds a Job that does the run: further "
        "options are those of `stsconf run`, `kubectl logs` shows the report.",
        "examples:\n  stsconf rbac --namespace sts-check | kubectl apply -f -\n"
        "  stsconf rbac --namespace sts-check --job registry.example/stsconf --storage-class fast | kubectl apply -f -",
        takes_rest=lambda arguments: arguments.job is not None,
    )
    parser.add_argument("-n", "--namespace", required=True, metavar="NAME", help="the prepared namespace")
    parser.add_argument("--with-volumes", action="store_true", help="add the ClusterRole")
    parser.add_argument("--job", metavar="IMAGE", help="add a Job of this image of the suite, with further options")


def _handle(arguments: argparse.Namespace) -> int:
    import yaml

    from stsconf.clusters.rights import job_manifest, role_manifests

    manifests = [*role_manifests(arguments.namespace, volumes=arguments.with_volumes)]
    if arguments.job:
        manifests.append(job_manifest(arguments.namespace, arguments.job, arguments.rest))
    print("---\n".join(yaml.safe_dump(one, sort_keys=False) for one in manifests), end="")
    return ExitCode.HOLDS
