"""The walkthrough's page, made from the recording of a real one, and what its judgement rests on."""

import io
import json
import signal
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from msgspec.structs import replace
from rich.console import Console

from stsconf import Recording, judge
from stsconf.act.workload import Workload
from stsconf.clusters import Cluster
from stsconf.documents import write
from stsconf.errors import ResultFileError
from stsconf.judging import tutorial
from stsconf.judging.tutorial import steps
from stsconf.judging.verdict import Outcome
from stsconf.record.file import inspect, read_records
from stsconf.report.style import STYLES
from stsconf.report.walkthrough import markdown, show
from stsconf.run.walkthrough import WAITS
from stsconf.run.walkthrough import _Reader as Reader
from stsconf.timeline.questions import authors
from stsconf.timeline.questions.authors import Author
from stsconf.timeline.recording import assemble
from stsconf.waits import Waits
from tests.walkthrough_page import FOLDER, PAGE, PROMISES, kept, read

RECORDING = FOLDER / "run.ndjson.gz"
TRANSCRIPT = tutorial.read(FOLDER / "walkthrough.json")


def changed(change: Callable[[dict[str, Any]], None]) -> Recording:
    """The kept recording, with something done to each record."""

    def edited() -> Any:
        for line, record in read_records(RECORDING):
            copy = json.loads(json.dumps(record))
            change(copy)
            yield line, copy

    return assemble(RECORDING, edited(), inspect(RECORDING))


def test_every_step_supports_its_promises() -> None:
    found = read()
    assert [part.step for part in found.parts] == list(steps())
    for part in found.parts:
        assert [verdict.id for verdict in part.verdicts] == list(part.step.promises)
        assert {v.outcome for v in part.verdicts} <= {Outcome.HOLDS, Outcome.CHARACTERISED}
        assert part.commands


def test_every_line_is_a_command_or_something_the_walkthrough_can_do() -> None:
    for step in steps():
        for line in step.does:
            assert line in {*WAITS, "read", "write"} or line.removeprefix("-").startswith("kubectl ")


def test_each_command_is_followed_by_what_was_seen_of_it() -> None:
    commands = {command.command: seen for part in read().parts for command, seen in part.commands}
    kinds = [" ".join(line.split()[2:]) for line in commands["kubectl scale sts web --replicas=2"]]
    assert kinds == [
        "pod web-3 is asked to stop",
        "pod web-3 is gone",
        "pod web-2 is asked to stop",
        "pod web-2 is gone",
        "set web says that all 2 are there",
    ]
    assert not commands["kubectl rollout history statefulset web"]


def test_the_order_of_a_cascade_is_reported_as_it_was_seen() -> None:
    *_, first, second = kept()[0].timelines[0].pods.stopping()
    assert f"asked to stop in the order {first.name}, {second.name};" in PAGE.read_text(encoding="utf-8")


def test_without_kubectl_as_a_known_writer_its_changes_are_somebody_elses() -> None:
    def forget(record: dict[str, Any]) -> None:
        if record["rec"] == "mark":
            record["plan"].pop("managers", None)

    (timeline,) = changed(forget).timelines
    assert {act.by.author for act in authors.foreign(timeline)} <= {Author.OTHER, Author.UNKNOWN}
    assert judge(PROMISES["ORD-01"], [timeline]).outcome is Outcome.HOLDS


def test_a_change_by_kubectl_that_was_not_ours_is_somebody_elses() -> None:
    def disown(record: dict[str, Any]) -> None:
        if record["rec"] == "act" and record["phase"] == "end" and record["id"] == scaling:
            record["result"] = None

    begins = (record for _, record in read_records(RECORDING) if record["rec"] == "act" and record["phase"] == "begin")
    scaling = next(record["id"] for record in begins if record["verb"] == "scale")
    (timeline,) = changed(disown).timelines
    assert [act.what for act in authors.foreign(timeline)] == ["statefulsets web was changed"]
    assert not authors.foreign(kept()[0].timelines[0])


def test_a_walkthrough_that_ended_early_says_what_was_not_reached() -> None:
    cut = replace(TRANSCRIPT, commands=tuple(c for c in TRANSCRIPT.commands if c.step < 4))
    assert markdown(read(transcript=cut)).count("This step was not reached.") == len(steps()) - 4


@pytest.mark.parametrize("width", [60, 200])
def test_the_terminal_shows_every_command_and_verdict(width: int) -> None:
    console = Console(file=io.StringIO(), width=width)
    found = read()
    show(found, console)
    assert isinstance(console.file, io.StringIO)
    text = "".join(console.file.getvalue().split())
    for part in found.parts:
        assert all("".join(f"${command.command}".split()) in text for command, _ in part.commands)
        assert all(f"{verdict.id}{STYLES[verdict.outcome].glyph}" in text for verdict in part.verdicts)


def test_a_transcript_is_read_as_it_was_written(tmp_path: Path) -> None:
    write(tmp_path / "walkthrough.json", TRANSCRIPT)
    assert tutorial.read(tmp_path / "walkthrough.json") == TRANSCRIPT
    (tmp_path / "walkthrough.json").write_text("{}")
    with pytest.raises(ResultFileError, match="missing required field images"):
        tutorial.read(tmp_path / "walkthrough.json")


def test_a_command_that_does_not_end_is_killed_when_its_time_is_up(tmp_path: Path) -> None:
    program = tmp_path / "kubectl"
    program.write_text("#!/bin/sh\necho waiting\nexec sleep 1000\n")
    program.chmod(0o755)
    recorder = SimpleNamespace(wait_for=lambda *_: True)
    workload = cast(Workload, SimpleNamespace(setting=SimpleNamespace(recorder=recorder, waits=Waits(settle=0.1))))
    reader = Reader(cast(Cluster, SimpleNamespace(kubectl=str(program))), tmp_path, tmp_path / "none", print)
    assert reader._run((), workload, {}) == ("waiting\n", -signal.SIGKILL)
