"""Every promise that the documents make about StatefulSets, judged or not, and why not.

The rows stand in ``catalogue.toml``: read from the documentation, the API reference, the enhancement proposals and the
source of 1.36, checked where possible on a real 1.37.2 server. An id never changes its meaning.
"""

import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import cache
from pathlib import Path

from stsconf.options import meant

AREAS = {
    "IDN": "Identity, labels, network",
    "ORD": "Creation and scale-up",
    "SDN": "Scale-down",
    "REC": "Replacement and failure",
    "PAR": "Parallel policy",
    "UPD": "Rolling update",
    "PRT": "Partition",
    "MXU": "maxUnavailable",
    "MRS": "minReadySeconds",
    "OND": "OnDelete",
    "RCT": "Recreate",
    "REV": "Revisions and rollback",
    "STS": "Status and scale",
    "DEL": "Deleting the StatefulSet",
    "ADP": "Adoption and release",
    "STO": "PersistentVolumeClaims and volumes",
    "PVR": "PersistentVolumeClaim retention policy",
    "FRC": "Forced deletion",
    "API": "Validation and defaults",
}


class Standing(StrEnum):
    """Where a row stands: judged, or one of a closed list of reasons; ``MEANING`` has the words."""

    JUDGED = "judged"
    CONSTRUCTION = "construction"
    IMPLIED = "implied"
    CHARACTERISED = "characterised"
    SERVER = "server"
    CLIENT = "client"
    OTHER_COMPONENT = "other component"
    UNOBSERVABLE = "unobservable"
    UNDEFINED = "undefined"
    NO_GUARANTEE = "no guarantee"


MEANING = {
    Standing.JUDGED: "there is a promise in `conformance/`",
    Standing.CONSTRUCTION: "no controller could break it on a correct API server",
    Standing.IMPLIED: "other promises together say the same",
    Standing.CHARACTERISED: "the documents contradict each other, or what releases do: reported, nobody fails",
    Standing.SERVER: "the API server alone decides it, when it is asked",
    Standing.CLIENT: "kubectl alone decides it",
    Standing.OTHER_COMPONENT: "kubelet, garbage collector or volume controller keep it for every workload alike",
    Standing.UNOBSERVABLE: "cannot be seen, or not be brought about, through the API",
    Standing.UNDEFINED: "no document says what should happen",
    Standing.NO_GUARANTEE: "says that something is not promised: nothing could break it",
}


@dataclass(frozen=True, slots=True)
class Copy:
    """A copy of a document that was read: ``page`` is the document, ``where`` and ``read`` where and when."""

    page: str
    where: str
    read: date


@dataclass(frozen=True, slots=True)
class Quote:
    """The document's own words, verbatim but for line breaks, and the copy they were found in."""

    words: str
    copy: Copy

    def __str__(self) -> str:
        return f"\u201c{self.words}\u201d"


@dataclass(frozen=True, slots=True)
class Row:
    """One row. ``documents``: where it is made. ``says``: our sentence, empty where a promise has its own.

    Without a ``quote`` it is unverified: no copy of a document was found that says it.
    """

    id: str
    documents: tuple[str, ...]
    standing: Standing
    says: str = ""
    quote: Quote | None = None
    note: str = ""

    @property
    def area(self) -> str:
        """``ORD`` of ``ORD-02``; a key of ``AREAS``."""
        return self.id.split("-")[0]


@cache
def rows() -> tuple[Row, ...]:
    """All rows in the order of their areas. Raises ``ValueError`` for an unknown standing, area or copy."""
    data = tomllib.loads((Path(__file__).with_suffix(".toml")).read_text(encoding="utf-8"))
    copies = {name: Copy(**copy) for name, copy in data.pop("copies").items()}
    found = tuple(
        Row(
            id=id_,
            documents=tuple(row["documents"]),
            standing=Standing(row["standing"]),
            says=row.get("says", ""),
            quote=Quote(row["quote"], copies[row["found"]]) if "quote" in row else None,
            note=row.get("note", ""),
        )
        for id_, row in data.items()
    )
    for row in found:
        if row.area not in AREAS:
            raise ValueError(f"{row.id}: there is no area {row.area}")
    return found


def named(words: Iterable[str]) -> tuple[str, ...]:
    """The areas and promises that somebody named: in either case, ``ORD02`` and ``ord-2`` for ``ORD-02``.

    Raises ``ValueError`` with a sentence for a name that there is not.
    """
    known = {*AREAS, *(row.id for row in rows())}
    found: dict[str, None] = {}
    for word in words:
        parts = re.fullmatch(r"([A-Z]{3})[-_]?(\d{1,2})", word.upper())
        name = f"{parts[1]}-{parts[2]:0>2}" if parts else word.upper()
        if name not in known:
            hint = meant(name, sorted(known)) or f"; `stsconf promises` lists them, the areas are {', '.join(AREAS)}"
            raise ValueError(f"there is no promise and no area {word}{hint}")
        found[name] = None
    return tuple(found)


def quote(id_: str) -> Quote | None:
    """What the document says, for the row of that id; ``None`` where that is unverified, or there is no such row."""
    return next((row.quote for row in rows() if row.id == id_), None)
