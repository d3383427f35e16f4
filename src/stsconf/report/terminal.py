"""The verdict table, and plain progress lines for long work.

Rich decides about colour and width (NO_COLOR, FORCE_COLOR, COLUMNS, TERM); where it writes no colour, glyphs and words
carry everything.
"""

import os
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TextIO

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from stsconf.errors import ExitCode
from stsconf.gate.comparison import Moved
from stsconf.gate.gate import Change, change_summary
from stsconf.judging.result import RunInfo
from stsconf.judging.verdict import UNTRIGGERED, Outcome, Verdict
from stsconf.report.results import Results
from stsconf.report.style import FEW, STYLES, count_summary, seconds, thinly_checked

_LOG_WIDTH = 120
_CLUSTER_WORDS = {"name": "cluster", "context": "context"}
_EXPLAINED = (Outcome.VIOLATED, Outcome.ERROR)
_QUIET = (Outcome.HOLDS,)

_MEANING: Mapping[ExitCode, str] = {
    ExitCode.HOLDS: "every required promise holds",
    ExitCode.VIOLATED: "a required promise is violated",
    ExitCode.INTERRUPTED: "the run was interrupted",
    ExitCode.HARNESS: "the suite itself failed",
    ExitCode.USAGE: "the options do not fit together",
    ExitCode.NOTHING_TO_JUDGE: "nothing was judged",
    ExitCode.INCONCLUSIVE: "the evidence does not decide a required promise",
    ExitCode.REFUSED: "the run was refused before it acted",
    ExitCode.NOT_JUDGED: "a required promise was not judged",
    ExitCode.REGRESSION: "a promise that was judged in the baseline fails now, or is not judged any more",
}


def print_report(run: RunInfo, verdicts: Iterable[Verdict], console: Console | None = None) -> None:
    """Print header, table, the violated promises in full, and the closing line. Default: standard output."""
    console = console or standard_output()
    verdicts = sorted(verdicts, key=lambda verdict: verdict.id)
    plain = not console.encoding.lower().startswith("utf")
    _print_header(console, run)
    untriggered = [verdict for verdict in verdicts if verdict.note == UNTRIGGERED]
    if shown := [verdict for verdict in verdicts if verdict not in untriggered]:
        console.print(_table(shown, plain))
    for verdict in verdicts:
        if verdict.outcome in _EXPLAINED:
            console.print()
            _print(console, Text(verdict.explain()))
    console.print()
    if untriggered:
        _print(console, Text(f"Nothing in this recording triggered {len(untriggered)} promises.", style="dim"))
    if few := thinly_checked(verdicts):
        _print(console, Text(f"Checked fewer than {FEW} times: {few}.", style="dim"))
    for remark in run.remarks:
        _print(console, Text(remark, style="bold"))
    style = STYLES[Outcome.HOLDS if run.exit_code is ExitCode.HOLDS else Outcome.VIOLATED].terminal
    _print(
        console,
        Text(f"{count_summary(verdicts)}; {seconds(run.seconds)}. Exit {int(run.exit_code)}: "),
        Text(_MEANING[run.exit_code] + ".", style=style),
    )


def print_results(results: Results) -> None:
    """What became of promises since a baseline, where there is one, and the report."""
    if results.gate:
        print_changes(results.changes)
    print_report(results.info(), results.verdicts)


class ProgressLines:
    """Says on standard error what long work is doing: ``[ 12.3 s] create: Pod web-0 is Ready``.

    Call it with a text. Several threads may; a line is never torn.
    """

    def __init__(self, stream: TextIO | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream
        self._clock = clock
        self._started = clock()
        self._lock = threading.Lock()

    def __call__(self, text: str) -> None:
        """Write one line at once; ``text`` says what happened, without a newline."""
        stream = self._stream or sys.stderr
        with self._lock:
            stream.write(f"[{self._clock() - self._started:6.1f} s] {text}\n")
            stream.flush()


def standard_output() -> Console:
    """A log has no width of its own; 120 columns suit most of what shows it, and COLUMNS says otherwise."""
    wide = None if sys.stdout.isatty() or os.environ.get("COLUMNS") else _LOG_WIDTH
    return _Console(highlight=False, width=wide)


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """Rich would end the process with 1, which says that a promise is violated."""
        raise BrokenPipeError


def _print_header(console: Console, run: RunInfo) -> None:
    cluster = run.cluster
    where = [f"Kubernetes {cluster['version']}"] if cluster.get("version") else []
    where.append(f"provider {run.provider}")
    where += [f"{word} {cluster[name]}" for name, word in _CLUSTER_WORDS.items() if cluster.get(name)]
    where.append(f"suite {run.suite}")
    _print(console, Text(", ".join(where), style="bold"))
    if run.stand_ins:
        _print(console, Text("Stand-ins:"))
        for stand_in in run.stand_ins:
            _print(console, Text(f"  - {stand_in}"))


def _print(console: Console, *parts: Text) -> None:
    """Leave wrapping to the terminal, so that addresses stay whole and a line in a file stays one line."""
    console.print(Text.assemble(*parts), soft_wrap=True)


def _table(verdicts: Iterable[Verdict], plain: bool) -> Table:
    table = Table(box=box.ASCII2 if plain else box.SIMPLE_HEAD, pad_edge=False, show_edge=False, expand=False)
    table.add_column("Promise", no_wrap=True)
    table.add_column("Verdict", no_wrap=True)
    table.add_column("Checked", justify="right", no_wrap=True)
    table.add_column("", overflow="fold")
    for verdict in verdicts:
        style = STYLES[verdict.outcome]
        words: list[Any] = [verdict.title]
        if verdict.outcome not in _QUIET and verdict.reason:
            words.append(Text(f"\n{verdict.reason}", style="" if verdict.outcome in _EXPLAINED else "dim"))
        table.add_row(
            escape(verdict.id),
            Text(f"{style.ascii if plain else style.glyph} {verdict.outcome.value}", style=style.terminal),
            str(verdict.obligations) if verdict.timelines else "",
            Text.assemble(*words),
        )
    return table


def print_changes(changes: Sequence[Change], console: Console | None = None) -> None:
    """What became of promises since the baseline, both outcomes side by side; then all kinds in one line."""
    console = console or standard_output()
    plain = not console.encoding.lower().startswith("utf")
    table = Table(box=box.ASCII2 if plain else box.SIMPLE_HEAD, pad_edge=False, show_edge=False, expand=False)
    for name in ("Promise", "Baseline", "Now"):
        table.add_column(name, no_wrap=True)
    table.add_column("", overflow="fold")
    for change in changes:
        style = "bold red" if change.fails else "dim"
        words = (Text(change.kind, style=style), Text(f": {change.title}" if change.title else ""))
        table.add_row(escape(change.id), change.before, change.now, Text.assemble(*words, f"\n{change.why}"))
    console.print()
    if changes:
        console.print(table)
    console.print(f"Since the baseline: {change_summary(changes)}.")


def print_moved(moved: Iterable[Moved]) -> None:
    """The sets that moved between two snapshots, each with what of it did."""
    for one in moved:
        print(f"{one.name} changed")
        for what in one.what:
            print(f"  {what}")
