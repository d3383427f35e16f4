"""``docs/walkthrough.md``, from the recording of a real walkthrough; ``python -m tests.pages`` writes it."""

from functools import cache
from pathlib import Path

from stsconf import Recording, Verdict, judge, load, suite_files
from stsconf.judging import tutorial
from stsconf.judging.promise import import_promises
from stsconf.judging.tutorial import Transcript, steps
from stsconf.report.walkthrough import Page, page

FOLDER = Path(__file__).parent / "recordings" / "walkthrough"
PAGE = Path(__file__).parents[1] / "docs" / "walkthrough.md"
PROMISES = import_promises(suite_files.conformance())


@cache
def kept() -> tuple[Recording, tuple[Verdict, ...]]:
    """The recording of the kept walkthrough, and the verdicts on the promises that its steps support."""
    recording = load(FOLDER / "run.ndjson.gz")
    wanted = sorted({name for step in steps() for name in step.promises})
    return recording, tuple(judge(PROMISES[name], recording.timelines) for name in wanted)


def read(transcript: Transcript | None = None) -> Page:
    """The page of the kept walkthrough, or what it would be with another transcript."""
    recording, verdicts = kept()
    return page(steps(), transcript or tutorial.read(FOLDER / "walkthrough.json"), recording, verdicts)
