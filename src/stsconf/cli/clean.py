"""``stsconf clean``: what killed runs left behind."""

import argparse
import shlex
from typing import Any

from stsconf.cli.arguments import add_cluster_options, add_command, connect
from stsconf.errors import UsageError


def add(commands: Any) -> None:
    """Add the command."""
    parser = add_command(
        commands,
        _handle,
        "clean",
        "list what killed runs left behind, and remove it with --yes",
        "List what runs left behind on a cluster and, with --yes, delete exactly that: objects whose uid is in a run's "
        "record. Without --kubeconfig and --context, kind clusters of dead runs on this machine too. Exits with 0 when "
        "nothing is left, 10 when something is, 11 for a run that is alive.",
        "example: stsconf clean --context staging --yes",
    )
    parser.add_argument("--run", metavar="ID", help="only this run")
    parser.add_argument("-n", "--namespace", metavar="NAME", help="only runs in this prepared namespace")
    parser.add_argument("--yes", action="store_true", help="delete; without it nothing is changed")
    parser.add_argument("--force", action="store_true", help="also clean up after a run that seems to be alive")
    add_cluster_options(parser)


def _handle(arguments: argparse.Namespace) -> int:
    from stsconf.cleanup.clean import Request, clean_cluster
    from stsconf.clusters.notes import clean_kind
    from stsconf.report.terminal import ProgressLines
    from stsconf.waits import Waits

    names = ("kubeconfig", "context", "namespace", "run")
    named = [f"--{name}={value}" for name in names if (value := getattr(arguments, name))]
    again = shlex.join(["stsconf", "clean", *named, *(["--force"] if arguments.force else []), "--yes"])
    request, say = Request(arguments.run, arguments.yes, arguments.force, again, arguments.namespace), ProgressLines()
    if arguments.kubeconfig or arguments.context or arguments.namespace:
        return clean_cluster(connect(arguments), request, Waits(), say)
    code = clean_kind(request, say)
    try:
        api = connect(arguments)
    except UsageError:
        print("No kubeconfig was given or found, so no other cluster was searched.")
        return code
    return max(code, clean_cluster(api, request, Waits(), say))
