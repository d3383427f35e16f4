"""Allure: what a running test shows of its verdict, and one HTML file made from the results.

The HTML needs Node and one download of Allure's generator, kept in the cache; where either is missing there is a line
that says so and no HTML. The pinned generator is 3.18.0: this is what was looked at, and in which its outside requests
are known.
"""
# mypy: disallow-untyped-calls=False
# Allure says that it is typed, and most of its functions are not.

import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import allure
import allure_commons

from stsconf.documents import write_text
from stsconf.errors import UnknownFact
from stsconf.judging.promise import Level
from stsconf.judging.result import RunInfo
from stsconf.judging.verdict import Outcome, TimelineVerdict, Verdict
from stsconf.report.evidence import cell, deciding_events, excerpt
from stsconf.report.picture import picture
from stsconf.report.spans import on
from stsconf.report.style import STYLES, area_name
from stsconf.timeline.recording import Recording

GENERATOR = "3.18.0"
NODE = 18
"""The oldest major version of Node that the generator starts on."""

_INSTALL_SECONDS = 300.0
_GENERATE_SECONDS = 300.0

_ANY = r"[\s\S]*"
_CATEGORIES = (
    {"name": "Promise violated", "matchedStatuses": ["failed"], "messageRegex": f"{_ANY} violated: {_ANY}"},
    {"name": "Not decided", "matchedStatuses": ["broken"], "messageRegex": f"{_ANY} inconclusive: {_ANY}"},
    {"name": "Error of the suite", "matchedStatuses": ["broken"], "messageRegex": f"(?!{_ANY} inconclusive: ){_ANY}"},
    {"name": "Not judged or not applicable", "matchedStatuses": ["skipped"], "messageRegex": _ANY},
)

_OUTSIDE_SCRIPT = re.compile(
    r"<script\b[^>]*\bsrc=\"https?://[^>]*>\s*</script>|<script\b[^>]*>(?:(?!</script>)[\s\S]){0,2000}?"
    r"\bgtag\((?:(?!</script>)[\s\S]){0,2000}?</script>"
)
_REQUESTS = re.compile(
    r"<(?:script|link|img|iframe|source)\b[^>]*\b(?:src|href)=[\"']?(?:https?:)?//[^\"' >]+"
    r"|(?:\burl\(|@import\s+)[\"']?(?:https?:)?//[^\"')]+"
)


def attach(verdict: Verdict, recordings: Iterable[Recording]) -> None:
    """Describe the running test by its verdict: labels, one step for each timeline, and the evidence.

    Of the timelines on which the promise holds, only the one that checked the most is attached. Does nothing where
    Allure is not collecting. Never raises for what a verdict says.
    """
    allure.dynamic.title(f"{verdict.id} {verdict.title}")
    allure.dynamic.description(_description(verdict))
    allure.dynamic.link(verdict.source, name="documentation")
    allure.dynamic.epic("StatefulSet promises")
    allure.dynamic.feature(area_name(verdict.id))
    allure.dynamic.story(verdict.id)
    allure.dynamic.tag(verdict.outcome.value, str(verdict.level))
    required = allure.severity_level.CRITICAL if verdict.required else allure.severity_level.NORMAL
    allure.dynamic.severity(required if verdict.level == Level.DOCUMENTED else allure.severity_level.MINOR)
    telling = max(verdict.timelines, key=lambda judged: judged.obligations, default=None)
    for recording, timeline in ((r, t) for r in recordings for t in r.timelines):
        judged = on(timeline, verdict)
        if judged is None:
            continue
        glyph = STYLES[judged.outcome].glyph
        title = f"{glyph} {judged.outcome} in scenario {judged.scenario}, {judged.obligations} obligations"
        with _step(title, _failure(verdict, judged)):
            if judged.outcome is Outcome.HOLDS and judged is not telling:
                continue
            events = deciding_events(verdict, timeline, recording)
            allure.attach(events, "Deciding events", "text/markdown", "md")
            svg = picture(timeline, [verdict], prefix=f"{verdict.id}-{judged.scenario}")
            allure.attach(svg, "Timeline", allure.attachment_type.SVG)
            if judged is verdict.deciding and judged.outcome is not Outcome.HOLDS:
                name = recording.path.name.removesuffix(".gz")
                allure.attach(excerpt(recording, timeline), f"Recording ({name})", "text/plain", "ndjson")


class Unwritten:
    """Keeps a result that Allure cannot write, on a full disk for one, from ending the run.

    It takes part in the collecting from ``begin`` to ``end``. Each sentence is said once.
    """

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._said: set[str] = set()

    def begin(self) -> None:
        """Stand between Allure and its files from now on."""
        allure_commons.plugin_manager.register(self)

    def end(self) -> None:
        """Stand there no more."""
        allure_commons.plugin_manager.unregister(self)

    @allure_commons.hookimpl(wrapper=True)
    def report_result(self) -> Generator[None, object, object]:
        """The result of a test."""
        try:
            return (yield)
        except OSError as error:
            sentence = f"Allure's results are not complete: {error.strerror or error}."
            if sentence not in self._said:
                self._said.add(sentence)
                self._say(sentence)
            return None

    report_container = report_attached_data = report_attached_file = report_result


def finish(results_dir: Path, run: RunInfo, output_dir: Path, say: Callable[[str], None]) -> Path | None:
    """Complete the results with where they come from, and make ``allure.html`` from them if this machine can."""
    try:
        environment(results_dir, run)
    except OSError as error:
        say(f"No allure.html: {error}.")
        return None
    return html(results_dir, output_dir / "allure.html", say)


def environment(results_dir: Path, run: RunInfo) -> None:
    """Write what Allure shows beside the results: where the run happened, and how outcomes are sorted."""
    facts = {"suite": run.suite, "provider": run.provider, "run": run.id, "started": run.started}
    facts |= {f"cluster.{name}": str(value) for name, value in sorted(run.cluster.items())}
    for name, value in sorted(run.environment.items()):
        facts[name] = "; ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    lines = [f"{_property(name)}={_property(value)}\n" for name, value in facts.items()]
    write_text(results_dir / "environment.properties", "".join(lines))
    write_text(results_dir / "categories.json", json.dumps(_CATEGORIES, indent=1) + "\n")


def html(results_dir: Path, output: Path, say: Callable[[str], None] = print) -> Path | None:
    """Make one HTML file that asks nothing of the network; ``None``, and a line said, where that cannot be done.

    A report must never fail a run, so no problem here is raised.
    """
    try:
        command = _generator(say)
        with tempfile.TemporaryDirectory(prefix="stsconf-allure-") as scratch:
            folder = Path(scratch)
            config = folder / "allurerc.mjs"
            config.write_text(f"export default {json.dumps(_config(folder), indent=1)};\n", encoding="utf-8")
            generate = [*command, "generate", "--config", str(config), "--cwd", str(folder), str(results_dir.resolve())]
            _call(generate, folder, _GENERATE_SECONDS)
            made = sorted((folder / "report").rglob("index.html"), key=lambda path: len(path.parts))
            if not made:
                raise _CannotReport("the generator wrote no index.html")
            text = without_outside_requests(made[0].read_text(encoding="utf-8"))
        write_text(output, text)
    except (_CannotReport, OSError) as error:
        say(f"No {output.name}: {error}. The results are in {results_dir}.")
        return None
    return output


def without_outside_requests(page: str) -> str:
    """Take out the script elements that call an outside address when the page opens.

    Raises an error that ``html`` reports when something is left that a browser would request.
    """
    clean = _OUTSIDE_SCRIPT.sub("", page)
    left = _REQUESTS.search(_outside_of_scripts(clean))
    if left:
        raise _CannotReport(f"the page would ask an outside address ({left[0][-80:]})")
    return clean


class _CannotReport(Exception):
    """Why there is no HTML."""


def _outside_of_scripts(page: str) -> str:
    """The markup itself: what stands inside a script is text that the browser does not request."""
    return re.sub(r"(<script\b[^>]*>)[\s\S]*?</script>", r"\1</script>", page)


def _description(verdict: Verdict) -> str:
    required = "required" if verdict.required else "not required"
    checked = f"{verdict.obligations} obligations on {len(verdict.timelines)} timelines"
    rule = f"Level {verdict.level}, rule revision {verdict.revision}, {required}, {checked}."
    found = f"**{STYLES[verdict.outcome].glyph} {verdict.outcome}**: {cell(verdict.reason)}"
    said = f": {verdict.quote}" if verdict.quote else ""
    return f"{verdict.title}\n\n{found}\n\nDocumented at <{verdict.source}>{said}. {rule}"


def _failure(verdict: Verdict, judged: TimelineVerdict) -> BaseException | None:
    """What makes Allure show a step as failed (violated) or broken (inconclusive, error)."""
    said = judged.note or f"{verdict.id} {judged.outcome}"
    if judged.failing:
        said = f"expected: {judged.failing[0].expected}\nseen: {judged.failing[0].seen}"
    if judged.outcome is Outcome.VIOLATED:
        return AssertionError(said)
    if judged.outcome is Outcome.INCONCLUSIVE:
        return UnknownFact(said)
    return RuntimeError(said) if judged.outcome is Outcome.ERROR else None


@contextmanager
def _step(title: str, failure: BaseException | None) -> Iterator[None]:
    """A step that ends with ``failure`` as its status, without raising it and without a traceback of ours."""
    step = allure.step(title)
    step.__enter__()
    try:
        yield
    finally:
        step.__exit__(type(failure) if failure else None, failure, None)


def _property(text: str) -> str:
    """Escape one side of a line of a .properties file (java.util.Properties)."""
    return text.replace("\\", "\\\\").replace("\r", "").replace("\n", "\\n")


def _config(folder: Path) -> dict[str, object]:
    return {
        "name": "StatefulSet conformance",
        "output": str(folder / "report"),
        "appendHistory": False,
        "categories": list(_CATEGORIES),
        "plugins": {
            "awesome": {
                "options": {
                    "reportName": "StatefulSet conformance",
                    "singleFile": True,
                    "reportLanguage": "en",
                    "groupBy": ["epic", "feature"],
                }
            }
        },
    }


def _generator(say: Callable[[str], None]) -> list[str]:
    """The command that runs the pinned generator, installed into the cache the first time."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if not node or not npm:
        raise _CannotReport("it needs Node and npm, which are not here")
    found = _call([node, "--version"], Path.cwd(), 30).strip()
    major = re.match(r"v(\d+)", found)
    if not major or int(major[1]) < NODE:
        raise _CannotReport(f"it needs Node {NODE} or newer, and this is {found}")
    home = _cache() / f"allure-{GENERATOR}"
    if not _cli(home).is_file():
        say(f"Allure {GENERATOR}: installing the report generator once (about 53 MB, below {_cache()})")
        _install(npm, home)
    return [node, str(_cli(home))]


def _install(npm: str, home: Path) -> None:
    """Install beside the final place and rename: a killed install leaves nothing that looks finished."""
    home.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=f".{home.name}.", dir=home.parent))
    try:
        package = f"allure@{GENERATOR}"
        options = ["--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"]
        options += ["--save-exact", "--fetch-retries=1", "--fetch-retry-mintimeout=1000", "--fetch-timeout=20000"]
        _call([npm, "install", "--prefix", str(draft), *options, package], draft, _INSTALL_SECONDS)
        if not _cli(home).is_file():
            draft.rename(home)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _cli(home: Path) -> Path:
    return home / "node_modules" / "allure" / "cli.js"


def _cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(os.environ.get("STS_CACHE_DIR") or Path(base).expanduser() / "stsconf")


def _call(command: Sequence[str], folder: Path, seconds: float) -> str:
    environment = {**os.environ, "ALLURE_NO_ANALYTICS": "true", "CI": "true", "NO_COLOR": "1"}
    try:
        done = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, timeout=seconds, check=False
        )
    except subprocess.TimeoutExpired:
        raise _CannotReport(f"{Path(command[0]).name} did not end within {seconds:.0f} s") from None
    if done.returncode:
        last = (done.stderr.strip() or done.stdout.strip() or "no message").splitlines()[-1]
        raise _CannotReport(f"{Path(command[0]).name} {command[1]} failed: {last[:200]}")
    return done.stdout
