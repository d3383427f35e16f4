"""JSON values as hashes: of the whole, and of each field, to tell what changed without keeping the values."""

import hashlib
import json
from collections.abc import Mapping


def digest(value: object) -> str:
    """A hash of a JSON value; a field that is null or an empty object counts as absent."""

    def pruned(item: object) -> object:
        if isinstance(item, Mapping):
            kept = {key: pruned(inner) for key, inner in item.items() if key != "$patch"}
            return {key: inner for key, inner in kept.items() if inner not in (None, {})}
        return [pruned(inner) for inner in item] if isinstance(item, list) else item

    text = json.dumps(pruned(value), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def fields_of(value: object, path: str = "") -> dict[str, str]:
    """A tag for each leaf of a JSON value, by its path: ``spec.template.spec.containers[nginx].image``.

    Null and empty values are leaves. A tag has 16 bits: enough to see that a value changed (one change in 65536 goes
    unseen), far too few to find a secret by trying.
    """
    found: dict[str, str] = {}
    if isinstance(value, Mapping) and value:
        for key, inner in value.items():
            found |= fields_of(inner, f"{path}.{key}" if path else key)
    elif isinstance(value, list) and value:
        names = [item.get("name") if isinstance(item, Mapping) else None for item in value]
        unique = None not in names and len(set(map(str, names))) == len(names)
        for index, inner in enumerate(value):
            found |= fields_of(inner, f"{path}[{names[index] if unique else index}]")
    else:
        text = json.dumps([path, value], sort_keys=True)
        found[path] = hashlib.sha256(text.encode()).hexdigest()[:4]
    return found


def changed_fields(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """In words, how one result of ``fields_of`` differs from another, path by path."""
    found = []
    for path in sorted(before.keys() | after.keys()):
        if before.get(path) != after.get(path):
            how = "was added" if path not in before else "was removed" if path not in after else "changed"
            found.append(f"{path} {how}")
    return found
