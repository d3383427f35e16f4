"""What sets, pods, revisions, claims and volumes are at one time, read without any write, as a JSON file.

Schema ``sts-snapshot`` v1. Nothing of a pod template is stored but the paths of its fields, each with a tag of 16 bits
(``timeline.fields``): no image, no value of an environment variable, no annotation.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from stsconf.errors import PreflightRefused, StsconfError
from stsconf.judging.verdict import singular
from stsconf.kube.api import Api, ApiError, identify
from stsconf.timeline import facts
from stsconf.timeline.reduce import REDUCERS

SCHEMA = "sts-snapshot"
VERSION = 1
POD_NAME_LABEL = "statefulset.kubernetes.io/pod-name"

Properties = Mapping[str, Any]
Objects = Mapping[str, Mapping[str, Properties]]
"""Properties by kind (the plural name of the API) and name."""

KINDS = ("statefulsets", "controllerrevisions", "pods", "persistentvolumeclaims", "persistentvolumes")
NEEDED = KINDS[:3]


class SnapshotError(StsconfError):
    """A file is no snapshot, only part of one, or of a schema that this version does not know."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One snapshot. ``sets`` holds the objects of each set by ``namespace/name``.

    A set that is not there, and left pods behind, has no entry in ``statefulsets``. ``taken`` is ISO 8601 in UTC,
    ``server`` the version, ``cluster`` the uid of namespace kube-system, empty where that may not be read.
    ``namespace`` None: all of them. ``unseen`` are the kinds that may not be read.
    """

    taken: str
    server: str
    cluster: str
    namespace: str | None
    unseen: tuple[str, ...]
    sets: Mapping[str, Objects]

    def write(self, path: Path) -> None:
        """Store it. Raises ``SnapshotError`` when that fails."""
        document = {"schema": SCHEMA, "version": VERSION, **asdict(self)}
        try:
            path.write_text(json.dumps(document, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        except OSError as error:
            raise SnapshotError(f"{path} cannot be written: {error.strerror}.", "Name another file with -o.") from None

    @property
    def pods(self) -> int:
        """How many pods it holds."""
        return sum(len(objects.get("pods", {})) for objects in self.sets.values())


def read(path: Path) -> Snapshot:
    """Read what ``write`` stored. Raises ``SnapshotError`` for anything else."""
    again = "Name a file that `stsconf snapshot` wrote, or take it again."
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SnapshotError(f"There is no {path}.", again) from None
    except (OSError, ValueError) as error:
        raise SnapshotError(f"{path} was cut short, or is not JSON ({error}).", again) from None
    if not isinstance(document, dict) or document.pop("schema", None) != SCHEMA:
        raise SnapshotError(f"{path} is not a {SCHEMA} document.", again)
    if (version := document.pop("version", None)) != VERSION:
        raise SnapshotError(
            f"{path} has version {version} of {SCHEMA}, and this version of stsconf reads {VERSION}.",
            "Compare it with the version of stsconf that wrote it.",
        )
    try:
        found = Snapshot(**{**document, "unseen": tuple(document["unseen"])})
        for objects in found.sets.values():
            for kind, of_kind in objects.items():
                KINDS.index(kind)
                for properties in of_kind.values():
                    dict(properties)
    except (TypeError, KeyError, ValueError, AttributeError):
        raise SnapshotError(f"{path} contradicts its schema: parts of it are missing or of another form.", again) from (
            None
        )
    return found


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
    return Snapshot(taken, server, cluster, namespace, tuple(unseen), _gather(read))


def _refused(namespace: str | None, error: ApiError) -> PreflightRefused:
    return PreflightRefused(
        f"No snapshot of {f'namespace {namespace}' if namespace else 'all namespaces'} can be taken: {error.what}",
        "It needs the right to list statefulsets, pods and controllerrevisions there, and for all of it "
        "persistentvolumeclaims and persistentvolumes; or name one namespace with -n.",
    )


def _gather(read: Mapping[str, Iterable[tuple[str, Any]]]) -> dict[str, Objects]:
    """Every object with its set."""
    sets: dict[str, dict[str, dict[str, Properties]]] = defaultdict(lambda: defaultdict(dict))
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
