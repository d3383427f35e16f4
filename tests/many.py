"""All scenarios again and again under one controller: `python -m tests.many correct|real TIMES FOLDER`.

``correct`` is the controller of `tests/faulty/` with no fault, ``real`` the one of Kubernetes; both on provider
`local`, with a new control plane for each run: that is there sooner than the namespaces of the last run are gone. One
line a run; a run that violates something is explained and its recording is kept in FOLDER, the others are deleted. Ends
with 1 when any run violated a promise.
"""

import shutil
import sys
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from stsconf.act.scenarios import ORDINARY
from stsconf.clusters import Cluster, Provider
from stsconf.judging.judge import judge
from stsconf.judging.verdict import Outcome, Verdict
from stsconf.run.config import Config
from stsconf.run.provider import provide
from stsconf.run.run import record
from stsconf.timeline.recording import load
from tests.bug_table import PROMISES, faulty_cluster


def quiet(_: str) -> None:
    """What a run says is not shown."""


def plane(controller: str, folder: Path) -> AbstractContextManager[Cluster]:
    """A new control plane with that controller."""
    if controller == "correct":
        return faulty_cluster(folder, quiet)
    return provide(Config.from_options({"cluster": Provider.LOCAL.value, "output-dir": folder / "cluster"}), quiet)


def once(cluster: Cluster, folder: Path) -> Sequence[Verdict]:
    """Every promise on one run of all scenarios."""
    config = Config.from_options({"output-dir": folder})
    timelines = load(record(cluster, [*ORDINARY.values()], config, quiet)).timelines
    return [judge(promise, timelines) for promise in PROMISES.values() if not promise.on_request]


def main(controller: str, times: int, folder: Path) -> bool:
    """Whether no run violated a promise."""
    began = time.monotonic()
    total: Counter[str] = Counter()

    def say(text: str) -> None:
        print(f"{time.monotonic() - began:7.1f} s  {text}", flush=True)

    for number in range(1, times + 1):
        here = folder / f"run-{number}"
        with plane(controller, here) as cluster:
            verdicts = once(cluster, here)
        outcomes = Counter(str(verdict.outcome) for verdict in verdicts)
        total += outcomes
        say(f"{controller} {number} of {times}: {', '.join(f'{n} {o}' for o, n in outcomes.most_common())}")
        for verdict in verdicts:
            if verdict.outcome in (Outcome.VIOLATED, Outcome.DIFFERS, Outcome.ERROR, Outcome.INCONCLUSIVE):
                print(verdict.explain(), flush=True)
        if not outcomes[Outcome.VIOLATED]:
            shutil.rmtree(here)
    say(f"{controller}, {times} runs: {', '.join(f'{n} {o}' for o, n in total.most_common())}")
    return not total[Outcome.VIOLATED]


if __name__ == "__main__":
    sys.exit(not main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])))
