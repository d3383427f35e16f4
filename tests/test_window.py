"""What the marks of a scenario say, as a run writes it and as judging reads it."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import convert, to_builtins

from stsconf.cli.main import main
from stsconf.errors import TimelineFileError
from stsconf.timeline.recording import load
from stsconf.timeline.window import ScenarioEnd, ScenarioPlan
from tests.tape import Tape, created, write


def marked(path: Path, phase: str, **said: Any) -> Path:
    """A recording in which the mark of that phase says this as well."""
    tape: Tape = created(1)
    (mark,) = [r for r in tape.records if r["rec"] == "mark" and r["phase"] == phase]
    mark["plan"] = {**mark["plan"], **said}
    return write(tape.records, path / "run.ndjson")


@given(st.builds(ScenarioPlan) | st.builds(ScenarioEnd))
def test_what_is_written_is_read_again(said: ScenarioPlan | ScenarioEnd) -> None:
    assert convert(to_builtins(said), type(said)) == said


def test_an_end_says_nothing_of_what_did_not_happen() -> None:
    assert to_builtins(ScenarioEnd(settled=False, waited_for="web-0")) == {"settled": False, "waited_for": "web-0"}
    assert to_builtins(ScenarioEnd()) == {}


def test_fields_of_a_later_version_are_ignored(tmp_path: Path) -> None:
    (timeline,) = load(marked(tmp_path, "open", hasty=True, later={"than": "this"})).timelines
    assert timeline.window.plan == ScenarioPlan(hasty=True)
    assert timeline.window.settled is True


@pytest.mark.parametrize(
    ("phase", "said", "says"),
    [
        ("open", {"managers": [7]}, r"plan\.managers\[0\]: expected str, got int\."),
        ("close", {"settled": "yes"}, r"line \d+: plan\.settled: expected bool \| null, got str\."),
        ("close", {"environment": None}, r"plan\.environment: expected str, got null\."),
    ],
)
def test_a_wrong_field_is_one_sentence_with_its_path(
    phase: str, said: dict[str, Any], says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = marked(tmp_path, phase, **said)
    with pytest.raises(TimelineFileError, match=says):
        load(path)
    assert main(["judge", str(path), "--output-dir", str(tmp_path / "out")]) == 3
    assert "Traceback" not in capsys.readouterr().err
