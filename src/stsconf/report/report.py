"""report.yaml: a short result to keep and to compare, in the shape of Gateway API's ConformanceReport.

Same shape, own ``apiVersion``. A required promise that was not judged makes a profile *partial*, never a success.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import yaml

from stsconf.documents import write_text
from stsconf.judging.promise import Level
from stsconf.judging.result import RunInfo
from stsconf.judging.verdict import Outcome, Verdict, count
from stsconf.report.style import area_name

API_VERSION = "stsconf/v1"

_UNDECIDED = (Outcome.ERROR, Outcome.INCONCLUSIVE, Outcome.NOT_JUDGED)


def report(run: RunInfo, verdicts: Iterable[Verdict]) -> str:
    """The whole file as YAML: one profile for each area of promises, documented and implementation level apart."""
    verdicts = sorted(verdicts, key=lambda verdict: verdict.id)
    profiles: list[dict[str, Any]] = []
    for area in dict.fromkeys(verdict.id.split("-")[0] for verdict in verdicts):
        mine = [verdict for verdict in verdicts if verdict.id.split("-")[0] == area]
        profile: dict[str, Any] = {"name": area, "summary": area_name(area)}
        for level in Level:
            at_level = [verdict for verdict in mine if verdict.level == level]
            if at_level:
                profile[level.value] = _level(at_level)
        profiles.append(profile)
    document = {
        "apiVersion": API_VERSION,
        "kind": "ConformanceReport",
        "date": run.started,
        "run": run.id,
        "suite": run.suite,
        "provider": run.provider,
        "kubernetesVersion": str(run.cluster.get("version", "")),
        "clusterUID": str(run.cluster.get("uid", "")),
        "standIns": list(run.stand_ins),
        "result": _result([verdict for verdict in verdicts if verdict.required]),
        "exitCode": int(run.exit_code),
        "profiles": profiles,
    }
    return str(yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=120))


def write(path: Path, run: RunInfo, verdicts: Iterable[Verdict]) -> None:
    """Write report.yaml."""
    write_text(path, report(run, verdicts))


def _level(verdicts: Sequence[Verdict]) -> dict[str, Any]:
    found = {outcome: n for outcome, n in count(verdicts).items() if n}
    listed = {
        _camel(outcome): [verdict.id for verdict in verdicts if verdict.outcome is outcome]
        for outcome in found
        if outcome is not Outcome.HOLDS
    }
    return {
        "result": _result(verdicts),
        "statistics": {_camel(outcome): n for outcome, n in found.items()},
        **listed,
    }


def _result(verdicts: Sequence[Verdict]) -> str:
    outcomes = {verdict.outcome for verdict in verdicts}
    if Outcome.VIOLATED in outcomes:
        return "failure"
    return "success" if Outcome.HOLDS in outcomes and outcomes.isdisjoint(_UNDECIDED) else "partial"


def _camel(outcome: Outcome) -> str:
    first, *rest = outcome.value.split()
    return first + "".join(word.capitalize() for word in rest)
