"""``stsconf run``: become pytest on the suite."""

import argparse
import os
import sys
from collections.abc import Iterator
from typing import Any

from stsconf import suite_files
from stsconf.cli.arguments import EXIT_CODES, add_command, add_options, given
from stsconf.options import TABLE, Given


def add(commands: Any) -> None:
    """Add the command."""
    parser = add_command(
        commands,
        become_pytest,
        "run",
        "run the suite on a cluster: act, record, judge, report",
        "Act on a cluster, record everything, judge, report. Further arguments go to pytest (-k, -x, -v).",
        "examples:\n  stsconf run\n  stsconf run --cluster existing --context staging --storage-class fast\n"
        f"  stsconf run -k creation\n\n{EXIT_CODES}",
        takes_rest=lambda _: True,
    )
    add_options(parser, "run")


def become_pytest(arguments: argparse.Namespace) -> int:
    """Check the options and become pytest: one process, so that a signal reaches it and nothing else."""
    agree_to_build(given(arguments))
    start = [sys.executable, "-P", "-m", "pytest", str(suite_files.conformance()), "-p", "no:cacheprovider"]
    words = [*start, "--sts-spelling=--", *_words(arguments), *arguments.rest]
    os.execv(sys.executable, words)  # noqa: S606 - no shell is wanted


def _words(arguments: argparse.Namespace) -> Iterator[str]:
    for name, option in TABLE.items():
        value = getattr(arguments, name.replace("-", "_"), None)
        if option.type == "flag":
            yield from [f"--sts-{name}"] if value else []
        elif value is not None:
            yield from (f"--sts-{name}={one}" for one in (value if isinstance(value, list) else [value]))


def agree_to_build(asked: Given, other_version: str | None = None) -> None:
    """Ask before a cold air-gapped build, where the command makes a kind cluster. Raises ``UsageError`` for a no."""
    from stsconf.clusters.engine import EngineChoice
    from stsconf.clusters.engine import agree_to_build as agree

    if asked["cluster"] == "kind" and not asked["dry-run"]:
        versions = (asked["kubernetes"], *([other_version] if other_version else []))
        agree(EngineChoice(asked["engine"]), versions, asks=not asked["yes"])
