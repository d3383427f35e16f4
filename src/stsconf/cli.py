"""The command line: ``stsconf run | judge | promises``."""

import argparse
import os
import sys
import textwrap
import tomllib
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from stsconf import suite_files
from stsconf.errors import ExitCode, StsconfError, UsageError

_EPILOG = """\
exit codes: 0 all required promises hold, 1 one is violated, 2 interrupted, 3 our own error, 4 usage,
5 nothing to judge, 10 inconclusive, 11 refused before acting, 12 a required promise was not judged
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; every error is one paragraph on standard error."""
    parser = _parser()
    arguments, rest = parser.parse_known_args(argv)
    if rest and arguments.command != "run":
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    try:
        return int(arguments.handler(arguments, rest))
    except StsconfError as error:
        print("\n".join(textwrap.wrap(f"stsconf: {error}", 100)), file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.HOLDS


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="stsconf",
        description="Does this Kubernetes cluster keep every documented promise about StatefulSets? "
        "Judged from complete watch timelines, with the events that prove each verdict.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"stsconf {version('statefulset-conformance')}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_run(commands)
    judge = commands.add_parser(
        "judge",
        help="judge saved recordings again, with no cluster",
        description="Judge every promise on saved recordings; verdicts depend on the recordings alone.",
        epilog="example: stsconf judge reports/20261124-191502-ab12/timelines/run.ndjson.gz",
    )
    judge.add_argument("recording", nargs="+", type=Path, help="a recording, or a folder of a run")
    judge.add_argument("--output-dir", type=Path, help="write verdict.json and junit.xml here")
    judge.set_defaults(handler=_judge)
    promises = commands.add_parser("promises", help="list every promise: id, level, scenarios, sentence")
    promises.set_defaults(handler=_promises)
    return parser


def _options() -> dict[str, dict[str, Any]]:
    return tomllib.loads((Path(__file__).parent / "options.toml").read_text(encoding="utf-8"))


def _add_run(commands: Any) -> None:
    run = commands.add_parser(
        "run",
        help="run the suite on a cluster: act, record, judge, report",
        description="Act on a cluster, record everything, judge, report. Further arguments go to pytest (-k, -x, -v).",
        epilog="examples:\n  stsconf run\n  stsconf run --cluster existing --context staging --storage-class fast\n"
        "  stsconf run -k creation\n\n" + _EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    for name, option in _options().items():
        settings: dict[str, Any] = {"help": option["help"], "default": argparse.SUPPRESS}
        if option.get("flag"):
            settings["action"] = "store_true"
        else:
            settings |= {key: option[key] for key in ("choices", "metavar") if key in option}
            if option.get("repeat"):
                settings["action"] = "append"
        if "default" in option:
            settings["help"] += f" (default: {option['default']})"
        run.add_argument(f"--{name}", **settings)
    run.set_defaults(handler=_run)


def _run(arguments: argparse.Namespace, rest: Sequence[str]) -> int:
    """Become pytest on the suite: one process, so that a signal reaches it and nothing else."""
    given: list[str] = []
    for name, option in _options().items():
        value = getattr(arguments, name.replace("-", "_"), None)
        if option.get("flag"):
            given += [f"--sts-{name}"] if value else []
        else:
            values = value if isinstance(value, list) else [value]
            given += [f"--sts-{name}={one}" for one in values if one is not None]
    if "kind" in (getattr(arguments, "cluster", None) or os.environ.get("STS_CLUSTER") or "kind"):
        _agree_to_build(getattr(arguments, "engine", "auto"), getattr(arguments, "yes", False))
    command = [sys.executable, "-P", "-m", "pytest", str(suite_files.conformance()), "-p", "no:cacheprovider"]
    os.execv(sys.executable, [*command, *given, *rest])  # noqa: S606 - no shell is wanted


def _agree_to_build(choice: str, yes: bool) -> None:
    """Say what a cold air-gapped build will do, and ask on a terminal. Raises ``UsageError`` for a no."""
    from stsconf.clusters.engine import EngineChoice, airgap_plan, resolve

    if resolve(EngineChoice(choice)) is not EngineChoice.AIRGAP:
        return
    plan = airgap_plan()
    if plan is None:
        return
    print(plan, file=sys.stderr)
    if sys.stdin.isatty() and not yes and input("Go on? [y/N] ").strip().lower() not in ("y", "yes"):
        raise UsageError("Nothing was done.", "Use --cluster existing for a cluster you have.")


def _judge(arguments: argparse.Namespace, rest: Sequence[str]) -> int:  # noqa: ARG001 - one signature for all commands
    from stsconf.promise import import_promises
    from stsconf.reporting.terminal import print_report
    from stsconf.results import rejudge
    from stsconf.timeline import load

    promises = import_promises(suite_files.conformance())
    recordings = [load(path) for given in arguments.recording for path in _recordings(given)]
    results = rejudge(recordings, promises.values(), arguments.output_dir or Path())
    code = results.finish(write=arguments.output_dir is not None)
    print_report(results.info(), results.verdicts)
    return code


def _recordings(given: Path) -> list[Path]:
    """The recordings below a run's folder, or the file itself. Raises ``UsageError`` when there is none."""
    if given.is_file():
        return [given]
    folder = given / "timelines" if (given / "timelines").is_dir() else given
    found = sorted(folder.rglob("*.ndjson.gz")) + sorted(folder.rglob("*.ndjson"))
    if not found:
        raise UsageError(f"There is no recording at {given}.", "Name a .ndjson or .ndjson.gz file, or a run's folder.")
    return found


def _promises(arguments: argparse.Namespace, rest: Sequence[str]) -> int:  # noqa: ARG001 - one signature for all commands
    from stsconf.promise import import_promises

    for promise in sorted(import_promises(suite_files.conformance()).values(), key=lambda p: p.id):
        print(f"{promise.id}  {promise.level:14}  {','.join(promise.scenarios):24}  {promise.title}")
        print(f"{'':8}{promise.source}")
    return ExitCode.HOLDS


if __name__ == "__main__":
    sys.exit(main())
