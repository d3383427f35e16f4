"""What was found, for people and for machines.

Pure functions of a run's facts, its verdicts and its recordings: no cluster, no test runner. ``document`` is the
result that everything else could be made from again; each other module is one format.
"""

import os
from pathlib import Path

from stsconf import suite_files


def output_dir(given: str | None, run_id: str) -> Path:
    """Where the results of a run go: where somebody said, else a folder of its own in a checkout."""
    if given or (given := os.environ.get("ARTIFACTS")):
        return Path(given)
    checkout = suite_files.checkout()
    return checkout / "reports" / run_id if checkout else Path("stsconf-report")
