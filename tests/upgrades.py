"""Upgrades between versions of Kubernetes on provider ``local``, and what they did to sets at rest.

``python -m tests.upgrades`` runs every pair with ``stsconf upgrade`` and writes ``docs/upgrades.md``; with pairs such
as ``v1.33.13:v1.34.0`` only those, and prints their rows. It ends with 1 when a pair is not as ``PAIRS`` knows it.
"""

import json
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from stsconf.clusters import local
from stsconf.waits import until
from tests.local.conftest import plane
from tests.local.test_sentry import SPACE, made, reader, settled

PAGE = Path(__file__).parents[1] / "docs" / "upgrades.md"
BEGIN, END = "<!-- made by python -m tests.upgrades -->\n", "<!-- end -->"
PAIRS: Mapping[tuple[str, str], bool] = {
    ("v1.33.13", "v1.34.0"): False,
    ("v1.33.13", "v1.34.4"): True,
    ("v1.34.4", "v1.35.4"): True,
    ("v1.35.4", "v1.36.3"): True,
    ("v1.36.3", "v1.37.2"): True,
}
"""Whether the upgrade leaves every set as it is."""
SECONDS = 600


@dataclass(frozen=True)
class Found:
    """What an upgrade did: the verdict of UPD-19, other promises that do not hold, and the sets that moved."""

    pair: tuple[str, str]
    code: int
    verdict: str
    others: tuple[str, ...]
    moved: Mapping[str, list[str]]
    seconds: float

    @property
    def clean(self) -> bool:
        """Whether nothing moved and the promise holds."""
        return self.code == 0 and self.verdict == "holds" and not self.moved

    @property
    def changes(self) -> list[str]:
        """The changed fields of the new revisions, each once."""
        told = [what for words in self.moved.values() for what in words if what.startswith("revision ")]
        return sorted({what.split(": ", 1)[1] for what in told})

    @property
    def row(self) -> str:
        """A row of the table."""
        pods = sum(what.startswith("Pod ") for words in self.moved.values() for what in words)
        sets = ", ".join(sorted(f"`{name.split('-upgrade-')[1].split('/')[0]}`" for name in self.moved)) or "none"
        cells = (*self.pair, f"{self.verdict} (exit {self.code})", sets, str(pods), "; ".join(self.changes))
        return f"| {' | '.join(cells)} | {', '.join(self.others)} | {self.seconds:.0f} s |"


def run(pair: tuple[str, str], folder: Path) -> Found:
    """Upgrade once."""
    began = time.monotonic()
    command = ["upgrade", "--from", pair[0], "--to", pair[1], "--output-dir", str(folder)]
    code = subprocess.run([sys.executable, "-P", "-m", "stsconf", *command], check=False).returncode
    document: dict[str, Any] = json.loads((folder / "verdict.json").read_text(encoding="utf-8"))
    verdicts = {one["id"]: one["verdict"] for one in document["promises"]}
    own = verdicts.pop("UPD-19")
    others = sorted(f"{id_} {verdict}" for id_, verdict in verdicts.items() if verdict in ("violated", "inconclusive"))
    moved = document["run"]["environment"]["upgrade"]["moved"]
    return Found(pair, code, own, tuple(others), moved, time.monotonic() - began)


def alone(pair: tuple[str, str], folder: Path) -> tuple[int, str]:
    """The same upgrade seen by snapshot and compare only, through an account that may only read: exit code, words."""
    with plane(folder, local.Settings(kubernetes=pair[0])) as cluster:
        made(cluster)
        kubeconfig = reader(cluster, folder, volumes=True)

        def stsconf(*arguments: str) -> tuple[int, str]:
            command = [sys.executable, "-P", "-m", "stsconf", *arguments]
            done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
            return done.returncode, done.stdout

        files = [str(folder / name) for name in ("before.json", "after.json")]
        for number, file in enumerate(files):
            if number:
                assert cluster.exchange
                cluster.exchange(pair[1])()
                made(cluster, "later")  # its controller works: what it did not do to the other set, it chose not to do
                assert until(lambda: settled(cluster), SECONDS)
            code, said = stsconf("snapshot", "-n", SPACE, "-o", file, "--kubeconfig", str(kubeconfig))
            assert code == 0, said
        return stsconf("compare", *files)


def main(wanted: list[str]) -> int:
    """Run pairs; write the page when all were run."""
    pairs = [pair for pair in PAIRS if not wanted or ":".join(pair) in wanted]
    rows, wrong, seen = [], [], ""
    with TemporaryDirectory() as place:
        for pair in pairs:
            found = run(pair, Path(place, "-".join(pair)))
            rows.append(found.row)
            print(found.row, flush=True)
            if found.clean is not PAIRS[pair]:
                wrong.append(pair)
        first = pairs[0]
        code, seen = alone(first, Path(place, "alone"))
        print(f"snapshot and compare alone: exit {code}\n{seen}", flush=True)
        if (code == 0) is not PAIRS[first]:
            wrong.append(first)
    if not wanted:
        text = PAGE.read_text(encoding="utf-8")
        page = [f"Seen {datetime.now(UTC):%Y-%m-%d}, all programs built from Go modules.", "", *HEAD, *rows, "", SEEN]
        made_anew = "\n".join(
            [*page, "", "```", f"$ stsconf compare before.json after.json; echo $?\n{seen}{code}", "```"]
        )
        begin, end = text.index(BEGIN) + len(BEGIN), text.index(END)
        PAGE.write_text(f"{text[:begin]}{made_anew}\n{text[end:]}", encoding="utf-8")
    for pair in wrong:
        print(f"{' to '.join(pair)} is not as it was known to be", file=sys.stderr)
    return 1 if wrong else 0


HEAD = (
    "| from | to | UPD-19 | changed StatefulSets | their pods | fields of the new revision | other promises | took |",
    "|---|---|---|---|---|---|---|---|",
)
SEEN = "The first pair by `snapshot` and `compare` alone, through an account that may only read:"

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
