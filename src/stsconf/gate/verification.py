"""Whether a result is what its own recordings say: the hashes first, then every promise judged again.

The hashes detect accidents, not a forger: whoever can write the folder can write all of it anew.
"""

import gzip
import zlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from msgspec import structs

from stsconf.errors import PRECEDENCE, ExitCode, ResultFileError
from stsconf.judging import result
from stsconf.judging.judge import judge
from stsconf.judging.promise import Promise
from stsconf.judging.result import CUT_SHORT, UNREACHED, PromiseEntry, RecordingEntry, Run
from stsconf.judging.verdict import Outcome, Verdict
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
    doc = result.read(path)
    run = doc.run
    if not run.recordings:
        raise ResultFileError(f"{path} names no recording, so nothing in it can be judged again.", "Run again.")
    recordings = [_recording(folder, one) for one in run.recordings]
    timelines = [timeline for recording in recordings for timeline in recording.timelines]
    verdicts: list[Verdict] = []
    for found in doc.promises:
        promise = _promise(path, found, promises, run.suite)
        worded = replace(promise, title=found.title)
        again = judge(worded, timelines, required=found.required)
        if found.outcome is Outcome.NOT_JUDGED and found.reason == UNREACHED and run.exit_code in CUT_SHORT:
            again = replace(judge(promise, ()), note=UNREACHED)
        elif (differing := _differing(found, result.promise(again))) is not None:
            raise ResultFileError(
                f"{path} is not reproduced: {promise.id} is {found.outcome} in it and {again.outcome.value} when "
                f"its recordings are judged again; field {differing} differs.",
                "One of the two was changed after the run; `stsconf judge` shows what the recordings say.",
            )
        verdicts.append(replace(again, title=promise.title))
    _check_exit_code(path, verdicts, run)
    return verdicts


def _recording(folder: Path, entry: RecordingEntry) -> Recording:
    path = next((p for p in (folder / "timelines" / entry.file, folder / entry.file) if p.is_file()), None)
    if path is None:
        raise ResultFileError(
            f"{folder / 'timelines' / entry.file} is missing: verdict.json was judged from it.",
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
    if recording.sealed != entry.sealed:
        raise ResultFileError(
            f"{path} has no seal: it was cut short, or the run did not end as it should.",
            "Copy it again from where the run was made.",
        )
    if damage or recording.sha256 != entry.sha256:
        raise ResultFileError(
            f"{path} is not the recording that verdict.json was judged from: "
            + (damage or f"its sha256 is {recording.sha256}, and verdict.json says {entry.sha256}")
            + ".",
            "Copy both again from where the run was made.",
        )
    return recording


def _promise(path: Path, found: PromiseEntry, promises: Mapping[str, Promise], suite: str) -> Promise:
    promise = promises.get(found.id)
    if promise is None or promise.revision != found.revision:
        mine = f"has revision {promise.revision}" if promise else "does not have it"
        raise ResultFileError(
            f"{path} holds {found.id} by rule revision {found.revision}, and this suite {mine}, so it "
            "cannot be reproduced here.",
            f"Use suite version {suite}, or judge the recording anew with `stsconf judge`.",
        )
    return promise


def _differing(found: PromiseEntry, again: PromiseEntry) -> str | None:
    """The first field that is not the same."""
    fields = structs.fields(PromiseEntry)
    return next((f.encode_name for f in fields if getattr(found, f.name) != getattr(again, f.name)), None)


def _check_exit_code(path: Path, verdicts: list[Verdict], run: Run) -> None:
    code, said = run.exit_code, result.exit_code(result.excused(verdicts, run.accepted))
    from_elsewhere = code in _NOT_FROM_VERDICTS and PRECEDENCE.index(code) < PRECEDENCE.index(said)
    if code is not said and not from_elsewhere:
        raise ResultFileError(
            f"{path} says exit code {int(code)}, and its verdicts say {int(said)}.",
            "It was edited or damaged; judge its recordings again with `stsconf judge`.",
        )
