"""All scenarios again and again under one controller: `python -m tests.many correct|real TIMES FOLDER`.

``correct`` is the controller of `tests/faulty/` with no fault, ``real`` the one of Kubernetes; both on provider
`local`. One line a run; a run that violates something is explained and its recording is kept in FOLDER, the others
are deleted. Ends with 1 when any run violated a promise.
"""

import shutil
import sys
import time
from collections import Counter
from pathlib import Path

from stsconf.clusters import Provider
from stsconf.clusters.chosen import provide
from stsconf.run import Config
from stsconf.verdict import Outcome
from tests.bug_table import faulty_cluster, find


def main(controller: str, times: int, folder: Path) -> bool:
    """Whether no run violated a promise."""
    began = time.monotonic()
    total: Counter[str] = Counter()

    def say(text: str) -> None:
        print(f"{time.monotonic() - began:7.1f} s  {text}", flush=True)

    def real() -> Config:
        return Config.from_options({"cluster": Provider.LOCAL.value, "output-dir": folder / "cluster"})

    with faulty_cluster(folder, say) if controller == "correct" else provide(real(), say) as cluster:
        for number in range(1, times + 1):
            here = folder / f"run-{number}"
            verdicts = find(cluster, None, here, lambda _: None).verdicts.values()
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
