"""A timeline as one SVG: what every object did, what the harness did, and which moments a verdict rests on.

Each state is told three times (hue, height of the bar, texture), so neither colour nor print is needed to read it.
The hues are those of Okabe and Ito, made for colour-blind readers. Equal input gives equal bytes; no script, no font
file, no outside address. Titles are tooltips wherever the SVG is a document or inlined.
"""

import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import drawsvg

from stsconf.judging.verdict import WORST_FIRST, Obligation, Outcome, Verdict
from stsconf.report.spans import Lane, Lanes, Span, State, lanes, on, say_action, say_observation
from stsconf.report.style import STYLES, count_summary
from stsconf.timeline.timeline import Timeline

WIDTH = 980.0
_LEFT, _RIGHT, _ROW = 168.0, 16.0, 26.0
_INK, _MUTED, _GRID, _RULE = "#1F2933", "#56616D", "#E4E8ED", "#C5CCD4"
_FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif"
_CHAR = 0.56
"""Width of an average character in this font, in ems; the widest common ones are below 0.6."""


@dataclass(frozen=True, slots=True)
class _Paint:
    fill: str
    height: float
    texture: str = ""
    ink: str = "#FFFFFF"


_PAINT: dict[State, _Paint] = {
    State.PENDING: _Paint("#C9CED6", 0.34, "dots", _INK),
    State.NOT_READY: _Paint("#E69F00", 0.62, "", _INK),
    State.READY: _Paint("#0072B2", 1.0),
    State.TERMINATING: _Paint("#5A3E66", 0.62, "slash"),
    State.SUCCEEDED: _Paint("#7A8794", 0.34),
    State.FAILED: _Paint("#1B1B1B", 1.0, "cross"),
    State.BOUND: _Paint("#56B4E9", 0.72, "", _INK),
    State.RELEASED: _Paint("#F0E442", 0.72, "dots", _INK),
    State.MOVING: _Paint("#A9E0D1", 0.72, "", _INK),
    State.SETTLED: _Paint("#1E7E6C", 0.72),
    State.KEPT: _Paint("#0072B2", 0.3),
}
_REVISION_FILLS = ("#0072B2", "#00395C", "#4A93C4", "#08519C")
"""One hue, far apart in lightness: revisions are told apart by shade and by their words."""

_TEXTURES = {
    "dots": ("M1.5 1.5h1.4v1.4h-1.4z", "#6B7785", "#6B7785"),
    "slash": ("M-1 7L7 -1", "none", "#FFFFFF"),
    "cross": ("M0 0L6 6M6 0L0 6", "none", "#FFFFFF"),
    "unseen": ("M0 0L6 6", "none", "#8A5300"),
}
_SHORT = {
    "StatefulSet": "set",
    "Pod": "pod",
    "PersistentVolumeClaim": "claim",
    "PersistentVolume": "volume",
}
_UNSEEN = "Not seen"
_OBSERVED = {"write": ("Data written", _INK), "read": ("Data read", "#FFFFFF")}
_GROUP = {"StatefulSet": 0, "ControllerRevision": 0, "Pod": 1, "PersistentVolumeClaim": 2, "PersistentVolume": 2}


@dataclass(frozen=True, slots=True)
class _Finding:
    """One obligation that did not hold. ``objects`` are kind and name of all it names; the first decided, ``at``."""

    promise: str
    outcome: Outcome
    text: str
    objects: tuple[tuple[str, str], ...] = ()
    start: float = 0
    end: float = 0
    at: float = 0


@dataclass(frozen=True, slots=True)
class _Flag:
    """One call of the harness: where its words go. ``line`` counts from 0; ``flip``: words stand on its left."""

    x: float
    line: int
    words: str
    flip: bool
    tip: str


def picture(timeline: Timeline, verdicts: Sequence[Verdict] = (), *, prefix: str = "t") -> str:
    """Draw one timeline and mark what ``verdicts`` found on it.

    ``prefix`` keeps ids apart when several pictures are inlined in one page. Returns the SVG's text.
    """
    return _Sheet(timeline, verdicts, prefix).draw()


def _findings(timeline: Timeline, verdicts: Iterable[Verdict]) -> list[_Finding]:
    found: list[_Finding] = []
    for verdict in verdicts:
        judged = on(timeline, verdict)
        if judged is None:
            continue
        shown = [_finding(verdict.id, judged.outcome, o) for o in judged.failing[:3]]
        found += shown
        if len(judged.failing) > len(shown):
            more = f"and {len(judged.failing) - len(shown)} more obligations that did not hold"
            found.append(_Finding(verdict.id, judged.outcome, more))
        elif not shown and judged.note:
            found.append(_Finding(verdict.id, judged.outcome, judged.note))
    return found


def _finding(promise: str, verdict: Outcome, obligation: Obligation) -> _Finding:
    seconds = [w.seconds for w in obligation.witness] or [0.0]
    return _Finding(
        promise,
        verdict if verdict is Outcome.DIFFERS else obligation.outcome,
        f"expected: {obligation.expected.rstrip('.')}; seen: {obligation.seen.rstrip('.')}",
        tuple(dict.fromkeys((w.kind, w.name) for w in obligation.witness)),
        min(seconds),
        max(seconds),
        seconds[0],
    )


def _rows(timeline: Timeline, all_lanes: Lanes) -> list[Lane]:
    """A volume that was only ever bound to its claim says nothing new: the claim's bar names it."""
    claims = {event.uid for event in timeline.claims.events}
    mine = {e.name for e in timeline.volumes.events if e.fact.claim_uid in claims}

    def tells(lane: Lane) -> bool:
        if lane.kind != "PersistentVolume":
            return True
        went_away = lane.spans[-1].end < all_lanes.end
        return lane.name in mine and (
            went_away or any(span.state not in (State.PENDING, State.BOUND) for span in lane.spans)
        )

    return [lane for lane in all_lanes.lanes if tells(lane)]


def _ticks(start: float, end: float, most: int = 10) -> list[float]:
    length = max(end - start, 0.001)
    steps = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400)
    step = next((s for s in steps if length / s <= most), length / most)
    first = int(-(-start // step))
    return [round(n * step, 3) for n in range(first, int(end // step) + 1)]


def _clip(text: str, room: float, size: float) -> str:
    """Shorten in the middle, where names differ least."""
    fits = max(int(room / (size * _CHAR)), 3)
    if len(text) <= fits:
        return text
    head = fits // 2
    return f"{text[:head]}…{text[len(text) - (fits - head - 1) :]}"


def _wide(text: str, size: float) -> float:
    return len(text) * size * _CHAR


class _Sheet:
    """One drawing in the making: positions first, then the layers from back to front."""

    def __init__(self, timeline: Timeline, verdicts: Sequence[Verdict], prefix: str) -> None:
        self.timeline = timeline
        self.verdicts = [v for v in verdicts if on(timeline, v)]
        self.lanes = lanes(timeline)
        self.findings = _findings(timeline, verdicts)
        self.captions = [(f, textwrap.wrap(f"{f.promise}: {f.text}", 138)) for f in self.findings]
        self.prefix = prefix
        self.flags = self._placed_flags()
        self.head = 56.0 + 17 * max((flag.line + 1 for flag in self.flags), default=0)
        self.rows: list[tuple[Lane, float]] = []
        y, group = self.head, 0
        for lane in _rows(timeline, self.lanes):
            if self.rows and _GROUP[lane.kind] != group:
                y += 9
            group = _GROUP[lane.kind]
            self.rows.append((lane, y))
            y += _ROW
        self.bottom = y + 3
        caption = sum(10 + 16 * len(lines) for _, lines in self.captions)
        self.legend = self._placed_legend()
        self.foot = max((y for _, _, y in self.legend), default=self.bottom + 17)
        self.height = self.foot + 13 + (caption + 6 if caption else 0)
        self.sheet: Any = None
        self.textures: dict[str, Any] = {}

    def draw(self) -> str:
        title = self._title()
        self.sheet = drawsvg.Drawing(
            WIDTH,
            self.height,
            id_prefix=self.prefix,
            role="img",
            font_family=_FONT,
            font_size=12,
            **{"aria-label": title},
        )
        self.sheet.append_title(title)
        self.textures = {name: self._texture(*stroke) for name, stroke in _TEXTURES.items()}
        self._box(0, 0, WIDTH, self.height, fill="#FFFFFF")
        self._heading()
        self._grid()
        self._columns()
        self._lanes()
        self._flags()
        self._frames()
        self._legend()
        self._captions()
        return str(self.sheet.as_svg())

    def _title(self) -> str:
        window = self.timeline.window
        if len(self.verdicts) == 1:
            return f"{self.verdicts[0].id}: {self.verdicts[0].title}"
        return f"Scenario {window.scenario}: {window.set_name} in {window.namespace}"

    def _x(self, seconds: float) -> float:
        length = (self.lanes.end - self.lanes.start) or 1.0
        inside = min(max(seconds, self.lanes.start), self.lanes.end) - self.lanes.start
        return round(_LEFT + 8 + (WIDTH - _LEFT - _RIGHT - 12) * inside / length, 2)

    def _texture(self, path: str, fill: str, stroke: str) -> Any:
        pattern = drawsvg.Pattern(6, 6, patternUnits="userSpaceOnUse")
        pattern.append(drawsvg.Path(path, fill=fill, stroke=stroke, stroke_width=1.3, stroke_opacity=0.75))
        return pattern

    def _box(self, x: float, y: float, width: float, height: float, tip: str = "", **style: object) -> None:
        box = drawsvg.Rectangle(round(x, 2), round(y, 2), round(width, 2), round(height, 2), **style)
        if tip:
            box.append_title(tip)
        self.sheet.append(box)

    def _text(self, text: str, size: float, x: float, y: float, **style: object) -> None:
        shown = {"fill": _INK, "pointer_events": "none", **style}
        self.sheet.append(drawsvg.Text(text, size, round(x, 2), round(y, 2), **shown))

    def _line(self, x1: float, y1: float, x2: float, y2: float, **style: object) -> None:
        self.sheet.append(drawsvg.Line(round(x1, 2), round(y1, 2), round(x2, 2), round(y2, 2), **style))

    def _frame(self, x: float, y: float, width: float, colour: str) -> None:
        self._box(
            x,
            y,
            width,
            _ROW,
            fill="none",
            stroke=colour,
            stroke_width=2.2,
            stroke_dasharray="6 3",
            rx=3,
            pointer_events="none",
        )

    def _badge(self, outcome: Outcome, x: float, y: float, tip: str) -> None:
        style = STYLES[outcome]
        circle = drawsvg.Circle(round(x, 2), round(y, 2), 8, fill=style.colour, stroke="#FFFFFF", stroke_width=1.5)
        circle.append_title(tip)
        self.sheet.append(circle)
        self._text(style.glyph, 11, x, y + 4, text_anchor="middle", fill="#FFFFFF", font_weight=700)

    def _heading(self) -> None:
        window, events = self.timeline.window, self.lanes.events
        right = f"{window.scenario}: {events} versions, {self.lanes.end - self.lanes.start:.1f} s"
        room = WIDTH - _RIGHT - _wide(right, 11.5) - 30
        if len(self.verdicts) == 1:
            judged = on(self.timeline, self.verdicts[0])
            outcome = judged.outcome if judged else self.verdicts[0].outcome
            style = STYLES[outcome]
            self._box(0, 0, 5, 36, fill=style.colour)
            word = f"{style.glyph} {outcome.value}"
            self._text(word, 14, 16, 24, fill=style.colour, font_weight=700)
            x = 16 + _wide(word, 14) + 22
            self._text(_clip(self._title(), room - x, 14), 14, x, 24, font_weight=600)
        else:
            self._box(0, 0, 5, 36, fill=_MUTED)
            said = f"{self._title()}: {count_summary(self.verdicts)}" if self.verdicts else self._title()
            self._text(_clip(said, room - 16, 14), 14, 16, 24, font_weight=600)
        self._text(right, 11.5, WIDTH - _RIGHT, 24, text_anchor="end", fill=_MUTED)

    def _grid(self) -> None:
        for tick in _ticks(self.lanes.start, self.lanes.end):
            x = self._x(tick)
            self._line(x, self.head - 4, x, self.bottom, stroke=_GRID)
            self._text(f"{tick:g} s", 11, x, self.bottom + 15, text_anchor="middle", fill=_MUTED)
        self._text("since the recording began", 10.5, 10, self.bottom + 15, fill=_MUTED)

    def _columns(self) -> None:
        drawn = {(*self._extent(f), STYLES[f.outcome].colour): None for f in self.findings if f.objects}
        for x, end, colour in drawn:
            self._box(x, self.head - 4, end - x, self.bottom - self.head + 4, fill=colour, fill_opacity=0.06)

    def _extent(self, finding: _Finding) -> tuple[float, float]:
        """The period of a finding, never too narrow to be seen."""
        x, end = self._x(finding.start), self._x(finding.end)
        return (x, end) if end - x >= 10 else (x - 5, x + 5)

    def _lanes(self) -> None:
        volumes = {e.name: e.fact for e in self.timeline.volumes.events}
        group = None
        for lane, y in self.rows:
            if group is not None and _GROUP[lane.kind] != group:
                self._line(8, y - 5, WIDTH - _RIGHT, y - 5, stroke=_RULE)
            group = _GROUP[lane.kind]
            kind = _SHORT.get(lane.kind) or self.lanes.revisions.get(lane.name, "rev")
            name = lane.name
            if lane.kind == "ControllerRevision":
                name = name.removeprefix(f"{self.timeline.window.set_name}-")
            self._text(kind, 10.5, 10, y + 18, fill=_MUTED)
            self._text(_clip(name, _LEFT - 66, 12), 12, _LEFT - 8, y + 18, text_anchor="end")
            self._line(_LEFT, y + _ROW - 2.5, WIDTH - _RIGHT, y + _ROW - 2.5, stroke=_GRID)
            for span in lane.spans:
                volume = volumes.get(span.detail) if lane.kind == "PersistentVolumeClaim" else None
                self._bar(lane, span, y, f"\nat {volume.place}" if volume and volume.place else "")
            if lane.kind == "PersistentVolumeClaim":
                self._observed(lane.name, y)
            for began, ended in lane.unseen:
                x = self._x(began)
                width = max(self._x(ended) - x, 4)
                self._box(x, y + 2, width, _ROW - 5, fill="#FFF6E6", fill_opacity=0.8)
                tip = f"{lane.kind}: not seen from {began:.3f} s to {ended:.3f} s"
                self._box(x, y + 2, width, _ROW - 5, tip, fill=self.textures["unseen"], stroke="#8A5300")

    def _observed(self, claim: str, y: float) -> None:
        """Content of a volume is in no API object: what the harness wrote is a full mark, what it read a hollow one."""
        for seen in self.timeline.observations:
            if seen.claim == claim and seen.verb in _OBSERVED:
                _, fill = _OBSERVED[seen.verb]
                mark = drawsvg.Circle(self._x(seen.seconds), y + 14, 4, fill=fill, stroke=_INK, stroke_width=1.6)
                mark.append_title(f"{seen.seconds:.3f} s: {say_observation(seen)}\nrecording line {seen.line}")
                self.sheet.append(mark)

    def _bar(self, lane: Lane, span: Span, y: float, more: str) -> None:
        paint = _PAINT[span.state]
        fill = paint.fill
        order = list(self.lanes.revisions)
        words = list(self.lanes.revisions.values())
        if lane.kind == "ControllerRevision" and lane.name in order:
            fill = _REVISION_FILLS[order.index(lane.name) % len(_REVISION_FILLS)]
        elif lane.kind == "Pod" and span.state is State.READY and span.detail in words:
            fill = _REVISION_FILLS[words.index(span.detail) % len(_REVISION_FILLS)]
        height = (_ROW - 7) * paint.height
        x, top = self._x(span.start), y + _ROW - 3 - height
        width = max(self._x(span.end) - x, 1.5)
        tip = (
            f"{lane.kind} {lane.name}: {span.state.value}\n{span.start:.3f} s to {span.end:.3f} s "
            f"({span.end - span.start:.3f} s)\n{span.detail}{more}\nuid {span.uid}\nrecording line {span.line}"
        )
        self._box(x, top, width, height, tip, rx=1.5, fill=fill, stroke="#FFFFFF", stroke_width=0.8)
        if paint.texture:
            self._box(x, top, width, height, fill=self.textures[paint.texture], pointer_events="none")
        label = {
            "StatefulSet": span.detail if span.state is not State.TERMINATING else "",
            "Pod": span.detail if span.state is State.READY else "",
            "PersistentVolumeClaim": span.detail if span.state is State.BOUND else "",
        }.get(lane.kind, "")
        if lane.kind == "PersistentVolumeClaim" and label and width > 90:
            label = _clip(f"bound to {label}", width - 10, 10.5)
        if label and width > _wide(label, 10.5) + 8:
            self._text(label, 10.5, x + 5, top + height / 2 + 3.7, fill=paint.ink)

    def _placed_flags(self) -> list[_Flag]:
        """Words take the first of three lines on which they do not collide; with no room, the number stays alone."""
        taken: list[list[tuple[float, float]]] = [[], [], []]
        found: list[_Flag] = []
        for action in self.timeline.actions:
            said = say_action(action, self.timeline.window.set_name)
            tip = f"{action.seconds:.3f} s: {said}\nrecording line {action.line}"
            words = _clip(said, 300, 11)
            x, wide = self._x(action.seconds), _wide(words, 11) + 16
            flip = x + wide > WIDTH - 4
            low, high = (x - wide, x + 10) if flip else (x - 10, x + wide)
            free = [n for n, spans in enumerate(taken) if all(high < a or low > b for a, b in spans)]
            if not free:
                low, high, words = x - 10, x + 10, ""
            line = free[0] if free else 2
            taken[line].append((low, high))
            found.append(_Flag(x, line, words, flip, tip))
        return found

    def _flags(self) -> None:
        for number, flag in enumerate(self.flags, 1):
            x, y = flag.x, 54 + 17 * flag.line
            self._line(x, y, x, self.bottom, stroke=_INK, stroke_width=1, stroke_dasharray="2 3", stroke_opacity=0.7)
            circle = drawsvg.Circle(x, y, 8, fill=_INK, stroke="#FFFFFF", stroke_width=1)
            circle.append_title(flag.tip)
            self.sheet.append(circle)
            self._text(str(number), 10 if number < 10 else 8.5, x, y + 3.6, text_anchor="middle", fill="#FFFFFF")
            if flag.words:
                anchor = "end" if flag.flip else "start"
                self._text(flag.words, 11, x + (-12 if flag.flip else 12), y + 4, text_anchor=anchor)

    def _frames(self) -> None:
        places = {(lane.kind, lane.name): y for lane, y in self.rows}
        for finding in sorted(self.findings, key=lambda f: WORST_FIRST.index(f.outcome), reverse=True):
            x, end = self._extent(finding)
            colour = STYLES[finding.outcome].colour
            framed = [places[key] for key in finding.objects if key in places]
            for y in framed:
                self._frame(x - 2, y - 0.5, end - x + 4, colour)
            if framed:
                at = min(self._x(finding.at) + 3, WIDTH - 10)
                self._badge(finding.outcome, at, framed[0], f"{finding.promise}: {finding.text}")

    def _placed_legend(self) -> list[tuple[str, float, float]]:
        """The words to explain, each with its place: as many lines as they need."""
        shown = {span.state for lane, _ in self.rows for span in lane.spans}
        words = [state.value for state in _PAINT if state in shown and state is not State.KEPT]
        words += [_UNSEEN] if any(lane.unseen for lane, _ in self.rows) else []
        words += [word for verb, (word, _) in _OBSERVED.items() if self._observed_any(verb)]
        found: list[tuple[str, float, float]] = []
        x, y = 10.0, self.bottom + 37
        for word in words:
            wide = 40 + _wide(word, 11)
            if x + wide > WIDTH:
                x, y = 10.0, y + 20
            found.append((word, x, y))
            x += wide
        return found

    def _observed_any(self, verb: str) -> bool:
        return any(seen.verb == verb for seen in self.timeline.observations)

    def _legend(self) -> None:
        fills = dict(_OBSERVED.values())
        for word, x, y in self.legend:
            if word in fills:
                self.sheet.append(drawsvg.Circle(x + 9, y - 5, 4, fill=fills[word], stroke=_INK, stroke_width=1.6))
            elif word == _UNSEEN:
                self._box(x, y - 13, 18, 13, fill=self.textures["unseen"], stroke="#8A5300")
            else:
                paint = _PAINT[State(word)]
                height = 13 * paint.height
                self._box(x, y - height, 18, height, rx=1.5, fill=paint.fill)
                if paint.texture:
                    self._box(x, y - height, 18, height, fill=self.textures[paint.texture])
            self._text(word, 11, x + 23, y - 1, fill=_MUTED)

    def _captions(self) -> None:
        y = self.foot + 15
        for finding, lines in self.captions:
            height = 6 + 16 * len(lines)
            style = STYLES[finding.outcome]
            self._box(10, y, WIDTH - 10 - _RIGHT, height, fill=style.colour, fill_opacity=0.07, rx=4)
            self._badge(finding.outcome, 24, y + 11, finding.outcome.value)
            for n, line in enumerate(lines):
                self._text(line, 11.8, 40, y + 15 + 16 * n)
            y += height + 4
