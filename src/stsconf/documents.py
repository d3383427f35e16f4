"""Files of JSON with a schema: typed records (msgspec) in and out. A field that a type does not have is ignored.

The JSON Schema of each is in ``docs/schemas``.
"""

import json
import os
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from stsconf.errors import NoSuchResult, ResultFileError

T = TypeVar("T")


def read(path: Path, kind: type[T], next_step: str, schema: str = "", version: int = 0) -> T:
    """Read a file as one ``kind``; with ``schema``, the file has to name that, and ``version``.

    Raises ``NoSuchResult`` for a file that is missing, and ``ResultFileError``, one sentence and ``next_step``, for one
    that is cut short, of another schema or version, or has a field that is missing or of another type: then the
    sentence gives the path of the field.
    """
    try:
        text = path.read_bytes()
        header = msgspec.json.decode(text) if schema else None
    except FileNotFoundError:
        raise NoSuchResult(f"There is no {path}.", next_step) from None
    except OSError as error:
        raise NoSuchResult(f"{path} cannot be read: {error.strerror}.", next_step) from None
    except (ValueError, RecursionError) as error:
        raise ResultFileError(
            f"{path} cannot be read as JSON ({error}): it was cut short or is another file.", next_step
        ) from None
    if schema:
        _check(path, header, schema, version, next_step)
    try:
        return msgspec.json.decode(text, type=kind)
    except (ValueError, RecursionError) as error:
        raise ResultFileError(f"{path} is not valid: {wrong_field(error)}.", next_step) from None


def wrong_field(error: Exception, root: str = "") -> str:
    """What msgspec found, with the field's path below ``root``: ``promises[0].revision: expected int, got str``."""
    what, _, where = str(error).replace("`", "").partition(" - at $")
    place = f"{root}{where}".lstrip(".")
    return f"{place}{': ' if place else ''}{what[:1].lower()}{what[1:]}"


def _check(path: Path, header: Any, schema: str, version: int, next_step: str) -> None:
    if not isinstance(header, dict) or header.get("schema") != schema:
        raise ResultFileError(f"{path} is not a {schema} document.", next_step)
    if header.get("version") != version:
        raise ResultFileError(
            f"{path} has version {header.get('version')} of {schema}, and this version of stsconf reads {version}.",
            "Use the version of stsconf that wrote it.",
        )


def dumps(doc: object) -> str:
    """The text of a document: equal documents give equal bytes. Raises ``ValueError`` for a number that JSON lacks."""
    return json.dumps(msgspec.to_builtins(doc), ensure_ascii=False, allow_nan=False, indent=1) + "\n"


def write(path: Path, doc: object) -> None:
    """Write a document so that a reader sees all of it or none of it."""
    write_text(path, dumps(doc))


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text under a name of its own first, then give it its name. Folders are made as needed.

    What is there and not a plain file, such as a link or ``/dev/stdout``, stays what it is and is written through.
    """
    if path.is_symlink() or (path.exists() and not path.is_file()):
        path.write_text(text, encoding="utf-8", newline="\n")
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        draft.write_text(text, encoding="utf-8", newline="\n")
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def schema_of(kind: type[object]) -> dict[str, Any]:
    """The JSON Schema (2020-12) of a document."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **msgspec.json.schema(kind)}
