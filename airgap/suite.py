"""The suite itself as an image, for a Job inside a cluster: wheels of the machine's package index on a Debian root."""

import sys
from pathlib import Path

import images
import packages
from cache import Cache, Step, key
from client import Docker
from images import Image
from progress import contained

CHECKOUT = Path(__file__).parents[1]
CARRIED = ("src", "fixtures", "conformance", "manifests", "pyproject.toml", "README.md")
"""What the suite's wheel is made from."""
PYTHON = "3.13"
"""The Python of ``packages.SUITE``."""


def wheels(store: Cache) -> Step:
    """The step that gathers the suite's wheel and those it needs, for the image's Python, as one folder."""

    def make(draft: Path) -> None:
        pip, log = (sys.executable, "-m", "pip", "--disable-pip-version-check"), store.root / "logs" / "wheels.log"
        contained([*pip, "wheel", "--no-deps", "--wheel-dir", draft, CHECKOUT], log=log)
        (suite,) = draft.glob("*.whl")
        fits = ("--only-binary", ":all:", "--python-version", PYTHON, "--platform", "manylinux2014_x86_64")
        contained([*pip, "download", *fits, "--dest", draft, suite], log=log)

    path = store.artefact("wheels", "stsconf", key(PYTHON, *(CHECKOUT / name for name in CARRIED)))
    return Step("wheels of the suite from the package index", path, 25, 25, make)


def plan(store: Cache, docker: Docker) -> tuple[Image, list[Step]]:
    """The suite's image as the checkout is now, and the steps that make it in a running engine."""
    root, gathered = packages.bootstrap(store, packages.SUITE), wheels(store)
    image = Image("stsconf:0", "stsconf", root.path, folders=(("wheels", gathered.path),))
    return image, [packages.bootstrapper(store), root, gathered, images.image_step(docker, store, image, 15, 320)]
