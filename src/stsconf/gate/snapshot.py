"""What sets, pods, revisions, claims and volumes are at one time, read without any write, as a JSON file.

Schema ``sts-snapshot`` v1. Nothing of a pod template is stored but the paths of its fields, each with a tag of 16 bits
(``timeline.fields``): no image, no value of an environment variable, no annotation.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Literal, get_args

from msgspec import Struct

from stsconf import documents
from stsconf.errors import PreflightRefused, ResultFileError
from stsconf.judging.verdict import singular
from stsconf.kube.api import Api, ApiError, identify
from stsconf.timeline import facts
from stsconf.timeline.reduce import REDUCERS

SCHEMA: Final = "sts-snapshot"
VERSION: Final = 1
POD_NAME_LABEL = "statefulset.kubernetes.io/pod-name"

Kind = Literal["statefulsets", "controllerrevisions", "pods", "persistentvolumeclaims", "persistentvolumes"]
KINDS: tuple[Kind, ...] = get_args(Kind)
NEEDED = KINDS[:3]

Properties = Mapping[str, Any]
Objects = Mapping[Kind, Mapping[str, Properties]]
"""Properties by kind (the plural name of the API) and name."""


class Snapshot(Struct, frozen=True, kw_only=True):
    """One snapshot. ``sets`` holds the objects of each set by ``namespace/name``.

    A set that is not there, and left pods behind, has no entry in ``statefulsets``. ``taken`` is ISO 8601 in UTC,
    ``server`` the version, ``cluster`` the uid of namespace kube-system, empty where that may not be read.
    ``namespace`` None: all of them. ``unseen`` are the kinds that may not be read.
    """

    schema: Literal["sts-snapshot"] = SCHEMA
    version: Literal[1] = VERSION
    taken: str
    server: str
    cluster: str
    namespace: str | None
    unseen: tuple[Kind, ...]
    sets: Mapping[str, Objects]

    def write(self, path: Path) -> None:
        """Store it. Raises ``ResultFileError`` when that fails."""
        try:
            documents.write(path, self)
        except OSError as error:
            what = f"{path} cannot be written: {error.strerror}."
            raise ResultFileError(what, "Name another file with -o.") from None

    @property
    def pods(self) -> int:
        """How many pods it holds."""
        return sum(len(objects.get("pods", {})) for objects in self.sets.values())


def read(path: Path) -> Snapshot:
    """Read what ``write`` stored. Raises ``ResultFileError`` for anything else."""
    next_step = "Name a file that `stsconf snapshot` wrote, or take it again."
    return documents.read(path, Snapshot, next_step, SCHEMA, VERSION)


def take(api: Api, namespace: str | None) -> Snapshot:
    """Look at one namespace, or at all. Needs the right to list, and nothing else.

    Raises ``PreflightRefused`` without the right to see sets, pods or revisions; without the right to see claims or
    volumes these are ``unseen``.
    """
    read: dict[str, list[tuple[str, Any]]] = {}
    unseen = []
    for plural in KINDS:
        where = None if plural == "persistentvolumes" else namespace
        try:
            listed = list(api.list(singular(plural), where))
        except ApiError as error:
            if error.status not in (401, 403):
                raise
            if plural in NEEDED:
                raise _refused(namespace, error) from None
            unseen.append(plural)
            listed = []
        reduce = REDUCERS[plural]
        read[plural] = [(raw["metadata"].get("namespace") or "", reduce(raw)) for raw in listed]
    server, cluster = identify(api)
    taken = datetime.now(UTC).isoformat(timespec="seconds")
    return Snapshot(
        taken=taken, server=server, cluster=cluster, namespace=namespace, unseen=tuple(unseen), sets=_gather(read)
    )


def _refused(namespace: str | None, error: ApiError) -> PreflightRefused:
    return PreflightRefused(
        f"No snapshot of {f'namespace {namespace}' if namespace else 'all namespaces'} can be taken: {error.what}",
        "It needs the right to list statefulsets, pods and controllerrevisions there, and for all of it "
        "persistentvolumeclaims and persistentvolumes; or name one namespace with -n.",
    )


def _gather(read: Mapping[str, Iterable[tuple[str, Any]]]) -> dict[str, Objects]:
    """Every object with its set."""
    sets: dict[str, dict[Kind, dict[str, Properties]]] = defaultdict(lambda: defaultdict(dict))
    uids: dict[str, str] = {}
    claims: dict[tuple[str, str], str] = {}
    claim_sets: dict[tuple[str, str], str] = {}
    volumes: dict[str, str] = {}
    key: str | None
    for space, one in read["statefulsets"]:
        key = uids[one.uid] = f"{space}/{one.name}"
        claim_sets |= {(space, f"{template.name}-{one.name}"): key for template in one.claim_templates}
        sets[key]["statefulsets"][one.name] = {
            **_common(one),
            "generation": one.generation,
            "replicas": one.replicas,
            "strategy": one.strategy,
            "partition": one.partition,
            "current revision": one.current_revision,
            "update revision": one.update_revision,
        }
    for space, pod in read["pods"]:
        split = facts.ordinal_of(pod.name)
        left = f"{space}/{split[0]}" if split and POD_NAME_LABEL in pod.labels else None
        if key := uids.get(pod.owner_uid or "", left):
            claims |= {(space, claim): key for claim in pod.claims.values()}
            sets[key]["pods"][pod.name] = {
                **_common(pod),
                "restarts": pod.restarts,
                "revision": pod.revision,
                "node": pod.node,
                "claims": ", ".join(sorted(pod.claims.values())),
            }
    for space, one in read["controllerrevisions"]:
        left = f"{space}/{one.name.rpartition('-')[0]}"
        if key := uids.get(one.owner_uid or "", left if left in sets and not one.owner_uids else None):
            sets[key]["controllerrevisions"][one.name] = {
                **_common(one),
                "number": one.number,
                "hash": one.labels.get("controller.kubernetes.io/hash"),
                "data": one.data,
                "fields": dict(one.fields),
            }
    for space, claim in read["persistentvolumeclaims"]:
        split = facts.ordinal_of(claim.name)
        if key := claims.get((space, claim.name)) or claim_sets.get((space, split[0] if split else "")):
            volumes[claim.uid] = key
            sets[key]["persistentvolumeclaims"][claim.name] = {
                **_common(claim),
                "phase": claim.phase,
                "volume": claim.volume_name,
            }
    for _, volume in read["persistentvolumes"]:
        if key := volumes.get(volume.claim_uid or ""):
            sets[key]["persistentvolumes"][volume.name] = {
                **_common(volume),
                "phase": volume.phase,
                "claim uid": volume.claim_uid,
                "place": volume.place,
            }
    return {key: {kind: dict(named) for kind, named in sorted(of.items())} for key, of in sorted(sets.items())}


def _common(one: facts.Fact) -> dict[str, Any]:
    return {"uid": one.uid, "terminating": one.terminating, "owners": ", ".join(sorted(one.owner_uids))}
