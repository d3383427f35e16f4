"""What running scenarios side by side is worth: ``python -m benchmarks.parallel [RUN]`` (a run's folder or recording).

The goal of running side by side is a scenario phase that lasts as long as its longest scenario: a ratio of 1.
"""

import sys
from dataclasses import dataclass
from pathlib import Path

from benchmarks.rate import REPORT, SECOND
from stsconf.record.file import Record, read_records


@dataclass(frozen=True, slots=True)
class Phase:
    """Seconds: ``wall`` from the first window's opening to the last one's closing, and each scenario's own."""

    wall: float
    scenarios: dict[str, float]

    @property
    def longest(self) -> str:
        """The scenario that took longest from its first act until it had settled."""
        return max(self.scenarios, key=lambda name: self.scenarios[name])

    @property
    def ratio(self) -> float:
        """The phase divided by its longest scenario."""
        return self.wall / self.scenarios[self.longest]


def measure(recording: Path) -> Phase:
    """Read the scenario phase of a recording. Raises ``ValueError`` for one in which no scenario settled."""
    records = [record for _, record in read_records(recording) if record["rec"] in ("mark", "act")]
    opened = {r["id"]: r for r in records if r["rec"] == "mark" and r["phase"] == "open"}
    closed = {r["id"]: r for r in records if r["rec"] == "mark" and r["phase"] == "close"}
    settled = {identity: r for identity, r in closed.items() if r["plan"].get("settled")}
    if not settled:
        raise ValueError(f"no scenario of {recording} was recorded until it had settled")
    took = {
        opened[identity]["scenario"]: (end["t"] - _first_act(records, opened[identity])) / SECOND
        for identity, end in settled.items()
    }
    first, last = min(r["t"] for r in opened.values()), max(r["t"] for r in closed.values())
    return Phase((last - first) / SECOND, took)


def _first_act(records: list[Record], window: Record) -> int:
    """Its time in nanoseconds; in a namespace that scenarios share, a neighbour's may count."""
    begun = [r for r in records if r["rec"] == "act" and r["phase"] == "begin" and r["ns"] == window["namespace"]]
    return min((int(r["t"]) for r in begun if r["t"] >= window["t"]), default=int(window["t"]))


def recording_of(run: Path) -> Path:
    """The recording of a run's folder, or the file itself."""
    if run.is_file():
        return run
    return next(path for path in (run / "timelines" / "run.ndjson.gz", run / "run.ndjson.gz") if path.is_file())


if __name__ == "__main__":
    found = measure(recording_of(Path(sys.argv[1]) if len(sys.argv) > 1 else REPORT))
    for scenario, seconds in sorted(found.scenarios.items(), key=lambda item: -item[1]):
        print(f"{scenario:20} {seconds:6.1f} s")
    print(f"{'one after another':20} {sum(found.scenarios.values()):6.1f} s")
    print(f"{'side by side':20} {found.wall:6.1f} s: {found.ratio:.2f} times {found.longest}")
