import io
import itertools
from collections.abc import Callable, Iterable
from dataclasses import replace

import pytest
from msgspec import structs
from reporting_story import CRASH, IMPLEMENTATION, PROMISES, RUN, verdicts_of
from rich.console import Console

from stsconf.errors import ExitCode
from stsconf.judging.result import RunInfo
from stsconf.judging.verdict import Outcome, Verdict
from stsconf.report.terminal import ProgressLines, print_report
from stsconf.timeline.recording import Recording


def shown(run: RunInfo, verdicts: Iterable[Verdict], terminal: bool = False, width: int = 80) -> str:
    out = io.StringIO()
    print_report(run, verdicts, Console(file=out, width=width, force_terminal=terminal, highlight=False))
    return out.getvalue()


def test_a_pipe_gets_plain_text_that_fits_its_width(broken: Recording) -> None:
    verdicts = verdicts_of(broken, *PROMISES, IMPLEMENTATION, CRASH)
    text = shown(RUN, verdicts)
    assert "\x1b" not in text
    table = text.split("\n\n", 1)[0]
    assert max(len(line) for line in table.splitlines()) <= 80
    for verdict in verdicts:
        assert f"{verdict.id}" in table
        assert verdict.outcome.value in table
    for verdict in verdicts:
        assert (verdict.explain() in text) == (verdict.outcome in (Outcome.VIOLATED, Outcome.ERROR))


def test_the_first_lines_say_where_and_the_last_one_what_came_of_it(broken: Recording) -> None:
    lines = shown(RUN, verdicts_of(broken)).splitlines()
    assert lines[0] == "Kubernetes v1.37.2, provider kind, context kind-stsconf, suite 0.1.0"
    assert lines[1:3] == ["Stand-ins:", "  - NFS client in user space"]
    assert lines[-1] == "1 violated, 1 not judged, 1 holds; 81.2 s. Exit 1: a required promise is violated."


@pytest.mark.parametrize("code", list(ExitCode))
def test_every_exit_code_has_words(code: ExitCode, verdict: Callable[..., Verdict]) -> None:
    text = shown(structs.replace(RUN, exit_code=code), [verdict(Outcome.HOLDS)])
    assert f"Exit {int(code)}: " in text.splitlines()[-1]


def test_a_terminal_gets_colour_unless_no_color_is_set(
    verdict: Callable[..., Verdict], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert "\x1b[1;31m" in shown(RUN, [verdict(Outcome.VIOLATED)], terminal=True)
    monkeypatch.setenv("NO_COLOR", "1")
    assert "[31m" not in shown(RUN, [verdict(Outcome.VIOLATED)], terminal=True)


def test_brackets_in_a_reason_are_text_and_not_markup(verdict: Callable[..., Verdict]) -> None:
    assert "[red]x[/red]" in shown(RUN, [verdict(Outcome.INCONCLUSIVE, note="[red]x[/red]")])


def test_a_stream_without_unicode_gets_ascii(verdict: Callable[..., Verdict]) -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii", errors="strict", write_through=True)
    print_report(RUN, [verdict(outcome) for outcome in Outcome], Console(file=stream, width=80))
    assert b"x violated" in raw.getvalue()


def test_progress_says_the_seconds_since_it_began() -> None:
    out, clock = io.StringIO(), itertools.chain([5.0, 17.25, 130.0])
    say = ProgressLines(out, lambda: next(clock))
    say("create: Pod web-0 is Ready")
    say("done")
    assert out.getvalue() == "[  12.2 s] create: Pod web-0 is Ready\n[ 125.0 s] done\n"


def test_what_holds_on_little_is_named_with_its_number(broken: Recording) -> None:
    enough = next(one for one in verdicts_of(broken) if one.outcome is Outcome.HOLDS)
    little = replace(enough, id="DEL-01", timelines=(structs.replace(enough.timelines[0], obligations=2),))
    assert "Checked fewer than 3 times: DEL-01 2.\n" in shown(RUN, [enough, little])
    assert "fewer than" not in shown(RUN, verdicts_of(broken))
