"""index.html: the whole result as one page. No script, no outside address, readable from a file, prints."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from stsconf.documents import write_text
from stsconf.errors import ExitCode
from stsconf.gate.gate import Change
from stsconf.judging.result import RunInfo
from stsconf.judging.verdict import Obligation, Outcome, TimelineVerdict, Verdict, count
from stsconf.report.evidence import Row, changes
from stsconf.report.picture import picture
from stsconf.report.spans import on
from stsconf.report.style import (
    FEW,
    STYLES,
    OutcomeStyle,
    area_name,
    count_summary,
    seconds,
    thinly_checked,
    worst_first,
)
from stsconf.timeline.recording import Recording
from stsconf.timeline.timeline import Timeline

_TOLD = (Outcome.VIOLATED, Outcome.ERROR, Outcome.INCONCLUSIVE, Outcome.DIFFERS, Outcome.CHARACTERISED)
_MOST_PICTURES = 40
_MOST_FAILING = 5

_WORDS: Mapping[ExitCode, tuple[str, Outcome, str]] = {
    ExitCode.HOLDS: ("Holds", Outcome.HOLDS, "Every required promise holds."),
    ExitCode.VIOLATED: ("Violated", Outcome.VIOLATED, "This cluster does not keep a required promise."),
    ExitCode.REGRESSION: (
        "Regression",
        Outcome.VIOLATED,
        "A promise that the baseline judged fails now, or is not judged any more.",
    ),
    ExitCode.INCONCLUSIVE: ("Cannot tell", Outcome.INCONCLUSIVE, "The evidence does not decide a required promise."),
    ExitCode.NOT_JUDGED: ("Partial", Outcome.INCONCLUSIVE, "A required promise was not judged."),
    ExitCode.NOTHING_TO_JUDGE: ("Nothing judged", Outcome.INCONCLUSIVE, "No promise was judged."),
    ExitCode.INTERRUPTED: ("Interrupted", Outcome.INCONCLUSIVE, "The run was stopped before its end."),
}
_FAILED = ("Suite failed", Outcome.ERROR, "The suite itself failed; this says nothing about the cluster.")


@dataclass(frozen=True, slots=True)
class _Line:
    """One line of the table. ``told`` is whether there is an evidence block to go to."""

    verdict: Verdict
    style: OutcomeStyle
    why: str
    told: bool


@dataclass(frozen=True, slots=True)
class _Block:
    """The evidence of one promise on the timeline that decided."""

    verdict: Verdict
    style: OutcomeStyle
    scenario: str
    failing: tuple[Obligation, ...]
    more: int
    note: str
    picture: str
    deciding: Mapping[int, Row]
    rows: Mapping[int, Row]


def page(
    run: RunInfo, verdicts: Sequence[Verdict], recordings: Sequence[Recording], changes: Sequence[Change] = ()
) -> str:
    """The page as HTML: verdict, facts, changes since the baseline, every promise, the evidence, all timelines."""
    timelines = [timeline for recording in recordings for timeline in recording.timelines]
    ordered = worst_first(verdicts)
    told = [block for block in (_block(v, timelines, n) for n, v in enumerate(ordered)) if block]
    shown = {block.verdict.id for block in told}
    areas: dict[str, list[_Line]] = {}
    for verdict in sorted(verdicts, key=lambda verdict: verdict.id):
        why = "" if verdict.outcome is Outcome.HOLDS else verdict.reason
        line = _Line(verdict, STYLES[verdict.outcome], why, verdict.id in shown)
        areas.setdefault(area_name(verdict.id), []).append(line)
    word, outcome, why = _WORDS.get(run.exit_code, _FAILED)
    pictures = [
        picture(timeline, _on(timeline, ordered), prefix=f"w{n}")
        for n, timeline in enumerate(timelines[:_MOST_PICTURES])
    ]
    environment = Environment(loader=PackageLoader("stsconf.report", "."), autoescape=True, undefined=StrictUndefined)
    values: dict[str, Any] = {
        "run": run,
        "took": seconds(run.seconds),
        "head": {"word": word, "colour": STYLES[outcome].colour, "why": f"{why} {_capital(count_summary(verdicts))}."},
        "counts": [(STYLES[o], o.value, n) for o, n in count(verdicts).items() if n or o is Outcome.VIOLATED],
        "facts": _facts(run, thinly_checked(verdicts)),
        "areas": areas,
        "told": told,
        "pictures": pictures,
        "recordings": recordings,
        "changes": [(change, _style(change.before), _style(change.now)) for change in changes],
    }
    return environment.get_template("page.html.j2").render(values)


def write(
    path: Path,
    run: RunInfo,
    verdicts: Sequence[Verdict],
    recordings: Sequence[Recording],
    changes: Sequence[Change] = (),
) -> None:
    """Write index.html."""
    write_text(path, page(run, verdicts, recordings, changes))


def _facts(run: RunInfo, few: str) -> dict[str, str]:
    facts = {"Kubernetes": str(run.cluster["version"])} if run.cluster.get("version") else {}
    facts |= {"Provider": run.provider, "Suite": run.suite, "Exit code": str(int(run.exit_code))}
    facts |= {f"Cluster {name}": str(value) for name, value in sorted(run.cluster.items()) if name != "version"}
    for name, value in sorted(run.environment.items()):
        if name != "stand_ins" and value:
            pairs = [f"{k} {v}" for k, v in value.items()] if isinstance(value, Mapping) else value
            text = ", ".join(map(str, pairs)) if isinstance(pairs, list | tuple) else str(pairs)
            facts[_capital(name.replace("_", " "))] = text
    if run.scenarios:
        names = ", ".join(run.scenarios)
        facts["Scenarios"] = names if len(run.scenarios) < 9 else f"{len(run.scenarios)}, side by side"
    if few:
        facts[f"Checked fewer than {FEW} times"] = few
    return facts


def _block(verdict: Verdict, timelines: Sequence[Timeline], number: int) -> _Block | None:
    decided = verdict.deciding
    if verdict.outcome not in _TOLD or decided is None:
        return None
    timeline = next((t for t in timelines if on(t, verdict) is decided), None)
    witnesses = {w.line: w for obligation in decided.failing[:_MOST_FAILING] for w in obligation.witness}
    rows = changes(timeline, witnesses) if timeline else {}
    drawn = picture(timeline, [verdict], prefix=f"e{number}") if timeline and number < _MOST_PICTURES else ""
    return _Block(
        verdict,
        STYLES[verdict.outcome],
        decided.scenario,
        decided.failing[:_MOST_FAILING],
        max(len(decided.failing) - _MOST_FAILING, 0),
        _note(decided),
        drawn,
        {line: row for line, row in rows.items() if line in witnesses},
        rows,
    )


def _note(decided: TimelineVerdict) -> str:
    """The note, unless an obligation already says it."""
    return "" if any(decided.note == obligation.seen for obligation in decided.failing) else decided.note


def _on(timeline: Timeline, verdicts: Sequence[Verdict]) -> list[Verdict]:
    return [verdict for verdict in verdicts if on(timeline, verdict)]


def _style(outcome: str) -> OutcomeStyle:
    """The style of an outcome; *not in this run* and the like are shown as *not judged*."""
    return STYLES[Outcome(outcome) if outcome in list(Outcome) else Outcome.NOT_JUDGED]


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
