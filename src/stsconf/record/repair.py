"""Exact repair after a 410: the versions that were not delivered, from one list per revision.

A list with ``resourceVersionMatch=Exact`` gives the state at any revision that is not compacted, and one revision is
one write (https://kubernetes.io/docs/reference/using-api/api-concepts/#semantics-for-get-and-list).
"""

from collections.abc import Callable, Iterator, Mapping

from stsconf.kube.http import HttpProblem
from stsconf.record.file import Record, encode
from stsconf.record.versions import Broken, Change, Key, Version, key_of, version, versions_of


def rebuild(
    known: Mapping[Key, Version],
    since: int,
    until: int,
    items: list[Record],
    list_at: Callable[[int], list[Record]],
    expired: Callable[[], bool],
) -> list[Change] | None:
    """The versions in (since, until]; None where they cannot be told exactly.

    ``known`` is what was delivered up to ``since``, ``items`` the list at ``until``; ``list_at`` gives the list at one
    revision, ``expired`` whether to give up. Raises ``Broken`` where ``known`` is not what the server had at ``since``,
    and ``HttpProblem`` for an answer that may be another later.
    """
    before: dict[Key, Record] | None = None
    changes: list[Change] = []
    for rv in range(since, until + 1):
        if expired():
            return None
        try:
            at = list_at(rv) if rv < until else items
        except HttpProblem as problem:
            if problem.passing and problem.status != 410:
                raise
            return None  # compacted, or never kept
        now = {key_of(item): item for item in at}
        if before is None:
            if known != versions_of(at):
                raise Broken("chain", f"at {rv} the list differs from what was delivered", since_list=True)
        else:
            step = list(_differences(before, now, rv))
            if len(step) > 1 or None in step:
                return None
            changes += [change for change in step if change]
        before = now
    return changes


def _differences(before: Mapping[Key, Record], now: Mapping[Key, Record], rv: int) -> Iterator[Change | None]:
    """What happened between two lists one revision apart; None for what cannot be told exactly."""
    for key, old in before.items():
        if key not in now or now[key]["metadata"]["uid"] != old["metadata"]["uid"]:
            gone = {**old, "metadata": {**old["metadata"], "resourceVersion": str(rv)}}
            yield Change("DELETED", rv, gone, encode(gone), rebuilt=True)
    for key, item in now.items():
        same = key in before and before[key]["metadata"]["uid"] == item["metadata"]["uid"]
        own = version(item["metadata"])
        if not same or version(before[key]["metadata"]) != own:
            change = Change("MODIFIED" if same else "ADDED", rv, item, encode(item), rebuilt=True)
            yield change if own == rv else None
