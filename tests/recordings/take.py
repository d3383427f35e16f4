"""Take a run's recording into the repository: ``python -m tests.recordings.take RUN.ndjson.gz tests/recordings/NAME``.

Of the Events (core/v1) only those that the StatefulSet controller wrote stay, since they tell who did what. Everything
else stays as it was recorded. The file is sealed anew; its header says so.
"""

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from stsconf.record.file import Record, TimelineWriter, read_records

STREAM = "events"
WRITER = "statefulset-controller"
LEFT_OUT = f"stream {STREAM}: Events that the {WRITER} did not write"


def take(source: Path, folder: Path) -> Path:
    """Write ``folder/run.ndjson.gz`` from ``source`` and return its path. Raises ``ValueError`` for an unsealed run."""
    records = [record for _, record in read_records(source)]
    header, *records, seal = records
    if seal["rec"] != "seal":
        raise ValueError(f"{source} is not sealed: only a complete recording is an example of anything")
    writer = TimelineWriter(
        folder / "run.ndjson",
        {key: value for key, value in header.items() if key not in ("rec", "schema", "v")}
        | {"derived": {"from": seal["sha256"], "left_out": [LEFT_OUT]}},
    )
    for record in without_other_events(records):
        writer.write(record)
    writer.seal(seal["frontier"], seal["closing"], t=seal["t"], duplicates=seal["duplicates"])
    return writer.compress()


def without_other_events(records: Iterable[Record]) -> Iterator[Record]:
    """The records, Events left out that the set's controller did not write, in lists as well."""
    kept: set[str] = set()

    def stays(raw: Any) -> bool:
        """Whether an Event, or an entry of a list that has only uids, is the controller's."""
        if raw.get("source", {}).get("component") == WRITER:
            kept.add(raw["metadata"]["uid"])
        return raw.get("uid", raw.get("metadata", {}).get("uid")) in kept

    for record in records:
        if record.get("s") != STREAM or record["rec"] not in ("ev", "snap"):
            yield record
        elif record["rec"] == "snap":
            yield {**record, "items": [item for item in record["items"] if stays(item)]}
        elif stays(record["obj"]):
            yield record


if __name__ == "__main__":
    print(take(Path(sys.argv[1]), Path(sys.argv[2])))
