"""verdict.json: the result of a run, from which every other report can be made again.

Its ``promises`` depend on the recordings alone, so that judging a saved recording again gives the same bytes.
"""

import json
import os
from collections import Counter
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from stsconf.errors import PRECEDENCE, ExitCode, StsconfError
from stsconf.judging.verdict import Obligation, Outcome, TimelineVerdict, Verdict, Witness, count
from stsconf.timeline.recording import Recording

SCHEMA = "stsconf-verdict"
VERSION = 1

Json = dict[str, Any]

CUT_SHORT = (ExitCode.INTERRUPTED, ExitCode.HARNESS, ExitCode.REFUSED)
"""What a run ends with that did not get to its end."""
UNREACHED = "the run ended before it"
"""The reason of a promise that was asked for when the run ended without it."""

_NOBODY_ASKED = frozenset({Outcome.NOT_APPLICABLE, Outcome.NOT_JUDGED})


class ResultFileError(StsconfError):
    """A verdict.json is missing, cut short, inconsistent, or of a schema that this version does not know."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunInfo:
    """Where and how a run happened.

    ``started`` is ISO 8601 in UTC, ``seconds`` how long the whole run took, ``suite`` the version of this suite.
    ``cluster`` holds version, uid, context and the like; ``environment`` at least ``stand_ins``, the parts that were
    not the real ones. ``accepted`` are the promises whose deviation a file of accepted ones excuses. ``ended`` says
    what ended the run before its end, ``remains`` what of it is still there, a sentence each: neither is a verdict.
    """

    id: str
    started: str
    seconds: float
    suite: str
    provider: str
    cluster: Mapping[str, Any] = field(default_factory=dict)
    environment: Mapping[str, Any] = field(default_factory=dict)
    scenarios: tuple[str, ...] = ()
    exit_code: ExitCode = ExitCode.HOLDS
    accepted: tuple[str, ...] = ()
    ended: str = ""
    remains: tuple[str, ...] = ()

    @property
    def remarks(self) -> tuple[str, ...]:
        """What a reader must know of the run beside the verdicts, a sentence each."""
        ended = (f"The run ended early: {self.ended}.",) if self.ended else ()
        return (*ended, *(f"Still there: {one}" for one in self.remains))

    @property
    def stand_ins(self) -> tuple[str, ...]:
        """The parts of the cluster that were not the real ones."""
        return tuple(self.environment.get("stand_ins") or ())


def exit_code(verdicts: Iterable[Verdict], *also: ExitCode) -> ExitCode:
    """What the process ends with: the first in ``PRECEDENCE`` of what the verdicts say and ``also``.

    Only required promises can make a run fail; an error of ours always does. Outcomes that accuse nobody (differs,
    characterised, not applicable) are neutral, but a run in which nothing else was found has judged nothing.
    """
    verdicts = tuple(verdicts)
    required = {verdict.outcome for verdict in verdicts if verdict.required}
    found = {ExitCode.HOLDS, *also}
    if any(verdict.outcome is Outcome.ERROR for verdict in verdicts):
        found.add(ExitCode.HARNESS)
    if Outcome.VIOLATED in required:
        found.add(ExitCode.VIOLATED)
    if Outcome.INCONCLUSIVE in required:
        found.add(ExitCode.INCONCLUSIVE)
    if Outcome.NOT_JUDGED in required:
        found.add(ExitCode.NOT_JUDGED)
    if all(verdict.outcome in _NOBODY_ASKED for verdict in verdicts):
        found.add(ExitCode.NOTHING_TO_JUDGE)
    return min(found, key=PRECEDENCE.index)


def excused(verdicts: Iterable[Verdict], accepted: Container[str]) -> list[Verdict]:
    """The verdicts, with those of accepted promises no longer required: they fail nobody, but stay what they are."""
    return [replace(verdict, required=False) if verdict.id in accepted else verdict for verdict in verdicts]


def document(run: RunInfo, verdicts: Iterable[Verdict], recordings: Sequence[Recording]) -> Json:
    """The whole result as plain JSON values. Promises are ordered by id, counts worst first."""
    verdicts = sorted(verdicts, key=lambda verdict: verdict.id)
    return {
        "schema": SCHEMA,
        "version": VERSION,
        "run": {
            "id": run.id,
            "started": run.started,
            "seconds": round(run.seconds, 3),
            "suite": run.suite,
            "provider": run.provider,
            "cluster": dict(sorted(run.cluster.items())),
            "environment": {**dict(sorted(run.environment.items())), "stand_ins": list(run.stand_ins)},
            "scenarios": list(run.scenarios),
            "exit_code": int(run.exit_code),
            **({"accepted": list(run.accepted)} if run.accepted else {}),
            **({"ended": run.ended} if run.ended else {}),
            **({"remains": list(run.remains)} if run.remains else {}),
            "recordings": [
                {"file": r.path.name, "sha256": r.sha256, "sealed": r.sealed, "events": r.events} for r in recordings
            ],
        },
        "counts": {outcome.value: n for outcome, n in count(verdicts).items()},
        "promises": [promise(verdict) for verdict in verdicts],
    }


def dumps(doc: Mapping[str, Any]) -> str:
    """The text of a document: equal documents give equal bytes."""
    return json.dumps(doc, ensure_ascii=False, allow_nan=False, indent=1) + "\n"


def write(path: Path, doc: Mapping[str, Any]) -> None:
    """Write a document so that a reader sees all of it or none of it."""
    write_text(path, dumps(doc))


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text under a name of its own first, then give it its name. Folders are made as needed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        draft.write_text(text, encoding="utf-8", newline="\n")
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def read(path: Path) -> Json:
    """Read a verdict.json. Raises ``ResultFileError`` when it cannot be relied on."""
    try:
        doc = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ResultFileError(
            f"There is no {path}.", "Name the output folder of a finished run, or judge its recording again."
        ) from None
    except (OSError, ValueError) as error:
        raise ResultFileError(
            f"{path} cannot be read as JSON ({error}): it was cut short or is another file.",
            "Judge the recording beside it again with `stsconf judge`.",
        ) from None
    if not isinstance(doc, dict) or doc.get("schema") != SCHEMA:
        raise ResultFileError(
            f"{path} is not a {SCHEMA} document.", "Name a verdict.json that `stsconf run` or `stsconf judge` wrote."
        )
    if doc.get("version") != VERSION:
        raise ResultFileError(
            f"{path} has version {doc.get('version')} of {SCHEMA}, and this suite reads version {VERSION}.",
            "Use the suite version that wrote it (run.suite in the file), or judge the recording again with this one.",
        )
    try:
        found = Counter(entry["verdict"] for entry in doc["promises"])
        agrees = found == Counter({outcome: n for outcome, n in doc["counts"].items() if n})
    except (KeyError, TypeError, AttributeError):
        agrees = False
    if not agrees or "run" not in doc:
        raise ResultFileError(
            f"{path} contradicts itself: its counts are not those of its promises, or parts are missing.",
            "It was edited or damaged; judge the recording beside it again with `stsconf judge`.",
        )
    return doc


def promise(verdict: Verdict) -> Json:
    """One verdict as it stands in ``promises``."""
    return {
        "id": verdict.id,
        "title": verdict.title,
        "area": verdict.id.split("-")[0],
        "level": str(verdict.level),
        "revision": verdict.revision,
        "source": verdict.source,
        "quote": verdict.quote,
        "verdict": verdict.outcome.value,
        "reason": verdict.reason,
        "trouble": verdict.cause.value if verdict.cause else None,
        "required": verdict.required,
        "obligations": verdict.obligations,
        "witness": [_witness(witness) for witness in verdict.witness],
        "timelines": [_timeline(timeline) for timeline in verdict.timelines],
    }


def _timeline(timeline: TimelineVerdict) -> Json:
    return {
        "scenario": timeline.scenario,
        "namespace": timeline.namespace,
        "set": timeline.set_name,
        "verdict": timeline.outcome.value,
        "trouble": timeline.cause.value if timeline.cause else None,
        "note": timeline.note,
        "obligations": timeline.obligations,
        "failing": [_obligation(obligation) for obligation in timeline.failing],
    }


def _obligation(obligation: Obligation) -> Json:
    return {
        "verdict": obligation.outcome.value,
        "expected": obligation.expected,
        "seen": obligation.seen,
        "trouble": obligation.cause.value if obligation.cause else None,
        "witness": [_witness(witness) for witness in obligation.witness],
    }


def _witness(witness: Witness) -> Json:
    return {
        "line": witness.line,
        "seconds": round(witness.seconds, 6),
        "kind": witness.kind,
        "name": witness.name,
        "rv": witness.rv,
        "uid": witness.uid,
        "what": witness.what,
    }
