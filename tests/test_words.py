"""What users read is in the words of the field: none of those that ``words.toml`` bans."""

import ast
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from stsconf.act.scenarios import SCENARIOS
from stsconf.judging.catalogue import rows
from tests.catalogue_page import PROMISES

ROOT = Path(__file__).parents[1]
SOURCES = sorted([*(ROOT / "src").rglob("*.py"), *(ROOT / "fixtures").rglob("*.py")])
PAGES = sorted(
    [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")]
    + [ROOT / "docs" / name for name in ("gate.md", "upgrades.md", "whats-here.md")]
    + list((ROOT / "docs" / "decisions").glob("*.md"))
    + list((ROOT / "changelog.d").glob("*.md"))
    + [ROOT / "src" / "stsconf" / "report" / "page.html.j2", ROOT / "src" / "stsconf" / "judging" / "tutorial.toml"]
)


@dataclass(frozen=True)
class Word:
    """One entry of the list."""

    bans: str
    use: str
    example: str
    fine: str = ""

    def found(self, text: str) -> str | None:
        """What it finds in a text, if anything."""
        match = re.search(rf"(?<![\w.`/-])(?:{self.bans})(?![\w-])", text, re.IGNORECASE)
        return match[0] if match else None


WORDS = [Word(**each) for each in tomllib.loads((ROOT / "tests" / "words.toml").read_text(encoding="utf-8"))["word"]]


def banned(texts: Iterator[tuple[object, str]]) -> list[str]:
    """A line for each banned word: where, what was found, what to write instead."""
    return [
        f"{where}: {found!r} in {text!r}: write {word.use}"
        for where, text in texts
        for word in WORDS
        if (found := word.found(text))
    ]


def sentences(path: Path) -> Iterator[tuple[object, str]]:
    """The string literals of a module of more than one word, but docstrings and patterns; ``{}`` for what is put in."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    silent = {id(n.value) for n in ast.walk(tree) if isinstance(n, ast.Expr)}
    patterns = [n for n in ast.walk(tree) if isinstance(n, ast.Call) and ast.unparse(n.func).startswith("re.")]
    silent |= {id(argument) for call in patterns for argument in call.args}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            silent |= {id(part) for part in node.values}
            text = "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in silent:
            text = node.value
        else:
            continue
        if " " in text.strip():
            yield node.lineno, text


@pytest.mark.parametrize("word", WORDS, ids=lambda word: word.use)
def test_a_word_finds_its_example_and_nothing_else(word: Word) -> None:
    assert word.found(word.example)
    assert not word.found(word.fine)


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_messages_use_the_words_of_the_field(path: Path) -> None:
    assert banned(sentences(path)) == []


@pytest.mark.parametrize("path", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_pages_use_the_words_of_the_field(path: Path) -> None:
    """But for what a document is quoted with, and names in code."""
    lines = enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
    assert banned((n, re.sub(r"“.*?”|`[^`]*`", "", line)) for n, line in lines) == []


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_messages_leave_the_spelling_of_options_to_the_table(path: Path) -> None:
    """``--sts-NAME`` is what pytest takes; ``stsconf`` takes ``--NAME``."""
    assert [text for _, text in sentences(path) if "--sts-" in text] == []


def test_options_use_the_words_of_the_field() -> None:
    options = tomllib.loads((ROOT / "src" / "stsconf" / "options.toml").read_text(encoding="utf-8"))
    assert banned((name, option["help"]) for name, option in options.items()) == []


def test_promises_use_the_words_of_the_field() -> None:
    assert banned((p.id, p.title) for p in PROMISES.values()) == []


def test_scenarios_use_the_words_of_the_field() -> None:
    assert banned((scenario.name, scenario.summary) for scenario in SCENARIOS.values()) == []


def test_the_catalogue_uses_the_words_of_the_field() -> None:
    assert banned((row.id, f"{row.says} {row.note}") for row in rows()) == []
