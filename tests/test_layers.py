"""What judging loads, what promises import, and what the wheel carries. The import contracts are in pyproject.toml."""

import ast
import subprocess
import sys
import tomllib
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


def test_no_room_is_a_hall() -> None:
    engine = ROOT / "src" / "stsconf"
    assert len([path for path in engine.glob("*.py") if not path.stem.startswith("__")]) <= 8
    for path in engine.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        assert len(text.splitlines()) < 500, path
        for found in ast.walk(ast.parse(text)):
            if isinstance(found, ast.ClassDef):
                methods = [n for n in found.body if isinstance(n, ast.FunctionDef) and not n.name.startswith("_")]
                assert len(methods) <= 25, f"{path}: {found.name}"


def test_the_contract_of_the_recorder_lists_every_module_but_the_file() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    (listed,) = (c["forbidden_modules"] for c in contracts if c["name"].startswith("Judging reads recording files"))
    modules = {f"stsconf.record.{path.stem}" for path in (ROOT / "src" / "stsconf" / "record").glob("*.py")}
    assert set(listed) == modules - {"stsconf.record.__init__", "stsconf.record.file"}


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
