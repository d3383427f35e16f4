import json
from pathlib import Path

import pytest
from reporting_story import Story, partition, verdicts_of

from stsconf.report.evidence import cell, deciding_events, excerpt
from stsconf.timeline.recording import Recording, load


def test_the_deciding_lines_come_first_and_are_bold_among_the_others(broken: Recording) -> None:
    verdict = verdicts_of(broken)[0]
    text = deciding_events(verdict, broken.timelines[0], broken)
    first, rest = text.split("What happened around it:")
    for witness in verdict.witness:
        assert f"| {witness.line} | {witness.seconds:.3f} s |" in first
        assert f"| **{witness.line}** |" in rest
    assert "| the test itself | patch web: partition 2 |" in rest
    assert broken.sha256 in rest


def test_a_held_promise_shows_what_the_pods_did(obeyed: Recording) -> None:
    text = deciding_events(verdicts_of(obeyed)[0], obeyed.timelines[0], obeyed)
    assert "all 3 obligations hold" in text
    assert text.count("| gone |") == 4
    assert "**" not in text.split("|--:|", 1)[1]


def test_an_excerpt_keeps_the_line_numbers_and_drops_managed_fields(broken: Recording) -> None:
    whole = broken.path.read_text().splitlines()
    records = [json.loads(line) for line in excerpt(broken, broken.timelines[0]).splitlines()]
    assert records[0]["rec"] == "header"
    assert sum(r["rec"] == "ev" for r in records) == broken.events
    assert [r["rec"] for r in records if r["rec"] in ("mark", "obs")] == ["mark", "obs", "obs", "mark"]
    assert sum(r["rec"] == "act" for r in records) == 2 * len(broken.timelines[0].actions)
    for record in records:
        original = json.loads(whole[record.pop("line") - 1])
        if "obj" in original:
            assert original["obj"]["metadata"].pop("managedFields")
        assert record == original


def test_an_excerpt_holds_one_scenario_only(tmp_path: Path) -> None:
    story = Story(tmp_path / "run.ndjson")
    partition(story, obeyed=True)
    partition(story, obeyed=True, scenario="second", ns="stsconf-second")
    recording = load(story.seal())
    for timeline in recording.timelines:
        records = [json.loads(line) for line in excerpt(recording, timeline).splitlines()]
        spaces = {r["ns"] for r in records if r["rec"] in ("ev", "act")} - {""}
        assert spaces == {timeline.window.namespace}
        assert {r.get("scenario", timeline.window.scenario) for r in records if r["rec"] == "mark"} == {
            timeline.window.scenario
        }


def test_an_excerpt_that_is_too_long_says_what_is_missing(broken: Recording) -> None:
    text = excerpt(broken, broken.timelines[0], limit=5000)
    assert len(text) < 5200
    note = json.loads(text.splitlines()[-1])
    assert note["rec"] == "note"
    assert "more records are left out" in note["what"]


@pytest.mark.parametrize("text", ["a|b", "<img src=x>", "**bold**", "[a](b)", "a\nb", "`x`"])
def test_a_cell_is_text_whatever_it_holds(text: str) -> None:
    shown = cell(text)
    assert "\n" not in shown
    assert "<" not in shown
    assert not any(sign in shown.replace(f"\\{sign}", "") for sign in "|*`[]")
