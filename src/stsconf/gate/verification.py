"""Whether a result is what its own recordings say: the hashes first, then every promise judged again.

The hashes detect accidents, not a forger: whoever can write the folder can write all of it anew.
"""

import gzip
import json
import zlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from stsconf.errors import PRECEDENCE, ExitCode
from stsconf.judging import result as document
from stsconf.judging.judge import judge
from stsconf.judging.promise import Promise
from stsconf.judging.result import CUT_SHORT, UNREACHED, ResultFileError
from stsconf.judging.verdict import Verdict
from stsconf.timeline.events import Reason
from stsconf.timeline.recording import Recording, load

_NOT_FROM_VERDICTS = frozenset(
    {ExitCode.INTERRUPTED, ExitCode.HARNESS, ExitCode.USAGE, ExitCode.REFUSED, ExitCode.REGRESSION}
)


def verify(folder: Path, promises: Mapping[str, Promise]) -> list[Verdict]:
    """Judge the sealed recordings of a run's folder again, and return the verdicts, which are those of verdict.json.

    ``promises`` are those of this suite. Raises ``ResultFileError`` and ``TimelineFileError`` for what is missing, cut
    short, inconsistent, of another schema, or not reproduced; ``str()`` names the file and what is wrong with it.

    Titles are not compared: id and revision name the rule, and a suite may word it better. The verdicts have ours.
    """
    path = folder / "verdict.json"
    doc = document.read(path)
    run = doc["run"]
    try:
        named = [(str(entry["file"]), str(entry["sha256"]), bool(entry["sealed"])) for entry in run["recordings"]]
        code = ExitCode(run["exit_code"])
        accepted = frozenset(run.get("accepted", ()))
    except (KeyError, TypeError, ValueError, AttributeError):
        raise ResultFileError(
            f"{path} names no recordings or no exit code that there is.", "It was edited or damaged; run again."
        ) from None
    if not named:
        raise ResultFileError(f"{path} names no recording, so nothing in it can be judged again.", "Run again.")
    recordings = [_recording(folder, *one) for one in named]
    timelines = [timeline for recording in recordings for timeline in recording.timelines]
    verdicts: list[Verdict] = []
    for found in doc["promises"]:
        promise = _promise(path, found, promises, str(run.get("suite")))
        worded = replace(promise, title=str(found.get("title")))
        again = judge(worded, timelines, required=bool(found.get("required")))
        if found["verdict"] == "not judged" and found.get("reason") == UNREACHED and code in CUT_SHORT:
            again = replace(judge(promise, ()), note=UNREACHED)
        elif (differing := _differing(found, document.promise(again))) is not None:
            raise ResultFileError(
                f"{path} is not reproduced: {promise.id} is {found['verdict']} in it and {again.outcome.value} when "
                f"its recordings are judged again; field {differing} differs.",
                "One of the two was changed after the run; `stsconf judge` shows what the recordings say.",
            )
        verdicts.append(replace(again, title=promise.title))
    _check_exit_code(path, verdicts, code, accepted)
    return verdicts


def _recording(folder: Path, name: str, sha256: str, sealed: bool) -> Recording:
    path = next((p for p in (folder / "timelines" / name, folder / name) if p.is_file()), None)
    if path is None:
        raise ResultFileError(
            f"{folder / 'timelines' / name} is missing: verdict.json was judged from it.",
            "Copy the whole folder of the run.",
        )
    try:
        recording = load(path)
        if path.suffix == ".gz":  # a reader that is lenient does not mind a missing checksum at the end
            with gzip.open(path) as packed:
                while packed.read(1 << 20):
                    pass
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise ResultFileError(f"{path} cannot be read: {error}.", "It was cut short or damaged; run again.") from None
    damage = next((p.what for p in recording.problems if p.kind is None and p.cause is Reason.INTEGRITY), None)
    if recording.sealed != sealed:
        raise ResultFileError(
            f"{path} has no seal: it was cut short, or the run did not end as it should.",
            "Copy it again from where the run was made.",
        )
    if damage or recording.sha256 != sha256:
        raise ResultFileError(
            f"{path} is not the recording that verdict.json was judged from: "
            + (damage or f"its sha256 is {recording.sha256}, and verdict.json says {sha256}")
            + ".",
            "Copy both again from where the run was made.",
        )
    return recording


def _promise(path: Path, found: Mapping[str, Any], promises: Mapping[str, Promise], suite: str) -> Promise:
    promise = promises.get(str(found.get("id")))
    if promise is None or promise.revision != found.get("revision"):
        mine = f"has revision {promise.revision}" if promise else "does not have it"
        raise ResultFileError(
            f"{path} holds {found.get('id')} by rule revision {found.get('revision')}, and this suite {mine}, so it "
            "cannot be reproduced here.",
            f"Use suite version {suite}, or judge the recording anew with `stsconf judge`.",
        )
    return promise


def _differing(found: Mapping[str, Any], again: Mapping[str, Any]) -> str | None:
    """The first field that is not the same, as JSON."""
    names = [*again, *(name for name in found if name not in again)]
    return next((n for n in names if json.dumps(found.get(n)) != json.dumps(again.get(n))), None)


def _check_exit_code(path: Path, verdicts: list[Verdict], code: ExitCode, accepted: frozenset[str]) -> None:
    said = document.exit_code(document.excused(verdicts, accepted))
    from_elsewhere = code in _NOT_FROM_VERDICTS and PRECEDENCE.index(code) < PRECEDENCE.index(said)
    if code is not said and not from_elsewhere:
        raise ResultFileError(
            f"{path} says exit code {int(code)}, and its verdicts say {int(said)}.",
            "It was edited or damaged; judge its recordings again with `stsconf judge`.",
        )
