"""Named edits of a real recording: each makes a fault that some controller could have, and keeps everything else.

``tests/editor.py`` is what an edit can do; the edits are in ``tests/edits_*.py``.
``docs/edit-matrix.md`` says which promises each edit breaks; ``python -m tests.pages`` writes it.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from stsconf import suite_files
from stsconf.judging.judge import decide, judge, judge_timeline
from stsconf.judging.promise import Promise, import_promises
from stsconf.judging.verdict import Outcome, TimelineVerdict, Verdict
from stsconf.timeline.recording import load
from stsconf.timeline.timeline import Timeline
from tests import edits_basic, edits_life, edits_recreate, edits_updates  # noqa: F401 - they register their edits
from tests.editor import EDITS, REAL, RECREATED, Edit, integrity, seal, windows

__all__ = [
    "EDITS",
    "MATRIX",
    "PROMISES",
    "REAL",
    "Edit",
    "integrity",
    "matrix",
    "seal",
    "unedited",
    "verdicts",
    "windows",
]

MATRIX = Path(__file__).parents[1] / "docs" / "edit-matrix.md"
PROMISES = import_promises(suite_files.conformance())


@cache
def unedited() -> Mapping[str, Timeline]:
    """The timelines of the real recordings, by scenario."""
    return {timeline.window.scenario: timeline for path in (REAL, RECREATED) for timeline in load(path).timelines}


@cache
def verdicts(edited: Edit) -> Mapping[str, Verdict]:
    """Every promise on the whole run with one window edited, read back from a sealed file."""
    with TemporaryDirectory() as folder:
        recording = load(seal(edited.records(), Path(folder) / "edited.ndjson"))
    assert not recording.problems, recording.problems
    timelines = {**unedited(), edited.scenario: recording.timelines[0]}

    def found(promise: Promise) -> Iterator[TimelineVerdict | None]:
        for scenario, timeline in timelines.items():
            if promise.wants(timeline):
                yield judge_timeline(promise, timeline) if scenario == edited.scenario else real(promise.id, scenario)

    return {promise.id: decide(promise, set(timelines), found(promise)) for promise in PROMISES.values()}


@cache
def real(promise: str, scenario: str) -> TimelineVerdict | None:
    """A promise on one timeline of the real recording."""
    return judge_timeline(PROMISES[promise], unedited()[scenario])


def matrix() -> str:
    """The page: each edit, and what became of the promises that no longer hold."""
    lines = [
        "# What each edit of a real recording breaks",
        "",
        "Made by `python -m tests.pages` from `tests/recordings/`, compared by a test, reviewed by hand. Each row",
        "changes one thing in the recording, as a faulty controller could have done, and seals it again. *Differs*:",
        "the promise is about the implementation. All others that hold on the recording as it was made still hold.",
        "",
        "| fault | scenario | violated | differs | inconclusive |",
        "|---|---|---|---|---|",
    ]
    broken_by: dict[str, list[str]] = {}
    kept = {p.id for p in PROMISES.values() if judge(p, [*unedited().values()]).outcome is Outcome.HOLDS}
    for edited in EDITS:
        found = verdicts(edited)
        by = {
            outcome: ", ".join(sorted(p for p, v in found.items() if v.outcome is outcome and p in kept))
            for outcome in (Outcome.VIOLATED, Outcome.DIFFERS, Outcome.INCONCLUSIVE)
        }
        lines.append(f"| {edited.name} | {edited.scenario} | {' | '.join(by.values())} |")
        for promise, verdict in found.items():
            if verdict.outcome in (Outcome.VIOLATED, Outcome.DIFFERS):
                broken_by.setdefault(promise, []).append(edited.name)
    lines += ["", "| promise | broken by |", "|---|---|"]
    lines += [f"| {promise} | {'; '.join(names)} |" for promise, names in sorted(broken_by.items())]
    return "\n".join(lines) + "\n"
