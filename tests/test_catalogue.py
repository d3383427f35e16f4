"""The catalogue names every promise, and says why each other row is not judged."""

import re

import pytest

from stsconf.act.scenarios import SCENARIOS
from stsconf.act.scenarios.upgrades import UPGRADED
from stsconf.judging.catalogue import MEANING, Row, Standing, rows
from stsconf.judging.promise import DOCS, Level, Promise
from stsconf.report.listing import sentence
from tests.catalogue_page import PROMISES


@pytest.mark.parametrize("promise", PROMISES.values(), ids=lambda p: p.id)
def test_every_promise_is_in_the_catalogue(promise: Promise) -> None:
    assert promise.id in {row.id for row in rows()}


@pytest.mark.parametrize("row", rows(), ids=lambda r: r.id)
def test_a_row_is_judged_or_says_why_not(row: Row) -> None:
    promise = PROMISES.get(row.id)
    if row.standing is Standing.CHARACTERISED:
        assert promise is None or promise.level is Level.CHARACTERISED
    else:
        assert (row.standing is Standing.JUDGED) == (promise is not None)
    assert bool(row.says) == (promise is None), "a promise is told by its docstring alone"
    assert sentence(row, PROMISES).endswith(".")
    assert row.documents


@pytest.mark.parametrize("row", [row for row in rows() if row.quote], ids=lambda r: r.id)
def test_a_quote_is_short_and_of_the_page_that_the_promise_names(row: Row) -> None:
    assert row.quote
    assert row.quote.words.split()
    assert len(row.quote.words.split()) <= 25
    promise = PROMISES.get(row.id)
    page = row.quote.copy.page if "://" in row.quote.copy.page else DOCS + row.quote.copy.page
    assert promise is None or promise.source.startswith(page)


def test_only_these_documented_promises_are_unverified() -> None:
    judged = {p.id for p in PROMISES.values() if p.level is Level.DOCUMENTED}
    assert judged - {row.id for row in rows() if row.quote} == {"DEL-10", "UPD-08"}


def test_every_documented_promise_names_an_anchor() -> None:
    whole = [p.id for p in PROMISES.values() if p.level is Level.DOCUMENTED and "#" not in p.source]
    assert [id_ for id_ in whole if not id_.startswith("RCT-")] == ["REV-03", "UPD-09"], "the page of KEP-3541 has none"


def test_every_id_is_whole_and_each_area_is_counted_through() -> None:
    numbers: dict[str, list[int]] = {}
    for row in rows():
        assert re.fullmatch(r"[A-Z]{3}-\d\d", row.id)
        numbers.setdefault(row.area, []).append(int(row.id[4:]))
    assert all(found == list(range(1, len(found) + 1)) for found in numbers.values())
    assert len(rows()) == 200


@pytest.mark.parametrize("promise", PROMISES.values(), ids=lambda p: p.id)
def test_a_promise_names_scenarios_that_exist(promise: Promise) -> None:
    assert set(promise.scenarios) <= {*SCENARIOS, *UPGRADED}


def test_every_standing_is_explained_and_used() -> None:
    assert set(MEANING) == set(Standing) == {row.standing for row in rows()}
