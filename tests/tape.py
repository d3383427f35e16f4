"""Recordings made by hand, and real ones edited: each is written and sealed as the recorder would."""

import copy
import itertools
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from stsconf.record.file import TimelineWriter, read_records
from stsconf.timeline.recording import Recording, load

Record = dict[str, Any]

KINDS = [
    "pods",
    "statefulsets",
    "controllerrevisions",
    "persistentvolumeclaims",
    "persistentvolumes",
    "services",
    "endpointslices",
]


def write(records: Iterable[Record], path: Path, sealed: bool = True) -> Path:
    """Write records (header first) to a new file; a sealed one ends as the recorder would end it."""
    *records, seal = finished(list(records)) if sealed else [*records, {}]
    path.unlink(missing_ok=True)
    header = {key: value for key, value in records[0].items() if key not in ("rec", "schema", "v")}
    writer = TimelineWriter(path, header)
    for record in records[1:]:
        writer.write(record)
    if sealed:
        writer.seal(seal["frontier"], seal["closing"])
    else:
        writer.close()
    return path


def finished(records: Sequence[Record]) -> list[Record]:
    """Records with what the recorder adds at the end where it is missing: closing lists, a last probe, the seal."""
    frontier: dict[str, int] = {}
    state: dict[str, dict[tuple[str, str], Record]] = {}
    lists = [r for r in records if r["rec"] == "snap" and not r.get("brief")]
    wide = {r["s"] for r in lists if not r.get("ns")}
    for record in records:
        if record["rec"] not in ("snap", "ev", "bm", "gap") or record.get("why") == "forbidden":
            continue
        kind, namespace = record["s"], record.get("ns") if record["s"] not in wide else None
        key = f"{kind}/{namespace}" if namespace else kind
        rv = int(record.get("rv") or record["until_rv"] or record["after_rv"])
        frontier[key] = max(frontier.get(key, 0), rv)
        if record["rec"] == "ev":
            state.setdefault(key, {}).pop((record["ns"], record["name"]), None)
        if record["rec"] == "ev" and record["type"] != "DELETED":
            version = {"uid": record["uid"], "rv": record["rv"], "ns": record["ns"], "name": record["name"]}
            state[key][record["ns"], record["name"]] = version
        elif record["rec"] == "snap" and not record.get("brief"):
            metas = [item["metadata"] for item in record["items"]]
            state[key] = {
                (m.get("namespace") or "", m["name"]): {
                    "uid": m["uid"],
                    "rv": m["resourceVersion"],
                    "ns": m.get("namespace") or "",
                    "name": m["name"],
                }
                for m in metas
            }
    closing = {f"{r['s']}/{r['ns']}" if r.get("ns") else r["s"]: int(r["rv"]) for r in records if r.get("brief")}
    ended = list(records)
    if not closing:
        for key, rv in frontier.items():
            kind, _, namespace = key.partition("/")
            place = {"s": kind} | ({"ns": namespace} if namespace else {})
            items = list(state.get(key, {}).values())
            times = {"seq": 0, "t0": 0, "t1": 0}
            ended.append(
                {"rec": "snap", **place, **times, "rv": str(rv), "why": "closing", "brief": True, "items": items}
            )
        closing = frontier
        kinds = list(dict.fromkeys(key.partition("/")[0] for key in closing))
        ended += [{**r, "domains": [kinds]} for r in records if r["rec"] == "probe"][-1:]
    told: Record = next((r for r in ended if r["rec"] == "seal"), {})
    ended = [r for r in ended if r["rec"] != "seal"]
    seal: Record = {"rec": "seal", "frontier": {key: str(rv) for key, rv in closing.items()}}
    return [*ended, {**seal, "closing": dict.fromkeys(closing, "equal") | told.get("closing", {})}]


def records_of(path: Path) -> list[Record]:
    """The records of a recording without its seal."""
    return [record for _, record in read_records(path) if record["rec"] != "seal"]


def is_event(kind: str, name: str, change: str | None = None) -> Callable[[Record], bool]:
    """Selects the events of one object."""
    return lambda r: r["rec"] == "ev" and r["s"] == kind and r["name"] == name and change in (None, r["type"])


TEMPLATE = {"metadata": {"labels": {"app": "nginx"}}}


class Tape:
    """A recording made by hand: one namespace, one set, a clock that moves on by itself."""

    def __init__(self, namespace: str = "ns", set_name: str = "web", replicas: int = 2, **spec: Any) -> None:
        self.namespace = namespace
        self.set_name = set_name
        self._rv = itertools.count(100)
        self._seq = itertools.count(1)
        self.seconds = 0.0
        capabilities = ["kubelet", "storage"]
        self.records: list[Record] = [
            {"rec": "header", "run": "tape", "provider": "kind", "capabilities": capabilities}
        ]
        self.objects: dict[tuple[str, str], Record] = {}
        self._spec = {
            "replicas": replicas,
            "serviceName": "nginx",
            "podManagementPolicy": "OrderedReady",
            "selector": {"matchLabels": {"app": "nginx"}},
            "template": TEMPLATE,
            "volumeClaimTemplates": [
                {
                    "metadata": {"name": "www"},
                    "spec": {
                        "storageClassName": "managed-nfs-storage",
                        "accessModes": ["ReadWriteOnce"],
                        "resources": {"requests": {"storage": "1Gi"}},
                    },
                }
            ],
            **spec,
        }

    def add(self, **record: Any) -> None:
        self.records.append({**record, "t": round(self.seconds * 1e9)})

    def open(self, scenario: str) -> "Tape":
        """Lists and watches of every kind, the probe, and the scenario's mark."""
        for kind in KINDS:
            self.records.append({"rec": "conn", "s": kind, "t": 0, "what": "open", "from_rv": "99"})
            self.records.append(
                {"rec": "snap", "s": kind, "seq": 0, "t0": 0, "t1": 0, "rv": "99", "why": "start", "items": []}
            )
        self.add(rec="probe", domains=[list(KINDS)], how="passive", rounds=3, result="ok")
        self.add(
            rec="mark", id="w", phase="open", scenario=scenario, namespace=self.namespace, set=self.set_name, plan={}
        )
        return self

    def close(self, settled: bool = True, waited_for: str = "") -> "Tape":
        self.seconds += 0 if settled else 300
        self.add(
            rec="mark", id="w", phase="close", plan={"settled": settled, "waited_for": waited_for, "published": settled}
        )
        return self

    def event(self, kind: str, change: str, name: str, obj: Record, after: float = 0.1) -> Record:
        self.seconds += after
        rv = str(next(self._rv))
        obj = copy.deepcopy(obj)
        obj.setdefault("metadata", {}).update(name=name, resourceVersion=rv)
        obj["metadata"].setdefault("uid", f"uid-{kind}-{name}")
        namespace = "" if kind == "persistentvolumes" else self.namespace
        if namespace:
            obj["metadata"]["namespace"] = namespace
        self.add(
            rec="ev",
            s=kind,
            seq=next(self._seq),
            type=change,
            rv=rv,
            uid=obj["metadata"]["uid"],
            ns=namespace,
            name=name,
            obj=obj,
        )
        self.objects[kind, name] = obj
        return obj

    def change(self, kind: str, name: str, edit: Mapping[str, Any], after: float = 0.1) -> Record:
        obj = copy.deepcopy(self.objects[kind, name])
        for section, values in edit.items():
            obj.setdefault(section, {}).update(values)
        return self.event(kind, "MODIFIED", name, obj, after)

    def delete(self, kind: str, name: str, after: float = 0.1) -> Record:
        return self.event(kind, "DELETED", name, self.objects[kind, name], after)

    def set_created(self) -> "Tape":
        self.event("statefulsets", "ADDED", self.set_name, {"metadata": {"generation": 1}, "spec": self._spec})
        owner = {"uid": f"uid-statefulsets-{self.set_name}", "controller": True}
        data = {"spec": {"template": TEMPLATE | {"$patch": "replace"}}}
        stored = {"metadata": {"ownerReferences": [owner]}, "revision": 1, "data": data}
        self.event("controllerrevisions", "ADDED", f"{self.set_name}-1", stored)
        return self

    def set_status(self, **status: Any) -> "Tape":
        generation = self.objects["statefulsets", self.set_name]["metadata"]["generation"]
        self.change("statefulsets", self.set_name, {"status": {"observedGeneration": generation, **status}})
        return self

    def volume(self, ordinal: int, **changed: Any) -> "Tape":
        """Claim and volume of one ordinal, bound."""
        claim, volume = f"www-{self.set_name}-{ordinal}", f"pvc-{ordinal}"
        modes, size = ["ReadWriteOnce"], {"storage": "1Gi"}
        spec = {"storageClassName": "managed-nfs-storage", "accessModes": modes, "resources": {"requests": size}}
        self.event(
            "persistentvolumeclaims",
            "ADDED",
            claim,
            {"metadata": {"labels": {"app": "nginx"}}, "spec": spec, "status": {"phase": "Pending"}},
        )
        path = changed.get("path", f"/export/{claim}")
        self.event(
            "persistentvolumes",
            "ADDED",
            volume,
            {
                "spec": {
                    "capacity": size,
                    "accessModes": modes,
                    "storageClassName": "managed-nfs-storage",
                    "claimRef": {
                        "namespace": self.namespace,
                        "name": claim,
                        "uid": changed.get("claim_uid", f"uid-persistentvolumeclaims-{claim}"),
                    },
                    "nfs": {"server": "10.96.0.49", "path": path},
                },
                "status": {"phase": "Bound"},
            },
        )
        self.change("persistentvolumeclaims", claim, {"spec": {"volumeName": volume}, "status": {"phase": "Bound"}})
        return self

    def pod_created(self, ordinal: int, after: float = 0.1, uid: str | None = None) -> "Tape":
        name = f"{self.set_name}-{ordinal}"
        owner = {"uid": f"uid-statefulsets-{self.set_name}", "controller": True}
        self.event(
            "pods",
            "ADDED",
            name,
            {
                "metadata": {
                    "ownerReferences": [owner],
                    "labels": {
                        "app": "nginx",
                        "statefulset.kubernetes.io/pod-name": name,
                        "apps.kubernetes.io/pod-index": str(ordinal),
                        "controller-revision-hash": f"{self.set_name}-1",
                    },
                    "uid": uid or f"uid-pods-{name}",
                },
                "spec": {
                    "hostname": name,
                    "subdomain": "nginx",
                    "volumes": [{"name": "www", "persistentVolumeClaim": {"claimName": f"www-{name}"}}],
                },
                "status": {"phase": "Pending"},
            },
            after,
        )
        return self

    def pod_ready(self, ordinal: int, ready: bool = True, after: float = 0.1) -> "Tape":
        conditions = [{"type": "Ready", "status": "True" if ready else "False"}]
        name = f"{self.set_name}-{ordinal}"
        status = {"phase": "Running", "conditions": conditions, "podIP": f"10.0.0.{ordinal}"}
        self.change("pods", name, {"status": status}, after)
        return self

    def published(self, *ordinals: int, after: float = 0.1) -> "Tape":
        """The governing Service's slice, with these pods ready."""
        change = "MODIFIED" if ("endpointslices", "nginx-1") in self.objects else "ADDED"
        endpoints = [
            {
                "hostname": f"{self.set_name}-{n}",
                "targetRef": {"uid": self.objects["pods", f"{self.set_name}-{n}"]["metadata"]["uid"]},
                "addresses": [f"10.0.0.{n}"],
                "conditions": {"ready": True},
            }
            for n in ordinals
        ]
        labels = {"kubernetes.io/service-name": "nginx"}
        self.event("endpointslices", change, "nginx-1", {"metadata": {"labels": labels}, "endpoints": endpoints}, after)
        return self

    def recording(self, path: Path, sealed: bool = True) -> Recording:
        return load(write(self.records, path, sealed))


def created(replicas: int = 2) -> Tape:
    """The documented set, created as documented."""
    tape = Tape(replicas=replicas).open("create").set_created()
    for ordinal in range(replicas):
        tape.volume(ordinal).pod_created(ordinal).pod_ready(ordinal)
        tape.set_status(replicas=ordinal + 1, readyReplicas=ordinal + 1).published(*range(ordinal + 1))
    return tape.close()


def text(records: Iterable[Record]) -> str:
    """For assertion messages."""
    return "\n".join(json.dumps(r) for r in records)
