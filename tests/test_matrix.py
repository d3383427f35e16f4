"""The table of versions: what is not expected fails it, and so does what is expected and does not come."""

from dataclasses import replace

import pytest

from stsconf.judging.judge import judge
from stsconf.judging.promise import Level
from stsconf.judging.verdict import Outcome
from tests import matrix
from tests.bug_table import PROMISES

PROMISE = next(each for each in PROMISES.values() if each.level is Level.DOCUMENTED)
VERDICT = judge(PROMISE, [])
KNOWN = {
    "promise": PROMISE.id,
    "versions": ["v1.34.0"],
    "outcome": "violated",
    "reason": "a known bug",
    "issue": "kubernetes/kubernetes#1",
}


@pytest.mark.parametrize(
    ("outcome", "known", "sentences"),
    [
        (Outcome.HOLDS, [], 0),
        (Outcome.NOT_APPLICABLE, [], 0),
        (Outcome.VIOLATED, [], 1),
        (Outcome.INCONCLUSIVE, [], 1),
        (Outcome.VIOLATED, [KNOWN], 0),
        (Outcome.HOLDS, [KNOWN], 1),
        (Outcome.INCONCLUSIVE, [KNOWN], 1),
    ],
)
def test_only_what_is_expected_passes(
    monkeypatch: pytest.MonkeyPatch, outcome: Outcome, known: list[dict[str, object]], sentences: int
) -> None:
    monkeypatch.setattr(matrix, "_deviations", lambda: known)
    found = {"v1.34.0": {PROMISE.id: replace(VERDICT, outcome=outcome)}}
    assert len(matrix.unexpected(found)) == sentences


def test_a_version_without_a_deviation_known_elsewhere_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matrix, "_deviations", lambda: [KNOWN])
    assert matrix.unexpected({"v1.34.4": {PROMISE.id: replace(VERDICT, outcome=Outcome.HOLDS)}}) == []


@pytest.mark.parametrize(("known", "word"), [([], "Unexplained"), ([KNOWN], "kubernetes/kubernetes#1")])
def test_the_page_says_why_two_versions_differ(
    monkeypatch: pytest.MonkeyPatch, known: list[dict[str, object]], word: str
) -> None:
    monkeypatch.setattr(matrix, "_deviations", lambda: known)
    outcomes = {"v1.34.0": Outcome.VIOLATED, "v1.34.4": Outcome.HOLDS}
    columns = [matrix.data(v, {PROMISE.id: replace(VERDICT, outcome=o)}, 60) for v, o in outcomes.items()]
    page = matrix.page(columns, ["v1.36.3"])
    assert f"| {PROMISE.id} | violated | holds |" in page
    assert word in page
    assert "- v1.36.3: not run" in page
