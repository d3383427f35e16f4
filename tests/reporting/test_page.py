import re
from collections import Counter
from collections.abc import Callable
from html.parser import HTMLParser

import pytest
from msgspec import structs
from reporting_story import CRASH, IMPLEMENTATION, PROMISES, RUN, verdicts_of

from stsconf.errors import ExitCode
from stsconf.judging.verdict import Outcome, Verdict
from stsconf.report.page import page
from stsconf.timeline.recording import Recording

VOID = {"meta", "br", "link", "img", "input", "hr"}


class Outline(HTMLParser):
    """Elements, ids and links of a page; fails on a tag that is closed out of order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: Counter[str] = Counter()
        self.ids: Counter[str] = Counter()
        self.links: list[str] = []
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        values = dict(attrs)
        if values.get("id"):
            self.ids[values["id"] or ""] += 1
        if values.get("href"):
            self.links.append(values["href"] or "")
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.text += data


@pytest.fixture(scope="module")
def shown(broken: Recording) -> Outline:
    return Outline(page(RUN, verdicts_of(broken, *PROMISES, IMPLEMENTATION, CRASH), [broken]))


def test_the_page_is_well_formed_and_its_ids_are_unique(shown: Outline) -> None:
    assert shown.open == []
    assert max(shown.ids.values()) == 1


def test_nothing_can_run_or_be_loaded(shown: Outline) -> None:
    assert not {"script", "link", "img", "iframe", "object", "embed", "image"} & set(shown.tags)


def test_every_link_inside_the_page_has_a_goal(shown: Outline) -> None:
    inside = [link[1:] for link in shown.links if link.startswith("#")]
    assert {"PRT-02", "PRT-09", "API-01"} == set(inside)
    assert set(inside) <= set(shown.ids)
    assert all(link.startswith(("#", "https://kubernetes.io/docs/")) for link in shown.links)


def test_the_verdict_comes_first_and_the_evidence_leads_to_lines(shown: Outline, broken: Recording) -> None:
    order = ["Violated", "Stand-ins:", "Every promise", "Evidence", "What happened", broken.sha256]
    places = [shown.text.index(word) for word in order]
    assert places == sorted(places)
    assert "Pod web-1 keeps its revision" in shown.text


def test_only_what_does_not_hold_has_a_block_and_every_timeline_a_picture(shown: Outline) -> None:
    assert shown.tags["svg"] == 3 + 1
    assert shown.ids["STO-05"] == 0


@pytest.mark.parametrize("code", list(ExitCode))
def test_every_exit_code_has_a_heading(code: ExitCode, verdict: Callable[..., Verdict]) -> None:
    shown = page(structs.replace(RUN, exit_code=code), [verdict(Outcome.NOT_JUDGED)], [])
    headings = re.findall(r"<h1><b>([^<]+)</b></h1><p>([^<]+)</p>", shown)
    assert len(headings) == 1
    assert (headings[0][0] == "Holds") == (code is ExitCode.HOLDS)
    assert ("Every required promise holds" in headings[0][1]) == (code is ExitCode.HOLDS)


def test_what_was_seen_is_escaped(verdict: Callable[..., Verdict]) -> None:
    outline = Outline(page(RUN, [verdict(Outcome.INCONCLUSIVE, note="<script>alert(1)</script>")], []))
    assert outline.tags["script"] == 0
    assert "<script>alert(1)</script>" in outline.text


def test_the_same_run_gives_the_same_page(broken: Recording) -> None:
    assert page(RUN, verdicts_of(broken), [broken]) == page(RUN, list(reversed(verdicts_of(broken))), [broken])
