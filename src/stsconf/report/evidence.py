"""The events behind a verdict, as text: a Markdown table of what decided, and the lines of the recording itself."""

import json
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from stsconf.judging.verdict import Outcome, TimelineVerdict, Verdict, Witness
from stsconf.report.spans import lanes, on, say_action, say_observation
from stsconf.timeline.events import Event
from stsconf.timeline.recording import Recording
from stsconf.timeline.timeline import Timeline

_MOST_ROWS = 80
_MOST_FAILING = 5


def deciding_events(verdict: Verdict, timeline: Timeline, recording: Recording) -> str:
    """Markdown: what was expected and seen on this timeline, and the changes around it, deciding ones in bold."""
    judged = on(timeline, verdict)
    if judged is None:
        return f"{verdict.id} was not judged on scenario {timeline.window.scenario}.\n"
    parts = [f"**{verdict.id} {judged.outcome}** in scenario {judged.scenario}: {cell(_checked(judged))}."]
    if judged.note:
        parts.append(cell(judged.note))
    witnesses = {w.line: w for obligation in judged.failing for w in obligation.witness}
    rows = changes(timeline, witnesses)
    if witnesses:
        parts.append(_table({line: row for line, row in rows.items() if line in witnesses}, {}))
    parts += [f"Expected: {cell(o.expected)}  \nSeen: **{cell(o.seen)}**" for o in judged.failing[:_MOST_FAILING]]
    if len(judged.failing) > _MOST_FAILING:
        parts.append(f"... and {len(judged.failing) - _MOST_FAILING} more that did not hold.")
    parts += ["What happened around it:"] if witnesses else []
    parts.append(_table(rows, witnesses))
    parts.append(f"Lines are those of `{recording.path.name}`, sha256 of its records `{recording.sha256}`.")
    return "\n\n".join(parts) + "\n"


def excerpt(recording: Recording, timeline: Timeline, limit: int = 2_000_000) -> str:
    """One timeline's lines of the recording: JSON, one record a line, each with its ``line`` number in the whole file.

    ``managedFields`` are left out, and so is what belongs to other timelines. Past ``limit`` characters the excerpt
    ends with a line that says how many records are missing and where they are.
    """
    belongs = _Slice(timeline)
    lines: list[str] = []
    size = left_out = 0
    for number, record in recording.records():
        kept = belongs.part(number, record)
        if kept is None:
            continue
        text = json.dumps({"line": number, **kept}, ensure_ascii=False, separators=(",", ":"))
        size += len(text) + 1
        if size > limit:
            left_out += 1
        else:
            lines.append(text)
    if left_out:
        note = f"{left_out} more records are left out here, they are in {recording.path.name}"
        lines.append(json.dumps({"rec": "note", "what": note}))
    return "\n".join(lines) + "\n"


def cell(text: str) -> str:
    """Text that is safe anywhere in Markdown, also in a table: no markup, no HTML, one line."""
    for sign in "\\`*_[]<>|#":
        text = text.replace(sign, "&lt;" if sign == "<" else f"\\{sign}")
    return " ".join(text.split())


def _checked(judged: TimelineVerdict) -> str:
    if judged.outcome is Outcome.HOLDS:
        return f"all {judged.obligations} obligations hold"
    return f"{len(judged.failing)} of {judged.obligations} obligations did not hold"


def _events(timeline: Timeline) -> Iterable[Event[Any]]:
    for history in (
        timeline.sets,
        timeline.revisions,
        timeline.pods,
        timeline.claims,
        timeline.volumes,
        timeline.services,
        timeline.slices,
    ):
        yield from history.events


@dataclass(frozen=True, slots=True)
class Row:
    """One change of one object, or one call of the test, as a table shows it. ``rv`` where the server gave one."""

    seconds: float
    name: str
    what: str
    rv: int | None


def changes(timeline: Timeline, witnesses: Mapping[int, Witness]) -> dict[int, Row]:
    """By line: changes of the objects that witnesses name (of all pods where there is none), and what the test did."""
    named = {(w.kind, w.name) for w in witnesses.values()}
    rows: dict[int, Row] = {}
    for lane in lanes(timeline).lanes:
        if (lane.kind, lane.name) in named or (not named and lane.kind == "Pod"):
            for span in lane.spans:
                what = f"{span.state.value}, {span.detail}" if span.detail else span.state.value
                rows[span.line] = Row(span.start, f"{lane.kind} {lane.name}", what, span.rv)
            for event in lane.gone:
                rows[event.line] = Row(event.seconds, f"{lane.kind} {lane.name}", "gone", event.rv)
    for line, witness in witnesses.items():
        known = f"{rows[line].what}: " if line in rows else ""
        rows[line] = Row(witness.seconds, f"{witness.kind} {witness.name}", known + witness.what, witness.rv)
    for action in timeline.actions:
        said = say_action(action, timeline.window.set_name)
        rows[action.line] = Row(action.seconds, "the test itself", said, action.rv)
    for seen in timeline.observations:
        if not named or ("PersistentVolumeClaim", seen.claim) in named:
            rows[seen.line] = Row(seen.seconds, "the test itself", say_observation(seen), None)
    return dict(sorted(rows.items(), key=lambda row: (row[1].seconds, row[0])))


def _table(rows: Mapping[int, Row], bold: Container[int]) -> str:
    text = ["| Line | At | Object | What | resourceVersion |", "|--:|--:|---|---|--:|"]
    shown = list(rows.items())[:_MOST_ROWS]
    for line, row in shown:
        rv = str(row.rv) if row.rv is not None else ""
        values = [str(line), f"{row.seconds:.3f} s", cell(row.name), cell(row.what), rv]
        marked = [f"**{value}**" if line in bold and value else value for value in values]
        text.append("| " + " | ".join(marked) + " |")
    if len(shown) < len(rows):
        text.append(f"\n{len(rows) - len(shown)} more changes are in the recording.")
    return "\n".join(text)


class _Slice:
    """What of a recording belongs to one timeline. Records are given in the order of the file."""

    def __init__(self, timeline: Timeline) -> None:
        events = list(_events(timeline))
        self._lines = {e.line for e in events} | {seen.line for seen in timeline.observations}
        self._uids = {e.uid for e in events}
        self._calls = {(timeline.window.namespace, action.name) for action in timeline.actions}
        self._window = (timeline.window.scenario, timeline.window.namespace, timeline.window.set_name)
        self._marks: set[str] = set()

    def part(self, number: int, record: Mapping[str, Any]) -> dict[str, Any] | None:
        """The part of a record that belongs to the timeline, or ``None``."""
        match record["rec"]:
            case "ev":
                return {**record, "obj": _lean(record["obj"])} if number in self._lines else None
            case "snap":
                items = [_lean(item) for item in record["items"] if (item.get("metadata") or item)["uid"] in self._uids]
                return {**record, "items": items} if items else None
            case "act":
                mine = (record.get("ns"), record.get("name")) in self._calls
            case "obs":
                mine = number in self._lines
            case "mark":
                if (record.get("scenario"), record.get("namespace"), record.get("set")) == self._window:
                    self._marks.add(record["id"])
                mine = record["id"] in self._marks
            case kind:
                mine = kind in ("header", "gap", "probe", "seal")
        return dict(record) if mine else None


def _lean(item: Mapping[str, Any]) -> dict[str, Any]:
    if "metadata" not in item:
        return dict(item)
    return {**item, "metadata": {k: v for k, v in item["metadata"].items() if k != "managedFields"}}
