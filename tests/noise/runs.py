"""One run of the suite under noise: what was done to it, what it says, and what is kept of it."""

import json
import shutil
import threading
import time
import traceback
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from stsconf.act.scenarios import ORDINARY
from stsconf.clusters import Cluster, Provider
from stsconf.clusters.local import Settings, find_programs
from stsconf.judging.judge import judge
from stsconf.judging.verdict import Outcome, Verdict
from stsconf.kube.api import Api
from stsconf.run.config import Config
from stsconf.run.provider import provide
from stsconf.run.run import record
from stsconf.timeline.recording import load
from stsconf.waits import Waits
from tests.bug_table import PROMISES
from tests.noise.acts import ACTS, chance_of
from tests.noise.client import Done, Foreigner, account, plan, plan_one, same_user
from tests.noise.server import MANAGER, Unreliable, kill_manager, mortal_manager

QUIET, SERVER, RESTART = "quiet", "server", "restart"
KINDS = (QUIET, *ACTS, SERVER, RESTART)
FALSE = (Outcome.VIOLATED, Outcome.DIFFERS, Outcome.ERROR)
"""What nobody may hear of a controller that does nothing wrong."""
BEGUN, OVER = "recording: every watch is open", "recording: proving"
"""What a run says when its scenarios begin, and when all have ended."""

Say = Callable[[str], None]


@dataclass(frozen=True)
class Asked:
    """A run to make. ``one``: a single act, in this scenario. ``ours``: with the run's own credentials.

    Times in seconds.
    """

    kind: str
    seed: int
    one: str | None = None
    acts: int = 20
    span: float = 30.0
    settle: float = 60.0
    scenarios: tuple[str, ...] = tuple(ORDINARY)
    ours: bool = False


@dataclass
class Result:
    """What became of a run. ``accused``: promises by outcome, of those in ``FALSE``; ``died``: why it did not end."""

    asked: Asked
    date: str = ""
    version: str = ""
    seconds: float = 0.0
    done: list[Done] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    accused: dict[str, list[str]] = field(default_factory=dict)
    died: str = ""

    @property
    def clean(self) -> bool:
        return not self.accused and not self.died

    @property
    def row(self) -> str:
        """The kind of noise, as the table has it."""
        name = f"one {self.asked.kind}" if self.asked.one else self.asked.kind
        return f"{name}, same user" if self.asked.ours else name

    def line(self) -> str:
        """In one line."""
        counts = ", ".join(f"{number} {outcome}" for outcome, number in self.counts.items())
        accused = "".join(f"; {outcome}: {' '.join(ids)}" for outcome, ids in self.accused.items())
        where = f" in {self.asked.one}" if self.asked.one else ""
        carried = sum(done.answer == "ok" for done in self.done)
        end = f"died: {self.died}" if self.died else counts
        return f"{self.row}{where}, seed {self.asked.seed}, {carried} acts: {end}{accused} ({self.seconds:.0f} s)"


@contextmanager
def plane(asked: Asked, folder: Path, say: Say) -> Iterator[Cluster]:
    """A new control plane with the real controller."""
    config = Config.from_options({"cluster": Provider.LOCAL.value, "output-dir": folder / "cluster"})
    if asked.kind == RESTART:
        programs, _ = find_programs(Settings(), say)
        config = replace(config, local=Settings(bin_dir=mortal_manager(folder / "bin", programs[MANAGER])))
    with provide(config, say) as cluster:
        yield cluster


@contextmanager
def noisy(
    asked: Asked, cluster: Cluster, config: Config, folder: Path, result: Result
) -> Iterator[tuple[Cluster, Say]]:
    """The cluster as the run is to see it, and who is to be told what the run says: then there is noise."""
    log = (folder / "said").open("w")
    with ExitStack() as stack:
        stack.enter_context(log)
        begin: Callable[[], None] = lambda: None  # noqa: E731 - replaced below
        end: Callable[[], None] = lambda: None  # noqa: E731 - replaced below
        if asked.kind in ACTS:
            api = stack.enter_context(same_user(cluster) if asked.ours else account(cluster, folder))
            namespaces = {name: f"stsconf-{config.short}-{name.replace('_', '-')}" for name in asked.scenarios}
            planned = (
                plan_one(asked.kind, asked.seed, asked.one)
                if asked.one
                else plan(asked.kind, asked.seed, asked.scenarios, asked.acts, asked.span)
            )
            foreigner = Foreigner(api, asked.kind, planned, namespaces, bool(asked.one), result.done)
            begin, end = foreigner.begin, foreigner.end
        elif asked.kind == SERVER:
            relay = stack.enter_context(closing(Unreliable(cluster.api, folder, asked.seed)))
            cluster = replace(cluster, api=stack.enter_context(closing(Api.from_kubeconfig(relay.kubeconfig, None))))
            begin, end = relay.begin, relay.end
            stack.callback(lambda: result.done.append(Done(0.0, "all", f"{relay.disturbed} requests disturbed", "ok")))
        elif asked.kind == RESTART:
            killer = _Killer(asked, folder / "bin", result.done)
            begin, end = killer.begin, killer.end
        stack.callback(end)

        def say(text: str) -> None:
            log.write(f"{text}\n")
            log.flush()
            if text.startswith(BEGUN):
                begin()
            elif text.startswith(OVER):
                end()

        yield cluster, say


class _Killer:
    """Kills the controller manager three times."""

    TIMES = 3

    def __init__(self, asked: Asked, folder: Path, done: list[Done]) -> None:
        chance = chance_of(asked.kind, asked.seed)
        self._times = sorted(chance.uniform(0, asked.span) for _ in range(self.TIMES))
        self._folder = folder
        self._done = done
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)

    def begin(self) -> None:
        self._thread.start()

    def end(self) -> None:
        self._over.set()
        if self._thread.ident:
            self._thread.join()

    def _work(self) -> None:
        began = time.monotonic()
        for at in self._times:
            if self._over.wait(max(0.0, began + at - time.monotonic())):
                return
            if kill_manager(self._folder):
                self._done.append(Done(time.monotonic() - began, "all", f"kill {MANAGER}", "ok"))


def run(asked: Asked, folder: Path, say: Say) -> Result:
    """Make one run in ``folder`` and judge it. Its recording stays there, with what was found."""
    folder.mkdir(parents=True)
    result = Result(asked, f"{datetime.now(UTC):%Y-%m-%d %H:%M}")
    began = time.monotonic()
    try:
        with plane(asked, folder, say) as cluster:
            result.version = cluster.version
            waits = replace(Waits(), settle=asked.settle)
            config = replace(Config.from_options({"output-dir": folder}), waits=waits)
            with noisy(asked, cluster, config, folder, result) as (seen, told):
                record(seen, [ORDINARY[name] for name in asked.scenarios], config, told)
    except Exception as error:  # that nothing ends a run is what is looked for here
        result.died = f"{type(error).__name__}: {error}"
        (folder / "died.txt").write_text(traceback.format_exc())
    result.seconds = time.monotonic() - began
    shutil.rmtree(folder / "cluster", ignore_errors=True)
    shutil.rmtree(folder / "bin", ignore_errors=True)
    found(result, folder)
    return result


def found(result: Result, folder: Path) -> None:
    """Judge what a run in ``folder`` recorded, and note what was found in ``result`` and in the folder."""
    verdicts: list[Verdict] = []
    if not result.died:
        timelines = load(next((folder / "timelines").glob("run.ndjson*"))).timelines
        verdicts = [judge(promise, timelines) for promise in PROMISES.values() if not promise.on_request]
    result.counts = dict(Counter(str(verdict.outcome) for verdict in verdicts).most_common())
    accused: defaultdict[str, list[str]] = defaultdict(list)
    for verdict in verdicts:
        if verdict.outcome in FALSE:
            accused[str(verdict.outcome)].append(verdict.id)
    result.accused = dict(accused)
    (folder / "result.json").write_text(json.dumps(asdict(result), indent=1))
    why = [v.explain() for v in verdicts if v.outcome in (*FALSE, Outcome.INCONCLUSIVE)]
    (folder / "explained.txt").write_text("\n\n".join(why))


def results(folder: Path) -> dict[Path, Result]:
    """All results kept below a folder, by the folder of each run, oldest first."""
    kept = {path.parent: _read(path) for path in folder.glob("*/result.json")}
    return dict(sorted(kept.items(), key=lambda item: (item[1].date, item[0])))


def _read(path: Path) -> Result:
    raw = json.loads(path.read_text())
    raw["asked"] = Asked(**{**raw["asked"], "scenarios": tuple(raw["asked"]["scenarios"])})
    raw["done"] = [Done(**done) for done in raw["done"]]
    return Result(**raw)


def table(all_results: Iterable[Result]) -> str:
    """Results as Markdown, one row for each kind of noise."""
    rows: defaultdict[str, list[Result]] = defaultdict(list)
    for result in all_results:
        rows[result.row].append(result)
    everything = [result for some in rows.values() for result in some]
    head = ("noise", "runs", "acts", "died", *(str(outcome) for outcome in FALSE), "inconclusive", "holds", "false")
    lines = [
        f"{_days(everything)}: provider `local`, Kubernetes {', '.join(sorted({r.version for r in everything}))}.",
        "",
        f"| {' | '.join(head)} |",
        f"|{'---|' * len(head)}",
    ]
    lines += [_row(name, some) for name, some in sorted(rows.items(), key=lambda row: _place(row[1][0].asked))]
    return "\n".join([*lines, _row("all", everything)]) + "\n"


def _place(asked: Asked) -> tuple[bool, bool, int]:
    """Where a kind of noise stands in the table."""
    return bool(asked.one), asked.ours, KINDS.index(asked.kind)


def _days(found: Sequence[Result]) -> str:
    days = sorted({result.date[:10] for result in found})
    return days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}"


def _row(name: str, found: Sequence[Result]) -> str:
    ended = [result for result in found if not result.died]
    false = sorted({promise for result in found for ids in result.accused.values() for promise in ids})
    acts = sum(done.answer == "ok" for result in found for done in result.done)

    def total(outcome: Outcome) -> int:
        return sum(result.counts.get(outcome, 0) for result in ended)

    def span(outcome: Outcome) -> str:
        numbers = sorted(result.counts.get(outcome, 0) for result in ended)
        return "" if not numbers else str(numbers[0]) if numbers[0] == numbers[-1] else f"{numbers[0]}-{numbers[-1]}"

    cells = (
        *(name, len(found), acts, len(found) - len(ended), *map(total, FALSE)),
        *(span(Outcome.INCONCLUSIVE), span(Outcome.HOLDS), ", ".join(false)),
    )
    return f"| {' | '.join(map(str, cells))} |"
