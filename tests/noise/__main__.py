"""``python -m tests.noise --kind delete --seed 7 --runs 3``: runs of the suite with a foreign client at work."""

import argparse
import sys
import tempfile
import time
from pathlib import Path

from stsconf.act.scenarios import ORDINARY
from tests.noise.acts import ACTS
from tests.noise.runs import KINDS, QUIET, RESTART, SERVER, Asked, found, results, run, table

MEANT = {
    **{name: (kind.__doc__ or "").strip() for name, kind in ACTS.items()},
    QUIET: "Nothing at all, to compare with.",
    SERVER: "5 % of the suite's own requests are answered with 429 or 500, or 3 s late.",
    RESTART: "kube-controller-manager is killed three times.",
}


def main() -> int:
    """1 when any run died or was told something false, else 0."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.noise",
        description="Runs the suite on provider local, each run on a new control plane, while a foreign client is at "
        "work or the server is in trouble. The controller is the real one, so that whatever is violated, differs or is "
        "an error is false. The recordings are kept. The table counts all runs whose results are in FOLDER.",
        epilog="kinds of noise: " + " ".join(f"{name}: {MEANT[name]}" for name in KINDS),
    )
    parser.add_argument("--kind", default="mixed", help="one or more of the kinds, with commas, or all")
    parser.add_argument("--seed", type=int, default=1, help="of the first run; each further run has the next")
    parser.add_argument("--runs", type=int, default=1, help="of each kind")
    parser.add_argument("--rejudge", action="store_true", help="no run: judge what is in FOLDER again")
    parser.add_argument("--acts", type=int, default=Asked.acts, help="of a run")
    parser.add_argument("--span", type=float, default=Asked.span, help="seconds over which the acts are spread")
    parser.add_argument("--settle", type=float, default=Asked.settle, help="seconds that a scenario waits for an act")
    parser.add_argument("--one", choices=ORDINARY, metavar="SCENARIO", help="a single act, in this scenario")
    parser.add_argument("--same-user", action="store_true", help="the foreign client has the run's own credentials")
    parser.add_argument("--scenario", help="run only these, with commas")
    parser.add_argument("--folder", type=Path, help="for results and recordings; a new one unless given")
    asked = parser.parse_args()
    kinds = KINDS if asked.kind == "all" else tuple(asked.kind.split(","))
    scenarios = tuple(asked.scenario.split(",")) if asked.scenario else tuple(ORDINARY)
    if unknown := [*sorted(set(kinds) - set(KINDS)), *sorted(set(scenarios) - set(ORDINARY))]:
        parser.error(f"there is no {', '.join(unknown)}")
    if asked.one and (asked.one not in scenarios or not set(kinds) <= set(ACTS)):
        parser.error("--one takes one of the scenarios that run, and kinds of acts")
    folder = asked.folder or Path(tempfile.mkdtemp(prefix="noise-"))
    began, clean = time.monotonic(), True

    def say(text: str) -> None:
        print(f"{time.monotonic() - began:7.1f} s  {text}", flush=True)

    say(f"results in {folder}")
    for place, result in results(folder).items() if asked.rejudge else ():
        found(result, place)
        clean &= result.clean
        say(result.line() + ("" if result.clean else f"\n           {place}"))
    for kind in () if asked.rejudge else kinds:
        for seed in range(asked.seed, asked.seed + asked.runs):
            wanted = Asked(kind, seed, asked.one, asked.acts, asked.span, asked.settle, scenarios, asked.same_user)
            name = f"{time.strftime('%H%M%S')}-{kind}-{seed}{f'-{asked.one}' if asked.one else ''}"
            result = run(wanted, folder / name, lambda _: None)
            clean &= result.clean
            say(result.line() + ("" if result.clean else f"\n           {folder / name}"))
    if kept := results(folder):
        page = table(kept.values())
        (folder / "table.md").write_text(page)
        print(page, end="")
    return 0 if clean else 1


if __name__ == "__main__":
    sys.exit(main())
