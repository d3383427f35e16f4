"""``stsconf verify``: a result that is what its recordings say, and every way in which it may not be."""

import gzip
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stsconf import suite_files
from stsconf.cli.main import main
from stsconf.gate.verification import verify
from stsconf.judging.promise import import_promises
from tests.tape import created, write

Doc = dict[str, Any]


@pytest.fixture(scope="module")
def accepted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The output folder of a run of one scenario."""
    found = tmp_path_factory.mktemp("whole") / "run"
    (found / "timelines").mkdir(parents=True)
    recording = write(created(3).records, found / "timelines" / "run.ndjson")
    assert main(["judge", str(recording), "--output-dir", str(found)]) == 1
    return found


@pytest.fixture
def folder(accepted: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return Path(shutil.copytree(accepted, tmp_path / "run"))


def said(folder: Path, capsys: pytest.CaptureFixture[str], code: int = 3) -> str:
    capsys.readouterr()
    assert main(["verify", str(folder)]) == code
    text = capsys.readouterr().err
    assert "Traceback" not in text
    return " ".join(text.split())


def test_a_result_is_reproduced(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert main(["verify", str(folder)]) == 0
    assert "is what its recordings say" in " ".join(capsys.readouterr().out.split())


def test_a_title_in_other_words_is_reproduced_and_told_in_ours(folder: Path) -> None:
    path = folder / "verdict.json"
    doc = json.loads(path.read_text())
    for promise in doc["promises"]:
        promise["title"] = "Worded as an earlier suite did."
    path.write_text(json.dumps(doc))
    assert main(["verify", str(folder)]) == 0
    promises = import_promises(suite_files.conformance())
    assert [v.title for v in verify(folder, promises)] == [promises[p["id"]].title for p in doc["promises"]]


def flip(doc: Doc) -> None:
    held = next(p for p in doc["promises"] if p["verdict"] == "holds")
    held["verdict"] = "violated"
    doc["counts"]["holds"] -= 1
    doc["counts"]["violated"] += 1


def more_checked(doc: Doc) -> None:
    next(p for p in doc["promises"] if p["verdict"] == "holds")["obligations"] += 1


def unreached(doc: Doc) -> None:
    one = next(p for p in doc["promises"] if p["verdict"] == "holds")
    one["verdict"], one["reason"] = "not judged", "the run ended before it"
    doc["counts"]["holds"] -= 1
    doc["counts"]["not judged"] += 1


EDITS: list[tuple[Callable[[Doc], object], str]] = [
    (lambda d: d.update(schema="other"), "is not a stsconf-verdict document"),
    (lambda d: d.update(version=9), "has version 9"),
    (lambda d: d["counts"].update(holds=0), "contradicts itself"),
    (lambda d: d["run"].pop("recordings"), "run: object missing required field recordings"),
    (lambda d: d["run"].update(recordings=[]), "names no recording,"),
    (lambda d: d["run"]["recordings"][0].update(sha256="0" * 64), "its sha256 is"),
    (lambda d: d["run"].update(exit_code=0), "says exit code 0, and its verdicts say 1"),
    (lambda d: d["run"].update(exit_code=99), "run.exit_code: invalid enum value 99"),
    (lambda d: d["promises"][0].update(revision=99), "by rule revision 99"),
    (lambda d: d["promises"][0].update(id="XXX-01"), "this suite does not have it"),
    (flip, "is violated in it and holds when"),
    (more_checked, "field obligations differs"),
    (unreached, "is not judged in it and holds when"),
]


@pytest.mark.parametrize(("edit", "sentence"), EDITS, ids=[sentence for _, sentence in EDITS])
def test_an_edited_document_is_not(
    edit: Callable[[Doc], object], sentence: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = folder / "verdict.json"
    doc = json.loads(path.read_text())
    edit(doc)
    path.write_text(json.dumps(doc))
    text = said(folder, capsys)
    assert sentence in text
    assert "verdict.json" in text


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def another(path: Path) -> None:
    write(created(2).records, path)


def changed(path: Path) -> None:
    path.write_text(path.read_text().replace("web-0", "web-9", 1))


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (Path.unlink, "is missing"),
        (cut, "has no seal"),
        (another, "is not the recording"),
        (changed, "is not the recording"),
        (lambda path: path.write_text("hello\n"), "timeline"),
    ],
)
def test_nor_is_one_beside_a_damaged_recording(
    damage: Callable[[Path], object], sentence: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (path,) = (folder / "timelines").iterdir()
    damage(path)
    assert sentence in said(folder, capsys)


@pytest.mark.parametrize("part", [0.3, 0.9, 0.999])
def test_nor_one_beside_a_compressed_recording_that_was_cut(
    part: float, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = tmp_path / "whole"
    (whole / "timelines").mkdir(parents=True)
    path = whole / "timelines" / "run.ndjson.gz"
    with gzip.open(path, "wb") as packed:
        packed.write((folder / "timelines" / "run.ndjson").read_bytes())
    main(["judge", str(path), "--output-dir", str(whole)])
    assert main(["verify", str(whole)]) == 0
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * part)])
    assert "run.ndjson.gz" in said(whole, capsys)


def test_a_document_that_was_cut_short_or_is_missing_is_named(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cut(folder / "verdict.json")
    assert "cannot be read as JSON" in said(folder, capsys)
    (folder / "verdict.json").unlink()
    assert "There is no" in said(folder, capsys, 4)
