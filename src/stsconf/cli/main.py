"""The command line: ``stsconf run``, ``judge``, ``upgrade`` and the others."""

import argparse
import os
import shlex
import signal
import sys
import textwrap
import tomllib
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from stsconf import suite_files
from stsconf.cli.process import prepare
from stsconf.deadline import seconds
from stsconf.errors import ClusterError, ExitCode, PreflightRefused, StsconfError, UsageError

_EPILOG = """\
exit codes: 0 all required promises hold, 1 one is violated, 2 interrupted, 3 our own error, 4 usage,
5 nothing to judge, 10 inconclusive, 11 refused before acting, 12 a required promise was not judged,
20 a regression against the baseline
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; every error is one paragraph on standard error."""
    prepare()
    parser = _parser()
    arguments, rest = parser.parse_known_args(argv)
    if rest and arguments.command not in ("run", "gate") and not getattr(arguments, "job", None):
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    try:
        return int(arguments.handler(arguments, rest))
    except StsconfError as error:
        print("\n".join(textwrap.wrap(f"stsconf: {error}", 100)), file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED


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
    _add_gate(commands)
    _add_walkthrough(commands)
    _add_record(commands)
    judge = commands.add_parser(
        "judge",
        help="judge saved recordings again, with no cluster",
        description="Judge every promise on saved recordings; verdicts depend on the recordings alone.",
        epilog="example: stsconf judge reports/20261124-191502-ab12/timelines/run.ndjson.gz",
    )
    judge.add_argument("recording", nargs="+", type=Path, help="a recording, or a folder of a run")
    judge.add_argument("--output-dir", type=Path, help="write verdict.json and junit.xml here")
    judge.set_defaults(handler=_judge)
    verify = commands.add_parser(
        "verify",
        help="whether a result is what its own recordings say",
        description="Judge the sealed recordings of a run's folder again: verdict.json must come out as it is. Exits "
        "with 0, or with 3 and what is missing, cut short, inconsistent, of another schema or not reproduced. The "
        "hashes in it detect accidents, not a forger.",
        epilog="example: stsconf verify reports/20261124-191502-ab12",
    )
    verify.add_argument("folder", type=Path, metavar="DIR", help="the output folder of a run")
    verify.set_defaults(handler=_verify)
    promises = commands.add_parser(
        "promises",
        help="list every promise: id, level, scenarios, sentence",
        epilog="example: stsconf promises ORD-02",
    )
    promises.add_argument("id", nargs="*", help="what there is to know of this one, with the document's own words")
    promises.add_argument("--all", action="store_true", help="every row of the catalogue, judged or why not")
    promises.set_defaults(handler=_promises)
    _add_upgrade(commands)
    _add_snapshot(commands)
    _add_compare(commands)
    _add_rbac(commands)
    _add_images(commands)
    _add_clean(commands)
    return parser


def _options() -> dict[str, dict[str, Any]]:
    return tomllib.loads((Path(__file__).parents[1] / "options.toml").read_text(encoding="utf-8"))


def _add_run(commands: Any) -> None:
    run = commands.add_parser(
        "run",
        help="run the suite on a cluster: act, record, judge, report",
        description="Act on a cluster, record everything, judge, report. Further arguments go to pytest (-k, -x, -v).",
        epilog="examples:\n  stsconf run\n  stsconf run --cluster existing --context staging --storage-class fast\n"
        "  stsconf run -k creation\n\n" + _EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _add_options(run)
    run.set_defaults(handler=_run)


def _add_options(parser: argparse.ArgumentParser, left_out: Sequence[str] = ()) -> None:
    """The options of ``options.toml``; those that are not given are not set."""
    for name, option in _options().items():
        if name in left_out:
            continue
        settings: dict[str, Any] = {"help": option["help"], "default": argparse.SUPPRESS}
        if option.get("flag"):
            settings["action"] = "store_true"
        else:
            settings |= {key: option[key] for key in ("choices", "metavar") if key in option}
            if option.get("repeat"):
                settings["action"] = "append"
        if "default" in option:
            settings["help"] += f" (default: {option['default']})"
        parser.add_argument(f"--{name}", **settings)


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
    _agree_to_build(arguments)
    command = [sys.executable, "-P", "-m", "pytest", str(suite_files.conformance()), "-p", "no:cacheprovider"]
    os.execv(sys.executable, [*command, *given, *rest])  # noqa: S606 - no shell is wanted


_NOT_OF_WALKTHROUGH = (
    *("profile", "promises", "scenario", "deadline", "keep", "namespace", "allow-foreign", "as", "workload", "dry-run"),
    *("baseline", "save-baseline", "accepted"),
)
"""Its commands are the tutorial's own, with the tutorial's names."""


def _add_gate(commands: Any) -> None:
    gate = commands.add_parser(
        "gate",
        help="run, and compare with a run before: what flipped, and what is not judged any more",
        description="A run that is saved as a baseline, or compared with one. A promise that held and is violated, or "
        "that was judged and no longer is, is a regression (exit 20); rules of another revision are never compared.",
        epilog="examples:\n  stsconf gate --cluster existing --context prod --save-baseline before.json\n"
        "  stsconf gate --cluster existing --context prod --baseline before.json --accepted accepted.toml\n"
        "  stsconf gate --baseline before.json --from reports/20261124-191502-ab12\n\n" + _EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    gate.add_argument(
        "--from", type=Path, dest="source", metavar="DIR", help="judge this run's recordings; act on nothing"
    )
    _add_options(gate)
    gate.set_defaults(handler=_gate)


def _gate(arguments: argparse.Namespace, rest: Sequence[str]) -> int:
    config = _config(arguments)
    if not (config.baseline or config.save_baseline):
        raise UsageError("There is nothing to compare with.", "Give --save-baseline FILE first, later --baseline FILE.")
    if arguments.source is None:
        return _run(arguments, rest)
    from stsconf.gate.gate import gate

    compared = gate(config.baseline, config.accepted)
    results = _rejudged([arguments.source], arguments, lambda promise: promise.of_upgrades or config.wants(promise))
    results.gate, results.save_baseline = compared, config.save_baseline
    return _told(results, arguments)


def _add_walkthrough(commands: Any) -> None:
    walkthrough = commands.add_parser(
        "walkthrough",
        help="follow the StatefulSet tutorial with kubectl, and see what each command does",
        description="Give the commands of the StatefulSet tutorial on a cluster, in a namespace of its own, and record "
        "every version of every object meanwhile. Shows each with its output, what was seen, and the promises that the "
        "step supports; writes walkthrough.md, walkthrough.json and the files of a run.",
        epilog="examples:\n  stsconf walkthrough\n  stsconf walkthrough --cluster existing --context staging\n\n"
        + _EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _add_options(walkthrough, _NOT_OF_WALKTHROUGH)
    walkthrough.set_defaults(handler=_walkthrough)


def _walkthrough(arguments: argparse.Namespace, rest: Sequence[str]) -> int:  # noqa: ARG001 - one signature for all commands
    from stsconf.documents import write
    from stsconf.judging.promise import import_promises
    from stsconf.judging.tutorial import steps
    from stsconf.report.results import rejudge
    from stsconf.report.terminal import ProgressLines, standard_output
    from stsconf.report.walkthrough import markdown, page, show
    from stsconf.run import walkthrough
    from stsconf.run.provider import provide
    from stsconf.timeline.recording import load

    _agree_to_build(arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    config = _config(arguments)
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


def _add_record(commands: Any) -> None:
    record = commands.add_parser(
        "record",
        help="record a namespace of yours while others work in it, for judge",
        description="Watch one namespace, changing nothing, until Ctrl-C or --duration; then prove that nothing was "
        "missed and seal the file. Secrets are never watched; values of environment variables and annotations are not "
        "stored.",
        epilog="example: stsconf record -n shop --duration 600",
    )
    record.add_argument("-n", "--namespace", required=True, metavar="NAME", help="the namespace to record")
    record.add_argument(
        "--output", type=Path, metavar="FILE", help="a new file; it is sealed as FILE.gz (default: named by the time)"
    )
    record.add_argument("--duration", type=seconds, metavar="TIME", help="how long, as 10m (default: until Ctrl-C)")
    _add_cluster_options(record)
    record.set_defaults(handler=_record)


def _add_upgrade(commands: Any) -> None:
    upgrade = commands.add_parser(
        "upgrade",
        help="upgrade a control plane under sets of every kind, and judge what that did to them",
        description="Start a control plane of one version, make sets of every kind, stop it, start the other version "
        "on the same data (with kind: `kubeadm upgrade apply` in the node), and record all the while. Judges that the "
        "upgrade alone replaced no pod, made no revision and lost no data (UPD-19), and every other promise that "
        "something triggers; names the sets that moved.",
        epilog="examples:\n  stsconf upgrade --from v1.33.13 --to v1.34.0\n"
        "  stsconf upgrade --from v1.36.3 --to v1.37.2 --cluster kind\n\n" + _EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    for name, kept_as, what in (("from", "kubernetes", "before"), ("to", "to", "after")):
        upgrade.add_argument(
            f"--{name}",
            dest=kept_as,
            required=True,
            metavar="VERSION",
            help=f"Kubernetes {what}: a version, or with local a folder (with a slash) of its programs",
        )
    upgrade.add_argument("--cluster", choices=["local", "kind"], default="local", help="where (default: local)")
    kept = ("feature-gates", "engine", "image", "settle", "output-dir", "yes")
    _add_options(upgrade, [name for name in _options() if name not in kept])
    upgrade.set_defaults(handler=_upgrade)


def _upgrade(arguments: argparse.Namespace, rest: Sequence[str]) -> int:  # noqa: ARG001 - one signature for all commands
    from stsconf.act.scenarios.upgrades import UPGRADED
    from stsconf.judging.judge import judge
    from stsconf.judging.promise import import_promises
    from stsconf.kube.api import identify
    from stsconf.report.results import rejudge
    from stsconf.report.terminal import ProgressLines, print_moved, print_report
    from stsconf.run import upgrade
    from stsconf.run.provider import provide
    from stsconf.timeline.recording import load

    signal.signal(signal.SIGTERM, signal.default_int_handler)
    _agree_to_build(arguments)
    config, say = _config(arguments), ProgressLines()
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
    print(f"\nUpgrade from {facts['from']} to {facts['to']}: {len(done.moved)} of {len(UPGRADED)} sets moved.")
    print_moved(done.moved)
    print(f"Results are in {config.output_dir}")
    return code


def _config(arguments: argparse.Namespace) -> Any:
    """What the options and the environment ask for."""
    from stsconf.run.run import Config

    return Config.from_options(_given(arguments))


def _given(arguments: argparse.Namespace) -> dict[str, Any]:
    """The value of each option as given, else as its variable in the environment says; ``None`` for neither."""
    environment = {name: os.environ.get(f"STS_{name.upper().replace('-', '_')}") for name in _options()}
    return {**environment, **{name.replace("_", "-"): value for name, value in vars(arguments).items()}}


def _add_snapshot(commands: Any) -> None:
    snapshot = commands.add_parser(
        "snapshot",
        help="note what sets, pods, revisions, claims and volumes are, for compare",
        description="Write down every StatefulSet with its revisions, pods, claims and volumes: uids, restarts, "
        "owners, and the paths of the fields of its pod template with a short tag each. Reads only; no image, value of "
        "an environment variable or annotation is stored.",
        epilog="example: stsconf snapshot -A -o before.json",
    )
    where = snapshot.add_mutually_exclusive_group()
    where.add_argument("-n", "--namespace", metavar="NAME", help="one namespace (default: that of the context)")
    where.add_argument("-A", "--all-namespaces", action="store_true", help="every namespace")
    snapshot.add_argument("-o", "--output", type=Path, required=True, metavar="FILE", help="the file to write")
    _add_cluster_options(snapshot)
    snapshot.set_defaults(handler=_snapshot)


def _add_compare(commands: Any) -> None:
    compare = commands.add_parser(
        "compare",
        help="name each set that moved between two snapshots, and the field that changed",
        description="Compare two snapshots of one cluster. Says nothing and exits with 0 when nothing moved; names "
        "each set that did, and what of it, and exits with 1.",
        epilog="example: stsconf compare before.json after.json",
    )
    for name in ("before", "after"):
        compare.add_argument(name, type=Path, metavar=name.upper(), help="a file that stsconf snapshot wrote")
    compare.set_defaults(handler=_compare)


def _snapshot(arguments: argparse.Namespace, rest: Sequence[str]) -> int:  # noqa: ARG001 - one signature for all commands
    from stsconf.gate.snapshot import take

    api = _connect(arguments)
    kubeconfig, namespace = arguments.kubeconfig, arguments.namespace
    if not (namespace or arguments.all_namespaces):
        namespace = api.default_namespace(kubeconfig and kubeconfig.expanduser(), arguments.context)
    found = take(api, namespace)
    found.write(arguments.output)
    where = f"in namespace {namespace}" if namespace else "in all namespaces"
    print(f"{arguments.output}: {len(found.sets)} StatefulSets with {found.pods} pods {where}, {found.server}.")
    if found.unseen:
        print(f"Without the right to list them, these were not seen: {', '.join(found.unseen)}.")
    return ExitCode.HOLDS


def _compare(arguments: argparse.Namespace, rest: Sequence[str]) -> int:  # noqa: ARG001 - one signature for all commands
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


def _add_rbac(commands: Any) -> None:
    rbac = commands.add_parser(
        "rbac",
        help="print the Role that a run needs in a prepared namespace",
        description="Print a ServiceAccount, the minimal Role for a run in a prepared namespace, and the binding, for "
        "kubectl apply. Nothing cluster-scoped is in it, so promises about volumes are then inconclusive; "
        "--with-volumes adds a ClusterRole that reads PersistentVolumes and StorageClasses. --job adds a Job that is "
        "the run: further options are those of `stsconf run`, `kubectl logs` shows the report.",
        epilog="examples:\n  stsconf rbac --namespace sts-check | kubectl apply -f -\n"
        "  stsconf rbac --namespace sts-check --job registry.example/stsconf --storage-class fast | kubectl apply -f -",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    rbac.add_argument("-n", "--namespace", required=True, metavar="NAME", help="the prepared namespace")
    rbac.add_argument("--with-volumes", action="store_true", help="add the ClusterRole")
    rbac.add_argument("--job", metavar="IMAGE", help="add a Job of this image of the suite, with further options")
    rbac.set_defaults(handler=_rbac)


def _rbac(arguments: argparse.Namespace, rest: Sequence[str]) -> int:
    import yaml

    from stsconf.clusters.rights import job_manifest, role_manifests

    manifests = [*role_manifests(arguments.namespace, volumes=arguments.with_volumes)]
    if arguments.job:
        manifests.append(job_manifest(arguments.namespace, arguments.job, rest))
    print("---\n".join(yaml.safe_dump(one, sort_keys=False) for one in manifests), end="")
    return ExitCode.HOLDS


def _add_images(commands: Any) -> None:
    images = commands.add_parser(
        "images",
        help="list the images that a run starts on a cluster you have, and where they come from",
        description="List every image that `stsconf run --cluster existing` starts: key, reference, what for.",
        epilog="example: stsconf images --image-prefix registry.example.com/mirror",
    )
    _add_options(images, tuple(name for name in _options() if name not in ("image", "image-prefix")))
    images.set_defaults(handler=_images, cluster="existing")


def _images(arguments: argparse.Namespace, rest: Sequence[str]) -> int:  # noqa: ARG001 - one signature for all commands
    used = {"nginx_old": "pods of the sets, and of the storage probe", "nginx_new": "pods of the sets after an update"}
    images = {**suite_files.workload_images(), **_config(arguments).images}
    for key, use in used.items():
        print(f"{key}  {images[key]}  {use}")
    return ExitCode.HOLDS


def _add_clean(commands: Any) -> None:
    clean = commands.add_parser(
        "clean",
        help="list what killed runs left behind, and remove it with --yes",
        description="List what runs left behind on a cluster and, with --yes, delete exactly that: objects whose uid "
        "is in a run's record. Without --kubeconfig and --context, kind clusters of dead runs on this machine too. "
        "Exits with 0 when nothing is left, 10 when something is, 11 for a run that is alive.",
        epilog="example: stsconf clean --context staging --yes",
    )
    clean.add_argument("--run", metavar="ID", help="only this run")
    clean.add_argument("-n", "--namespace", metavar="NAME", help="only runs that were given this prepared namespace")
    clean.add_argument("--yes", action="store_true", help="delete; without it nothing is changed")
    clean.add_argument("--force", action="store_true", help="also what belongs to a run that seems to be alive")
    _add_cluster_options(clean)
    clean.set_defaults(handler=_clean)


def _add_cluster_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--kubeconfig", type=Path, metavar="FILE", help="default: as kubectl, KUBECONFIG or ~/.kube")
    parser.add_argument("--context", metavar="NAME", help="a context of the kubeconfig (default: its current one)")


def _connect(arguments: argparse.Namespace) -> Any:
    """The API server that the options name. Raises ``UsageError`` and ``PreflightRefused`` when it cannot be used."""
    from stsconf.kube.api import Api, ApiError

    kubeconfig = arguments.kubeconfig
    api = Api.from_kubeconfig(kubeconfig.expanduser() if kubeconfig else None, arguments.context)
    try:
        api.request("GET", "version")
    except (ApiError, ClusterError) as error:
        raise PreflightRefused(error.what, error.next_step) from None
    return api


def _record(arguments: argparse.Namespace, rest: Sequence[str]) -> int:  # noqa: ARG001 - one signature for all commands
    from stsconf.record.passive import default_output, record_namespace
    from stsconf.report.terminal import ProgressLines

    output = arguments.output or default_output(arguments.namespace)
    done = record_namespace(_connect(arguments), arguments.namespace, output, arguments.duration, ProgressLines())
    print(f"Recorded {done.events} events of namespace {arguments.namespace} into {done.seal.path}.")
    if done.seal.unproven:
        print(f"That nothing was missed could not be proven for {', '.join(done.seal.unproven)}.")
    print(f"Next: stsconf judge {shlex.quote(str(done.seal.path))}")
    return ExitCode.INCONCLUSIVE if done.seal.unproven else ExitCode.HOLDS


def _clean(arguments: argparse.Namespace, rest: Sequence[str]) -> int:  # noqa: ARG001 - one signature for all commands
    from stsconf.cleanup.clean import Request, clean_cluster
    from stsconf.clusters.notes import clean_kind
    from stsconf.report.terminal import ProgressLines
    from stsconf.waits import Waits

    names = ("kubeconfig", "context", "namespace", "run")
    given = [f"--{name}={value}" for name in names if (value := getattr(arguments, name))]
    again = shlex.join(["stsconf", "clean", *given, *(["--force"] if arguments.force else []), "--yes"])
    request, say = Request(arguments.run, arguments.yes, arguments.force, again, arguments.namespace), ProgressLines()
    if arguments.kubeconfig or arguments.context or arguments.namespace:
        return clean_cluster(_connect(arguments), request, Waits(), say)
    code = clean_kind(request, say)
    try:
        api = _connect(arguments)
    except UsageError:
        print("No kubeconfig was named or found, so no other cluster was looked at.")
        return code
    return max(code, clean_cluster(api, request, Waits(), say))


def _agree_to_build(arguments: argparse.Namespace) -> None:
    """Ask before a cold air-gapped build, where the command makes a kind cluster. Raises ``UsageError`` for a no."""
    from stsconf.clusters.engine import EngineChoice, agree_to_build

    given = _given(arguments)
    if (given["cluster"] or "kind") == "kind" and not given["dry-run"]:
        versions = (given["kubernetes"], *([given["to"]] if "to" in given else []))
        agree_to_build(EngineChoice(given["engine"] or "auto"), versions, asks=not given["yes"])


def _judge(arguments: argparse.Namespace, rest: Sequence[str]) -> int:  # noqa: ARG001 - one signature for all commands
    return _told(_rejudged(arguments.recording, arguments, lambda _: True), arguments)


def _rejudged(given: Sequence[Path], arguments: argparse.Namespace, wanted: Callable[[Any], bool]) -> Any:
    """The promises that are wanted, judged again on recordings, or folders of runs."""
    from stsconf.judging.promise import import_promises
    from stsconf.report.results import recordings_below, rejudge
    from stsconf.timeline.recording import load

    promises = filter(wanted, import_promises(suite_files.conformance()).values())
    recordings = [load(path) for each in given for path in recordings_below(each)]
    return rejudge(recordings, promises, Path(getattr(arguments, "output_dir", None) or "."))


def _told(results: Any, arguments: argparse.Namespace) -> int:
    """Write what was judged again if a folder was named for it, print it, and return the exit code."""
    from stsconf.report.terminal import print_results

    code = int(results.finish(write=getattr(arguments, "output_dir", None) is not None))
    print_results(results)
    return code


def _verify(arguments: argparse.Namespace, rest: Sequence[str]) -> int:  # noqa: ARG001 - one signature for all commands
    from stsconf.gate.verification import verify
    from stsconf.judging.promise import import_promises
    from stsconf.report.style import sentence

    verdicts = verify(arguments.folder, import_promises(suite_files.conformance()))
    print(f"{arguments.folder / 'verdict.json'} is what its recordings say: {sentence(verdicts)}.")
    return ExitCode.HOLDS


def _promises(arguments: argparse.Namespace, rest: Sequence[str]) -> int:  # noqa: ARG001 - one signature for all commands
    from stsconf.judging.promise import import_promises
    from stsconf.report import listing

    promises = import_promises(suite_files.conformance())
    if arguments.id:
        lines = listing.about(arguments.id, promises)
    else:
        lines = listing.everything(promises) if arguments.all else listing.judged(promises.values())
    for line in lines:
        print(line)
    return ExitCode.HOLDS
