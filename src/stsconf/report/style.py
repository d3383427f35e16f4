"""One visual language for every format. Colour is never the only sign: a word, a glyph or a shape repeats it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from stsconf.judging.catalogue import AREAS
from stsconf.judging.verdict import WORST_FIRST, Outcome, Verdict, count


@dataclass(frozen=True, slots=True)
class OutcomeStyle:
    """How one outcome is shown. ``glyph`` is one column wide; ``ascii`` is for streams that cannot show it.

    ``terminal`` is a style of Rich, ``colour`` one of CSS.
    """

    glyph: str
    ascii: str
    terminal: str
    colour: str


STYLES: Mapping[Outcome, OutcomeStyle] = {
    Outcome.VIOLATED: OutcomeStyle("✗", "x", "bold red", "#B30F1B"),
    Outcome.ERROR: OutcomeStyle("!", "!", "bold magenta", "#7A1FA2"),
    Outcome.INCONCLUSIVE: OutcomeStyle("?", "?", "yellow", "#8A5300"),
    Outcome.DIFFERS: OutcomeStyle("≠", "#", "cyan", "#005A9C"),
    Outcome.HOLDS: OutcomeStyle("✓", "+", "green", "#0B6B4F"),
    Outcome.CHARACTERISED: OutcomeStyle("~", "~", "cyan", "#005A9C"),
    Outcome.NOT_APPLICABLE: OutcomeStyle("/", "/", "dim", "#56616D"),
    Outcome.NOT_JUDGED: OutcomeStyle("○", "o", "dim", "#56616D"),
}


def area_name(promise_id: str) -> str:
    """The area of a promise in words: ``ORD-02`` -> ``Creation and scale-up``."""
    area = promise_id.split("-")[0]
    return AREAS.get(area, area)


def worst_first(verdicts: Iterable[Verdict]) -> list[Verdict]:
    """Verdicts in reading order: the worst outcome first, by id within one outcome."""
    return sorted(verdicts, key=lambda verdict: (WORST_FIRST.index(verdict.outcome), verdict.id))


def count_summary(verdicts: Iterable[Verdict]) -> str:
    """All counts in one line: ``1 violated, 10 hold, 2 not judged``; outcomes that nobody has are left out."""
    found = count(verdicts)
    words = {Outcome.HOLDS: "hold" if found[Outcome.HOLDS] != 1 else "holds"}
    return ", ".join(f"{n} {words.get(o, o.value)}" for o, n in found.items() if n) or "nothing was judged"


FEW = 3
"""A promise that holds with fewer checks than this rests on little, unless what it is about happens once."""


def thinly_checked(verdicts: Iterable[Verdict]) -> str:
    """The promises that hold with fewer than ``FEW`` checks, each with their number: ``PAR-05 1, REV-09 2``."""
    few = [(v.id, v.obligations) for v in verdicts if v.outcome is Outcome.HOLDS and v.obligations < FEW]
    return ", ".join(f"{name} {times}" for name, times in sorted(few))


def seconds(value: float) -> str:
    """A duration or a moment of a recording for people: ``0.532 s``, ``12.3 s``, ``2:07 min``."""
    if value >= 100:
        return f"{int(value // 60)}:{int(value % 60):02d} min"
    return f"{value:.1f} s" if value >= 10 else f"{value:.3f} s"
