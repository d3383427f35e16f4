"""A known load on any cluster: pods of a namespace of our own, relabelled by several processes at a chosen rate.

The pods name a scheduler that does not exist, so nobody but the writers touches them. Everything is in one namespace
that is written down like a run's (``stsconf clean`` finds it after a kill) and removed at the end.
"""

import argparse
import multiprocessing
import signal
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_hex

from stsconf.cleanup import clean
from stsconf.cleanup.inventory import Inventory
from stsconf.clusters.shield import uninterruptible
from stsconf.errors import ClusterError
from stsconf.kube.api import Api
from stsconf.report.terminal import ProgressLines
from stsconf.waits import Waits, until

LABEL = "stsconf.dev/benchmark"
Version = tuple[str, str]
"""uid and resourceVersion."""


@dataclass(frozen=True, slots=True)
class Target:
    """How a process reaches the cluster, and where."""

    kubeconfig: Path | None
    context: str | None
    namespace: str

    def connect(self) -> Api:
        """A connection of one's own."""
        return Api.from_kubeconfig(self.kubeconfig, self.context)


def parser(description: str | None) -> argparse.ArgumentParser:
    """The options of every benchmark that needs a cluster."""
    options = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--kubeconfig", type=Path, metavar="FILE")
    options.add_argument("--context", metavar="NAME")
    options.add_argument("--pods", type=int, default=200, metavar="N", help="how many pods there are (default: 200)")
    options.add_argument(
        "--padding",
        type=int,
        default=3500,
        metavar="BYTES",
        help="added to each pod; the default brings an event to about 5 KB, as those of real pods are (default: 3500)",
    )
    return options


@contextmanager
def pods(options: argparse.Namespace, say: ProgressLines) -> Iterator[tuple[Target, list[str]]]:
    """Where the pods are, and their names; gone afterwards, also after Ctrl-C and SIGTERM."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    api, short = Api.from_kubeconfig(options.kubeconfig, options.context), token_hex(2)
    target = Target(options.kubeconfig, options.context, f"stsconf-{short}-benchmark")
    with Inventory(api, f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{short}", target.namespace) as inventory:
        try:
            if not until(lambda: api.get("ServiceAccount", "default", target.namespace) is not None, 30):
                raise ClusterError("ready", f"namespace {target.namespace} got no service account within 30 s.")
            names = [f"pod-{number}" for number in range(options.pods)]
            for name in names:
                api.create(_pod(name, options.padding), target.namespace)
            say(f"made {len(names)} pods in namespace {target.namespace}")
            yield target, names
        finally:
            with uninterruptible(say):
                for sentence in clean.remove(api, clean.look(api, inventory.record), Waits(), say):
                    say(sentence)


def _pod(name: str, padding: int) -> dict[str, object]:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": {LABEL: "new"}, "annotations": {"padding": "x" * padding}},
        "spec": {
            "schedulerName": "stsconf-none",
            "terminationGracePeriodSeconds": 0,
            "containers": [{"name": "none", "image": "stsconf.invalid/none"}],
        },
    }


def relabel(target: Target, names: Sequence[str], writers: int, rate: float, seconds: float) -> list[Version]:
    """Let ``writers`` processes write ``rate`` labels a second between them; every version the server answered with.

    Each writer has pods of its own. Where the server is slower than the rate, fewer are written.
    """
    with ProcessPoolExecutor(writers, multiprocessing.get_context("spawn")) as pool:
        parts = [
            pool.submit(_write, target, names[number::writers], rate / writers, seconds) for number in range(writers)
        ]
        return [version for part in parts for version in part.result()]


def _write(target: Target, names: Sequence[str], rate: float, seconds: float) -> list[Version]:
    api, answers, begun = target.connect(), list[Version](), time.monotonic()
    while (now := time.monotonic() - begun) < seconds:
        number = len(answers)
        if (due := number / rate) > now:
            time.sleep(due - now)
        answers.append(label(api, target.namespace, names[number % len(names)], f"write-{number}"))
    return answers


def label(api: Api, namespace: str, pod: str, text: str) -> Version:
    """Write one label; the version that the server answered with."""
    meta = api.patch("Pod", pod, {"metadata": {"labels": {LABEL: text}}}, namespace)["metadata"]
    return meta["uid"], meta["resourceVersion"]
