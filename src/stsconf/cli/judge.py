"""``stsconf judge``: recordings judged again."""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from stsconf import suite_files
from stsconf.cli.arguments import add_command, add_options, given
from stsconf.errors import UsageError


def add(commands: Any) -> None:
    """Add the command."""
    parser = add_command(
        commands,
        _handle,
        "judge",
        "judge saved recordings again, with no cluster",
        "Judge every promise, or those that are named, on saved recordings; verdicts depend on the recordings alone.",
        "examples:\n  stsconf judge reports/20261124-191502-ab12/timelines/run.ndjson.gz\n"
        "  stsconf judge reports/20261124-191502-ab12 --promises ORD-02,DEL",
    )
    parser.add_argument("recording", nargs="+", type=Path, help="a recording, or a folder of a run")
    parser.add_argument("--output-dir", type=Path, metavar="DIR", help="write verdict.json and junit.xml here")
    add_options(parser, "judge")


def _handle(arguments: argparse.Namespace) -> int:
    from stsconf.judging import catalogue

    asked = given(arguments)
    with asked.checking("promises"):
        names = asked["promises"] and catalogue.named(asked["promises"])
    results = judged_again(
        arguments.recording, arguments.output_dir, lambda promise: not names or {promise.id, promise.area} & {*names}
    )
    for path, words, _ in map(_origin, results.recordings):
        print(f"Judged: {path} ({words})")
    return told(results, write=arguments.output_dir is not None)


def judged_again(paths: Sequence[Path], output_dir: Path | None, wanted: Callable[[Any], object]) -> Any:
    """The results of the wanted promises on recordings, or on folders of runs."""
    from stsconf.judging.promise import import_promises
    from stsconf.report.results import recordings_below, rejudge
    from stsconf.timeline.recording import load

    promises = filter(wanted, import_promises(suite_files.conformance()).values())
    recordings = [load(path) for each in paths for path in recordings_below(each)]
    origins = {where: f"{path} ({words})" for path, words, where in reversed([_origin(r) for r in recordings])}
    if len(origins) > 1:
        raise UsageError(
            "These recordings are of different clusters or versions, and one verdict cannot speak of both: "
            f"{'; '.join(sorted(origins.values()))}.",
            "Judge them one by one.",
        )
    return rejudge(recordings, promises, output_dir or Path())


def _origin(recording: Any) -> tuple[Path, str, tuple[object, object]]:
    """Where a recording was made: its file, in words, and what must be the same for one verdict."""
    header = recording.header
    version, cluster = (header.get("server") or {}).get("gitVersion"), header.get("cluster")
    names = f"Kubernetes {version or 'of unknown version'}, cluster {cluster or 'unknown'}"
    return recording.path, f"{names}, recorded {header.get('started') or 'at an unknown time'}", (version, cluster)


def told(results: Any, *, write: bool) -> int:
    """Write results if asked to, print them, and return the exit code."""
    from stsconf.report.terminal import print_results

    code = int(results.finish(write=write))
    print_results(results)
    return code
