"""``docs/catalogue.md``; ``python -m tests.pages`` writes it."""

from collections import Counter
from pathlib import Path

from stsconf import suite_files
from stsconf.judging.catalogue import AREAS, MEANING, Row, Standing, rows
from stsconf.judging.promise import Level, Promise, import_promises
from stsconf.report.listing import sentence

PAGE = Path(__file__).parents[1] / "docs" / "catalogue.md"
PROMISES = import_promises(suite_files.conformance())


def page() -> str:
    """The catalogue as Markdown: counts, then each area."""
    counts = Counter(row.standing for row in rows())
    quoted = sum(row.quote is not None for row in rows())
    lines = [
        "# Catalogue",
        "",
        f"{len(rows())} things that the documents of Kubernetes say about StatefulSets, and where each stands.",
        "Generated from `src/stsconf/judging/catalogue.toml` and `conformance/` by `python -m tests.pages`.",
        "",
        f"For {quoted} the document's own words are given, as in a copy that was read; the copies are listed at the",
        "end. The others are unverified.",
        "",
        "| standing | rows | means |",
        "|---|---|---|",
        *(f"| {standing} | {counts[standing]} | {MEANING[standing]} |" for standing in Standing),
    ]
    for area, title in AREAS.items():
        mine = [row for row in rows() if row.area == area]
        lines += ["", f"## {area}: {title}", "", "| id | says | where | standing |", "|---|---|---|---|"]
        lines += [
            f"| {row.id} | {sentence(row, PROMISES)}{_words(row)} | {', '.join(row.documents)} | {_standing(row)} |"
            for row in mine
        ]
    lines += ["", "## Copies that were read", "", "| document | copy | read |", "|---|---|---|"]
    copies = {row.quote.copy: None for row in rows() if row.quote}
    lines += [
        f"| {copy.page} | {copy.where} | {copy.read} |" for copy in sorted(copies, key=lambda c: (c.page, c.where))
    ]
    return "\n".join(lines) + "\n"


def _words(row: Row) -> str:
    return f"<br>*{row.quote}*" if row.quote else ""


def _standing(row: Row) -> str:
    promise: Promise | None = PROMISES.get(row.id)
    if promise:
        level = "" if promise.level is Level.CHARACTERISED else f", {promise.level}"
        where = f"[{row.standing}]({promise.source}){level}, on {', '.join(promise.scenarios)}"
    else:
        where = str(row.standing)
    return f"{where}. {row.note}" if row.note else where
