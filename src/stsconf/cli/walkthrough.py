"""``stsconf walkthrough``: the StatefulSet tutorial, with kubectl."""

import argparse
import signal
from typing import Any

from stsconf import suite_files
from stsconf.cli.arguments import EXIT_CODES, add_command, add_options, given
from stsconf.cli.run import agree_to_build


def add(commands: Any) -> None:
    """Add the command."""
    parser = add_command(
        commands,
        _handle,
        "walkthrough",
        "follow the StatefulSet tutorial with kubectl, and see what each command does",
        "Give the commands of the StatefulSet tutorial on a cluster, in a namespace of its own, and record every "
        "version of every object meanwhile. Shows each with its output, what was seen, and the promises that the step "
        "supports; writes walkthrough.md, walkthrough.json and the files of a run.",
        "examples:\n  stsconf walkthrough\n  stsconf walkthrough --cluster existing --context staging\n\n" + EXIT_CODES,
    )
    add_options(parser, "walkthrough")


def _handle(arguments: argparse.Namespace) -> int:
    from stsconf.documents import write
    from stsconf.judging.promise import import_promises
    from stsconf.judging.tutorial import steps
    from stsconf.report.results import rejudge
    from stsconf.report.terminal import ProgressLines, standard_output
    from stsconf.report.walkthrough import markdown, page, show
    from stsconf.run import walkthrough
    from stsconf.run.config import Config
    from stsconf.run.provider import provide
    from stsconf.timeline.recording import load

    asked = given(arguments)
    config = Config.of(asked)
    agree_to_build(asked)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    say, parts = ProgressLines(), steps()
    with provide(config, say) as cluster:
        path, transcript = walkthrough.record(cluster, config, say)
        promises = import_promises(suite_files.conformance())
        wanted = sorted({name for step in parts for name in step.promises})
        results = rejudge([load(path)], [promises[name] for name in wanted], config.output_dir)
        results.ran_on(cluster.identity, cluster.environment, cluster.remains)
        code = results.finish()
    found = page(parts, transcript, results.recordings[0], results.verdicts)
    write(config.output_dir / "walkthrough.json", transcript)
    (config.output_dir / "walkthrough.md").write_text(markdown(found), encoding="utf-8")
    show(found, standard_output())
    print(f"\nResults are in {config.output_dir}")
    return code
