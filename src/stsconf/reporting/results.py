"""What a run found so far, the files it leaves, and the exit code."""

import platform
import time
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from stsconf.clusters import Cluster
from stsconf.errors import ExitCode
from stsconf.judge import judge
from stsconf.promise import Promise
from stsconf.recording import Recording
from stsconf.reporting import document, junit, page, report, summary
from stsconf.reporting.document import RunInfo
from stsconf.verdict import Verdict

UNREACHED = "the run ended before it"
"""The reason of a promise that was asked for when the run ended without it."""


class Results:
    """Verdicts by promise id, and where they come from. ``finish`` writes the files."""

    def __init__(self, run_id: str, provider: str, output_dir: Path) -> None:
        self.output_dir = output_dir
        self.expected: list[Promise] = []
        self.recordings: list[Recording] = []
        self.cluster: Cluster | None = None
        self.harness_failed = False
        self.exit_code = ExitCode.HOLDS
        self._run_id = run_id
        self._provider = provider
        self._verdicts: dict[str, Verdict] = {}
        self._started = datetime.now(UTC)
        self._clock = time.monotonic()

    def add(self, verdict: Verdict) -> None:
        """Keep one verdict; the same promise judged again replaces its own."""
        self._verdicts[verdict.id] = verdict

    @property
    def verdicts(self) -> list[Verdict]:
        """All verdicts; a promise that was asked for and has none is *not judged*."""
        missing = [p for p in self.expected if p.id not in self._verdicts] if self._verdicts else []
        return [*self._verdicts.values(), *(replace(judge(p, ()), note=UNREACHED) for p in missing)]

    def info(self) -> RunInfo:
        """Where and how the run happened."""
        cluster = self.cluster
        header = self.recordings[0].header if self.recordings else {}
        environment: dict[str, object] = {
            "stand_ins": list(cluster.stand_ins if cluster else header.get("stand_ins", ())),
            "python": platform.python_version(),
            "machine": platform.machine(),
            "kubernetes_client": version("kubernetes"),
            "workload": header.get("workload", "documented"),
        }
        where = {"version": header.get("server", {}).get("gitVersion", ""), "uid": header.get("cluster") or ""}
        if cluster:
            environment |= {"storage_class": cluster.storage_class, "images": dict(cluster.images), **cluster.facts}
            where = {"name": cluster.name, "version": cluster.version, "uid": cluster.uid}
        return RunInfo(
            id=self._run_id,
            started=self._started.isoformat(timespec="seconds"),
            seconds=time.monotonic() - self._clock,
            suite=version("statefulset-conformance"),
            provider=self._provider,
            cluster=where,
            environment=environment,
            scenarios=tuple(sorted({t.window.scenario for r in self.recordings for t in r.timelines})),
            exit_code=self.exit_code,
        )

    def finish(self, *also: ExitCode, write: bool = True) -> ExitCode:
        """Write what there is to write and return what the process ends with."""
        if self.harness_failed:
            also = (*also, ExitCode.HARNESS)
        self.exit_code = document.exit_code(self.verdicts, *also)
        if self._verdicts and write:
            info = self.info()
            document.write(self.output_dir / "verdict.json", document.document(info, self.verdicts, self.recordings))
            junit.write(self.output_dir / "junit.xml", info, self.verdicts)
            page.write(self.output_dir / "index.html", info, self.verdicts, self.recordings)
            summary.write(self.output_dir / "summary.md", info, self.verdicts, self.recordings)
            report.write(self.output_dir / "report.yaml", info, self.verdicts)
        return self.exit_code


def rejudge(recordings: Iterable[Recording], promises: Iterable[Promise], output_dir: Path) -> Results:
    """Judge saved recordings with no cluster. What it writes depends on the recordings alone, clock apart.

    Promises about upgrades are judged where one was recorded.
    """
    recordings = list(recordings)
    header = recordings[0].header if recordings else {}
    results = Results(str(header.get("run", "")), str(header.get("provider", "recorded")), output_dir)
    results.recordings = recordings
    timelines = [t for r in recordings for t in r.timelines]
    for promise in promises:
        if not promise.of_upgrades or any(map(promise.wants, timelines)):
            results.add(judge(promise, timelines))
    return results
