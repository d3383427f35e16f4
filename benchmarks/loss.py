"""Whether the recorder loses anything under several times the load of a real run.

    python -m benchmarks.loss --kubeconfig FILE

Several processes write; every version that the API server answered with must be in the recording. Where the machine
cannot write that fast, ``--stall`` stops the recorder while they write: it then gets everything at once.
"""

import multiprocessing
import os
import signal
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from multiprocessing.connection import Connection
from pathlib import Path

from benchmarks import load
from benchmarks.machine import describe
from benchmarks.rate import REPORT, busiest, most_within
from stsconf.kube.api import identify
from stsconf.record.file import read_records
from stsconf.record.recorder import EVERYWHERE, Recorder, Scope
from stsconf.report.terminal import ProgressLines

TIMES = 5
"""The load, in times of the busiest second of the accepted report."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Counts of versions of pods. ``lost`` were answered and not recorded, ``double`` recorded twice."""

    answered: int
    recorded: int
    lost: int
    double: int
    out_of_order: int
    busiest: int


def compare(answered: Iterable[load.Version], recording: Path, namespace: str) -> Comparison:
    """Hold what the writers were answered against what was recorded of the pods of one namespace."""
    events = [
        record
        for _, record in read_records(recording)
        if record["rec"] == "ev" and record["s"] == "pods" and record["ns"] == namespace
    ]
    versions = [(event["uid"], event["rv"]) for event in events]
    revisions = [int(event["rv"]) for event in events]
    expected = set(answered)
    return Comparison(
        answered=len(expected),
        recorded=len(events),
        lost=len(expected - set(versions)),
        double=len(versions) - len(set(versions)),
        out_of_order=sum(later <= earlier for earlier, later in pairwise(revisions)),
        busiest=most_within(event["t"] for event in events),
    )


def record(target: load.Target, scope: Scope, path: Path, pipe: Connection) -> None:
    """Record from here until told, in a process of its own; sends the seal and the number of gaps."""
    with Recorder(target.connect().client, path, "benchmark", scope) as recorder:
        pipe.send(None)
        pipe.recv()
        seal = recorder.close()
    pipe.send((seal, len(recorder.gaps)))


def main() -> None:
    """Measure and print."""
    options = load.parser(__doc__)
    options.add_argument("--rate", type=float, help=f"writes per second (default: {TIMES} times {REPORT.name})")
    options.add_argument("--seconds", type=float, default=30.0, help="how long (default: 30)")
    options.add_argument("--writers", type=int, default=3, help="processes that write (default: 3)")
    options.add_argument("--whole-cluster", action="store_true", help="record as on a cluster that a run made")
    options.add_argument("--stall", action="store_true", help="stop the recorder while the others write")
    given = options.parse_args()
    peak = busiest(REPORT)
    rate, say = given.rate or float(TIMES * peak), ProgressLines()
    with load.pods(given, say) as (target, names), tempfile.TemporaryDirectory() as folder:
        where = describe(identify(target.connect())[0])
        scope = EVERYWHERE if given.whole_cluster else Scope((target.namespace,))
        pipe, end = multiprocessing.Pipe()
        arguments = (target, scope, Path(folder) / "run.ndjson", end)
        recorder = multiprocessing.get_context("spawn").Process(target=record, args=arguments, daemon=True)
        recorder.start()
        end.close()
        pipe.recv()
        say(f"writing {rate:.0f} labels a second for {given.seconds:g} s from {given.writers} processes")
        try:
            if given.stall and recorder.pid:
                os.kill(recorder.pid, signal.SIGSTOP)
            answered = load.relabel(target, names, given.writers, rate, given.seconds)
        finally:
            if recorder.pid:
                os.kill(recorder.pid, signal.SIGCONT)
        pipe.send(None)
        seal, gaps = pipe.recv()
        found = compare(answered, seal.path, target.namespace)
    print(where)
    print(f"busiest second of a real run: {peak} events; asked for here: {rate:.0f} a second")
    print(
        f"answered {found.answered} writes, {found.answered / given.seconds:.0f} a second; "
        f"{found.busiest} events in the busiest second recorded"
    )
    print(f"lost {found.lost}, double {found.double}, out of order {found.out_of_order}, gaps {gaps}")
    print(f"closing proof: {'complete' if seal.complete else seal.closing}, {seal.seconds:.2f} s")


if __name__ == "__main__":
    main()
