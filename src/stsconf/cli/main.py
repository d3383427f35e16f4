"""The command line: ``stsconf run``, ``judge``, ``upgrade`` and the others, each in a module of its name."""

import argparse
import os
import sys
import textwrap
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from stsconf.cli import (
    clean,
    compare,
    gate,
    images,
    judge,
    promises,
    rbac,
    record,
    run,
    snapshot,
    upgrade,
    verify,
    walkthrough,
)
from stsconf.cli.arguments import EXIT_CODES, Parser
from stsconf.cli.process import prepare
from stsconf.errors import FULL, ExitCode, StsconfError

COMMANDS = (
    *(run, gate, walkthrough, record, judge, verify, promises),
    *(upgrade, snapshot, compare, rbac, images, clean),
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; every error is one paragraph on standard error."""
    prepare()
    arguments = None
    try:
        parser = _parser()
        arguments, rest = parser.parse_known_args(argv)
        arguments.rest = rest
        if rest and not arguments.takes_rest(arguments):
            parser.error(f"there is no option {' '.join(rest)}")
        return int(arguments.handler(arguments))
    except StsconfError as error:
        print("\n".join(textwrap.wrap(f"stsconf: {error}", 100)), file=sys.stderr)
        return error.exit_code
    except OSError as error:
        if arguments is None or not _named(error.filename, arguments):
            raise
        print(f"stsconf: {error.filename}: {error.strerror}.", file=sys.stderr)
        return ExitCode.HARNESS if error.errno in FULL else ExitCode.USAGE
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED


def _named(path: object, arguments: argparse.Namespace) -> bool:
    """Whether the user named this path: it, one above or one below it is an argument."""
    given = [value.absolute() for value in vars(arguments).values() if isinstance(value, Path)]
    if not isinstance(path, str | os.PathLike):
        return False
    found = Path(path).absolute()
    return any(found.is_relative_to(one) or one.is_relative_to(found) for one in given)


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="stsconf",
        description="Does this Kubernetes cluster keep every documented promise about StatefulSets? "
        "Judged from complete\nwatch timelines, with the events that prove each verdict.",
        epilog=EXIT_CODES,
    )
    parser.add_argument("--version", action="version", version=f"stsconf {version('statefulset-conformance')}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for command in COMMANDS:
        command.add(commands)
    return parser
