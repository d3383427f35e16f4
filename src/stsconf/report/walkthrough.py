"""The walkthrough as a page: each command, what it printed, what the recording saw meanwhile, and the promises."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from stsconf.judging.tutorial import Command, Step, Transcript
from stsconf.judging.verdict import Outcome, Verdict
from stsconf.report.evidence import cell
from stsconf.report.style import STYLES
from stsconf.timeline import facts
from stsconf.timeline.events import Event, Observation
from stsconf.timeline.recording import Recording
from stsconf.timeline.timeline import Timeline

_WORDS = {
    "statefulsets": "set",
    "controllerrevisions": "revision",
    "persistentvolumeclaims": "claim",
    "pods": "pod",
}


@dataclass(frozen=True, slots=True)
class Part:
    """One step as it went: its commands with what was seen from each to the next, and the verdicts it supports."""

    number: int
    step: Step
    commands: tuple[tuple[Command, tuple[str, ...]], ...]
    verdicts: tuple[Verdict, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """A whole walkthrough: the lines that say where it happened, and its parts."""

    where: tuple[str, ...]
    parts: tuple[Part, ...]


def page(steps: Sequence[Step], transcript: Transcript, recording: Recording, verdicts: Iterable[Verdict]) -> Page:
    """Lay a transcript and its recording side by side. The commands are the recording's actions, in order."""
    (timeline,) = recording.timelines
    found = {verdict.id: verdict for verdict in verdicts}
    begins = [action.seconds for action in timeline.actions]
    lines = sorted(_seen(timeline), key=lambda line: line[0])
    seen = [
        tuple(f"+{at - begin:.1f} s  {what}" for at, what in lines if begin <= at < end)
        for begin, end in pairwise([*begins, float("inf")])
    ]
    shown = list(zip(transcript.commands, seen, strict=False))
    made = [
        Part(
            number,
            step,
            tuple((command, what) for command, what in shown if command.step == number - 1),
            tuple(found[name] for name in step.promises if name in found),
        )
        for number, step in enumerate(steps, 1)
    ]
    return Page(tuple(_where(transcript, recording)), tuple(made))


def markdown(found: Page) -> str:
    """The page as Markdown."""
    intro = (
        "Written by `stsconf walkthrough`: the commands of a StatefulSet tutorial in its order, what kubectl printed, "
        "what a recording of every version of every object saw from each command to the next (seconds since the "
        "command), and the promises that the step supports, judged on the whole recording."
    )
    text = ["# The tutorial, step by step", intro, *found.where]
    for part in found.parts:
        text += [f"## {part.number}. {part.step.title}", part.step.text]
        if part.step.wrong:
            text.append(f"**The tutorial is wrong here.** {part.step.wrong}")
        for command, seen in part.commands:
            text.append(f"```console\n$ {command.command}\n{command.output.rstrip()}\n```")
            if seen:
                text.append("```text\n" + "\n".join(seen) + "\n```")
        if not part.commands:
            text.append("This step was not reached.")
        rows = [
            f"| {v.id} | {STYLES[v.outcome].glyph} {v.outcome} | {v.obligations} | {cell(_sentence(v))} |"
            for v in part.verdicts
        ]
        text.append("\n".join(["| Promise | Verdict | Checked | |", "|---|---|--:|---|", *rows]))
    return "\n\n".join(text) + "\n"


def show(found: Page, console: Console) -> None:
    """The same on a terminal: what was seen stands beside the output, or below where that is too wide."""
    for line in found.where:
        console.print(Text(line.replace("`", "")))
    for part in found.parts:
        console.print()
        console.rule(Text(f"{part.number}. {part.step.title}"), align="left")
        console.print(Text(part.step.text))
        if part.step.wrong:
            console.print(Text.assemble(("The tutorial is wrong here. ", "bold yellow"), part.step.wrong))
        for command, seen in part.commands:
            said = Text.assemble((f"$ {command.command}", "bold"), f"\n{command.output.rstrip()}")
            lines = Text("\n".join(seen), style="cyan")
            table = Table.grid(padding=(0, 2))
            if max(map(len, said.plain.splitlines())) + max(map(len, seen), default=0) + 2 <= console.width:
                table.add_row(said, lines)
            else:
                table.add_row(said)
                table.add_row(lines)
            console.print(table)
        if not part.commands:
            console.print(Text("This step was not reached."))
        for verdict in part.verdicts:
            style = STYLES[verdict.outcome]
            outcome = (f"{style.glyph} {verdict.outcome:13}", style.terminal)
            console.print(Text.assemble(f"{verdict.id}  ", outcome, f" {_sentence(verdict)}"))


def _where(transcript: Transcript, recording: Recording) -> list[str]:
    header = recording.header
    server = (header.get("server") or {}).get("gitVersion", "")
    old, new = (transcript.images.get(key, "") for key in ("nginx_old", "nginx_new"))
    where = f"Kubernetes {server}, provider {header.get('provider')}, {str(header.get('started'))[:10]}"
    used = f"StorageClass `{transcript.storage_class}`; `{old}` in place of nginx:1.7.9 and `{new}` of nginx:1.8."
    stand_ins = "; ".join(header.get("stand_ins") or ())
    missed = [problem.what for timeline in recording.timelines for problem in timeline.problems]
    return [
        f"{where}, {used}",
        *([f"Stand-ins: {stand_ins}."] if stand_ins else []),
        *(f"What was missed: {what}." for what in missed),
    ]


def _sentence(verdict: Verdict) -> str:
    if verdict.outcome is Outcome.HOLDS:
        return verdict.title
    decided = verdict.deciding
    seen = f"Seen: {decided.failing[0].seen}" if decided and decided.failing else verdict.reason
    return f"{verdict.title} {seen[:1].upper()}{seen[1:]}."


def _seen(timeline: Timeline) -> Iterator[tuple[float, str]]:
    """When what happened to set, revisions, claims and pods, and what was found on volumes."""
    numbers: dict[str, int] = {}
    for kind, word in _WORDS.items():
        for event in timeline.of_kind(kind).events:
            if isinstance(event.fact, facts.Revision):
                numbers.setdefault(event.name, event.fact.number)
            if what := _turn(event, numbers):
                yield event.seconds, f"{word} {event.name} {what}"
    for found in timeline.observations:
        if found.verb != "look" or found.content is not None:
            yield found.seconds, _content(found)


def _content(found: Observation) -> str:
    if found.verb == "write":
        return f"wrote {found.marker} to PVC {found.claim}"
    holds = f"holds {found.content}" if found.content is not None else f"does not hold {found.marker}"
    return f"PVC {found.claim} {holds} (over {found.via})"


def _turn(event: Event[Any], numbers: Mapping[str, int]) -> str:
    """What a version says that the one before did not, in a few words, or nothing."""
    was, now = event.before, event.now
    if now is None:
        return "is gone"
    if was is None:
        if isinstance(now, facts.Revision):
            return f"is created, number {now.number}"
        number = numbers.get(now.revision or "") if isinstance(now, facts.Pod) else None
        return f"is created, revision {number}" if number else "is created"
    if now.terminating and not was.terminating:
        return "is asked to stop"
    if was.owner_uid != now.owner_uid:
        return "is owned by the StatefulSet" if now.owner_uid else "has no owner"
    match was, now:
        case facts.Pod(), facts.Pod() if now.healthy and not was.healthy:
            return "is Ready"
        case facts.Claim(), facts.Claim() if now.volume_name and now.phase == "Bound" != was.phase:
            return f"is bound to {now.volume_name}"
        case facts.Revision(), facts.Revision() if now.number != was.number:
            return f"is now number {now.number}"
        case facts.StatefulSet(), facts.StatefulSet() if now.at_rest and not was.at_rest and not now.terminating:
            return f"says that all {now.replicas} are there"
    return ""
