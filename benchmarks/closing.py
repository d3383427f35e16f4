"""What it costs to prove, at the end, that nothing was missed.

    python -m benchmarks.closing --kubeconfig FILE

The busy kind is pods; the other seven are quiet, which is the expensive case: nothing but the proof moves them on.
"""

import tempfile
from pathlib import Path
from statistics import median

from benchmarks import load
from benchmarks.machine import describe
from stsconf.kube.api import Api, identify
from stsconf.record.recorder import EVERYWHERE, Recorder, Scope, Seal
from stsconf.report.terminal import ProgressLines


def close(api: Api, namespace: str, names: list[str], *, sentinel: bool) -> Seal:
    """Record a few writes and close: as on a cluster that the run made, or as on one of somebody else."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run.ndjson"
        with Recorder(
            api.client,
            path,
            "benchmark",
            EVERYWHERE if sentinel else Scope((namespace,)),
            sentinel_namespace=namespace if sentinel else None,
        ) as recorder:
            for name in names[:20]:
                load.label(api, namespace, name, f"write-{sentinel}")
                load.label(api, namespace, name, "back")
            return recorder.close()


def main() -> None:
    """Measure and print."""
    options = load.parser(__doc__)
    options.add_argument("--rounds", type=int, default=10, metavar="N", help="of each way (default: 10)")
    given = options.parse_args()
    say = ProgressLines()
    with load.pods(given, say) as (target, names):
        api = target.connect()
        where = describe(identify(api)[0])
        found: dict[str, list[Seal]] = {"sentinel": [], "read-only": []}
        for number in range(given.rounds):
            for way, seals in found.items():
                seals.append(close(api, target.namespace, names, sentinel=way == "sentinel"))
            say(f"round {number + 1} of {given.rounds}")
    print(where)
    for way, seals in found.items():
        seconds = [seal.seconds for seal in seals]
        proven = sum(seal.complete for seal in seals)
        print(f"{way:10} median {median(seconds):.2f} s, most {max(seconds):.2f} s; proven {proven} of {len(seals)}")


if __name__ == "__main__":
    main()
