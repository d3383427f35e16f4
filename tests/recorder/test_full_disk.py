"""`stsconf record` on a disk that fills up: one paragraph, an exit code, and a file that reads as far as it goes.

A limit on the size of a file (``RLIMIT_FSIZE``) is a full disk that needs neither root nor a disk.
"""

import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from stsconf.record.file import inspect, read_records
from tests.recorder.scripted import NAMESPACE, Server

STSCONF = [sys.executable, "-P", "-m", "stsconf"]


@pytest.mark.parametrize("kilobytes", [4, 20])
def test_a_recording_that_no_longer_fits_ends_with_one_paragraph_and_is_readable(
    tmp_path: Path, kilobytes: int
) -> None:
    room = kilobytes << 10
    output = tmp_path / "run.ndjson"
    with Server() as server:
        server.world.refused = {NAMESPACE: 403}  # who may watch a namespace need not be allowed to read it
        server.world.write("statefulsets", "web", "ADDED", spec={"replicas": 1}, status={"replicas": 0})
        kubeconfig = tmp_path / "kubeconfig"
        kubeconfig.write_text(json.dumps(_kubeconfig(f"http://127.0.0.1:{server.server_address[1]}")))
        recording = subprocess.Popen(
            [*STSCONF, "record", "-n", NAMESPACE, f"--kubeconfig={kubeconfig}", f"--output={output}"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},  # the limit is for the recording alone
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (room, room)),
        )
        assert recording.stderr
        said = []
        for line in recording.stderr:
            said.append(line)
            if "every watch is open" in line:
                break
        for number in range(100):
            server.world.toggle("web-0", status={"note": f"{number}{'x' * 1000}"})
        said += recording.communicate(timeout=60)[1].splitlines(keepends=True)
        server.world.ended = True

    text = " ".join("".join(said).split())
    assert recording.returncode == 3, text
    assert text.count("ended early after") == 1
    assert "Free space on that disk, or choose another output folder, and run again." in text
    assert "Traceback" not in text

    assert {path.name for path in tmp_path.iterdir()} == {"kubeconfig", "run.ndjson"}
    assert output.stat().st_size == room
    state = inspect(output)
    assert (state.sealed, state.problem) == (False, f"line {state.records + 1} is cut off")
    assert f"ended early after {state.records} records" in text
    versions = [int(r["rv"]) for _, r in read_records(output) if r["rec"] == "ev" and r["s"] == "pods"]
    assert versions == list(range(12, 12 + len(versions)))

    judged = subprocess.run(
        [*STSCONF, "judge", str(output), f"--output-dir={tmp_path / 'out'}"],
        capture_output=True,
        text=True,
        check=False,
    )
    verdicts = {p["verdict"] for p in json.loads((tmp_path / "out" / "verdict.json").read_text())["promises"]}
    assert judged.returncode == 10, judged.stdout + judged.stderr
    assert verdicts <= {"inconclusive", "not judged", "not applicable"}


def _kubeconfig(server: str) -> dict[str, object]:
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "c", "cluster": {"server": server}}],
        "users": [{"name": "u", "user": {}}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "x",
    }
