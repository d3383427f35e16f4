"""Accepted reports are what the recording beside them says, judged with the promises as they are now."""

from dataclasses import replace
from pathlib import Path

import pytest

from stsconf import judge, load, suite_files
from stsconf.cli.main import main
from stsconf.documents import dumps
from stsconf.judging import result
from stsconf.judging.promise import import_promises
from stsconf.record.file import read_records

ACCEPTED = sorted((Path(__file__).parents[1] / "reports").glob("v*/*/verdict.json"))


@pytest.mark.parametrize("path", ACCEPTED, ids=lambda p: f"{p.parts[-3]}-{p.parts[-2]}")
def test_an_accepted_report_is_reproduced_by_its_recording(path: Path) -> None:
    accepted = result.read(path)
    recording = load(path.with_name("run.ndjson.gz"))
    assert recording.sealed
    assert [r.sha256 for r in accepted.run.recordings] == [recording.sha256]
    promises = import_promises(suite_files.conformance())
    for found in accepted.promises:
        promise = replace(promises[found.id], title=found.title)
        if promise.revision == found.revision:
            assert result.promise(judge(promise, recording.timelines)) == found


@pytest.mark.parametrize("path", ACCEPTED, ids=lambda p: f"{p.parts[-3]}-{p.parts[-2]}")
def test_an_accepted_report_is_written_again_byte_for_byte(path: Path) -> None:
    assert dumps(result.read(path)).encode() == path.read_bytes()


@pytest.mark.parametrize("path", ACCEPTED, ids=lambda p: f"{p.parts[-3]}-{p.parts[-2]}")
def test_what_stsconf_images_lists_is_what_ran(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["images"]) == 0
    keys = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    images = result.read(path).run.environment["images"]
    spaces = {timeline.window.namespace for timeline in load(path.with_name("run.ndjson.gz")).timelines}
    records = (record for _, record in read_records(path.with_name("run.ndjson.gz")))
    pods = [r["obj"] for r in records if r["rec"] == "ev" and r["s"] == "pods" and r["ns"] in spaces]
    ran = {c["image"] for pod in pods for c in pod["spec"]["containers"] if pod["status"].get("phase") == "Running"}
    assert ran == {images[key] for key in keys}


def test_there_is_an_accepted_report() -> None:
    assert ACCEPTED
