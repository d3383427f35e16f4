"""``stsconf compare``: which sets moved between two snapshots."""

import argparse
import sys
from pathlib import Path
from typing import Any

from stsconf.cli.arguments import add_command
from stsconf.errors import ExitCode


def add(commands: Any) -> None:
    """Add the command."""
    parser = add_command(
        commands,
        _handle,
        "compare",
        "name each StatefulSet that changed between two snapshots, and the field",
        "Compare two snapshots of one cluster. Prints nothing and exits with 0 when nothing changed. Otherwise prints "
        "each changed StatefulSet with its changes, and exits with 1.",
        "example: stsconf compare before.json after.json",
    )
    for name in ("before", "after"):
        parser.add_argument(name, type=Path, metavar=name.upper(), help="a file that stsconf snapshot wrote")


def _handle(arguments: argparse.Namespace) -> int:
    from stsconf.gate.comparison import blind_spots, compare
    from stsconf.gate.snapshot import read
    from stsconf.report.terminal import print_moved

    before, after = read(arguments.before), read(arguments.after)
    moved = compare(before, after)
    for sentence in blind_spots(before, after):
        print(f"stsconf: {sentence}", file=sys.stderr)
    print_moved(moved)
    if moved:
        print(
            f"{len(moved)} of {len(before.sets)} StatefulSets changed from {before.taken} ({before.server}) to "
            f"{after.taken} ({after.server})."
        )
    return ExitCode.VIOLATED if moved else ExitCode.HOLDS
