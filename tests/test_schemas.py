"""The published JSON Schemas are those of the types that read and write the files."""

import pytest

from tests.schemas import FOLDER, KINDS, text


@pytest.mark.parametrize("name", KINDS)
def test_a_published_schema_is_that_of_the_type(name: str) -> None:
    assert (FOLDER / name).read_text(encoding="utf-8") == text(name), "write it again: python -m tests.schemas"


def test_no_schema_is_left_of_a_type_that_is_gone() -> None:
    assert {path.name for path in FOLDER.iterdir()} == set(KINDS)
