"""The gate: what flipped or fell silent since a baseline, what was accepted, and the exit code of each."""

import datetime
import json
from pathlib import Path

import pytest

from stsconf import suite_files
from stsconf.cli.main import main
from stsconf.documents import dumps
from stsconf.errors import ExitCode, UsageError
from stsconf.gate.gate import Accepted, Gate, Kind, gate_document, read_accepted
from stsconf.judging import result
from stsconf.judging.verdict import Outcome, TimelineVerdict, Verdict
from stsconf.report.page import page
from stsconf.report.results import Results
from stsconf.timeline.events import Reason
from tests import forked

TODAY = datetime.date(2026, 11, 25)
SOURCE = "https://kubernetes.io/docs/"
RUN = result.RunInfo(
    id="r",
    started="2026-11-25T00:00:00+00:00",
    seconds=1,
    suite="0",
    provider="existing",
    cluster={"uid": "u"},
    environment={},
    scenarios=(),
    exit_code=ExitCode.HOLDS,
)


def verdict(outcome: Outcome, name: str = "ORD-02", revision: int = 1, cause: Reason | None = None) -> Verdict:
    timelines = (
        TimelineVerdict(scenario="create", namespace="ns", set_name="web", outcome=outcome, obligations=3, cause=cause),
    )
    if outcome in (Outcome.NOT_JUDGED, Outcome.NOT_APPLICABLE):
        timelines = ()
    return Verdict(name, "A promise.", "documented", revision, SOURCE, outcome, True, timelines, cause)


def baseline(*verdicts: Verdict) -> result.Document:
    return result.document(RUN, verdicts, [])


HELD = verdict(Outcome.HOLDS, "SDN-02")
H, V, I, N, A = Outcome.HOLDS, Outcome.VIOLATED, Outcome.INCONCLUSIVE, Outcome.NOT_JUDGED, Outcome.NOT_APPLICABLE  # noqa: E741


@pytest.mark.parametrize(
    ("before", "now", "kind", "code"),
    [
        (H, H, None, ExitCode.HOLDS),
        (H, V, Kind.REGRESSED, ExitCode.VIOLATED),
        (V, V, None, ExitCode.VIOLATED),
        (V, H, Kind.CHANGED, ExitCode.HOLDS),
        (H, I, Kind.LOST, ExitCode.REGRESSION),
        (H, N, Kind.LOST, ExitCode.REGRESSION),
        (H, A, Kind.LOST, ExitCode.REGRESSION),
        (V, I, Kind.LOST, ExitCode.REGRESSION),
        (I, I, None, ExitCode.INCONCLUSIVE),
        (N, N, None, ExitCode.NOT_JUDGED),
        (I, N, Kind.CHANGED, ExitCode.NOT_JUDGED),
        (H, Outcome.ERROR, Kind.LOST, ExitCode.HARNESS),
    ],
)
def test_each_pair_of_outcomes(
    before: Outcome, now: Outcome, kind: Kind | None, code: ExitCode, tmp_path: Path
) -> None:
    results = Results("r", "existing", tmp_path)
    results.gate = Gate(baseline(HELD, verdict(before)), (), TODAY)
    results.add(HELD)
    results.add(verdict(now))
    assert results.finish() is code
    assert [c.kind for c in results.changes] == ([kind] if kind else [])
    told = json.loads((tmp_path / "gate.json").read_text())
    assert (told["schema"], told["version"]) == ("stsconf-gate", 1)
    assert [(c["before"], c["now"]) for c in told["changes"]] == ([(before, now)] if kind else [])


def kinds(gate: Gate, *verdicts: Verdict) -> list[Kind]:
    return [change.kind for change in gate.changes(verdicts)]


def test_a_promise_that_is_not_in_the_run_is_lost_and_one_that_was_not_in_the_baseline_is_new() -> None:
    gate = Gate(baseline(HELD), (), TODAY)
    assert kinds(gate, verdict(H)) == [Kind.LOST, Kind.NEW]


def test_one_that_is_judged_on_nothing_any_more_is_lost() -> None:
    empty = Verdict("SDN-02", "A promise.", "documented", 1, SOURCE, H, True, ())
    assert kinds(Gate(baseline(HELD), (), TODAY), empty) == [Kind.LOST]


def test_a_missing_right_is_named() -> None:
    (lost,) = Gate(baseline(verdict(H)), (), TODAY).changes([verdict(I, cause=Reason.FORBIDDEN)])
    assert lost.kind is Kind.LOST
    assert "a right is missing" in lost.why


def test_another_revision_is_not_compared_and_says_so() -> None:
    (change,) = Gate(baseline(verdict(H)), (), TODAY).changes([verdict(V, revision=2)])
    assert change.kind is Kind.REVISED
    assert not change.fails
    assert "rule revision 1 then and 2 now" in change.why


def accepted(expires: datetime.date, outcome: Outcome = V) -> Accepted:
    return Accepted("ORD-02", outcome, "known, see the ticket", expires)


@pytest.mark.parametrize(
    ("entry", "now", "kind", "code"),
    [
        (accepted(TODAY), V, Kind.ACCEPTED, ExitCode.HOLDS),
        (accepted(TODAY - datetime.timedelta(1)), V, Kind.EXPIRED, ExitCode.VIOLATED),
        (accepted(TODAY), H, Kind.STALE, ExitCode.HOLDS),
        (accepted(TODAY), I, Kind.STALE, ExitCode.REGRESSION),
        (accepted(TODAY, I), I, Kind.ACCEPTED, ExitCode.HOLDS),
        (accepted(TODAY, N), N, Kind.ACCEPTED, ExitCode.HOLDS),
    ],
)
def test_an_accepted_deviation(entry: Accepted, now: Outcome, kind: Kind, code: ExitCode, tmp_path: Path) -> None:
    results = Results("r", "existing", tmp_path)
    results.gate = Gate(baseline(HELD, verdict(H)), (entry,), TODAY)
    results.add(HELD)
    results.add(verdict(now))
    assert results.finish() is code
    assert kind in [c.kind for c in results.changes]
    doc = result.read(tmp_path / "verdict.json")
    assert next(p for p in doc.promises if p.id == "ORD-02").outcome is now
    assert doc.run.accepted == (("ORD-02",) if kind is Kind.ACCEPTED else ())


def test_the_page_shows_both_outcomes_side_by_side() -> None:
    changes = Gate(baseline(HELD, verdict(H)), (), TODAY).changes([HELD, verdict(V)])
    text = page(RUN, [HELD, verdict(V)], [], changes)
    section = text.split('id="changes"')[1].split("</table>")[0]
    assert section.index("holds") < section.rindex("violated")
    assert "<b>regressed</b>" in section
    assert 'id="changes"' not in page(RUN, [HELD], [])


def test_the_document_says_which_run_it_is_compared_with() -> None:
    gate = Gate(baseline(HELD), (), TODAY)
    doc = json.loads(dumps(gate_document(gate, [])))
    assert doc["baseline"] == {
        "id": "r",
        "started": "2026-11-25T00:00:00+00:00",
        "suite": "0",
        "provider": "existing",
        "cluster": {"uid": "u"},
    }
    assert json.loads(dumps(gate_document(Gate(None, (), TODAY), [])))["baseline"] == {}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("accepted = 1", "more than tables"),
        ("[[other]]", "more than tables"),
        ("x", "cannot be read"),
        ('[[accepted]]\npromise = "ORD-02"', "not complete: 'reason'"),
        ('[[accepted]]\npromise = "ORD-02"\nreason = ""\nexpires = 2027-01-01', "no reason"),
        ('[[accepted]]\npromise = "ORD-02"\nreason = "x"\nexpires = "2027"', "not a date"),
        ('[[accepted]]\npromise = "ORD-99"\nreason = "x"\nexpires = 2027-01-01', "no promise ORD-99"),
        (
            '[[accepted]]\npromise = "ORD-02"\noutcome = "error"\nreason = "x"\nexpires = 2027-01-01',
            "cannot be accepted",
        ),
        ('[[accepted]]\npromise = "ORD-02"\nreason = "x"\nexpires = 2027-01-01\nby = "me"', "nothing known as by"),
    ],
)
def test_a_file_of_accepted_deviations_says_all_that_it_must(text: str, sentence: str, tmp_path: Path) -> None:
    path = tmp_path / "accepted.toml"
    path.write_text(text)
    with pytest.raises(UsageError, match=sentence):
        read_accepted(path)


def test_gate_without_a_baseline_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["gate"]) == 4
    assert "nothing to compare with" in capsys.readouterr().err


WAYS = {
    "gate": ["stsconf", "gate", "--"],
    "pytest": ["pytest", str(suite_files.conformance()), "--sts-"],
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("option", "text", "code", "sentence"),
    [
        ("baseline", "{", ExitCode.HARNESS, "cannot be read as JSON"),
        ("accepted", "x", ExitCode.USAGE, "cannot be read"),
    ],
)
def test_a_file_that_cannot_be_used_ends_the_run_before_it_acts(
    way: str, option: str, text: str, code: ExitCode, sentence: str, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text(text)
    *start, prefix = WAYS[way]
    options = {"cluster": "local", "save-baseline": "new.json", option: "file"}
    done = forked.run(*start, *(f"{prefix}{name}={value}" for name, value in options.items()), cwd=tmp_path)
    assert done.returncode == code, done.stdout + done.stderr
    assert sentence in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert not (tmp_path / "new.json").exists()
