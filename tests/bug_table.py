"""``python -m tests.bug_table`` writes ``docs/bug-table.md``: which promise names which fault, on a real API server.

Starts provider ``local`` with ``tests.faulty`` in place of the StatefulSet controller, and runs for each fault the
scenarios of the promise that should name it, each in a namespace of its own. With names of faults as arguments it runs
those only, and prints what was found. About four minutes on two cores.
"""

import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from stsconf import suite_files
from stsconf.act.scenarios import ORDINARY, SCENARIOS
from stsconf.clusters import Cluster, Provider
from stsconf.clusters.local import Settings
from stsconf.judging.judge import judge
from stsconf.judging.promise import import_promises
from stsconf.judging.verdict import Outcome, Verdict
from stsconf.kube.api import Api, Object
from stsconf.run.config import Config
from stsconf.run.provider import provide
from stsconf.run.run import record
from stsconf.timeline.recording import load
from stsconf.waits import Waits
from tests.faulty.faults import FAULTS, Fault
from tests.faulty.loop import ANNOTATION

PAGE = Path(__file__).parents[1] / "docs" / "bug-table.md"
PROMISES = import_promises(suite_files.conformance())
CHECKOUT = Path(__file__).parents[1]

SIDE_BY_SIDE = 16
"""Faults that are run at the same time; most of their time they wait for their namespaces to be gone."""
WAITS = Waits(settle=40.0, publish=5.0)
"""A controller that does something wrong may never come to an end: then its run is judged as it is."""
NAMED = (Outcome.VIOLATED, Outcome.DIFFERS)
NOT_YET = "not judged yet"
RECREATE = "StatefulSetRecreateStrategy=true"
"""The server is to accept strategy Recreate, which 1.37 does not by itself."""

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Finding:
    """What became of every promise under one fault, or under none; empty where its promise is not judged yet."""

    fault: Fault | None
    verdicts: Mapping[str, Verdict]

    def ids(self, outcome: Outcome) -> list[str]:
        return sorted(promise for promise, verdict in self.verdicts.items() if verdict.outcome is outcome)

    @property
    def unnamed(self) -> bool:
        """Whether the promise that should name the fault was judged, and did not."""
        return self.fault is not None and self.named != NOT_YET and self.named not in NAMED

    @property
    def named(self) -> str:
        """How the promise that should name the fault came out, in words."""
        if self.fault is None or not self.verdicts:
            return NOT_YET
        verdict = self.verdicts[self.fault.promise]
        return f"{verdict.outcome}{f': {verdict.note}' if verdict.note else ''}"


def scenarios_of(fault: Fault | None) -> tuple[str, ...]:
    """The scenarios in which the fault shows, else those of its promise; all for the correct controller."""
    if fault is None:
        return tuple(ORDINARY)
    if fault.promise not in PROMISES:
        return ()
    return fault.scenarios or PROMISES[fault.promise].scenarios


@contextmanager
def faulty_cluster(folder: Path, say: Say) -> Iterator[Cluster]:
    """A control plane whose StatefulSet controller is ours, under the rights of the real one; logs in ``folder``."""
    programs = folder / "programs"
    programs.mkdir(parents=True)
    program = programs / "statefulset-controller"
    program.write_text(f'#!/bin/sh\ncd "{CHECKOUT}" && exec "{sys.executable}" -m tests.faulty "$@"\n')
    program.chmod(0o755)
    config = replace(
        Config.from_options({"output-dir": folder / "cluster"}),
        cluster=Provider.LOCAL,
        local=Settings(bin_dir=programs, feature_gates=RECREATE),
        waits=WAITS,
    )
    with provide(config, say) as cluster:
        yield cluster


def find(cluster: Cluster, fault: Fault | None, folder: Path, say: Say) -> Finding:
    """Run the scenarios under one fault and judge every promise on what was recorded."""
    scenarios = scenarios_of(fault)
    if not scenarios:
        return Finding(fault, {})
    name = fault.name if fault else "correct"

    def choose(stateful_set: Object) -> None:
        stateful_set["metadata"]["annotations"] = {ANNOTATION: name} if fault else {}

    began = time.monotonic()
    config = replace(Config.from_options({"output-dir": folder / name}), waits=WAITS)
    with closing(Api.from_kubeconfig(cluster.kubeconfig, cluster.context)) as api:
        path = record(
            replace(cluster, api=api, ours=False),
            [SCENARIOS[scenario] for scenario in scenarios],
            config,
            lambda _: None,
            dict.fromkeys(scenarios, choose),
        )
    timelines = load(path).timelines
    finding = Finding(fault, {promise.id: judge(promise, timelines) for promise in PROMISES.values()})
    said = f"{fault.promise} {finding.named}" if fault else f"violates {finding.ids(Outcome.VIOLATED) or 'nothing'}"
    say(f"{name}: {said} ({', '.join(scenarios)}; {time.monotonic() - began:.0f} s)")
    return finding


def find_all(faults: Iterable[Fault], cluster: Cluster, folder: Path, say: Say) -> list[Finding]:
    """Findings in the order of the faults, some of them made side by side.

    Some faults show only if the controller is faster than another: one that went unnamed gets a second run, alone.
    """
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        found = list(pool.map(lambda fault: find(cluster, fault, folder, say), faults))
    return [find(cluster, f.fault, folder / "again", say) if f.unnamed else f for f in found]


def page(correct: Finding, found: Sequence[Finding], version: str) -> str:
    """The table as Markdown."""
    kept, broken, differing = (correct.ids(o) for o in (Outcome.HOLDS, *NAMED))
    ways = Counter(finding.named.partition(":")[0] for finding in found)
    lines = [
        "# Which promise names which fault",
        "",
        f"Made by `python -m tests.bug_table` on {datetime.now(UTC):%Y-%m-%d}: provider `local`, Kubernetes {version}.",
        "A StatefulSet controller of our own (`tests/faulty/`) stands in for the real one, under its rights. It does",
        "as documented; each row is one decision done wrong, thought of from the documents, and the promise that is to",
        "name it, judged on the scenarios of that promise. *Differs*: the promise is about the implementation. A fault",
        f"that went unnamed while {SIDE_BY_SIDE} ran side by side got one more run by itself.",
        "",
        f"The correct controller, on all {len(ORDINARY)} scenarios: {len(kept)} promises hold,",
        f"{', '.join(broken) or 'none'} violated, {', '.join(differing) or 'none'} differing.",
        "",
        f"{len(found)} faults: {', '.join(f'{count} {way}' for way, count in ways.most_common())}.",
        "",
        "| fault | what it does wrong | named by | which is | violated | differs |",
        "|---|---|---|---|---|---|",
    ]
    return "\n".join([*lines, *(_row(finding) for finding in found if finding.fault)]) + "\n"


def _row(finding: Finding) -> str:
    fault = finding.fault
    assert fault is not None
    violated, differs = (", ".join(finding.ids(outcome)) for outcome in NAMED)
    return f"| {' | '.join((fault.name, fault.says, fault.promise, finding.named, violated, differs))} |"


def main() -> None:
    """Run all faults and write the page, or some and print what was found."""
    chosen = [FAULTS[name] for name in sys.argv[1:]]
    began = time.monotonic()

    def say(text: str) -> None:
        print(f"{time.monotonic() - began:6.1f} s  {text}", flush=True)

    with TemporaryDirectory(prefix="stsconf-") as folder, faulty_cluster(Path(folder), say) as cluster:
        if chosen:
            for finding in find_all(chosen, cluster, Path(folder), say):
                for verdict in finding.verdicts.values():
                    if verdict.outcome not in (Outcome.HOLDS, Outcome.NOT_JUDGED):
                        print(f"\n{verdict.explain()}")
            return
        correct = find(cluster, None, Path(folder), say)
        found = find_all(FAULTS.values(), cluster, Path(folder), say)
        PAGE.write_text(page(correct, found, cluster.version), encoding="utf-8")
        print(PAGE)


if __name__ == "__main__":
    main()
