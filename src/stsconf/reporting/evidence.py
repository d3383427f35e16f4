"""The events behind a verdict, as text: a Markdown table of what decided, and the lines of the recording itself."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from stsconf.reporting.spans import lanes, on, say_action
from stsconf.timeline import Action, Event, Recording, Timeline
from stsconf.timeline_file import read_records
from stsconf.verdict import Outcome, TimelineVerdict, Verdict, Witness

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
    parts += [f"Expected: {cell(o.expected)}  \nSeen: **{cell(o.seen)}**" for o in judged.failing[:_MOST_FAILING]]
    if len(judged.failing) > _MOST_FAILING:
        parts.append(f"... and {len(judged.failing) - _MOST_FAILING} more that did not hold.")
    witnesses = [w for obligation in judged.failing for w in obligation.witness]
    parts.append(_table(timeline, witnesses))
    parts.append(f"Lines are those of `{recording.path.name}`, sha256 of its records `{recording.sha256}`.")
    return "\n\n".join(parts) + "\n"


def excerpt(recording: Recording, timeline: Timeline, limit: int = 2_000_000) -> str:
    """One timeline's lines of the recording: JSON, one record a line, each with its ``line`` number in the whole file.

    ``managedFields`` are left out, and so is what belongs to other timelines. Past ``limit`` characters the excerpt
    ends with a line that says how many records are missing and where they are.
    """
    mine = {e.line: e for e in _events(timeline)}
    uids = {e.uid for e in mine.values()}
    acted = {action.name for action in timeline.actions}
    lines: list[str] = []
    size = left_out = 0
    for number, record in read_records(recording.path):
        kept = _kept(number, record, mine.keys(), uids, acted, timeline)
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


def _table(timeline: Timeline, witnesses: Iterable[Witness]) -> str:
    """Changes of the objects that witnesses name (of all pods where there is none) and what the harness did."""
    witnesses = list(witnesses)
    deciding = {w.line: w for w in witnesses}
    named = {(w.kind, w.name) for w in witnesses}
    rows: dict[int, tuple[float, str, str, int | None]] = {}
    for lane in lanes(timeline).lanes:
        if (lane.kind, lane.name) in named or (not named and lane.kind == "Pod"):
            for span in lane.spans:
                what = f"{span.state.value}, {span.detail}" if span.detail else span.state.value
                rows[span.line] = (span.start, f"{lane.kind} {lane.name}", what, span.rv)
            for event in lane.gone:
                rows[event.line] = (event.seconds, f"{lane.kind} {lane.name}", "gone", event.rv)
    for line, witness in deciding.items():
        what = rows[line][2] + ": " + witness.what if line in rows else witness.what
        rows[line] = (witness.seconds, f"{witness.kind} {witness.name}", what, witness.rv)
    for action in timeline.actions:
        rows[action.line] = _action_row(action, timeline)
    ordered = sorted(rows.items(), key=lambda row: (row[1][0], row[0]))
    shown = [row for row in ordered if row[0] in deciding] if len(ordered) > _MOST_ROWS and deciding else ordered
    text = ["| Line | At | Object | What | resourceVersion |", "|--:|--:|---|---|--:|"]
    for line, (seconds, name, what, rv) in shown[:_MOST_ROWS]:
        values = [str(line), f"{seconds:.3f} s", cell(name), cell(what), str(rv) if rv is not None else ""]
        bold = [f"**{value}**" if line in deciding and value else value for value in values]
        text.append("| " + " | ".join(bold) + " |")
    if len(shown) < len(ordered) or len(shown) > _MOST_ROWS:
        text.append(f"\n{len(ordered) - min(len(shown), _MOST_ROWS)} more changes are in the recording.")
    return "\n".join(text)


def _action_row(action: Action, timeline: Timeline) -> tuple[float, str, str, int | None]:
    return (action.seconds, "the test itself", say_action(action, timeline.window.set_name), action.rv)


def _kept(
    number: int,
    record: Mapping[str, Any],
    lines: Iterable[int],
    uids: set[str],
    acted: set[str],
    timeline: Timeline,
) -> dict[str, Any] | None:
    """The part of a record that belongs to the timeline, or ``None``."""
    kind = record["rec"]
    if kind == "ev":
        return {**record, "obj": _lean(record["obj"])} if number in lines else None
    if kind == "snap":
        items = [_lean(item) for item in record["items"] if (item.get("metadata") or item).get("uid") in uids]
        return {**record, "items": items} if items else None
    if kind == "act":
        mine = record.get("ns") in (timeline.window.namespace, "", None) and record.get("name") in acted
        return dict(record) if mine else None
    if kind == "mark":
        window = timeline.window
        named = (record.get("scenario", window.scenario), record.get("namespace", window.namespace))
        return dict(record) if named == (window.scenario, window.namespace) else None
    return dict(record) if kind in ("header", "gap", "probe", "seal") else None


def _lean(item: Mapping[str, Any]) -> dict[str, Any]:
    if "metadata" not in item:
        return dict(item)
    return {**item, "metadata": {k: v for k, v in item["metadata"].items() if k != "managedFields"}}
