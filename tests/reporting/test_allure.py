import json
import os
import re
import stat
import sys
from pathlib import Path
from typing import Any

import pytest
from reporting_story import RUN
from tests import forked

from stsconf.report import allure as report
from stsconf.timeline.recording import Recording

SUITE = """
import sys
from pathlib import Path
sys.path.insert(0, {folder!r})
import pytest
from reporting_story import CRASH, PROMISES, verdicts_of
from stsconf.report.allure import attach
from stsconf.timeline.recording import load
from stsconf.judging.verdict import Outcome

recording = load(Path({recording!r}))
verdicts = {{v.id: v for v in verdicts_of(recording, *PROMISES, CRASH)}}

@pytest.mark.parametrize("name", list(verdicts))
def test_promise(name):
    attach(verdicts[name], [recording])
    assert verdicts[name].outcome is not Outcome.VIOLATED, verdicts[name].explain()
"""


@pytest.fixture(scope="module")
def results(broken: Recording, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a real pytest run with allure-pytest writes."""
    folder = tmp_path_factory.mktemp("suite")
    suite = SUITE.format(folder=str(Path(__file__).parent), recording=str(broken.path))
    (folder / "test_it.py").write_text(suite)
    (folder / "pytest.ini").write_text("[pytest]\n")
    command = ["pytest", "-q", "-p", "no:cacheprovider", f"--alluredir={folder / 'results'}"]
    done = forked.run(*command, cwd=folder, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)})
    assert done.returncode == 1, done.stdout + done.stderr
    return folder / "results"


def result(results: Path, promise: str) -> dict[str, Any]:
    found = [json.loads(path.read_text()) for path in results.glob("*-result.json")]
    return next(r for r in found if r["name"].startswith(promise))


def test_a_violated_promise_has_a_failed_step_with_its_evidence_in_order(results: Path) -> None:
    found = result(results, "PRT-02")
    assert found["status"] == "failed"
    (step,) = found["steps"]
    assert step["status"] == "failed"
    assert step["name"] == "✗ violated in scenario partition, 5 obligations"
    assert "keeps its revision" in step["statusDetails"]["message"]
    assert "trace" not in step["statusDetails"]
    assert [(a["name"], a["type"]) for a in step["attachments"]] == [
        ("Deciding events", "text/markdown"),
        ("Timeline", "image/svg+xml"),
        ("Recording (run.ndjson)", "text/plain"),
    ]
    for attachment in step["attachments"]:
        assert (results / attachment["source"]).stat().st_size > 0


def test_steps_pass_or_break_as_their_timelines_do(results: Path) -> None:
    assert [step["status"] for step in result(results, "STO-05")["steps"]] == ["passed"]
    assert [step["status"] for step in result(results, "API-01")["steps"]] == ["broken"]
    assert result(results, "REC-08").get("steps", []) == []


def test_labels_lead_from_the_suite_to_the_promise_and_its_documentation(results: Path) -> None:
    found = result(results, "PRT-02")
    labels = {label["name"]: label["value"] for label in found["labels"]}
    assert (labels["epic"], labels["feature"], labels["story"]) == ("StatefulSet promises", "Partition", "PRT-02")
    assert labels["severity"] == "critical"
    assert found["links"][0]["url"].startswith("https://kubernetes.io/docs/")


def test_the_environment_names_the_stand_ins(tmp_path: Path) -> None:
    report.environment(tmp_path, RUN)
    lines = (tmp_path / "environment.properties").read_text().splitlines()
    assert "stand_ins=NFS client in user space" in lines
    assert "cluster.version=v1.37.2" in lines
    for category in json.loads((tmp_path / "categories.json").read_text()):
        assert re.compile(category["messageRegex"])


def program(folder: Path, name: str, script: str) -> None:
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


@pytest.mark.parametrize(
    ("node", "npm", "says"),
    [
        (None, None, "it needs Node and npm, which are not here"),
        ("echo v16.20.0", "exit 0", "it needs Node 18 or newer, and this is v16.20.0"),
        ("echo v20.0.0", "echo no route to registry >&2; exit 1", "npm install failed: no route to registry"),
        ("exit 3", "exit 0", "node --version failed: no message"),
    ],
)
def test_without_a_generator_there_is_a_reason_and_no_page(
    node: str | None, npm: str | None, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, script in (("node", node), ("npm", npm)):
        if script:
            program(tmp_path / "bin", name, script)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}")
    monkeypatch.setenv("STS_CACHE_DIR", str(tmp_path / "cache"))
    said: list[str] = []
    assert report.html(tmp_path, tmp_path / "allure.html", said.append) is None
    assert says in said[-1]
    assert not (tmp_path / "allure.html").exists()
    assert list((tmp_path / "cache").glob("*") if (tmp_path / "cache").exists() else []) == []


TAGS = """<html><script async src="https://www.googletagmanager.com/gtag/js?id=G-1"></script>
<script>window.dataLayer = []; function gtag(){dataLayer.push(arguments);} gtag('js', new Date());</script>
<script>const kept = "https://example.invalid/";</script><body>report</body></html>"""


def test_the_calls_home_are_taken_out_and_the_rest_is_kept() -> None:
    page = report.without_outside_requests(TAGS)
    assert "gtag" not in page
    assert '<script>const kept = "https://example.invalid/";</script><body>report</body>' in page


@pytest.mark.parametrize(
    "left",
    [
        '<link rel="stylesheet" href="https://fonts.example/x.css">',
        "<img src=//example.invalid/x.png>",
        "<style>a{b:url(//x.invalid/f)}</style>",
    ],
)
def test_a_page_that_would_still_ask_outside_is_not_written(
    left: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cli = tmp_path / "cache" / f"allure-{report.GENERATOR}" / "node_modules" / "allure" / "cli.js"
    cli.parent.mkdir(parents=True)
    cli.touch()
    script = 'case "$1" in --version) echo v20.0.0;; *) mkdir -p report; echo "$PAGE" > report/index.html;; esac'
    program(tmp_path / "bin", "node", script)
    program(tmp_path / "bin", "npm", "exit 0")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("STS_CACHE_DIR", str(tmp_path / "cache"))
    said: list[str] = []
    monkeypatch.setenv("PAGE", "<html>fine</html>")
    assert report.html(tmp_path, tmp_path / "allure.html", said.append) == tmp_path / "allure.html"
    assert (tmp_path / "allure.html").read_text() == "<html>fine</html>\n"
    monkeypatch.setenv("PAGE", TAGS + left)
    assert report.html(tmp_path, tmp_path / "second.html", said.append) is None
    assert "would ask an outside address" in said[-1]
    assert not (tmp_path / "second.html").exists()
