from collections.abc import Callable

import pytest
from reporting_story import Story, partition

from stsconf.judging.verdict import Outcome, Verdict
from stsconf.timeline.recording import Recording, load


@pytest.fixture(scope="session")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Recording:
    """A recording in which web-1 is replaced although it is below the partition."""
    story = Story(tmp_path_factory.mktemp("broken") / "run.ndjson")
    partition(story, obeyed=False)
    return load(story.seal())


@pytest.fixture(scope="session")
def obeyed(tmp_path_factory: pytest.TempPathFactory) -> Recording:
    """A recording in which nothing is wrong."""
    story = Story(tmp_path_factory.mktemp("obeyed") / "run.ndjson")
    partition(story, obeyed=True)
    return load(story.seal())


@pytest.fixture(scope="session")
def unsealed(tmp_path_factory: pytest.TempPathFactory) -> Recording:
    """A recording that was cut short."""
    story = Story(tmp_path_factory.mktemp("unsealed") / "run.ndjson")
    partition(story, obeyed=True)
    story.writer.close()
    return load(story.writer.path)


@pytest.fixture
def verdict() -> Callable[..., Verdict]:
    """Make a verdict with a given outcome and nothing behind it."""

    def make(outcome: Outcome, id: str = "ORD-01", required: bool = True, note: str = "") -> Verdict:  # noqa: A002
        return Verdict(id, "A promise", "documented", 1, "https://example.invalid/", outcome, required, (), note=note)

    return make
