import re

import pytest
from msgspec import structs
from reporting_story import CRASH, IMPLEMENTATION, PROMISES, RUN, verdicts_of

from stsconf.errors import ExitCode
from stsconf.judging.verdict import Obligation, Outcome, TimelineVerdict, Verdict
from stsconf.report.summary import LIMIT, gantt, summary
from stsconf.timeline.recording import Recording


def test_what_needs_a_reader_comes_before_what_holds(broken: Recording) -> None:
    text = summary(RUN, verdicts_of(broken, *PROMISES, IMPLEMENTATION, CRASH), [broken])
    assert text.startswith("## ✗ 1 StatefulSet promise is violated\n")
    told = re.findall(r"^### . (\S+) (\w+)", text, re.MULTILINE)
    assert told == [("PRT-02", "violated"), ("API-01", "error"), ("PRT-09", "differs")]
    assert "STO-05" in text.split("<details>")[1]
    assert "Stand-ins: NFS client in user space." in text


def test_the_deciding_lines_are_named(broken: Recording) -> None:
    verdicts = verdicts_of(broken)
    text = summary(RUN, verdicts, [broken])
    for witness in verdicts[0].witness:
        assert f"| {witness.line} | {witness.seconds:.3f} s | {witness.kind} {witness.name} |" in text


@pytest.mark.parametrize(
    ("code", "head"),
    [(ExitCode.HOLDS, "## ✓ Every required"), (ExitCode.NOT_JUDGED, "## ? The run does not show")],
)
def test_the_heading_agrees_with_the_exit_code(code: ExitCode, head: str, obeyed: Recording) -> None:
    assert summary(structs.replace(RUN, exit_code=code), verdicts_of(obeyed), [obeyed]).startswith(head)


def test_the_gantt_has_one_line_for_each_pod_and_numbers_the_actions(broken: Recording) -> None:
    text = gantt(broken.timelines[0])
    assert re.findall(r"section (\S+)", text) == ["web-0", "web-1", "web-2", "actions"]
    assert text.count(":milestone") == 4
    bars = re.findall(r"^    (.*) :(?:(?:done|active|crit), )?s\d+, (\d+), (\d+)$", text, re.MULTILINE)
    assert len(bars) == 20
    assert all(name and int(start) < int(end) for name, start, end in bars)
    assert "Actions: 1 apply web, 3 replicas, 2 patch web: partition 2" in text


def test_a_huge_result_stays_below_the_limit_of_a_job_summary(broken: Recording) -> None:
    long = Obligation(Outcome.VIOLATED, "x" * 50_000, "y" * 50_000)
    found = TimelineVerdict(
        scenario="partition",
        namespace="ns",
        set_name="web",
        outcome=Outcome.VIOLATED,
        obligations=1,
        failing=(long,),
    )
    verdicts = [
        Verdict(f"UPD-{n:02}", "title", "documented", 1, "https://k.invalid/", Outcome.VIOLATED, True, (found,))
        for n in range(60)
    ]
    text = summary(RUN, verdicts, [broken])
    assert len(text.encode()) < LIMIT
    assert "UPD-59" in text


def test_markup_in_what_was_seen_stays_text(broken: Recording) -> None:
    text = summary(RUN, verdicts_of(broken, CRASH), [broken])
    assert "<b>" not in text


def test_nothing_judged_is_said() -> None:
    text = summary(structs.replace(RUN, exit_code=ExitCode.NOTHING_TO_JUDGE), [], [])
    assert "Nothing was judged." in text
