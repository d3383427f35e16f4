import shutil
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from reporting_story import CRASH, IMPLEMENTATION, PROMISES, Story, partition, verdicts_of

from stsconf.errors import TimelineFileError
from stsconf.report.picture import picture
from stsconf.timeline.recording import Recording, load

SVG = "{http://www.w3.org/2000/svg}"


def parsed(svg: str) -> ET.Element:
    return ET.fromstring(svg)  # noqa: S314 - our own text


def words(svg: str) -> list[str]:
    return [element.text or "" for element in parsed(svg).iter(f"{SVG}text")]


def tips(svg: str) -> list[str]:
    return [element.text or "" for element in parsed(svg).iter(f"{SVG}title")]


def test_the_same_recording_gives_the_same_bytes(broken: Recording, tmp_path: Path) -> None:
    copy = load(Path(shutil.copy(broken.path, tmp_path)))
    first = picture(broken.timelines[0], verdicts_of(broken))
    assert first == picture(copy.timelines[0], verdicts_of(copy))


def test_a_violation_is_framed_and_said_in_words(broken: Recording) -> None:
    verdict = verdicts_of(broken)[0]
    svg = picture(broken.timelines[0], [verdict])
    shown = words(svg)
    assert "✗ violated" in shown
    assert "PRT-02: Pods below the partition keep their revision." in shown
    assert any(text.startswith("PRT-02: expected: Pod web-1 keeps its revision") for text in shown)
    frames = [r for r in parsed(svg).iter(f"{SVG}rect") if r.get("fill") == "none" and r.get("stroke-dasharray")]
    assert frames
    assert {frame.get("stroke") for frame in frames} == {"#B30F1B"}


def test_a_held_promise_has_no_frame(obeyed: Recording) -> None:
    svg = picture(obeyed.timelines[0], verdicts_of(obeyed)[:1])
    assert "✓ holds" in words(svg)
    assert not [r for r in parsed(svg).iter(f"{SVG}rect") if r.get("stroke-dasharray")]


def test_every_state_of_every_pod_can_be_traced_to_its_line(broken: Recording) -> None:
    svg = picture(broken.timelines[0])
    told = [tip for tip in tips(svg) if tip.startswith("Pod web-1: ")]
    assert len(told) == 8
    assert all("recording line " in tip and "uid " in tip for tip in told)


def test_bound_volumes_are_folded_into_their_claims(broken: Recording) -> None:
    svg = picture(broken.timelines[0])
    assert "volume" not in words(svg)
    assert any(text.startswith("bound to pvc-0c41a7f0") for text in words(svg))
    assert any("at nfs://10.0.0.9/srv/pvc-0c41a7f0" in tip for tip in tips(svg))


def test_a_released_volume_has_a_lane(tmp_path: Path) -> None:
    story = Story(tmp_path / "run.ndjson")
    partition(story, obeyed=True)
    ref = {"namespace": story.ns, "name": "www-web-2", "uid": story.uids["persistentvolumeclaims", "www-web-2"]}
    story.event(
        60, "MODIFIED", "persistentvolumes", "pvc-2c41a7f0", {}, spec={"claimRef": ref}, status={"phase": "Released"}
    )
    svg = picture(load(story.seal()).timelines[0])
    assert "volume" in words(svg)
    assert "Released" in words(svg)


def test_two_pictures_in_one_page_share_no_id(broken: Recording) -> None:
    first, second = (
        {e.get("id") for e in parsed(picture(broken.timelines[0], prefix=p)).iter() if e.get("id")} for p in "ab"
    )
    assert first
    assert not first & second


def test_nothing_outside_is_asked_for_and_nothing_can_run(broken: Recording) -> None:
    svg = picture(broken.timelines[0], verdicts_of(broken, *PROMISES, IMPLEMENTATION, CRASH))
    names = {element.tag.removeprefix(SVG) for element in parsed(svg).iter()}
    assert names.isdisjoint({"script", "style", "image", "foreignObject", "a"})
    assert svg.count("://") == svg.count("http://www.w3.org/") + svg.count("nfs://")


def test_content_of_a_volume_is_marked_on_its_claim(broken: Recording) -> None:
    svg = picture(broken.timelines[0])
    assert {"Data written", "Data read"} <= set(words(svg))
    assert any("wrote 0_a1 to www-web-0" in tip for tip in tips(svg))
    assert any("looked for 0_a1 in www-web-0 over http: found 0_a1" in tip for tip in tips(svg))


def test_a_gap_is_drawn_as_not_seen(tmp_path: Path) -> None:
    story = Story(tmp_path / "run.ndjson")
    partition(story, obeyed=True)
    story.write({"rec": "gap", "s": "pods", "t": 0, "after_rv": "4130", "until_rv": None, "why": "410"})
    svg = picture(load(story.seal()).timelines[0])
    assert "Not seen" in words(svg)
    assert any(tip.startswith("Pod: not seen from ") for tip in tips(svg))


@pytest.mark.parametrize("scenario", ["partition", "<&>\"'"])
def test_any_text_makes_well_formed_xml(scenario: str, tmp_path: Path) -> None:
    story = Story(tmp_path / "run.ndjson")
    partition(story, obeyed=False, scenario=scenario)
    recording = load(story.seal())
    assert parsed(picture(recording.timelines[0], verdicts_of(recording, CRASH))).tag == f"{SVG}svg"


def test_a_recording_cut_off_anywhere_can_still_be_drawn(broken: Recording, tmp_path: Path) -> None:
    lines = broken.path.read_bytes().splitlines(keepends=True)
    path = tmp_path / "cut.ndjson"
    for length in range(1, len(lines)):
        path.write_bytes(b"".join(lines[:length]))
        try:
            recording = load(path)
        except TimelineFileError:
            continue
        for timeline in recording.timelines:
            assert picture(timeline, verdicts_of(recording))
