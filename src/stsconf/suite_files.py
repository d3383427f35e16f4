"""Where the promises and manifests are: inside the installed package, or in the checkout it was installed from."""

import os
from pathlib import Path
from typing import Any

import yaml

_PACKAGE = Path(__file__).parent / "suite_files"
_CHECKOUT = Path(__file__).parents[2]


def root() -> Path:
    """The folder that holds ``conformance/`` and ``manifests/``."""
    return _PACKAGE if _PACKAGE.is_dir() else _CHECKOUT


def checkout() -> Path | None:
    """The source checkout, or ``None`` when the package was installed from a wheel."""
    return _CHECKOUT if (_CHECKOUT / "airgap").is_dir() and not _PACKAGE.is_dir() else None


def conformance() -> Path:
    """The folder of promises."""
    return root() / "conformance"


def public_images() -> dict[str, str]:
    """What is pulled where registries answer, by the keys of ``manifests/images.yaml``."""
    return {key: str(entry["public"]) for key, entry in manifest("images.yaml")[0].items()}


def workload_images() -> dict[str, str]:
    """Those of them that a workload runs, on a cluster where we install nothing."""
    return {key: image for key, image in public_images().items() if key.startswith("nginx")}


def manifest(name: str) -> list[dict[str, Any]]:
    """The objects of one file below ``manifests/``, in order."""
    text = (root() / "manifests" / name).read_text(encoding="utf-8")
    return [document for document in yaml.safe_load_all(text) if document]


def output_dir(given: Path | None, run_id: str) -> Path:
    """Where the results of a run go: where somebody said, else a folder of its own in a checkout."""
    if chosen := given or os.environ.get("ARTIFACTS"):
        return Path(chosen)
    found = checkout()
    return found / "reports" / run_id if found else Path("stsconf-report")
