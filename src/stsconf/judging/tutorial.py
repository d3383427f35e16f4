"""The StatefulSet tutorial as steps, each with the promises that it supports, and what was typed and printed."""

import tomllib
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct, convert

from stsconf import documents


class Step(Struct, frozen=True, forbid_unknown_fields=True):
    """One section of the tutorial. ``does`` are kubectl commands and waits by name; a command behind ``-`` may fail.

    ``wrong`` is where the tutorial errs, or empty; ``promises`` are the ids of those that the step supports.
    """

    title: str
    text: str
    does: tuple[str, ...]
    promises: tuple[str, ...]
    wrong: str = ""


class Command(Struct, frozen=True):
    """One command as it was given, with all it printed; ``step`` counts from 0."""

    step: int
    command: str
    output: str
    code: int


class Transcript(Struct, frozen=True):
    """walkthrough.json: all commands in order, each an action of the recording, and the images and class in use."""

    images: Mapping[str, str]
    storage_class: str
    commands: tuple[Command, ...]


def steps() -> tuple[Step, ...]:
    """The tutorial, from ``tutorial.toml``."""
    found = tomllib.loads((Path(__file__).parent / "tutorial.toml").read_text(encoding="utf-8"))
    return convert(found["step"], tuple[Step, ...])


def read(path: Path) -> Transcript:
    """Read a walkthrough.json. Raises ``ResultFileError`` for anything else."""
    return documents.read(path, Transcript, "Name a file that `stsconf walkthrough` wrote.")
