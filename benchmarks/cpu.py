"""Processor time for one event: our recorder and the official client's Watch, on the same live stream.

    python -m benchmarks.cpu --kubeconfig FILE

All watch the same pods at the same time, each in a process of its own. Watch only decodes; the recorder also checks
every version against the last, writes it to a file and hashes it.
"""

import multiprocessing
import tempfile
import time
from collections.abc import Callable
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path

from kubernetes.client import CoreV1Api
from kubernetes.watch import Watch

from benchmarks import load
from benchmarks.machine import describe
from stsconf.kube.api import identify
from stsconf.record.file import read_records
from stsconf.record.recorder import EVERYWHERE, Recorder, Scope
from stsconf.report.terminal import ProgressLines

END = "the-end"
"""The label of the first pod that ends the measurement."""
PATIENCE = 120.0

Spent = tuple[int, float]
"""Events seen, and seconds of processor time (user and system, all threads) for them."""
Reader = Callable[[load.Target, str, str, Callable[[], None]], Spent]
"""Takes where, the pod that ends it, the version to begin after, and what to call when ready."""


def record(target: load.Target, last: str, since: str, ready: Callable[[], None], *, everywhere: bool) -> Spent:  # noqa: ARG001 - the recorder lists by itself
    """Our recorder: eight kinds, of which only the pods change."""
    api = target.connect()
    scope = EVERYWHERE if everywhere else Scope((target.namespace,))
    with tempfile.TemporaryDirectory() as folder:
        with Recorder(api.client, Path(folder) / "run.ndjson", "benchmark", scope) as recorder:
            begun, deadline = time.process_time(), time.monotonic() + PATIENCE
            ready()
            while time.monotonic() < deadline:
                pod = recorder.current("pods", target.namespace, last)
                if pod and pod["metadata"]["labels"][load.LABEL] == END:
                    break
                time.sleep(0.2)
            spent = time.process_time() - begun
            seal = recorder.close()
        return sum(r["rec"] == "ev" and r["s"] == "pods" for _, r in read_records(seal.path)), spent


def watch(target: load.Target, last: str, since: str, ready: Callable[[], None], *, typed: bool) -> Spent:
    """The official Watch, with models or with plain dictionaries."""
    core = CoreV1Api(target.connect().client)
    begun, seen, follow = time.process_time(), 0, Watch()
    ready()
    for event in follow.stream(
        core.list_namespaced_pod, target.namespace, resource_version=since, deserialize=typed, _request_timeout=PATIENCE
    ):
        seen += 1
        if typed:
            name, labels = event["object"].metadata.name, event["object"].metadata.labels
        else:
            name, labels = event["object"]["metadata"]["name"], event["object"]["metadata"]["labels"]
        if name == last and labels[load.LABEL] == END:
            break
    spent = time.process_time() - begun
    follow.stop()
    return seen, spent


READERS: dict[str, Reader] = {
    "recorder, whole cluster": partial(record, everywhere=True),
    "recorder, one namespace, redacted": partial(record, everywhere=False),
    "official Watch, typed": partial(watch, typed=True),
    "official Watch, raw": partial(watch, typed=False),
}


def _child(name: str, target: load.Target, last: str, since: str, pipe: Connection) -> None:
    pipe.send(READERS[name](target, last, since, partial(pipe.send, None)))


def main() -> None:
    """Measure and print."""
    options = load.parser(__doc__)
    options.add_argument("--rate", type=float, default=150.0, help="writes per second (default: 150)")
    options.add_argument("--seconds", type=float, default=30.0, help="how long (default: 30)")
    options.add_argument("--writers", type=int, default=2, help="processes that write (default: 2)")
    given = options.parse_args()
    say, spawn = ProgressLines(), multiprocessing.get_context("spawn")
    with load.pods(given, say) as (target, names):
        api, (last, *others) = target.connect(), names
        where = describe(identify(api)[0])
        _, since = load.label(api, target.namespace, last, "begin")
        pipes = {}
        for name in READERS:
            pipes[name], end = spawn.Pipe()
            spawn.Process(target=_child, args=(name, target, last, since, end), daemon=True).start()
            end.close()
        for pipe in pipes.values():
            pipe.recv()
        say(f"writing {given.rate:g} labels a second for {given.seconds:g} s, {len(READERS)} readers")
        written = len(load.relabel(target, others, given.writers, given.rate, given.seconds))
        load.label(api, target.namespace, last, END)
        spent = {name: pipe.recv() for name, pipe in pipes.items()}
    print(where)
    print(f"{written} writes, {written / given.seconds:.0f} a second")
    for name, (events, seconds) in spent.items():
        print(f"{name:36} {seconds / events * 1e6:6.0f} us an event ({events} events)")


if __name__ == "__main__":
    main()
