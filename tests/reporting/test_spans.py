from pathlib import Path

from reporting_story import REVISIONS, Story, partition

from stsconf.report.spans import State, lanes, say_action
from stsconf.timeline.recording import Recording, load


def test_a_pod_that_is_replaced_keeps_its_lane_and_starts_again(broken: Recording) -> None:
    found = lanes(broken.timelines[0])
    lane = found.lane("Pod", "web-1")
    assert lane is not None
    states = [(span.state, span.detail) for span in lane.spans]
    life = [State.PENDING, State.NOT_READY, State.READY, State.TERMINATING]
    assert states == [(state, rev) for rev in ("rev 1", "rev 2") for state in life]
    assert len({span.uid for span in lane.spans}) == 2
    assert [event.line for event in lane.gone] == sorted(event.line for event in lane.gone)
    assert len(lane.gone) == 2
    assert lane.spans[3].end == lane.gone[0].seconds < lane.spans[4].start


def test_a_span_ends_where_the_next_begins_and_names_the_line_that_began_it(obeyed: Recording) -> None:
    timeline = obeyed.timelines[0]
    lines = {event.line: event for event in timeline.pods.events}
    for lane in lanes(timeline).lanes:
        for span, following in zip(lane.spans, lane.spans[1:], strict=False):
            assert span.end <= following.start
        if lane.kind == "Pod":
            assert all(lines[span.line].seconds == span.start for span in lane.spans)


def test_claims_that_stay_reach_the_end_and_name_their_volume(obeyed: Recording) -> None:
    found = lanes(obeyed.timelines[0])
    lane = found.lane("PersistentVolumeClaim", "www-web-0")
    assert lane is not None
    assert (lane.spans[-1].state, lane.spans[-1].detail) == (State.BOUND, "pvc-0c41a7f0")
    assert lane.spans[-1].end == found.end
    assert not lane.gone


def test_revisions_keep_the_number_they_had_first(obeyed: Recording) -> None:
    assert lanes(obeyed.timelines[0]).revisions == {REVISIONS["old"]: "rev 1", REVISIONS["new"]: "rev 2"}


def test_a_gap_is_a_period_between_the_last_and_the_next_known_moment(tmp_path: Path) -> None:
    story = Story(tmp_path / "run.ndjson")
    partition(story, obeyed=True)
    gap = {"rec": "gap", "s": "pods", "ns": None, "t": 0, "after_rv": "4130", "until_rv": "4140", "why": "410"}
    story.write({**gap, "repaired": False})
    timeline = load(story.seal()).timelines[0]
    found = lanes(timeline)
    known = {event.rv: event.seconds for event in (*timeline.pods.events, *timeline.sets.events)}
    pod, claim = found.lane("Pod", "web-0"), found.lane("PersistentVolumeClaim", "www-web-0")
    assert pod is not None
    assert claim is not None
    assert claim.unseen == ()
    ((began, ended),) = pod.unseen
    assert began <= min(s for rv, s in known.items() if 4130 < rv <= 4140)
    assert ended >= max(s for rv, s in known.items() if 4130 < rv <= 4140)


def test_actions_are_said_in_a_few_words(obeyed: Recording) -> None:
    said = [say_action(action, "web") for action in obeyed.timelines[0].actions]
    assert said == ["apply web, 3 replicas", "patch web: partition 2", "scale web to 1", "delete web"]


def test_an_empty_window_has_no_lanes(tmp_path: Path) -> None:
    story = Story(tmp_path / "run.ndjson")
    story.begin("create", "stsconf-create")
    story.end("create", 1)
    assert lanes(load(story.seal()).timelines[0]).lanes == ()
