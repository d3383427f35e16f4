"""``docs/schemas``: the JSON Schema of every JSON file of this project. ``python -m tests.pages`` writes them."""

import json
from inspect import cleandoc
from pathlib import Path
from typing import Any

from stsconf.documents import schema_of
from stsconf.gate.gate import GateDocument
from stsconf.gate.snapshot import Snapshot
from stsconf.judging.result import Document
from stsconf.judging.tutorial import Transcript
from stsconf.timeline.window import ScenarioEnd, ScenarioPlan

FOLDER = Path(__file__).parents[1] / "docs" / "schemas"
KINDS: dict[str, type[object]] = {
    "verdict.v1.json": Document,
    "gate.v1.json": GateDocument,
    "snapshot.v1.json": Snapshot,
    "walkthrough.json": Transcript,
    "sts-timeline.v1.plan.json": ScenarioPlan,
    "sts-timeline.v1.end.json": ScenarioEnd,
}


def text(name: str) -> str:
    """What the file of that name holds."""
    return json.dumps(_alike(schema_of(KINDS[name])), ensure_ascii=False, indent=1) + "\n"


def _alike(schema: Any) -> Any:
    """The same on every Python and msgspec: 3.13 dedents docstrings, msgspec 0.23 says which names a mapping has."""
    if isinstance(schema, list):
        return [_alike(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    found = {key: _alike(value) for key, value in schema.items() if key != "propertyNames"}
    if isinstance(text := found.get("description"), str):
        found["description"] = cleandoc(text)
    return found
