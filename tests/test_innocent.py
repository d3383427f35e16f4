"""Situations that a correct controller can find itself in accuse nobody; see tests/edits_innocent.py."""

from pathlib import Path

import pytest

from stsconf.judging.judge import judge_timeline
from stsconf.judging.verdict import Outcome
from stsconf.timeline.recording import load
from tests import edits_neighbours  # noqa: F401 - it registers its situations
from tests.editor import integrity, seal
from tests.edits import PROMISES
from tests.edits_innocent import INNOCENT, Innocent


@pytest.mark.parametrize("case", INNOCENT, ids=lambda c: f"{c.scenario}: {c.name}")
def test_nothing_is_violated(case: Innocent, tmp_path: Path) -> None:
    records = case.records()
    assert integrity(records) == []
    (timeline,) = load(seal(records, tmp_path / "edited.ndjson")).timelines
    found = {p.id: judge_timeline(p, timeline) for p in PROMISES.values() if p.wants(timeline)}
    blamed = {
        id_: v.failing[0].seen for id_, v in found.items() if v and v.outcome in (Outcome.VIOLATED, Outcome.DIFFERS)
    }
    assert not blamed


def test_every_kind_has_several_cases() -> None:
    kinds = [case.kind for case in INNOCENT]
    assert all(kinds.count(kind) >= 3 for kind in kinds)
