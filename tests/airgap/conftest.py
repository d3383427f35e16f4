import os
import sys
from pathlib import Path

import pytest

AIRGAP = Path(__file__).parents[2] / "airgap"
sys.path.append(str(AIRGAP))  # its modules import each other as siblings, as `python3 airgap` finds them


@pytest.fixture(autouse=True)
def no_bytecode(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")


@pytest.fixture
def command_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder at the front of PATH for programs that a test replaces."""
    folder = tmp_path / "commands"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return folder
