"""What the commands share: a parser whose errors are usage errors, the options of a run, the cluster to talk to."""

import argparse
import os
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn, TypeAlias

from stsconf.deadline import seconds
from stsconf.errors import ClusterError, PreflightRefused, UsageError
from stsconf.options import GROUPS, TABLE, Given, read

EXIT_CODES = """\
exit codes: 0 all required promises hold, 1 one is violated, 2 interrupted, 3 our own error, 4 usage,
5 nothing to judge, 10 inconclusive, 11 refused before acting, 12 a required promise was not judged,
20 a regression against the baseline
"""

Handler: TypeAlias = Callable[[argparse.Namespace], int]
"""Carries a command out and returns its exit code. ``rest`` of its arguments are the words that no option explains."""


class Parser(argparse.ArgumentParser):
    """No abbreviations, which would swallow options of pytest; an error is a ``UsageError``."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**{"formatter_class": argparse.RawDescriptionHelpFormatter, "allow_abbrev": False, **settings})

    def error(self, message: str) -> NoReturn:
        """Raise ``UsageError``."""
        what = message.removeprefix("argument ")
        raise UsageError(f"{what[:1].upper()}{what[1:]}.", f"See `{self.prog} --help`.")


def add_command(
    commands: Any,
    handler: Handler,
    name: str,
    brief: str,
    about: str,
    end: str,
    takes_rest: Callable[[argparse.Namespace], bool] = lambda _: False,
) -> argparse.ArgumentParser:
    """Add a command: a line for the list of commands, a paragraph about it, and its examples.

    ``takes_rest`` tells whether words that no option explains are not refused.
    """
    parser: argparse.ArgumentParser = commands.add_parser(
        name, help=brief, description=textwrap.fill(about, 100), epilog=end
    )
    parser.set_defaults(handler=handler, takes_rest=takes_rest)
    return parser


def add_options(parser: argparse.ArgumentParser, command: str) -> None:
    """The options of ``options.toml`` that a command takes, below the headings of ``GROUPS``."""
    for group, title in GROUPS.items():
        rows = {name: row for name, row in TABLE.items() if row.group == group and command in row.commands}
        place = parser.add_argument_group(title) if rows else parser
        for name, row in rows.items():
            place.add_argument(f"--{name}", **row.argument(grouped=True))


def given(arguments: argparse.Namespace) -> Given:
    """What the options and the environment ask for. Raises ``UsageError`` for what makes no sense."""
    named = {name: getattr(arguments, name.replace("-", "_"), None) for name in TABLE}
    return read(named, os.environ, arguments.command)


def duration(text: str) -> float:
    """Seconds, for argparse."""
    try:
        return seconds(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def add_cluster_options(parser: argparse.ArgumentParser) -> None:
    """Which cluster, for a command that is no run."""
    parser.add_argument("--kubeconfig", type=Path, metavar="FILE", help="default: as kubectl, KUBECONFIG or ~/.kube")
    parser.add_argument("--context", metavar="NAME", help="a context of the kubeconfig (default: its current one)")


def connect(arguments: argparse.Namespace) -> Any:
    """The API server that the options name. Raises ``UsageError`` and ``PreflightRefused`` when it cannot be used."""
    from stsconf.kube.api import Api, ApiError

    kubeconfig = arguments.kubeconfig
    api = Api.from_kubeconfig(kubeconfig.expanduser() if kubeconfig else None, arguments.context)
    try:
        api.request("GET", "version")
    except (ApiError, ClusterError) as error:
        raise PreflightRefused(error.what, error.next_step) from None
    return api
