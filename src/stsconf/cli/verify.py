"""``stsconf verify``: check that a result follows from its own recordings."""

import argparse
from pathlib import Path
from typing import Any

from stsconf import suite_files
from stsconf.cli.arguments import add_command
from stsconf.errors import ExitCode


def add(commands: Any) -> None:
    """Add the command."""
    parser = add_command(
        commands,
        _handle,
        "verify",
        "check that a result follows from its own recordings",
        "Judge the sealed recordings of a run's folder again and compare with its verdict.json. Exits with 0 when both "
        "agree, else with 3 and the file that is missing, damaged, of another schema or different. The hashes detect "
        "accidents, not a forger.",
        "example: stsconf verify reports/20261124-191502-ab12",
    )
    parser.add_argument("folder", type=Path, metavar="DIR", help="the output folder of a run")


def _handle(arguments: argparse.Namespace) -> int:
    from stsconf.gate.verification import verify
    from stsconf.judging.promise import import_promises
    from stsconf.report.style import count_summary

    verdicts = verify(arguments.folder, import_promises(suite_files.conformance()))
    print(f"{arguments.folder / 'verdict.json'} is what its recordings say: {count_summary(verdicts)}.")
    return ExitCode.HOLDS
