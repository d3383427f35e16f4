"""No verdict depends on whether the server's clock is right: only differences between its own times are ever used."""

import re
from datetime import datetime, timedelta
from typing import Any

from tests.editor import REAL
from tests.tape import records_of
from tests.test_damage import outcomes

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")


def moved(thing: Any, by: timedelta) -> Any:
    """The same with every timestamp moved."""
    if isinstance(thing, dict):
        return {key: moved(value, by) for key, value in thing.items()}
    if isinstance(thing, list):
        return [moved(value, by) for value in thing]
    if isinstance(thing, str) and TIME.fullmatch(thing):
        return (datetime.fromisoformat(thing) + by).isoformat().replace("+00:00", "Z")
    return thing


def test_a_server_whose_clock_is_an_hour_off_gets_the_same_verdicts() -> None:
    header, *records = records_of(REAL)
    from_server, by = {"obj", "items"}, timedelta(hours=1)
    shifted = [{key: moved(value, by) if key in from_server else value for key, value in r.items()} for r in records]
    assert shifted != records
    assert outcomes([header, *shifted]) == outcomes([header, *records])
