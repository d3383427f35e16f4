"""The faulty controller in place of the real one: each fault is named by its promise, and without one nothing is."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from stsconf.clusters import Cluster
from stsconf.judging.verdict import Outcome
from tests.bug_table import NAMED, PROMISES, Finding, faulty_cluster, find, find_all
from tests.faulty.faults import FAULTS, Fault
from tests.local.conftest import say

DOZEN = frozenset(
    [
        "padded-names",
        "no-name-label",
        "set-as-host-name",
        "creates-from-the-top",
        "running-is-enough",
        "pod-before-claims",
        "one-too-few",
        "removes-from-the-bottom",
        "removes-all-at-once",
        "removes-while-unhealthy",
        "scaling-down-deletes-claims",
        "kills-at-once",
    ]
)
"""What every `tox run -e local` runs; all of them are `tox run -e faults`."""


def _marked(fault: Fault) -> Any:
    marks = [pytest.mark.faults, *([pytest.mark.local] if fault.name in DOZEN else [])]
    return pytest.param(fault, marks=marks, id=fault.name)


JUDGED = [_marked(fault) for fault in FAULTS.values() if fault.promise in PROMISES]


@pytest.fixture(scope="module")
def exchanged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A control plane whose StatefulSet controller is ours."""
    with faulty_cluster(tmp_path_factory.mktemp("faulty"), say) as found:
        yield found


@pytest.fixture(scope="module")
def findings(
    request: pytest.FixtureRequest, exchanged: Cluster, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Finding]:
    """What was found of every fault that was asked for, run side by side."""
    here = [item for item in request.session.items if item.path == request.path and hasattr(item, "callspec")]
    asked = [item.callspec.params["fault"] for item in here]
    found = find_all(asked, exchanged, tmp_path_factory.mktemp("findings"), say)
    return dict(zip((fault.name for fault in asked), found, strict=True))


@pytest.mark.local
def test_the_correct_controller_violates_nothing(exchanged: Cluster, tmp_path: Path) -> None:
    correct = find(exchanged, None, tmp_path, say)
    wrong = [v.explain() for v in correct.verdicts.values() if v.outcome in (Outcome.VIOLATED, Outcome.ERROR)]
    assert not wrong, "\n".join(wrong)
    assert len(correct.ids(Outcome.HOLDS)) >= 28


@pytest.mark.parametrize("fault", JUDGED)
def test_a_fault_is_named_by_its_promise(findings: dict[str, Finding], fault: Fault) -> None:
    verdict = findings[fault.name].verdicts[fault.promise]
    assert verdict.outcome in NAMED, verdict.explain()
