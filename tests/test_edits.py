"""Each promise holds on a real run, and is broken by a fault of its own, with the events that prove it."""

import re
from functools import cache
from pathlib import Path

import pytest

from stsconf.judging.judge import judge
from stsconf.judging.promise import Level, Promise
from stsconf.judging.verdict import Outcome
from stsconf.record.file import inspect
from stsconf.timeline.recording import load
from stsconf.timeline.timeline import Timeline
from tests.editor import EDITS, REAL, SCENARIOS, Edit, integrity, windows
from tests.edits import MATRIX, PROMISES, matrix, unedited, verdicts

BUG_TABLE = Path(__file__).parents[1] / "docs" / "bug-table.md"
ON_LOCAL = REAL.parents[1] / "local-1.37.2" / "run.ndjson.gz"
"""Scenarios that the other recording does not have, and another node."""
BROKEN = (Outcome.VIOLATED, Outcome.DIFFERS)
BREAKABLE = [p for p in PROMISES.values() if p.level is not Level.CHARACTERISED and not p.on_request]


@cache
def on_local() -> tuple[Timeline, ...]:
    return load(ON_LOCAL).timelines


def test_the_real_recording_is_whole() -> None:
    assert inspect(REAL).problem is None
    assert not [problem for timeline in unedited().values() for problem in timeline.problems]


@pytest.mark.parametrize("promise", BREAKABLE, ids=lambda p: p.id)
def test_a_real_run_keeps_the_promise(promise: Promise) -> None:
    verdict = judge(promise, [*unedited().values(), *on_local()])
    assert verdict.outcome is Outcome.HOLDS, verdict.explain()
    assert verdict.obligations > 0


@pytest.mark.parametrize("promise", BREAKABLE, ids=lambda p: p.id)
def test_some_fault_breaks_the_promise(promise: Promise) -> None:
    by_controller = {id_ for row in BUG_TABLE.read_text(encoding="utf-8").splitlines() for id_ in _broken(row)}
    assert promise.id in by_controller or any(edited.breaks[0] == promise.id for edited in EDITS)


def _broken(row: str) -> set[str]:
    """The promises that a row of the bug table says a fault of the controller broke."""
    cells = row.split("|")
    return set(re.findall(r"[A-Z]{3}-\d\d", "".join(cells[5:]))) if len(cells) > 6 else set()


@pytest.mark.parametrize("edited", EDITS, ids=lambda e: e.name)
def test_a_fault_breaks_what_it_should_and_nothing_else(edited: Edit) -> None:
    found = verdicts(edited)
    assert {promise for promise, verdict in found.items() if verdict.outcome in BROKEN} == set(edited.breaks)
    own = found[edited.breaks[0]]
    documented = PROMISES[own.id].level is Level.DOCUMENTED
    assert own.outcome is (Outcome.VIOLATED if documented else Outcome.DIFFERS)
    assert own.deciding is not None
    assert own.deciding.scenario == edited.scenario
    assert edited.witness <= {w.name for w in own.witness} | {w.kind for w in own.witness}, own.explain()


def test_the_matrix_in_the_docs_is_what_the_edits_give() -> None:
    assert MATRIX.read_text(encoding="utf-8") == matrix(), "python -m tests.pages edit-matrix.md, and review it"


@pytest.mark.parametrize("scenario", sorted(SCENARIOS))
def test_what_was_recorded_could_have_been_sent(scenario: str) -> None:
    assert integrity(windows()[scenario]) == []


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda events: events.insert(0, events.pop(1)), "known was None"),
        (lambda events: events.append(events[0]), "after"),
        (lambda events: events.pop(0), "known was None"),
        (lambda events: events[1]["obj"]["metadata"].update(uid="other"), "the object says otherwise"),
    ],
    ids=["out of order", "twice", "never added", "another object"],
)
def test_what_no_server_sends_is_no_edit(change: object, problem: str) -> None:
    events = Edit("unedited", "create", (), frozenset(), lambda _: None).records()
    pods = [r for r in events if r["rec"] == "ev" and r["s"] == "pods"]
    change(pods)  # type: ignore[operator]
    assert any(problem in found for found in integrity(pods))
