import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from reporting_story import CRASH, IMPLEMENTATION, PROMISES, RUN, verdicts_of

from stsconf.documents import dumps, write
from stsconf.errors import ExitCode, ResultFileError
from stsconf.judging.result import OTHERS, RecordingEntry, RunInfo, document, exit_code, read
from stsconf.judging.verdict import Outcome, Verdict
from stsconf.timeline.recording import Recording, load

Make = Callable[..., Verdict]


@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [
        ([Outcome.HOLDS], ExitCode.HOLDS),
        ([Outcome.HOLDS, Outcome.NOT_APPLICABLE, Outcome.DIFFERS, Outcome.CHARACTERISED], ExitCode.HOLDS),
        ([Outcome.NOT_JUDGED, Outcome.INCONCLUSIVE, Outcome.VIOLATED], ExitCode.VIOLATED),
        ([Outcome.VIOLATED, Outcome.ERROR], ExitCode.HARNESS),
        ([Outcome.HOLDS, Outcome.INCONCLUSIVE, Outcome.NOT_JUDGED], ExitCode.INCONCLUSIVE),
        ([Outcome.HOLDS, Outcome.NOT_JUDGED], ExitCode.NOT_JUDGED),
        ([Outcome.NOT_APPLICABLE], ExitCode.NOTHING_TO_JUDGE),
        ([], ExitCode.NOTHING_TO_JUDGE),
    ],
)
def test_the_worst_required_outcome_decides_the_exit_code(
    outcomes: list[Outcome], expected: ExitCode, verdict: Make
) -> None:
    assert exit_code([verdict(outcome) for outcome in outcomes]) is expected


@pytest.mark.parametrize("outcome", [Outcome.VIOLATED, Outcome.INCONCLUSIVE, Outcome.NOT_JUDGED])
def test_a_promise_that_is_not_required_fails_nothing(outcome: Outcome, verdict: Make) -> None:
    assert exit_code([verdict(Outcome.HOLDS), verdict(outcome, required=False)]) is ExitCode.HOLDS


def test_our_own_error_counts_even_where_the_promise_is_not_required(verdict: Make) -> None:
    assert exit_code([verdict(Outcome.ERROR, required=False)]) is ExitCode.HARNESS


def test_an_interrupted_run_stays_interrupted_whatever_was_found(verdict: Make) -> None:
    assert exit_code([verdict(Outcome.ERROR)], ExitCode.INTERRUPTED) is ExitCode.INTERRUPTED
    assert exit_code([], ExitCode.REFUSED) is ExitCode.REFUSED
    assert exit_code([verdict(Outcome.VIOLATED)], ExitCode.REGRESSION) is ExitCode.VIOLATED


def test_the_document_leads_from_the_verdict_to_the_lines_of_the_recording(broken: Recording) -> None:
    doc = document(RUN, verdicts_of(broken, *PROMISES, IMPLEMENTATION, CRASH), [broken])
    assert doc.counts == {
        "violated": 1,
        "error": 1,
        "inconclusive": 0,
        "differs": 1,
        "holds": 1,
        "characterised": 0,
        "not applicable": 0,
        "not judged": 1,
    }
    promises = {promise.id: promise for promise in doc.promises}
    assert list(promises) == ["API-01", "PRT-02", "PRT-09", "REC-08", "STO-05"]
    violated = promises["PRT-02"]
    lines = broken.path.read_text().splitlines()
    assert len(violated.witness) == 2
    for witness in violated.witness:
        record = json.loads(lines[witness.line - 1])
        assert (record["name"], record["rv"], record["uid"]) == ("web-1", str(witness.rv), witness.uid)
    assert violated.timelines[0].failing[0].seen in violated.reason
    assert promises["PRT-09"].required is False
    assert promises["PRT-09"].outcome == "differs"
    assert doc.run.recordings == (RecordingEntry("run.ndjson", broken.sha256, True, broken.events),)
    assert doc.run.stand_ins == ("NFS client in user space",)


def test_judging_the_same_recording_elsewhere_gives_equal_bytes(broken: Recording, tmp_path: Path) -> None:
    copy = load(Path(shutil.copy(broken.path, tmp_path)))
    first = document(RUN, verdicts_of(broken), [broken])
    again = document(RUN, reversed(verdicts_of(copy)), [copy])
    assert dumps(first) == dumps(again)


def test_what_was_written_is_read_again(broken: Recording, tmp_path: Path) -> None:
    doc = document(RUN, verdicts_of(broken), [broken])
    path = tmp_path / "deep" / "verdict.json"
    write(path, doc)
    assert read(path) == doc
    assert [p.name for p in path.parent.iterdir()] == ["verdict.json"]


def test_a_document_that_cannot_be_written_leaves_the_old_one(broken: Recording, tmp_path: Path) -> None:
    doc = document(RUN, verdicts_of(broken), [broken])
    path = tmp_path / "verdict.json"
    write(path, doc)
    with pytest.raises(ValueError, match="JSON"):
        write(path, {"seconds": float("nan")})
    assert read(path) == doc
    assert [p.name for p in tmp_path.iterdir()] == ["verdict.json"]


def test_a_link_is_written_through_and_stays_a_link(tmp_path: Path) -> None:
    link, target = tmp_path / "link", tmp_path / "target"
    link.symlink_to(target)
    write(link, {"a": 1})
    assert link.is_symlink()
    assert json.loads(target.read_text()) == {"a": 1}
    assert sorted(p.name for p in tmp_path.iterdir()) == ["link", "target"]


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda text: text[: len(text) // 2], "cut short"),
        (lambda text: text.replace("stsconf-verdict", "other"), "not a stsconf-verdict"),
        (lambda text: text.replace('"version": 1', '"version": 2', 1), "has version 2"),
        (lambda text: text.replace('"violated": 1', '"violated": 0', 1), "contradicts itself"),
        (lambda text: text.replace('"verdict": "violated"', '"verdict": "holds"', 1), "contradicts itself"),
        (lambda _: "[]", "not a stsconf-verdict"),
        (lambda _: '{"schema": "stsconf-verdict", "version": 1}', "missing required field run"),
        (
            lambda text: text.replace('"revision": 1', '"revision": "one"', 1),
            r"verdict.json is not valid: promises\[\d+\].revision: expected int, got str\.",
        ),
        (lambda text: text.replace('"kind": "Pod"', '"kind": null', 1), r"witness\[\d+\].kind: expected str, got null"),
        (lambda text: text.replace('"sealed": true', '"sealed": "yes"', 1), r"run.recordings\[\d+\].sealed"),
        (lambda text: text.replace('"exit_code": 1', '"exit_code": 99', 1), "run.exit_code: invalid enum value 99"),
        (lambda _: "[" * 100_000, "not a stsconf-verdict|cannot be read as JSON"),
    ],
)
def test_a_damaged_document_is_refused_with_a_next_step(
    damage: Callable[[str], str], says: str, broken: Recording, tmp_path: Path
) -> None:
    path = tmp_path / "verdict.json"
    path.write_text(damage(dumps(document(RUN, verdicts_of(broken), [broken]))))
    with pytest.raises(ResultFileError, match=says) as raised:
        read(path)
    assert raised.value.next_step
    assert raised.value.exit_code is ExitCode.HARNESS


def test_fields_of_a_later_version_are_ignored(broken: Recording, tmp_path: Path) -> None:
    doc = document(RUN, verdicts_of(broken), [broken])
    later = json.loads(dumps(doc))
    for part in (later, later["run"], later["promises"][0], later["promises"][0]["timelines"][0]):
        part["later"] = {"than": "this"}
    (tmp_path / "verdict.json").write_text(json.dumps(later))
    assert read(tmp_path / "verdict.json") == doc


def test_a_missing_document_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ResultFileError, match="There is no"):
        read(tmp_path / "verdict.json")


def test_a_run_says_what_other_clients_did_and_lists_only_some_of_much() -> None:
    acts = tuple(f"scenario create: pods web-{n} was deleted" for n in range(OTHERS + 3))
    shape = {
        "id": "r",
        "started": "",
        "seconds": 1.0,
        "suite": "0",
        "provider": "kind",
        "cluster": {},
        "environment": {},
    }
    remarks = RunInfo(**shape, scenarios=(), exit_code=ExitCode.HOLDS, others=acts).remarks
    assert remarks[0] == f"Not by this run: {acts[0]}"
    assert remarks[-1] == "Not by this run: 3 more acts of others"
    assert len(remarks) == OTHERS + 1
