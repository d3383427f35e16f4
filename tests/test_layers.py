"""What judging loads, what promises import, and what the wheel carries. The import contracts are in pyproject.toml."""

import ast
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder

ROOT = Path(__file__).parents[1]
PURE = ("timeline.timeline", "timeline.recording", "judging.expect", "judging.judge", "judging.verdict")


def test_judging_needs_no_kubernetes_client() -> None:
    modules = ", ".join(f"stsconf.{name}" for name in PURE)
    code = f"import sys, {modules}; print(sorted({{'kubernetes', 'pytest', 'allure'}} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("path", sorted((ROOT / "conformance").glob("*.py")), ids=lambda p: p.stem)
def test_promises_import_only_the_engine_and_pytest(path: Path) -> None:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.split(".")[0])
    assert found - set(sys.stdlib_module_names) <= {"stsconf", "pytest"}


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
