"""``stsconf gate``: a run beside an earlier one."""

import argparse
from pathlib import Path
from typing import Any

from stsconf.cli.arguments import EXIT_CODES, add_command, add_options, given
from stsconf.cli.judge import judged_again, told
from stsconf.cli.run import become_pytest
from stsconf.errors import UsageError


def add(commands: Any) -> None:
    """Add the command."""
    parser = add_command(
        commands,
        _handle,
        "gate",
        "run, and compare with an earlier run: regressions and lost coverage",
        "Save a run as a baseline, or compare a run with one. A promise that held and is violated, or that was "
        "judged and is not any more, is a regression (exit 20). Rules of different revisions are not compared.",
        "examples:\n  stsconf gate --cluster existing --context prod --save-baseline before.json\n"
        "  stsconf gate --cluster existing --context prod --baseline before.json --accepted accepted.toml\n"
        f"  stsconf gate --baseline before.json --from reports/20261124-191502-ab12\n\n{EXIT_CODES}",
        takes_rest=lambda arguments: arguments.source is None,
    )
    parser.add_argument(
        "--from", type=Path, dest="source", metavar="DIR", help="judge this run's recordings; act on nothing"
    )
    add_options(parser, "gate")


def _handle(arguments: argparse.Namespace) -> int:
    asked = given(arguments)
    if not (asked["baseline"] or asked["save-baseline"]):
        raise UsageError("There is nothing to compare with.", "Give --save-baseline FILE first, later --baseline FILE.")
    if arguments.source is None:
        return become_pytest(arguments)
    from stsconf.gate.gate import gate
    from stsconf.run.config import Config

    config = Config.of(asked)
    compared = gate(config.baseline, config.accepted)
    results = judged_again(
        [arguments.source], arguments.output_dir, lambda promise: promise.of_upgrades or config.wants(promise)
    )
    results.gate, results.save_baseline = compared, config.save_baseline
    return told(results, write=arguments.output_dir is not None)
