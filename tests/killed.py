"""``python -m tests.killed [POINTS] [SEED]``: runs killed at random points leave nothing after a clean.

A control plane of processes is taken for somebody else's cluster. A run gets SIGKILL at one of its own requests, before
or after the server got that; half of the runs have namespaces of their own, half a prepared one. One run of each that
is not killed shows how many requests each phase has. The command that cleans up believes that it is on another machine:
it knows a run to be dead only by its silence (90 s, once for all runs), or because it is told so (``force``).
"""

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryDirectory

from stsconf.act.objects import Names, documented
from stsconf.cleanup.clean import server_time
from stsconf.cleanup.inventory import RECORD_LABEL, SILENCE, labels, read_record
from stsconf.clusters import Cluster, local
from stsconf.kube.api import Api
from stsconf.waits import Waits, until
from tests.foreign import SECONDS, space
from tests.relay import relayed

SCENARIOS = "create,orphan_delete,strangers"
"""Few and short; one leaves pods without an owner, one makes pods and a ConfigMap itself."""
ASIDE = frozenset({"events", "leases"})
"""What every cluster makes and forgets all the time."""
RUN = """
import sys
from dataclasses import replace
from stsconf.clusters import local
from stsconf.run.provider import provide
from stsconf.report.terminal import ProgressLines
from stsconf.run.config import Config
from stsconf.run.run import record
from stsconf.act.scenarios import SCENARIOS
say, names = ProgressLines(), ("kubeconfig", "output-dir", "scenario", "namespace")
config = Config.from_options({"cluster": "existing", **dict(zip(names, sys.argv[1:]))})
with provide(config, say) as cluster:
    hollow = replace(cluster, capabilities=local.CAPABILITIES)
    record(hollow, [SCENARIOS[name] for name in config.scenarios], config, say)
"""
"""A run on an existing cluster, up to its reports; nothing is asked of pods, since they are hollow."""
ELSEWHERE = """
import sys
from stsconf.cli import main as cli
from stsconf.cleanup import inventory
inventory._space = lambda: "another machine"
sys.exit(cli.main(sys.argv[1:]))
"""

Say = Callable[[str], None]
Listing = Mapping[tuple[str, str, str], str]


class Phase(StrEnum):
    """The parts of a run, in order."""

    PREFLIGHT = "preflight"
    NAMESPACES = "namespaces"
    STORAGE = "storage proof"
    SCENARIOS = "scenarios"
    CLOSING = "closing proof"
    CLEANUP = "cleanup"


PHASES = tuple(Phase)
BEGINS = {
    "storage: testing StorageClass": Phase.STORAGE,
    "recording: every watch is open": Phase.SCENARIOS,
    "recording: proving that nothing was missed": Phase.CLOSING,
    "cleaning up: ": Phase.CLEANUP,
}
"""What a run says when a phase begins."""


@dataclass(frozen=True, slots=True)
class Point:
    """Where a run is killed: at a phase's request of this number, or the first of a later phase.

    ``prepared``: the run was given a namespace. ``passed``: the server still gets that request.
    """

    prepared: bool
    phase: Phase
    number: int
    passed: bool

    def __str__(self) -> str:
        when = "after" if self.passed else "before"
        return f"{self.phase}, {when} request {self.number}, in {place(self.prepared)}"


def place(prepared: bool) -> str:
    """Where a run works, in words."""
    return "a prepared namespace" if prepared else "its own namespaces"


def points(count: int, seed: int, lengths: Mapping[bool, Counter[Phase]]) -> Iterator[Point]:
    """Random points, spread over all phases in both kinds of places; ``lengths``: requests of each phase."""
    chance = random.Random(seed)  # noqa: S311 - a seed is to give the same points again
    places: list[tuple[bool, Phase]] = []
    for _ in range(count):
        if not places:
            places = [(prepared, phase) for prepared in lengths for phase in lengths[prepared]]
            chance.shuffle(places)
        prepared, phase = places.pop()
        # How often an end is asked for differs from run to run, so the last half of the last phase may not come.
        last = max(1, lengths[prepared][phase] // (2 if phase is Phase.CLEANUP else 1))
        yield Point(prepared, phase, chance.randint(1, last), chance.random() < 0.5)


class Run:
    """One run of the suite behind a relay, killed at ``point`` if there is one; ``requests`` counts by phase."""

    def __init__(self, cluster: Cluster, folder: Path, namespace: str | None, point: Point | None) -> None:
        self.requests: Counter[Phase] = Counter()
        self._log = folder / "log"
        self._point = point
        self._written = False
        folder.mkdir()
        assert cluster.kubeconfig
        with relayed(cluster.kubeconfig, folder, self._heard) as relay, self._log.open("w") as out:
            self._process = subprocess.Popen(
                [
                    sys.executable,
                    "-P",
                    "-c",
                    RUN,
                    str(relay.kubeconfig),
                    str(folder / "out"),
                    SCENARIOS,
                    namespace or "",
                ],
                stdout=out,
                stderr=subprocess.STDOUT,
                cwd=folder,
            )
            self.code = self._process.wait(600)

    @property
    def said(self) -> str:
        return self._log.read_text()

    def _phase(self) -> Phase:
        said = self.said
        begun = [phase for words, phase in BEGINS.items() if words in said]
        return begun[-1] if begun else Phase.NAMESPACES if self._written else Phase.PREFLIGHT

    def _heard(self, method: str, target: str) -> bool:
        self._written |= method == "POST" and target.endswith(("/namespaces", "/configmaps"))
        phase = self._phase()
        self.requests[phase] += 1
        point = self._point
        if not point or self._process.poll() is not None:
            return True
        asked, there = PHASES.index(point.phase), PHASES.index(phase)
        if there < asked or (there == asked and self.requests[phase] < point.number):
            return True
        self._process.send_signal(signal.SIGKILL)
        return point.passed


def everything(api: Api) -> Listing:
    """The uid of every object of every resource that the server lists, by resource, namespace and name."""
    found: dict[tuple[str, str, str], str] = {}
    groups = [group["versions"] for group in api.request("GET", "apis")["groups"]]
    for root in ("api/v1", *(f"apis/{version['groupVersion']}" for versions in groups for version in versions)):
        for resource in api.request("GET", root)["resources"]:
            name = resource["name"]
            if "/" in name or name in ASIDE or "list" not in resource["verbs"]:
                continue
            for one in api.request("GET", f"{root}/{name}")["items"] or ():
                metadata = one["metadata"]
                key = (f"{name}.{root.split('/')[1]}", metadata.get("namespace") or "", metadata["name"])
                found[key] = metadata.get("uid") or ""
    return found


def difference(before: Listing, after: Listing) -> list[str]:
    """What came, went or was made again, one line for each."""
    changed = sorted(before.items() ^ after.items())
    return sorted({" ".join(filter(None, key)) for key, _ in changed})


@contextmanager
def neighbour(api: Api) -> Iterator[None]:
    """What others have on the cluster: a set at work, in a namespace that looks like one of ours."""
    with space(api, "stsconf-ab12-create", **labels("20261124-200000-ab12")) as name:
        service, stateful_set = documented(Names(name), "theirs", "managed-nfs-storage")
        for manifest in (service, stateful_set):
            api.create(manifest, name)

        def ready() -> bool:
            found = api.get("StatefulSet", "web", name) or {}
            return (found["status"].get("readyReplicas") or 0) == stateful_set["spec"]["replicas"]

        assert until(ready, SECONDS)
        yield


def clean(cluster: Cluster, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """``stsconf clean`` as on another machine: with the kubeconfig, and nothing else of ours."""
    folder.mkdir(exist_ok=True)
    return subprocess.run(
        [sys.executable, "-P", "-c", ELSEWHERE, "clean", f"--kubeconfig={cluster.kubeconfig}", *arguments],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": str(folder), "STS_CACHE_DIR": str(folder)},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


def silent(api: Api) -> bool:
    """Whether the last sign of life of every run is as old as that of a dead one."""
    found = map(read_record, api.list("ConfigMap", query=f"?labelSelector={RECORD_LABEL}=run"))
    now = server_time(api)
    return all((now - record.beat).total_seconds() >= SILENCE for record in found if record)


def kill(cluster: Cluster, count: int, seed: int, folder: Path, say: Say, *, force: bool) -> None:
    """Kill runs at ``count`` points and clean up: after each with ``force``, else once when all have been silent.

    Raises ``AssertionError`` when anything on the cluster is not as before.
    """
    api = cluster.api
    say(f"seed {seed}")

    def check(before: Listing, what: str) -> None:
        began = time.monotonic()
        until(lambda: not difference(before, everything(api)), SECONDS)
        assert not (left := difference(before, everything(api))), (what, left)
        say(f"{what}: the cluster is as before ({len(before)} objects; known after {time.monotonic() - began:.1f} s)")

    def sweep(before: Listing, what: str, *arguments: str) -> None:
        done = clean(cluster, folder / "elsewhere", "--yes", *arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        say(f"{what}: {done.stdout.splitlines()[-1]}")
        check(before, what)

    with ExitStack() as stack:
        stack.enter_context(neighbour(api))
        places = [stack.enter_context(space(api, f"prepared-{number}")) for number in range(count + 1)]
        before = everything(api)
        lengths: dict[bool, Counter[Phase]] = {}
        for prepared in (False, True):
            whole = Run(cluster, folder / f"whole-{prepared}", places[-1] if prepared else None, None)
            assert whole.code == 0, whole.said
            check(before, f"a whole run in {place(prepared)}")
            lengths[prepared] = whole.requests
            assert set(lengths[prepared]) == set(Phase), lengths
        for number, point in enumerate(points(count, seed, lengths)):
            run = Run(cluster, folder / str(number), places[number] if point.prepared else None, point)
            assert run.code == -signal.SIGKILL, (point, run.said)
            left = difference(before, everything(api))
            say(f"{number + 1}: killed in {point}; {len(left)} objects are left")
            if force:
                sweep(before, f"{number + 1}", "--force")
        if not force:
            say("waiting until every run counts as dead")
            assert until(lambda: silent(api), SILENCE + SECONDS, every=1)
            sweep(before, "clean")
        done = clean(cluster, folder / "elsewhere")
        assert (done.returncode, "No run left anything" in done.stdout) == (0, True), done.stdout


def main() -> None:
    """Start a control plane, kill and clean up; prints every point and what became of it."""
    count, seed = (int(word) for word in (*sys.argv[1:], *("20", str(random.randrange(10**6)))[len(sys.argv) - 1 :]))  # noqa: S311
    began = time.monotonic()

    def say(text: str) -> None:
        print(f"{time.monotonic() - began:6.1f} s  {text}", flush=True)

    with TemporaryDirectory(prefix="stsconf-") as name:
        folder = Path(name)
        with local.cluster("killed", folder / "logs", local.Settings(), {}, Waits(), say) as cluster:
            kill(cluster, count, seed, folder, say, force=False)


if __name__ == "__main__":
    main()
