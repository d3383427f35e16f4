"""The faulty controller in place of the real one: each fault is named by its promise, and without one nothing is."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from stsconf.clusters import Cluster
from stsconf.verdict import Outcome
from tests.bug_table import NAMED, PROMISES, Finding, faulty_cluster, find, find_all
from tests.faulty.faults import FAULTS, Fault
from tests.local.conftest import say

pytestmark = [pytest.mark.local]

JUDGED = [fault for fault in FAULTS.values() if fault.promise in PROMISES]


@pytest.fixture(scope="module")
def exchanged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A control plane whose StatefulSet controller is ours."""
    with faulty_cluster(tmp_path_factory.mktemp("faulty"), say) as found:
        yield found


@pytest.fixture(scope="module")
def findings(exchanged: Cluster, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Finding]:
    """What was found of every fault, run side by side."""
    found = find_all(JUDGED, exchanged, tmp_path_factory.mktemp("findings"), say)
    return dict(zip((fault.name for fault in JUDGED), found, strict=True))


def test_the_correct_controller_violates_nothing(exchanged: Cluster, tmp_path: Path) -> None:
    correct = find(exchanged, None, tmp_path, say)
    wrong = [v.explain() for v in correct.verdicts.values() if v.outcome in (Outcome.VIOLATED, Outcome.ERROR)]
    assert not wrong, "\n".join(wrong)
    assert len(correct.ids(Outcome.HOLDS)) >= 28


@pytest.mark.parametrize("fault", JUDGED, ids=lambda f: f.name)
def test_a_fault_is_named_by_its_promise(findings: dict[str, Finding], fault: Fault) -> None:
    verdict = findings[fault.name].verdicts[fault.promise]
    assert verdict.outcome in NAMED, verdict.explain()
