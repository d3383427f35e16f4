"""What a run found so far, the files it leaves, and the exit code."""

import platform
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from stsconf import documents
from stsconf.errors import ExitCode, UsageError
from stsconf.gate.gate import Change, Gate, gate_document
from stsconf.judging import result
from stsconf.judging.judge import judge
from stsconf.judging.promise import Promise
from stsconf.judging.result import CUT_SHORT, UNREACHED, Document, RunInfo
from stsconf.judging.verdict import Verdict
from stsconf.report import junit, page, report, summary
from stsconf.timeline.questions import authors
from stsconf.timeline.recording import Recording
from stsconf.timeline.timeline import Timeline


class Results:
    """Verdicts by promise id, and where they come from. ``finish`` writes the files."""

    def __init__(self, run_id: str, provider: str, output_dir: Path) -> None:
        self.output_dir = output_dir
        self.expected: list[Promise] = []
        self.recordings: list[Recording] = []
        self.harness_failed = False
        self.ended = ""
        self.exit_code = ExitCode.HOLDS
        self.gate: Gate | None = None
        self.save_baseline: Path | None = None
        self.changes: tuple[Change, ...] = ()
        self.accepted: tuple[str, ...] = ()
        self._cluster: Mapping[str, str] = {}
        self._environment: Mapping[str, Any] = {}
        self._remains: Sequence[str] = ()
        self._run_id = run_id
        self._provider = provider
        self._verdicts: dict[str, Verdict] = {}
        self._started = datetime.now(UTC)
        self._clock = time.monotonic()
        self._seconds: float | None = None

    def ran_on(self, cluster: Mapping[str, str], environment: Mapping[str, Any], remains: Sequence[str]) -> None:
        """Say where the run happened; ``remains`` may grow until the results are written."""
        self._cluster, self._environment, self._remains = cluster, environment, remains

    def took(self, started: datetime, seconds: float) -> None:
        """Say when what is judged was recorded, and how long that took; by default it is from now to the end."""
        self._started, self._seconds = started, seconds

    def add(self, verdict: Verdict) -> None:
        """Keep one verdict; the same promise judged again replaces its own."""
        self._verdicts[verdict.id] = verdict

    @property
    def verdicts(self) -> list[Verdict]:
        """All verdicts; a promise that was asked for and has none is *not judged*."""
        missing = [p for p in self.expected if p.id not in self._verdicts] if self._verdicts or self.ended else []
        note = self.ended or UNREACHED
        return [*self._verdicts.values(), *(replace(judge(p, ()), note=note) for p in missing)]

    def info(self) -> RunInfo:
        """Where and how the run happened."""
        header = self.recordings[0].header if self.recordings else {}
        environment: dict[str, object] = {
            "stand_ins": header.get("stand_ins", ()),
            "python": platform.python_version(),
            "machine": platform.machine(),
            "kubernetes_client": version("kubernetes"),
            "workload": header.get("workload", "documented"),
            **self._environment,
        }
        timelines = [timeline for recording in self.recordings for timeline in recording.timelines]
        stopped = (timeline.window.end.stopped for timeline in timelines)
        where = {"version": header.get("server", {}).get("gitVersion", ""), "uid": header.get("cluster") or ""}
        return RunInfo(
            id=self._run_id,
            started=self._started.isoformat(timespec="seconds"),
            seconds=time.monotonic() - self._clock if self._seconds is None else self._seconds,
            suite=version("statefulset-conformance"),
            provider=self._provider,
            cluster=self._cluster or where,
            environment=environment,
            scenarios=tuple(sorted({timeline.window.scenario for timeline in timelines})),
            exit_code=self.exit_code,
            accepted=self.accepted,
            ended=self.ended or next(filter(None, stopped), ""),
            remains=tuple(self._remains),
            others=tuple(_others(timelines)),
        )

    @property
    def failing(self) -> bool:
        """Whether a run that ended now would end with another exit code than 0."""
        return self._decide() is not ExitCode.HOLDS

    def _decide(self, *also: ExitCode) -> ExitCode:
        if self.harness_failed:
            also = (*also, ExitCode.HARNESS)
        verdicts = self.verdicts
        if self.gate:
            self.accepted = tuple(sorted(self.gate.excuses(verdicts)))
            self.changes = self.gate.changes(verdicts)
            also = (*also, *([ExitCode.REGRESSION] if any(c.fails for c in self.changes) else []))
        self.exit_code = result.exit_code(result.excused(verdicts, self.accepted), *also)
        return self.exit_code

    def finish(self, *also: ExitCode, write: bool = True) -> ExitCode:
        """Write what there is to write and return what the process ends with."""
        self._decide(*also)
        if verdicts := self.verdicts:
            info = self.info()
            doc = result.document(info, verdicts, self.recordings)
            if write:
                self._write(info, verdicts, doc)
            if self.save_baseline and self.exit_code not in CUT_SHORT and not info.ended:
                documents.write(self.save_baseline, doc)
        return self.exit_code

    def _write(self, info: RunInfo, verdicts: Sequence[Verdict], doc: Document) -> None:
        documents.write(self.output_dir / "verdict.json", doc)
        if self.gate:
            documents.write(self.output_dir / "gate.json", gate_document(self.gate, self.changes))
        junit.write(self.output_dir / "junit.xml", info, verdicts)
        page.write(self.output_dir / "index.html", info, verdicts, self.recordings, self.changes)
        summary.write(self.output_dir / "summary.md", info, verdicts, self.recordings)
        report.write(self.output_dir / "report.yaml", info, verdicts)


def recordings_below(given: Path) -> list[Path]:
    """The recordings below a run's folder, or the file itself. Raises ``UsageError`` when there is none."""
    if given.is_file():
        return [given]
    folder = given / "timelines" if (given / "timelines").is_dir() else given
    found = sorted(folder.rglob("*.ndjson.gz")) + sorted(folder.rglob("*.ndjson"))
    if not found:
        raise UsageError(f"There is no recording at {given}.", "Name a .ndjson or .ndjson.gz file, or a run's folder.")
    return found


def rejudge(recordings: Iterable[Recording], promises: Iterable[Promise], output_dir: Path) -> Results:
    """Judge saved recordings with no cluster. What it writes depends on the recordings alone, clock apart.

    Promises about upgrades, and about lost nodes, are judged where one was recorded.
    """
    recordings = list(recordings)
    header = recordings[0].header if recordings else {}
    results = Results(str(header.get("run", "")), str(header.get("provider", "recorded")), output_dir)
    results.recordings = recordings
    if header.get("started"):
        began = min(datetime.fromisoformat(r.header["started"]) for r in recordings if r.header.get("started"))
        results.took(began, sum(recording.seconds for recording in recordings))
    timelines = [t for r in recordings for t in r.timelines]
    for promise in promises:
        if not promise.on_request or any(map(promise.wants, timelines)):
            results.add(judge(promise, timelines))
    return results


def _others(timelines: Iterable[Timeline]) -> Iterator[str]:
    """What other clients are known to have done, by scenario."""
    for timeline in timelines:
        for act in authors.foreign(timeline):
            if act.by.author is authors.Author.OTHER:
                yield f"scenario {timeline.window.scenario}: {act}"
