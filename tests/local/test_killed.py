"""A run killed anywhere on somebody else's cluster, and then `stsconf clean` from another machine: nothing is left.

``python -m tests.killed 20`` does the same at 20 points, and waits until the runs count as dead by themselves.
"""

import random
from pathlib import Path

import pytest

from stsconf.clusters import Cluster
from tests.killed import kill
from tests.local.conftest import say

pytestmark = [pytest.mark.local]


def test_what_is_left_of_a_run_killed_at_three_random_points_is_removed_and_nothing_else(
    cluster: Cluster, tmp_path: Path
) -> None:
    kill(cluster, 3, random.randrange(10**6), tmp_path, say, force=True)  # noqa: S311 - any three, and the seed is said
