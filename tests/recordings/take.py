"""Take a run's recording into the repository: ``python -m tests.recordings.take RUN.ndjson.gz tests/recordings/NAME``.

Events (core/v1) are left out: they are diagnostics that no promise reads, and a third of the bytes. Everything else
stays as it was recorded. The file is sealed anew; its header says so.
"""

import sys
from pathlib import Path

from stsconf.record.file import TimelineWriter, read_records

LEFT_OUT = "events"


def take(source: Path, folder: Path) -> Path:
    """Write ``folder/run.ndjson.gz`` from ``source`` and return its path. Raises ``ValueError`` for an unsealed run."""
    records = [record for _, record in read_records(source)]
    header, *records, seal = records
    if seal["rec"] != "seal":
        raise ValueError(f"{source} is not sealed: only a complete recording is an example of anything")
    writer = TimelineWriter(
        folder / "run.ndjson",
        {key: value for key, value in header.items() if key not in ("rec", "schema", "v", "streams")}
        | {"streams": [stream for stream in header["streams"] if stream["s"] != LEFT_OUT]}
        | {"derived": {"from": seal["sha256"], "left_out": [f"stream {LEFT_OUT}: read by no promise"]}},
    )
    for record in records:
        if record.get("s") != LEFT_OUT:
            writer.write(record)
    kept = {
        name: {key: value for key, value in seal[name].items() if not key.startswith(LEFT_OUT)}
        for name in ("frontier", "closing")
    }
    writer.seal(kept["frontier"], kept["closing"], t=seal["t"], duplicates=seal["duplicates"])
    return writer.compress()


if __name__ == "__main__":
    print(take(Path(sys.argv[1]), Path(sys.argv[2])))
