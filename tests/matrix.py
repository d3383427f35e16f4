"""The same promises over every version of Kubernetes that airgap/ builds: `python -m tests.matrix [VERSION ...]`.

Each version runs all scenarios on provider `local`, and its column of docs/matrix.md and docs/matrix.json is written;
without a version named all are. Ends with 1 when a version deviates in a way `deviations.toml` does not expect, or no
longer deviates as it does.
"""

import json
import re
import sys
import time
import tomllib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from stsconf.act.scenarios import ORDINARY, SCENARIOS
from stsconf.clusters import Provider
from stsconf.judging.judge import judge
from stsconf.judging.verdict import Outcome, Verdict
from stsconf.run.config import Config
from stsconf.run.provider import provide
from stsconf.run.run import record
from stsconf.timeline.recording import load
from tests.bug_table import PROMISES, scenarios_of

CHECKOUT = Path(__file__).parents[1]
PAGE = CHECKOUT / "docs" / "matrix.md"
DATA = CHECKOUT / "docs" / "matrix.json"
DEVIATIONS = Path(__file__).with_name("deviations.toml")
FINE = (Outcome.HOLDS, Outcome.CHARACTERISED, Outcome.NOT_APPLICABLE)

Verdicts = Mapping[str, Verdict]


def versions() -> list[str]:
    """The versions that can be built, oldest first."""
    folders = (CHECKOUT / "airgap" / "go").glob("kubernetes-v*")
    names = [folder.name.removeprefix("kubernetes-") for folder in folders]
    return sorted(names, key=lambda name: [int(part) for part in re.findall(r"\d+", name)])


def verdicts(version: str, folder: Path, say: Callable[[str], None]) -> Verdicts:
    """Every promise on one version, but those that only an upgrade decides."""
    config = Config.from_options({"cluster": Provider.LOCAL.value, "kubernetes": version, "output-dir": folder})
    scenarios = [SCENARIOS[name] for name in scenarios_of(None)]
    with provide(config, lambda _: None) as cluster:
        timelines = load(record(cluster, scenarios, config, lambda _: None)).timelines
    asked = [promise for promise in PROMISES.values() if not set(promise.scenarios).isdisjoint(ORDINARY)]
    found = {promise.id: judge(promise, timelines) for promise in asked}
    say(f"{version}: {', '.join(f'{n} {o}' for o, n in Counter(v.outcome for v in found.values()).most_common())}")
    return found


def unexpected(found: Mapping[str, Verdicts]) -> list[str]:
    """What deviates and is not expected to, and what is expected to and does not; a sentence each."""
    expected = {(each["promise"], version): each for each in _deviations() for version in each["versions"]}
    wrong = []
    for version, of_version in found.items():
        for promise, verdict in of_version.items():
            known = expected.get((promise, version))
            if known and known["outcome"] != verdict.outcome:
                wrong.append(f"{version} {promise}: expected {known['outcome']}, is {verdict.outcome}")
            if not known and verdict.outcome not in FINE:
                wrong.append(f"{version} {verdict.explain()}")
    return wrong


def _deviations() -> list[dict[str, Any]]:
    return list(tomllib.loads(DEVIATIONS.read_text(encoding="utf-8")).get("deviation", []))


def data(version: str, found: Verdicts, seconds: float) -> dict[str, object]:
    """A column of the table: outcome and, where it is not fine, reason of each promise on one version."""
    return {
        "version": version,
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "seconds": round(seconds, 1),
        "promises": {
            p: {"outcome": str(v.outcome)} | ({} if v.outcome is Outcome.HOLDS else {"reason": v.reason})
            for p, v in sorted(found.items())
        },
    }


def page(columns: Sequence[Mapping[str, Any]], missing: Sequence[str]) -> str:
    """The table for readers: the rows in which two versions differ, and why; ``missing`` versions were not run."""
    versions = [column["version"] for column in columns]
    rows = {
        promise: [column["promises"].get(promise, {"outcome": "not run"}) for column in columns]
        for promise in PROMISES
        if any(promise in column["promises"] for column in columns)
    }
    differing = {p: row for p, row in rows.items() if len({cell["outcome"] for cell in row}) > 1}
    counts = Counter(row[0]["outcome"] for p, row in rows.items() if p not in differing)
    lines = [
        "# Every promise on every version",
        "",
        "Made by `python -m tests.matrix`: the same scenarios on provider `local`, Kubernetes built from Go modules.",
        "A version named there renews its column. The data is in [matrix.json](matrix.json).",
        "",
        *(f"- {column['version']}: {column['date']}, {column['seconds']:.0f} s" for column in columns),
        *(f"- {version}: not run" for version in missing),
        "",
        f"{len(rows) - len(differing)} of {len(rows)} promises come out the same on all that were run:",
        f"{', '.join(f'{count} {outcome}' for outcome, count in counts.most_common())}. The others:",
        "",
        f"| promise | {' | '.join(versions)} |",
        f"|---|{'---|' * len(versions)}",
        *(f"| {p} | {' | '.join(cell['outcome'] for cell in row)} |" for p, row in differing.items()),
        "",
        "## Why",
        "",
    ]
    for promise, row in differing.items():
        lines += [f"**{promise}** {PROMISES[promise].title}", ""]
        for version, cell in zip(versions, row, strict=True):
            if "reason" in cell:
                lines.append(f"- {version}: {cell['reason']}{_explained(promise, version, cell['outcome'])}")
        lines.append("")
    return "\n".join(lines)


def committed() -> str:
    """The page of the committed data."""
    columns = json.loads(DATA.read_text(encoding="utf-8"))["columns"]
    run = {column["version"] for column in columns}
    return page(columns, [version for version in versions() if version not in run])


def _explained(promise: str, version: str, outcome: str) -> str:
    known = [each for each in _deviations() if each["promise"] == promise and version in each["versions"]]
    if known:
        return f". Known: {known[0]['reason']} ({known[0]['issue']})"
    return "" if outcome in FINE else ". **Unexplained.**"


def main(*chosen: str) -> bool:
    """Whether every version did what is expected of it."""
    began = time.monotonic()
    found = {}
    columns = (
        {c["version"]: c for c in json.loads(DATA.read_text(encoding="utf-8"))["columns"]} if DATA.exists() else {}
    )

    def say(text: str) -> None:
        print(f"{time.monotonic() - began:6.1f} s  {text}", flush=True)

    for version in chosen or versions():
        with TemporaryDirectory(prefix="stsconf-") as folder:
            start = time.monotonic()
            found[version] = verdicts(version, Path(folder), say)
            columns[version] = data(version, found[version], time.monotonic() - start)
    wrong = unexpected(found)
    for sentence in wrong:
        print(f"\n{sentence}")
    ordered = [columns[version] for version in versions() if version in columns]
    told = {"schema": "sts-matrix", "v": 1, "columns": ordered, "deviations": _deviations()}
    DATA.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    PAGE.write_text(committed(), encoding="utf-8")
    return not wrong


if __name__ == "__main__":
    sys.exit(not main(*sys.argv[1:]))
