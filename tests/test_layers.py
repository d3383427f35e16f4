"""The rules that hold the parts together, and what the wheel carries."""

import ast
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder

ROOT = Path(__file__).parents[1]
ENGINE = sorted((ROOT / "src" / "stsconf").rglob("*.py"))
PURE = ("timeline.timeline", "timeline.recording", "judging.expect", "judging.judge", "judging.verdict")


def imported(path: Path) -> set[str]:
    """Top-level names that a file imports, anywhere in it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    return names


def top(names: set[str]) -> set[str]:
    return {name.split(".")[0] for name in names}


@pytest.mark.parametrize("path", ENGINE, ids=lambda p: p.stem)
def test_the_engine_knows_neither_pytest_nor_the_plugin(path: Path) -> None:
    assert not {"pytest", "_pytest", "pytest_stsconf"} & top(imported(path))


def test_judging_needs_no_kubernetes_client() -> None:
    modules = ", ".join(f"stsconf.{name}" for name in PURE)
    code = f"import sys, {modules}; print(sorted({{'kubernetes', 'pytest', 'allure'}} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("path", sorted((ROOT / "conformance").glob("*.py")), ids=lambda p: p.stem)
def test_promises_import_only_the_engine_and_pytest(path: Path) -> None:
    assert top(imported(path)) - set(sys.stdlib_module_names) <= {"stsconf", "pytest"}


def test_only_the_kind_provider_knows_pytest_kind() -> None:
    assert [path.stem for path in ENGINE if "pytest_kind" in top(imported(path))] == ["kind"]


def lines_of_code(path: Path) -> int:
    """Lines that are neither empty, nor a comment, nor part of a docstring."""
    text = path.read_text(encoding="utf-8")
    prose: set[int] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            prose |= set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    lines = enumerate(text.splitlines(), 1)
    return sum(bool(line.strip()) and not line.strip().startswith("#") for n, line in lines if n not in prose)


def test_the_engine_without_providers_and_reports_does_not_grow() -> None:
    """The goal is 4000; with scenarios, walkthrough, sentry, prepared namespaces and lost nodes it is at 6327."""
    counted = [path for path in ENGINE if not {"clusters", "reporting"} & set(path.parts)]
    assert sum(map(lines_of_code, counted)) <= 6327


def test_the_wheel_brings_promises_manifests_and_types_and_finds_them(tmp_path: Path) -> None:
    (wheel,) = WheelBuilder(str(ROOT)).build(directory=str(tmp_path), versions=["standard"])
    installed = tmp_path / "site"
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        archive.extractall(installed)
    for name in (
        "stsconf/suite_files/conformance/test_creation.py",
        "stsconf/suite_files/conformance/pytest.ini",
        "stsconf/suite_files/manifests/web.yaml",
        "stsconf/options.toml",
        "stsconf/py.typed",
        "stsconf/report/page.html.j2",
        "pytest_stsconf/plugin.py",
    ):
        assert name in names
    code = f"import sys; sys.path.insert(0, {str(installed)!r}); import stsconf.suite_files as s; print(s.root())"
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert done.stdout.strip() == str(installed / "stsconf" / "suite_files")
