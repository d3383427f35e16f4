"""``stsconf upgrade``: a control plane, exchanged under sets of every kind."""

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
        "upgrade",
        "upgrade the control plane of a test cluster, and judge what that did to its StatefulSets",
        "Start a control plane of one version, create seven kinds of StatefulSets, stop it, start the other version on "
        "the same data (with kind: `kubeadm upgrade apply` in the node), and record all of it. Judges that the upgrade "
        "alone replaced no Pod, created no revision and lost no data (UPD-19), and every other promise that applies; "
        "names the StatefulSets that changed.",
        "examples:\n  stsconf upgrade --from v1.33.13 --to v1.34.0\n"
        f"  stsconf upgrade --from v1.36.3 --to v1.37.2 --cluster kind\n\n{EXIT_CODES}",
    )
    for name, kept_as, what in (("from", "kubernetes", "before"), ("to", "to", "after")):
        parser.add_argument(
            f"--{name}",
            dest=kept_as,
            required=True,
            metavar="VERSION",
            help=f"Kubernetes {what}: a version, or with local a folder (with a slash) of its programs",
        )
    parser.add_argument("--cluster", choices=["local", "kind"], default="local", help="where (default: local)")
    add_options(parser, "upgrade")


def _handle(arguments: argparse.Namespace) -> int:
    from stsconf.act.scenarios.upgrades import UPGRADED
    from stsconf.judging.judge import judge
    from stsconf.judging.promise import import_promises
    from stsconf.kube.api import identify
    from stsconf.report.results import rejudge
    from stsconf.report.terminal import ProgressLines, print_moved, print_report
    from stsconf.run import upgrade
    from stsconf.run.config import Config
    from stsconf.run.provider import provide
    from stsconf.timeline.recording import load

    asked = given(arguments)
    config, say = Config.of(asked), ProgressLines()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    agree_to_build(asked, arguments.to)
    with provide(config, say) as cluster:
        done = upgrade.record(cluster, arguments.to, config, say)
        facts = {"from": cluster.version, "to": identify(cluster.api)[0], "moved": done.told}
    recording = load(done.recording)
    found = import_promises(suite_files.conformance()).values()
    triggered = [p for p in found if p.of_upgrades or judge(p, recording.timelines).timelines]
    results = rejudge([recording], triggered, config.output_dir)
    results.ran_on(cluster.identity, {**cluster.environment, "upgrade": facts}, cluster.remains)
    code = results.finish()
    print_report(results.info(), results.verdicts)
    print(
        f"\nUpgrade from {facts['from']} to {facts['to']}: {len(done.moved)} of {len(UPGRADED)} StatefulSets changed."
    )
    print_moved(done.moved)
    print(f"Results are in {config.output_dir}")
    return code
