"""How busy a run is at most: ``python -m benchmarks.rate [RECORDING]``."""

import sys
from collections.abc import Iterable
from pathlib import Path

from stsconf.record.file import read_records

REPORT = Path(__file__).parents[1] / "reports" / "v1.37.2" / "kind" / "run.ndjson.gz"
"""The accepted report of a whole run."""
SECOND = 1_000_000_000


def busiest(recording: Path) -> int:
    """The most versions of objects, of all kinds together, that were recorded within any one second."""
    return most_within(record["t"] for _, record in read_records(recording) if record["rec"] == "ev")


def most_within(times: Iterable[int], span: int = SECOND) -> int:
    """The most of these times (nanoseconds) in any half-open span."""
    ordered = sorted(times)
    first = most = 0
    for number, time in enumerate(ordered, 1):
        while ordered[first] <= time - span:
            first += 1
        most = max(most, number - first)
    return most


if __name__ == "__main__":
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else REPORT
    print(f"{busiest(path)} events in the busiest second of {path}")
