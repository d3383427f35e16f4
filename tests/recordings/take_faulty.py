"""Take a recording of each area under a faulty controller again: ``python -m tests.recordings.take_faulty [AREA ...]``.

Runs one scenario under one fault of ``tests/faulty/`` for each area, on provider ``local``: the API server, scheduler
and every other controller are the real ones. About two minutes on two cores.
"""

import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.bug_table import NAMED, SIDE_BY_SIDE, faulty_cluster, find
from tests.faulty.faults import FAULTS
from tests.recordings.take import take

FOLDER = Path(__file__).parent / "faulty"


@dataclass(frozen=True, slots=True)
class Example:
    """A fault and the scenario in which it is shown."""

    fault: str
    scenario: str

    @property
    def promise(self) -> str:
        """The id of the promise that is to name the fault."""
        return FAULTS[self.fault].promise

    @property
    def path(self) -> Path:
        """The recording."""
        return FOLDER / self.promise.split("-")[0] / "run.ndjson.gz"


EXAMPLES = {
    example.promise.split("-")[0]: example
    for example in (
        Example("set-as-host-name", "create"),
        Example("creates-from-the-top", "create"),
        Example("removes-all-at-once", "scale_down"),
        Example("keeps-failed", "replace"),
        Example("parallel-rolls-one-by-one", "parallel_rollout"),
        Example("rolls-from-the-bottom", "rollout"),
        Example("partition-ignored", "partition"),
        Example("double-budget", "max_unavailable"),
        Example("min-ready-seconds-ignored", "min_ready_seconds"),
        Example("on-delete-rolls", "on_delete"),
        Example("recreates-one-by-one", "recreate"),
        Example("prunes-the-newest", "history"),
        Example("running-is-ready", "scale_up_held"),
        Example("creates-while-deleted", "foreground_delete"),
        Example("replaces-orphans", "readopt"),
        Example("swapped-claims", "create"),
        Example("keeps-when-scaled", "retention"),
    )
}
"""One of each area of the catalogue that a controller can break."""


def main() -> None:
    """Take all of them, or those of the areas that are named. Raises ``SystemExit`` for a fault that did not show."""
    wanted = [EXAMPLES[area] for area in sys.argv[1:]] or list(EXAMPLES.values())
    began = time.monotonic()

    def say(text: str) -> None:
        print(f"{time.monotonic() - began:6.1f} s  {text}", flush=True)

    with TemporaryDirectory(prefix="stsconf-") as made, faulty_cluster(Path(made), say) as cluster:
        folder = Path(made)

        def one(example: Example) -> str | None:
            fault = replace(FAULTS[example.fault], scenarios=(example.scenario,))
            found = find(cluster, fault, folder, say)
            if found.verdicts[example.promise].outcome not in NAMED:
                return f"{example.fault} did not show in {example.scenario}: take it again"
            example.path.unlink(missing_ok=True)
            take(folder / example.fault / "timelines" / "run.ndjson.gz", example.path.parent)
            return None

        with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
            failed = [text for text in pool.map(one, wanted) if text]
    if failed:
        raise SystemExit("\n".join(failed))


if __name__ == "__main__":
    main()
