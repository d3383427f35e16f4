"""What a promise is, and the catalogue of all that were imported."""

import importlib.util
import inspect
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

from stsconf.judging.catalogue import rows
from stsconf.timeline.timeline import Timeline

DOCS = "https://kubernetes.io/docs/"

Check = Callable[[Timeline], None]
C = TypeVar("C", bound=Check)


class Level(StrEnum):
    """Who promises it."""

    DOCUMENTED = "documented"
    IMPLEMENTATION = "implementation"
    """Visible in the source only; a cluster that differs breaks no promise."""
    CHARACTERISED = "characterised"
    """The documents contradict each other, or say nothing: what was seen is reported, nobody fails."""


@dataclass(frozen=True, slots=True)
class Promise:
    """One promise. ``scenarios`` are the ones it must be judged on; ``everywhere``: on any other timeline too;
    ``passive``: also where users acted and we only watched.

    ``survives_gaps``: its words know what was not seen and what cannot be compared, so it may blame in spite of a gap
    in what it looked at.
    """

    id: str
    title: str
    level: Level
    revision: int
    source: str
    since: str
    scenarios: tuple[str, ...]
    everywhere: bool
    passive: bool
    survives_gaps: bool
    needs: frozenset[str]
    check: Check
    file: str
    line: int

    @property
    def area(self) -> str:
        """The ledger area: ``ORD`` of ``ORD-02``."""
        return self.id.split("-")[0]

    @property
    def of_upgrades(self) -> bool:
        """Whether only an upgrade of the control plane decides it, so that no run asks for it."""
        return all(name.startswith("upgrade_") for name in self.scenarios)

    @property
    def on_request(self) -> bool:
        """Whether no ordinary run decides it: it takes an upgrade of the control plane, or the loss of a node."""
        return self.of_upgrades or self.scenarios == ("node_lost",)

    def wants(self, timeline: Timeline) -> bool:
        """Whether it is judged on this timeline."""
        window = timeline.window
        return self.everywhere or window.scenario in self.scenarios or (self.passive and window.passive)


class Profile(StrEnum):
    """Which promises a run asks for, before any other choice."""

    CORE = "core"
    """What the StatefulSet tutorial promises: documented-level promises whose row names it."""
    FULL = "full"

    def holds(self, promise: Promise) -> bool:
        """Whether the promise is part of it."""
        tutorial = (row.id for row in rows() if "tutorial" in row.documents)
        return self is Profile.FULL or (promise.level is Level.DOCUMENTED and promise.id in tutorial)


CATALOGUE: dict[str, Promise] = {}


def promise(
    id: str,  # noqa: A002 - the field's word
    *,
    source: str,
    scenarios: tuple[str, ...],
    since: str = "1.9",
    level: Level = Level.DOCUMENTED,
    revision: int = 1,
    everywhere: bool = True,
    passive: bool = False,
    survives_gaps: bool = False,
    needs: Iterable[str] = (),
) -> Callable[[C], C]:
    """Register a function of a timeline as a promise; its docstring is what reports print.

    ``source`` is a page below kubernetes.io/docs with its anchor, or a full address. ``revision`` is raised when the
    rule changes, so that older verdicts are not compared with newer ones. ``needs`` are capabilities of the cluster.
    Raises ``ValueError`` for a missing docstring, a malformed or a doubled id.
    """

    def register(check: C) -> C:
        doc = inspect.getdoc(check)
        if not doc:
            raise ValueError(f"{id}: a promise needs a docstring, it is what reports print")
        if not re.fullmatch(r"[A-Z]{3}-\d\d", id):
            raise ValueError(f"{id!r} is not a promise id such as ORD-02")
        if not source:
            raise ValueError(f"{id}: where is it documented?")
        code = check.__code__
        known = CATALOGUE.get(id)
        if known and (known.file, known.line) != (code.co_filename, code.co_firstlineno):
            raise ValueError(f"{id} is defined twice: {known.file}:{known.line} and {code.co_filename}")
        CATALOGUE[id] = Promise(
            id=id,
            title=" ".join(doc.split("\n\n")[0].split()),
            level=level,
            revision=revision,
            source=source if "://" in source else DOCS + source,
            since=since,
            scenarios=scenarios,
            everywhere=everywhere,
            passive=passive,
            survives_gaps=survives_gaps,
            needs=frozenset(needs),
            check=check,
            file=code.co_filename,
            line=code.co_firstlineno,
        )
        check.promise = CATALOGUE[id]  # type: ignore[attr-defined]
        return check

    return register


def import_promises(folder: Path) -> dict[str, Promise]:
    """Import every ``test_*.py`` of ``folder`` and return the catalogue, ordered by file and line."""
    for path in sorted(folder.glob("test_*.py")):
        spec = importlib.util.spec_from_file_location(f"stsconf_suite_{path.stem}", path)
        if spec is None or spec.loader is None:
            raise ImportError(f"cannot import {path}")
        spec.loader.exec_module(importlib.util.module_from_spec(spec))
    return CATALOGUE
