"""What is generated is what is committed, and paths that pages name exist."""

import re
from pathlib import Path

import pytest

from tests import edits
from tests.pages import DOCS, MADE_ELSEWHERE, PAGES, stale

ROOT = DOCS.parent
HERE = [path for path in PAGES if path != edits.MATRIX]
"""The edit matrix is compared in ``test_edits``, which has judged every edit anyway."""
NAMING = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md", DOCS / "whats-here.md"]
NAMING += sorted((DOCS / "decisions").glob("*.md"))
FILES = r"(?:[\w.*-]+/)*[\w.*-]+\.(?:py|md|toml|yaml|yml|json|ini|j2|gz|sh)"
FOLDERS = r"(?:[\w.-]+/)+"
MADE_BY_A_RUN = {
    *("index.html", "verdict.json", "allure.html", "allure-results/", "junit.xml", "summary.md", "report.yaml"),
    *("gate.json", "timelines/run.ndjson.gz", "before.json", "after.json", "walkthrough.json"),
}


@pytest.mark.parametrize("path", HERE, ids=lambda path: path.name)
def test_a_generated_page_is_what_it_would_be_now(path: Path) -> None:
    assert not stale(path), f"write it again: python -m tests.pages {path.name}"


def test_the_command_knows_every_generated_page_and_schema() -> None:
    made = {
        path for path in DOCS.rglob("*.md") if re.search(r"(?:Made|Generated)\b.* by\s+`python -m tests", _head(path))
    }
    assert made | set((DOCS / "schemas").iterdir()) <= PAGES.keys() | MADE_ELSEWHERE.keys()


def _head(path: Path) -> str:
    return " ".join(path.read_text(encoding="utf-8").splitlines()[:8])


def paths_in(text: str) -> set[str]:
    """The paths of this repository that a page names: in code, and where its links lead."""
    prose = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    code = {word for span in re.findall(r"`([^`\n]+)`", prose) for word in span.split()}
    named = {word for word in code if re.fullmatch(f"{FILES}|{FOLDERS}", word)}
    links = re.findall(r"\]\(([^)#\s]+)[^)]*\)", prose)
    return named - MADE_BY_A_RUN | {link for link in links if "://" not in link}


@pytest.mark.parametrize("page", NAMING, ids=lambda page: page.name)
def test_every_path_that_a_page_names_exists(page: Path) -> None:
    """From the root, from the page's own folder, or in ``src/stsconf``, as the table of rooms is written."""
    places = (ROOT, page.parent, ROOT / "src" / "stsconf")
    named = paths_in(page.read_text(encoding="utf-8"))
    assert {path for path in named if not any(any(place.glob(path)) for place in places)} == set()


def test_paths_are_found_in_code_and_links_only() -> None:
    text = (
        "`a/b.py` and [c](d/e.md#f), [x](https://x.org/y.md), `index.html`, `pip install z`, g/h.py\n```\n`i.py`\n```\n"
    )
    assert paths_in(text + "\n```\n`i.py`\n```\n") == {"a/b.py", "d/e.md"}
