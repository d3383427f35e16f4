"""When what a run made stays, and what is said of it."""

from pathlib import Path

import pytest

from stsconf.clusters import Cluster, Provider
from stsconf.clusters.keeping import Keep, KeepPolicy
from stsconf.errors import ExitCode
from stsconf.kube.api import Api
from stsconf.report.results import Results


@pytest.mark.parametrize(
    ("keep", "failed", "stays"),
    [
        (Keep.NEVER, True, False),
        (Keep.NEVER, False, False),
        (Keep.ON_FAILURE, True, True),
        (Keep.ON_FAILURE, False, False),
        (Keep.ALWAYS, True, True),
        (Keep.ALWAYS, False, True),
    ],
)
def test_what_was_made_stays_as_was_asked(keep: Keep, failed: bool, stays: bool) -> None:
    said: list[str] = []
    api = Api.__new__(Api)  # nothing is asked of it
    cluster = Cluster(Provider.KIND, "stsconf-ab", Path("a file"), None, api, True, "", {}, "v1", "", kubectl="kubectl")
    assert KeepPolicy(keep, lambda: failed, "run-ab", said.append).holds(cluster) is stays
    assert said == [f"keeping: {remains}" for remains in cluster.remains]
    look, remove = "kubectl '--kubeconfig=a file' get pods -A", "stsconf clean --run=run-ab --yes"
    told = f"kind cluster stsconf-ab, kept for debugging: `{look}`; to remove it: `{remove}`"
    assert cluster.remains == ([told] if stays else [])


def test_a_run_that_has_judged_nothing_yet_fails_if_it_ends(tmp_path: Path) -> None:
    results = Results("r", "local", tmp_path)
    assert results.failing
    assert results.exit_code is ExitCode.NOTHING_TO_JUDGE
    assert list(tmp_path.iterdir()) == []
