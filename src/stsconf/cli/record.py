"""``stsconf record``: a namespace, watched while others work in it."""

import argparse
import shlex
from pathlib import Path
from typing import Any

from stsconf.cli.arguments import add_cluster_options, add_command, connect, duration
from stsconf.errors import ExitCode


def add(commands: Any) -> None:
    """Add the command."""
    parser = add_command(
        commands,
        _handle,
        "record",
        "record a namespace while others work in it, for stsconf judge",
        "Watch one namespace, changing nothing, until Ctrl-C or --duration; then prove that the recording is "
        "complete, and seal it. Secrets are never watched; values of environment variables and annotations are not "
        "stored.",
        "example: stsconf record -n shop --duration 600",
    )
    parser.add_argument("-n", "--namespace", required=True, metavar="NAME", help="the namespace to record")
    parser.add_argument(
        "--output", type=Path, metavar="FILE", help="a new file; it is sealed as FILE.gz (default: named by the time)"
    )
    parser.add_argument("--duration", type=duration, metavar="TIME", help="how long, as 10m (default: until Ctrl-C)")
    add_cluster_options(parser)


def _handle(arguments: argparse.Namespace) -> int:
    from stsconf.record.passive import default_output, record_namespace
    from stsconf.report.terminal import ProgressLines

    output = arguments.output or default_output(arguments.namespace)
    done = record_namespace(connect(arguments), arguments.namespace, output, arguments.duration, ProgressLines())
    print(f"Recorded {done.events} events of namespace {arguments.namespace} into {done.seal.path}.")
    if done.seal.unproven:
        print(f"The recording is not proven complete for {', '.join(done.seal.unproven)}.")
    print(f"Next: stsconf judge {shlex.quote(str(done.seal.path))}")
    return ExitCode.INCONCLUSIVE if done.seal.unproven else ExitCode.HOLDS
