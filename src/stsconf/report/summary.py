"""summary.md: Markdown for the summary of a CI job. What needs a reader comes first, with one timeline as a picture.

GitHub shows no inlined SVG and drops a step's summary above 1 MiB (docs.github.com, workflow commands, "Job
summaries"), so the picture is a Mermaid Gantt in compact mode, which gives each pod one line.
"""

from collections.abc import Sequence
from pathlib import Path

from stsconf.documents import write_text
from stsconf.errors import ExitCode
from stsconf.judging.result import RunInfo
from stsconf.judging.verdict import Outcome, Verdict, count
from stsconf.report.evidence import cell
from stsconf.report.spans import State, lanes, on, say_action
from stsconf.report.style import FEW, STYLES, area_name, seconds, thinly_checked, worst_first
from stsconf.timeline.recording import Recording
from stsconf.timeline.timeline import Timeline

LIMIT = 1_000_000
"""Bytes, below GitHub's 1 MiB for the summaries of one step."""

_TOLD = (Outcome.VIOLATED, Outcome.ERROR, Outcome.INCONCLUSIVE, Outcome.DIFFERS)
_MOST_TOLD = 30
_MOST_BARS = 400

_THEME = """---
displayMode: compact
config:
  theme: base
  gantt:
    barHeight: 22
    topPadding: 40
  themeVariables:
    doneTaskBkgColor: "#0072B2"
    doneTaskBorderColor: "#0072B2"
    activeTaskBkgColor: "#E69F00"
    activeTaskBorderColor: "#E69F00"
    critBkgColor: "#5A3E66"
    critBorderColor: "#5A3E66"
    taskBkgColor: "#C9CED6"
    taskBorderColor: "#C9CED6"
    taskTextColor: "#111111"
    taskTextDarkColor: "#ffffff"
    taskTextLightColor: "#ffffff"
    sectionBkgColor: "#ffffff"
    altSectionBkgColor: "#ffffff"
    sectionBkgColor2: "#ffffff"
---"""
_TAGS = {State.READY: "done, ", State.NOT_READY: "active, ", State.TERMINATING: "crit, "}
_NAMELESS = "\u200b"
"""Mermaid wants a name on every bar; a zero-width space is one that is not seen."""


def summary(run: RunInfo, verdicts: Sequence[Verdict], recordings: Sequence[Recording]) -> str:
    """The whole summary as Markdown, always below ``LIMIT`` bytes."""
    ordered = worst_first(verdicts)
    told = [verdict for verdict in ordered if verdict.outcome in _TOLD]
    few = f"\n\nChecked fewer than {FEW} times: {found}." if (found := thinly_checked(ordered)) else ""
    parts = [_heading(run, ordered), _where(run), _counts(ordered) + few]
    parts += [_told(verdict) for verdict in told[:_MOST_TOLD]]
    if len(told) > _MOST_TOLD:
        parts.append(f"... and {len(told) - _MOST_TOLD} more that did not hold; see `verdict.json`.")
    timeline = _chosen(ordered, recordings)
    picture = [f"### What happened in scenario {cell(timeline.window.scenario)}", gantt(timeline)] if timeline else []
    rest = [_table(ordered), f"Everything is in the output folder of run `{run.id}`: verdict.json, timelines, Allure."]
    for attempt in ([*parts, *picture, *rest], [*parts, *rest], [*parts[:3], *rest]):
        text = "\n\n".join(attempt) + "\n"
        if len(text.encode()) < LIMIT:
            return text
    return "\n\n".join(parts[:3]) + "\n"


def write(path: Path, run: RunInfo, verdicts: Sequence[Verdict], recordings: Sequence[Recording]) -> None:
    """Write summary.md."""
    write_text(path, summary(run, verdicts, recordings))


def gantt(timeline: Timeline) -> str:
    """The pods of one timeline as a Mermaid Gantt, with a key of colours and actions below it."""
    found = lanes(timeline)
    pods = [lane for lane in found.lanes if lane.kind == "Pod"]
    lines = ["```mermaid", _THEME, "gantt", f"    title {_name(timeline.window.scenario)} (min:s)"]
    lines += ["    dateFormat x", "    axisFormat %M:%S"]
    bars = 0
    for lane in pods:
        lines.append(f"    section {_name(lane.name)}")
        for span in lane.spans[: max(_MOST_BARS - bars, 0)]:
            bars += 1
            name = _name(span.detail) if span.state is State.READY and span.detail else _NAMELESS
            start, end = int(span.start * 1000), max(int(span.end * 1000), int(span.start * 1000) + 1)
            lines.append(f"    {name} :{_TAGS.get(span.state, '')}s{bars}, {start}, {end}")
    if timeline.actions:
        lines.append("    section actions")
        lines += [
            f"    {n} :milestone, a{n}, {int(action.seconds * 1000)}, 0ms"
            for n, action in enumerate(timeline.actions, 1)
        ]
    lines.append("```")
    said = [f"{n} {cell(say_action(a, timeline.window.set_name))}" for n, a in enumerate(timeline.actions, 1)]
    key = "Grey is Pending, orange is running and not Ready, blue is Ready, purple is Terminating."
    lines += ["", key + (f" Actions: {', '.join(said)}." if said else "")]
    if bars >= _MOST_BARS:
        lines.append(f"Only the first {_MOST_BARS} bars are drawn.")
    return "\n".join(lines)


def _heading(run: RunInfo, verdicts: Sequence[Verdict]) -> str:
    found = count(verdicts)
    if run.exit_code is ExitCode.HOLDS:
        return f"## {STYLES[Outcome.HOLDS].glyph} Every required StatefulSet promise holds"
    if found[Outcome.VIOLATED] and run.exit_code is ExitCode.VIOLATED:
        number = found[Outcome.VIOLATED]
        what = "promise is" if number == 1 else "promises are"
        return f"## {STYLES[Outcome.VIOLATED].glyph} {number} StatefulSet {what} violated"
    glyph = STYLES[Outcome.INCONCLUSIVE].glyph
    return f"## {glyph} The run does not show that every required StatefulSet promise holds (exit {int(run.exit_code)})"


def _where(run: RunInfo) -> str:
    cluster = run.cluster
    where = [f"Kubernetes {cell(str(cluster['version']))}"] if cluster.get("version") else []
    where += [f"provider {cell(run.provider)}", f"suite {cell(run.suite)}", seconds(run.seconds)]
    text = ", ".join(where) + "."
    text += f" Stand-ins: {cell('; '.join(run.stand_ins))}." if run.stand_ins else ""
    return "\n\n".join([text, *(f"**{cell(remark)}**" for remark in run.remarks)])


def _counts(verdicts: Sequence[Verdict]) -> str:
    found = {outcome: n for outcome, n in count(verdicts).items() if n}
    if not found:
        return "Nothing was judged."
    heads = [f"{STYLES[outcome].glyph} {outcome}" for outcome in found]
    rows = (heads, ["--:"] * len(heads), [str(n) for n in found.values()])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _told(verdict: Verdict) -> str:
    head = f"### {STYLES[verdict.outcome].glyph} {verdict.id} {verdict.outcome}: {cell(verdict.title)}"
    decided = verdict.deciding
    where = f"Scenario {cell(decided.scenario)}. " if decided else ""
    said = f": {verdict.quote}" if verdict.quote else ""
    lines = [head, f"{where}[Documented here]({verdict.source}){said}."]
    if not decided or not decided.failing:
        lines.append(cell(verdict.reason))
    else:
        first = decided.failing[0]
        lines.append(f"Expected: {cell(first.expected)}  \nSeen: **{cell(first.seen)}**")
        if first.witness:
            rows = ["| Line | At | Object | What |", "|--:|--:|---|---|"]
            rows += [
                f"| {w.line} | {w.seconds:.3f} s | {cell(f'{w.kind} {w.name}')} | {cell(w.what)} |"
                for w in first.witness
            ]
            lines.append("\n".join(rows))
    return "\n\n".join(lines)


def _table(verdicts: Sequence[Verdict]) -> str:
    rows = ["| Promise | Verdict | Checked | Area | |", "|---|---|--:|---|---|"]
    rows += [
        f"| {v.id} | {STYLES[v.outcome].glyph} {v.outcome} | {v.obligations} | {area_name(v.id)} | {cell(v.title)} |"
        for v in verdicts
    ]
    return "<details><summary>All promises</summary>\n\n" + "\n".join(rows) + "\n\n</details>"


def _chosen(verdicts: Sequence[Verdict], recordings: Sequence[Recording]) -> Timeline | None:
    """The timeline that decided the worst verdict, else the first one."""
    timelines = [timeline for recording in recordings for timeline in recording.timelines]
    for verdict in verdicts:
        for timeline in timelines:
            if verdict.deciding and on(timeline, verdict) is verdict.deciding:
                return timeline
    return timelines[0] if timelines else None


def _name(text: str) -> str:
    """A name that Mermaid's Gantt grammar takes: no colon, comma, semicolon or hash."""
    return "".join(char if char not in ":,;#\n" else " " for char in text) or _NAMELESS
