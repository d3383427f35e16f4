"""The same promises over every version of Kubernetes that airgap/ builds: `python -m tests.matrix [VERSION ...]`.

Each version runs all scenarios on provider `local`. Without a version named all are run, and docs/matrix.md and
docs/matrix.json are written. Ends with 1 when a version deviates in a way `deviations.toml` does not expect, or no
longer deviates as it does.
"""

import json
import re
import sys
import time
import tomllib
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from stsconf.clusters import Provider
from stsconf.run import Config, provide
from stsconf.verdict import Outcome, Verdict
from tests.bug_table import PROMISES, find

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
    """Every promise on one version."""
    config = Config.from_options({"cluster": Provider.LOCAL.value, "kubernetes": version, "output-dir": folder})
    with provide(config, lambda _: None) as cluster:
        found = find(cluster, None, folder, lambda _: None).verdicts
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


def _deviations() -> list[dict[str, str]]:
    return list(tomllib.loads(DEVIATIONS.read_text(encoding="utf-8")).get("deviation", []))


def data(found: Mapping[str, Verdicts], seconds: Mapping[str, float]) -> dict[str, object]:
    """The table as data: outcomes by promise and version, and each version's time."""
    return {
        "schema": "sts-matrix",
        "v": 1,
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "seconds": {version: round(value, 1) for version, value in seconds.items()},
        "promises": {p: {version: str(of[p].outcome) for version, of in found.items()} for p in PROMISES},
        "notes": {
            p: notes
            for p in PROMISES
            if (notes := {version: of[p].reason for version, of in found.items() if of[p].outcome not in FINE})
        },
        "deviations": _deviations(),
    }


def page(told: Mapping[str, object]) -> str:
    """The same for readers: the rows in which two versions differ, and why."""
    promises: Mapping[str, Mapping[str, str]] = told["promises"]  # type: ignore[assignment]
    seconds: Mapping[str, float] = told["seconds"]  # type: ignore[assignment]
    columns = [*seconds]
    same = {p: row for p, row in promises.items() if len(set(row.values())) == 1}
    counts = Counter(next(iter(row.values())) for row in same.values())
    lines = [
        "# Every promise on every version",
        "",
        f"Made by `python -m tests.matrix` on {told['date']} from the same scenarios on provider `local`,",
        f"{len(columns)} versions of Kubernetes built from Go modules, in {sum(seconds.values()) / 60:.0f} min with",
        "their programs built. The data is in [matrix.json](matrix.json).",
        "",
        f"{len(same)} of {len(promises)} promises come out the same on all of them:",
        f"{', '.join(f'{count} {outcome}' for outcome, count in counts.most_common())}. The others:",
        "",
        f"| promise | {' | '.join(columns)} |",
        f"|---|{'---|' * len(columns)}",
    ]
    differing = [p for p in promises if p not in same]
    lines += [f"| {p} | {' | '.join(promises[p][version] for version in columns)} |" for p in differing]
    lines += ["", "## Why", ""]
    for promise in differing:
        lines += [f"**{promise}** {PROMISES[promise].title}"]
        reasons = [each for each in _deviations() if each["promise"] == promise]
        lines += [f"- {', '.join(each['versions'])}: {each['reason']} ({each['issue']})" for each in reasons]
        if "not applicable" in promises[promise].values():
            lines.append(f"- Not applicable before Kubernetes {PROMISES[promise].since}, which brought it.")
        lines.append("")
    return "\n".join(lines)


def main(*chosen: str) -> bool:
    """Whether every version did what is expected of it."""
    began = time.monotonic()
    found, seconds = {}, {}

    def say(text: str) -> None:
        print(f"{time.monotonic() - began:6.1f} s  {text}", flush=True)

    for version in chosen or versions():
        with TemporaryDirectory(prefix="stsconf-") as folder:
            start = time.monotonic()
            found[version] = verdicts(version, Path(folder), say)
            seconds[version] = time.monotonic() - start
    wrong = unexpected(found)
    for sentence in wrong:
        print(f"\n{sentence}")
    if not chosen:
        told = data(found, seconds)
        DATA.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
        PAGE.write_text(page(told), encoding="utf-8")
    return not wrong


if __name__ == "__main__":
    sys.exit(not main(*sys.argv[1:]))
