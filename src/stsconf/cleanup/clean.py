"""Finds what runs left behind, and removes exactly that: by recorded uid, in bounded time, naming what stays."""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime

from urllib3.exceptions import HTTPError

from stsconf.cleanup.inventory import (
    MANAGED_BY,
    RECORD,
    RECORD_LABEL,
    RUN,
    SWEPT,
    Record,
    Standing,
    read_record,
    standing,
)
from stsconf.errors import ClusterError, ExitCode, PreflightRefused
from stsconf.kube.api import Api, ApiError, Object
from stsconf.kube.http import HttpProblem, Wire
from stsconf.waits import Say, Waits, until

PROGRESS = 5.0
"""Seconds between two lines that say what is waited for."""


@dataclass(frozen=True, slots=True)
class Remains:
    """What is there of one run. ``namespaces`` are the run's own; ``foreign`` says what only looks like it.

    ``pods`` counts per namespace; it is empty where they may not be listed. ``objects`` are the run's own in a
    namespace that was prepared for it.
    """

    record: Record
    namespaces: tuple[Object, ...]
    pods: dict[str, int]
    volumes: tuple[Object, ...]
    foreign: dict[str, str]
    objects: tuple[Object, ...] = ()


def look(api: Api, record: Record) -> Remains:
    """Look up every recorded name and tell what is ours."""
    ours: list[Object] = []
    foreign: dict[str, str] = {}
    for entry in record.entries:
        found = api.get(entry.kind, entry.name, entry.namespace)
        match standing(entry, found, record):
            case Standing.OURS if found:
                ours.append(found)
            case Standing.FOREIGN:
                foreign[entry.name] = f"{entry} has a name that run {record.run} recorded, but is not what it made"
    names = {_name(n) for n in ours}
    objects = _swept(api, record) if record.prepared else []
    claims = {o["metadata"]["uid"] for o in objects if o["kind"] == "PersistentVolumeClaim"}
    return Remains(
        record,
        tuple(ours),
        {name: len(_listed(api, "Pod", name)) for name in names},
        tuple(_volumes(api, names, claims)),
        foreign,
        tuple(objects),
    )


def _swept(api: Api, record: Record) -> list[Object]:
    """What the run made in its prepared home, each with its kind: sets first, so that nothing comes back."""
    query = f"?labelSelector={RUN}={record.run}"
    return [
        {**found, "kind": kind} for kind in SWEPT for found in api.list(kind, record.home, query) if record.made(found)
    ]


def remove(api: Api, remains: Remains, waits: Waits, say: Say) -> list[str]:
    """Delete the run's namespaces, wait for them and their volumes, and return a sentence for each thing that stays.

    The home, which holds the record, goes last and only if all else is gone, so that a later try knows as much.
    """
    kept = [
        f"volume {_name(v)} has reclaim policy {_policy(v)}: it stays, with its data. Remove it with "
        f"`kubectl delete pv {_name(v)}`."
        for v in remains.volumes
        if _policy(v) != "Delete"
    ]
    home = [n for n in remains.namespaces if _name(n) == remains.record.home]
    others = [n for n in remains.namespaces if n not in home]
    if remains.record.prepared:
        return kept + _sweep(api, remains, waits, say)
    return kept + (_remove(api, others, waits, say) or _remove(api, home, waits, say))


def _sweep(api: Api, remains: Remains, waits: Waits, say: Say) -> list[str]:
    """Delete what the run made in its prepared home until nothing of it is there, and then the record."""
    record, asked = remains.record, set[str]()
    volumes = {v["metadata"]["uid"] for v in remains.volumes if _policy(v) == "Delete"}

    def left() -> list[Object]:
        found = _swept(api, record)
        for one in found:
            uid = one["metadata"]["uid"]
            if uid not in asked:
                api.delete(one["kind"], _name(one), record.home, preconditions={"uid": uid})
                asked.add(uid)
        return found + [v for v in _volumes(api, (), claims) if v["metadata"]["uid"] in volumes]

    claims = {o["metadata"]["uid"] for o in remains.objects if o["kind"] == "PersistentVolumeClaim"}
    if stays := _wait_gone(left, waits, say):
        return stays
    held = api.get("ConfigMap", RECORD, record.home)
    if held and (found := read_record(held)) and found.run == record.run:
        api.delete("ConfigMap", RECORD, record.home, preconditions={"uid": held["metadata"]["uid"]})
    return []


def _remove(api: Api, namespaces: Sequence[Object], waits: Waits, say: Say) -> list[str]:
    uids = {_name(n): n["metadata"]["uid"] for n in namespaces}
    refused: dict[str, str] = {}
    for name, uid in uids.items():
        try:
            api.delete("Namespace", name, preconditions={"uid": uid})
        except ApiError as error:
            refused[name] = f"namespace {name} was not deleted: {error.what}"
    waiting = {name: uid for name, uid in uids.items() if name not in refused}

    def left() -> list[Object]:
        found = [api.get("Namespace", name) for name in waiting]
        there = [n for n in found if n and n["metadata"]["uid"] == waiting[_name(n)]]
        return there + [v for v in _volumes(api, waiting) if _policy(v) == "Delete"]

    return list(refused.values()) + _wait_gone(left, waits, say)


def _wait_gone(look_again: Callable[[], list[Object]], waits: Waits, say: Say) -> list[str]:
    """Wait until a look finds nothing, and return a sentence for each thing that stays."""
    left: list[Object] = []
    said = time.monotonic()

    def gone() -> bool:
        nonlocal left, said
        try:
            left = look_again()
        except (ApiError, ClusterError) as error:  # a server that is away for a moment changes nothing
            say(f"cleaning up: {error.what}")
            return False
        if left and time.monotonic() - said >= PROGRESS:
            said = time.monotonic()
            more = f" and {len(left) - 3} more" if len(left) > 3 else ""
            say(f"cleaning up: waiting for {', '.join(_title(thing) for thing in left[:3])}{more}")
        return not left

    if until(gone, waits.namespace_gone + waits.volumes_gone):
        return []
    return [_why(thing) for thing in left]


def _volumes(api: Api, namespaces: Iterable[str], claims: Iterable[str] = ()) -> list[Object]:
    """PersistentVolumes of claims in these namespaces or of these uids; none where they may not be listed."""
    names, uids = set(namespaces), set(claims)
    found = _listed(api, "PersistentVolume") if names or uids else []
    references = [(v, v["spec"].get("claimRef") or {}) for v in found]
    return [v for v, claim in references if claim.get("namespace") in names or claim.get("uid") in uids]


def _listed(api: Api, kind: str, namespace: str | None = None) -> list[Object]:
    """All objects of a kind; none where they may not be listed."""
    try:
        return list(api.list(kind, namespace))
    except ApiError as error:
        if error.status == 403:
            return []
        raise


def _name(thing: Object) -> str:
    return str(thing["metadata"]["name"])


def _policy(volume: Object) -> str:
    return str(volume["spec"].get("persistentVolumeReclaimPolicy"))


def _title(thing: Object) -> str:
    kind = "volume" if "claimRef" in thing.get("spec", {}) else str(thing.get("kind", "namespace")).lower()
    return f"{kind} {_name(thing)}"


def _why(thing: Object) -> str:
    """Why something stays, in the server's own words."""
    status = thing.get("status") or {}
    said = [c["message"] for c in status.get("conditions") or () if c["status"] == "True" and c.get("message")]
    said += [f"finalizer {f}" for f in thing["metadata"].get("finalizers") or ()]
    said += [status["message"]] if status.get("message") else []
    words = "; ".join(said) or f"it is {status.get('phase', 'there')}, and the server gives no reason"
    return f"{_title(thing)} is still there: {words}"


# The command.


@dataclass(frozen=True, slots=True)
class Request:
    """What ``stsconf clean`` was asked: one run or all, to delete or only to list, runs that are alive too.

    ``again`` is the command that deletes what this one lists. ``namespace``: only runs in this prepared namespace.
    """

    run: str | None = None
    yes: bool = False
    force: bool = False
    again: str = "stsconf clean --yes"
    namespace: str | None = None


def clean_cluster(api: Api, request: Request, waits: Waits, say: Say) -> ExitCode:
    """List what runs left on a cluster and, if asked to, remove it.

    Returns ``HOLDS`` when nothing is left and ``INCONCLUSIVE`` when something is. Raises ``PreflightRefused`` for a run
    that is alive, after the dead ones were removed, and where records may not be read.
    """
    now, records, others = _survey(api, request.namespace)
    dead: list[Remains] = []
    alive: list[Record] = []
    strangers = dict(others)
    for record in records:
        if request.run in (None, record.run):
            remains = look(api, record)
            lives = record.alive(now) and not request.force
            _print(remains, now, lives)
            if lives:
                alive.append(record)
            else:
                dead.append(remains)
            for namespace in remains.namespaces:
                strangers.pop(_name(namespace), None)
            strangers |= remains.foreign
    if request.run is None:
        for reason in strangers.values():
            print(f"Left alone: {reason}.")
    if not dead and not alive:
        print(f"No run{f' {request.run}' if request.run else ''} left anything on this cluster.")
    if not request.yes:
        if dead:
            print(f"Nothing was deleted. To delete what is listed, run: {request.again}")
        return ExitCode.INCONCLUSIVE if dead else ExitCode.HOLDS
    stays = [sentence for remains in dead for sentence in remove(api, remains, waits, say)]
    for sentence in stays:
        print(f"Still there: {sentence}")
    if alive:
        raise PreflightRefused(
            f"Run {alive[0].run} is alive ({alive[0].owner}, last heartbeat "
            f"{(now - alive[0].beat).total_seconds():.0f} s ago), so it was left alone.",
            "It cleans up when it ends; end it with Ctrl-C, or add --force if you know that it is dead.",
        )
    if dead and not stays:
        print("All of it is gone.")
    return ExitCode.INCONCLUSIVE if stays else ExitCode.HOLDS


def _survey(api: Api, namespace: str | None) -> tuple[datetime, list[Record], dict[str, str]]:
    """The server's time, all records, and namespaces that carry our label and are in none of them."""
    try:
        config_maps = list(api.list("ConfigMap", namespace, f"?labelSelector={RECORD_LABEL}=run"))
        labelled = (
            list(api.list("Namespace", query=f"?labelSelector={MANAGED_BY}=stsconf")) if namespace is None else []
        )
    except ApiError as error:
        raise PreflightRefused(
            f"The records of runs cannot be read: {error.what}.",
            "Use credentials that may list config maps and namespaces in the whole cluster, or name the one namespace "
            "that runs were given with --namespace.",
        ) from None
    records = {record.run: record for record in map(read_record, labelled + config_maps) if record}
    recorded = {entry.uid for record in records.values() for entry in record.entries}
    others = {
        _name(n): f"namespace {_name(n)} carries our label (run {n['metadata']['labels'].get(RUN, 'unknown')}) but is "
        f"in no run's record; if it is yours to delete: kubectl delete namespace {_name(n)}"
        for n in labelled
        if n["metadata"]["uid"] not in recorded
    }
    return server_time(api), sorted(records.values(), key=lambda record: record.created), others


def server_time(api: Api) -> datetime:
    """The API server's clock, in whole seconds: the one that its timestamps come from."""
    try:
        answer = Wire(api.client, connect=5.0, answer=30.0).request("GET", "/version")
        answer.drain_conn()
        answer.release_conn()
        return parsedate_to_datetime(answer.headers["Date"])
    except (HttpProblem, HTTPError, OSError, KeyError, ValueError) as error:
        raise ClusterError("clock", f"the API server did not tell the time: {error}.") from None


def _print(remains: Remains, now: datetime, lives: bool) -> None:
    record = remains.record
    minutes = (now - record.created).total_seconds() / 60
    state = "alive" if lives else "dead"
    print(f"Run {record.run}, {minutes:.0f} min old, {record.owner} ({state})")
    for namespace in remains.namespaces:
        name = _name(namespace)
        ending = ", already terminating" if namespace["metadata"].get("deletionTimestamp") else ""
        print(f"  namespace {name}: {remains.pods.get(name, 0)} pods{ending}")
    if remains.objects:
        print(f"  in namespace {record.home}: {', '.join(map(_title, remains.objects))}")
    for volume in remains.volumes:
        print(f"  volume {_name(volume)}: reclaim policy {_policy(volume)}, PVC {volume['spec']['claimRef']['name']}")
