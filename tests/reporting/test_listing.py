"""The catalogue as text: what a user sees of `stsconf promises`."""

import pytest
from tests.catalogue_page import PROMISES

from stsconf.errors import UsageError
from stsconf.judging.catalogue import rows
from stsconf.report import listing


def test_a_promise_is_shown_with_the_documents_own_words_and_where_they_were_read() -> None:
    text = "\n".join(listing.about(["ORD-02"], PROMISES))
    assert PROMISES["ORD-02"].source in text
    assert (
        "“Before a scaling operation is applied to a Pod, all of its predecessors must be Running and Ready.”" in text
    )
    assert "2026-11-25, concepts/workloads/controllers/statefulset/" in text


def test_what_no_copy_says_is_called_unverified() -> None:
    assert "unverified" in "\n".join(listing.about(["UPD-08"], PROMISES))


def test_every_row_is_listed_and_those_that_are_not_judged_say_why() -> None:
    lines = list(listing.everything(PROMISES))
    heads = [line for line in lines if not line.startswith(" ")]
    assert [line.split()[0] for line in heads] == [row.id for row in rows()]
    for line, after in zip(lines, [*lines[1:], ""], strict=True):
        if line in heads and "  judged  " not in line:
            assert after.startswith(" "), line


def test_an_unknown_id_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="There is no promise and no area ORD-99"):
        list(listing.about(["ORD-99"], PROMISES))
