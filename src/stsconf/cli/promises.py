"""``stsconf promises``: what is judged, and what there is to know of it."""

import argparse
from typing import Any

from stsconf import suite_files
from stsconf.cli.arguments import add_command
from stsconf.errors import ExitCode


def add(commands: Any) -> None:
    """Add the command."""
    parser = add_command(
        commands,
        _handle,
        "promises",
        "list every promise: id, level, scenarios, sentence, source",
        "List every promise that is judged, or explain the given ones.",
        "example: stsconf promises ORD-02",
    )
    parser.add_argument("id", nargs="*", help="explain this promise, with the document's own words")
    parser.add_argument(
        "--all", action="store_true", help="list the whole catalogue, with the reason why a row is not judged"
    )


def _handle(arguments: argparse.Namespace) -> int:
    from stsconf.judging.promise import import_promises
    from stsconf.report import listing

    promises = import_promises(suite_files.conformance())
    if arguments.id:
        lines = listing.about(arguments.id, promises)
    else:
        lines = listing.everything(promises) if arguments.all else listing.judged(promises.values())
    for line in lines:
        print(line)
    return ExitCode.HOLDS
