"""Two snapshots of one cluster: which sets moved in between, and what of them. Pure: no cluster, no clock."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from stsconf.errors import UsageError
from stsconf.gate.snapshot import KINDS, Objects, Properties, Snapshot
from stsconf.judging.verdict import singular
from stsconf.timeline.fields import changed_fields

_ABSENT = object()


@dataclass(frozen=True, slots=True)
class Moved:
    """A set, by ``namespace/name``, and in words all that is not as it was."""

    name: str
    what: tuple[str, ...]


def compare(before: Snapshot, after: Snapshot) -> tuple[Moved, ...]:
    """The sets that moved, by name; empty when nothing did. What one of the two could not see is not compared.

    Raises ``UsageError`` for snapshots of different clusters or namespaces.
    """
    if before.cluster and after.cluster and before.cluster != after.cluster:
        raise UsageError(
            f"The snapshots are of two clusters: {before.cluster} and {after.cluster}.",
            "Take both through the same kubeconfig and context.",
        )
    if before.namespace != after.namespace:
        spaces = " and ".join(one.namespace or "all namespaces" for one in (before, after))
        raise UsageError(f"The snapshots are of different namespaces: {spaces}.", "Take both with the same -n or -A.")
    unseen = {*before.unseen, *after.unseen}
    found = []
    for name in sorted(before.sets.keys() | after.sets.keys()):
        was, now = (
            {kind: named for kind, named in one.sets.get(name, {}).items() if kind not in unseen}
            for one in (before, after)
        )
        if what := tuple(_changes(was, now)):
            found.append(Moved(name, what))
    return tuple(found)


def blind_spots(before: Snapshot, after: Snapshot) -> list[str]:
    """In whole sentences, what could not be compared."""
    found = [
        f"The {kind} were not compared: the right to list them was missing."
        for kind in sorted({*before.unseen, *after.unseen})
    ]
    if not (before.cluster and after.cluster):
        found.append("That both are of one cluster is not known: namespace kube-system could not be read.")
    return found


def _changes(before: Objects, after: Objects) -> Iterator[str]:
    for kind in sorted(before.keys() | after.keys(), key=KINDS.index):
        was, now = before.get(kind, {}), after.get(kind, {})
        for name in sorted(was.keys() | now.keys()):
            subject = f"{singular(kind)} {name}"
            if name not in now:
                yield f"{subject} is gone"
            elif name not in was:
                yield f"{subject} is new"
            elif changes := _of_one(was[name], now[name]):
                yield f"{subject}: {'; '.join(changes)}"
            if kind == "statefulsets" and name in was and name in now:
                yield from _revision(was[name], now[name], before, after)


def _of_one(was: Properties, now: Properties) -> list[str]:
    """How one object changed; another object under the same name is told as that, with what it is now."""
    found = ["was replaced by another object of its name"] if was.get("uid") != now.get("uid") else []
    for key in sorted(was.keys() | now.keys()):
        old, new = was.get(key, _ABSENT), now.get(key, _ABSENT)
        if old == new or key == "uid":
            continue
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            found += changed_fields(old, new)
        else:
            found.append(f"{key} was {_text(old)} and is {_text(new)}")
    return found


def _text(value: object) -> str:
    return "absent" if value is _ABSENT or value is None or value == "" else str(value)


def _revision(was: Properties, now: Properties, before: Objects, after: Objects) -> Iterator[str]:
    """Which fields the new update revision of a set changes."""
    old, new = str(was.get("update revision")), str(now.get("update revision"))
    if old == new:
        return
    stored = {**before.get("controllerrevisions", {}), **after.get("controllerrevisions", {})}
    if old not in stored or new not in stored:
        yield f"which fields revision {new} changes cannot be told: one of the two revisions was not there"
        return
    fields = changed_fields(stored[old].get("fields", {}), stored[new].get("fields", {}))
    yield f"revision {new} in place of {old}: {'; '.join(fields) or 'no field differs'}"
