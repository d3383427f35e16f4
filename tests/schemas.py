"""``python -m tests.schemas`` writes ``docs/schemas``: the JSON Schema of every JSON file of this project."""

import json
from pathlib import Path

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
    return json.dumps(schema_of(KINDS[name]), ensure_ascii=False, indent=1) + "\n"


if __name__ == "__main__":
    for name in KINDS:
        (FOLDER / name).write_text(text(name), encoding="utf-8")
        print(FOLDER / name)
