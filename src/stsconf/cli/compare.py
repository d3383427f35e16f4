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
        "name each set that moved between two snapshots, and the field that changed",
        "Compare two snapshots of one cluster. Says nothing and exits with 0 when nothing moved; names each set that "
        "did, and what of it, and exits with 1.",
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
            f"{len(moved)} of {len(before.sets)} sets moved from {before.taken} ({before.server}) to {after.taken} "
            f"({after.server})."
        )
    return ExitCode.VIOLATED if moved else ExitCode.HOLDS
