"""Recordings made by hand, for reports only: what a watch on a small cluster would have given. Nobody judges a cluster
by them; they let a test choose what happens."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tests.tape import finished

from stsconf.errors import ExitCode
from stsconf.judging.expect import expect
from stsconf.judging.judge import judge
from stsconf.judging.promise import Level, Promise
from stsconf.judging.result import RunInfo
from stsconf.judging.verdict import Verdict
from stsconf.record.file import TimelineWriter, read_records
from stsconf.timeline.recording import Recording
from stsconf.timeline.timeline import Timeline

Object = dict[str, Any]
REVISIONS = {"old": "web-6d8c9f7b54", "new": "web-79b7c4d5f8"}
CLUSTER = {"capabilities": ["kubelet", "nodes", "storage"], "provider": "kind"}
KINDS = (
    "statefulsets",
    "controllerrevisions",
    "pods",
    "persistentvolumeclaims",
    "persistentvolumes",
)


class Story:
    """Writes one window of one StatefulSet. Times are seconds since the recording began."""

    def __init__(self, path: Path, **header: object) -> None:
        self.writer = TimelineWriter(path, {"run": "r1", **CLUSTER, **header})
        self.rv = 4100
        self.uids: dict[tuple[str, str], str] = {}
        self.acts = 0
        self.ns = "stsconf-partition"
        self.name = "web"
        self.replicas = 3
        self.generation = 1

    def begin(self, scenario: str, ns: str, name: str = "web") -> None:
        self.ns, self.name, self.uids = ns, name, {}
        for kind in KINDS:
            self.write({"rec": "snap", "s": kind, "t0": 0, "t1": 0, "rv": str(self.rv), "why": "start", "items": []})
        self.write({"rec": "probe", "domains": [list(KINDS)], "how": "passive", "result": "ok"})
        mark = {"rec": "mark", "id": scenario, "phase": "open", "scenario": scenario, "namespace": ns, "set": name}
        self.write({**mark, "t": 0})

    def end(self, scenario: str, seconds: float, settled: bool = True) -> None:
        plan = {"settled": settled, "waited_for": "web settles"}
        self.write({"rec": "mark", "id": scenario, "phase": "close", "t": int(seconds * 1e9), "plan": plan})

    def seal(self) -> Path:
        for kind in KINDS:
            self.write({"rec": "conn", "s": kind, "t": 0, "what": "open", "from_rv": "0"})
        records = [record for _, record in read_records(self.writer.path)]
        *added, seal = finished(records)[len(records) :]
        for record in added:
            self.write(record)
        self.writer.seal(seal["frontier"], seal["closing"])
        return self.writer.path

    def write(self, record: Mapping[str, Any]) -> None:
        self.writer.write(record)

    def act(self, seconds: float, verb: str, body: Object | None = None, resource: str = "statefulsets") -> None:
        self.acts += 1
        act = {"rec": "act", "id": f"a{self.acts}", "verb": verb, "resource": resource, "ns": self.ns}
        act["name"] = self.name
        self.write({**act, "phase": "begin", "t": int(seconds * 1e9), "body": body})
        done = {"phase": "end", "t": int(seconds * 1e9) + 9_000_000, "result": {"rv": str(self.rv + 2), "code": 200}}
        self.write({**act, **done})

    def observe(self, seconds: float, verb: str, ordinal: int, marker: str) -> None:
        claim, uid = f"www-{self.name}-{ordinal}", self.uids["pods", f"{self.name}-{ordinal}"]
        found = {"claim": claim, "pod_uid": uid, "marker": marker, "content": marker}
        self.write({"rec": "obs", "t": int(seconds * 1e9), "verb": verb, "via": "http", "ns": self.ns, **found})

    def event(self, seconds: float, change: str, kind: str, name: str, meta: Object, **rest: object) -> None:
        self.rv += 2
        key = (kind, name)
        if change == "ADDED":
            self.uids[key] = f"{abs(hash_of(f'{self.rv}{name}')):08x}"
        ns = "" if kind == "persistentvolumes" else self.ns
        metadata = {"name": name, "uid": self.uids[key], "resourceVersion": str(self.rv), **meta}
        if ns:
            metadata["namespace"] = ns
        metadata["managedFields"] = [{"manager": "kube-controller-manager", "fieldsV1": {"f:spec": {}}}]
        self.writer.write_event(
            {
                "rec": "ev",
                "s": kind,
                "seq": self.rv,
                "t": int(seconds * 1e9),
                "type": change,
                "rv": str(self.rv),
                "uid": self.uids[key],
                "ns": ns,
                "name": name,
            },
            json.dumps({"metadata": metadata, **rest}).encode(),
        )

    @property
    def owner(self) -> list[Object]:
        uid = self.uids["statefulsets", self.name]
        return [{"kind": "StatefulSet", "name": self.name, "uid": uid, "controller": True}]

    def set(self, t: float, change: str, ready: int, rev: str = "old", seen: bool = True, stop: bool = False) -> None:
        meta: Object = {"generation": self.generation}
        if stop:
            meta["deletionTimestamp"] = "2026-11-22T10:01:30Z"
        template = {"metadata": {"name": "www"}, "spec": {"accessModes": ["ReadWriteOnce"]}}
        self.event(
            t,
            change,
            "statefulsets",
            self.name,
            meta,
            spec={"replicas": self.replicas, "volumeClaimTemplates": [template]},
            status={
                "replicas": self.replicas,
                "readyReplicas": ready,
                "observedGeneration": self.generation - (not seen),
                "currentRevision": REVISIONS["old"],
                "updateRevision": REVISIONS[rev],
            },
        )

    def revision(self, t: float, change: str, rev: str, number: int) -> None:
        self.event(
            t, change, "controllerrevisions", REVISIONS[rev], {"ownerReferences": self.owner}, revision=number, data={}
        )

    def pod(
        self, t: float, change: str, ordinal: int, rev: str, phase: str, ready: bool = False, stop: bool = False
    ) -> None:
        meta: Object = {"labels": {"controller-revision-hash": REVISIONS[rev]}, "ownerReferences": self.owner}
        if stop:
            meta["deletionTimestamp"] = "2026-11-22T10:01:30Z"
        name = f"{self.name}-{ordinal}"
        status = {"phase": phase, "conditions": [{"type": "Ready", "status": str(ready)}]}
        volumes = [{"name": "www", "persistentVolumeClaim": {"claimName": f"www-{name}"}}]
        self.event(t, change, "pods", name, meta, spec={"volumes": volumes}, status=status)

    def claim(self, t: float, ordinal: int) -> None:
        name, volume = f"www-{self.name}-{ordinal}", f"pvc-{ordinal}c41a7f0"
        self.event(t, "ADDED", "persistentvolumeclaims", name, {}, spec={}, status={"phase": "Pending"})
        ref = {"namespace": self.ns, "name": name, "uid": self.uids["persistentvolumeclaims", name]}
        spec = {"claimRef": ref, "nfs": {"server": "10.0.0.9", "path": f"/srv/{volume}"}}
        self.event(t + 1, "ADDED", "persistentvolumes", volume, {}, spec=spec, status={"phase": "Available"})
        self.event(t + 1.3, "MODIFIED", "persistentvolumes", volume, {}, spec=spec, status={"phase": "Bound"})
        bound = {"volumeName": volume}
        self.event(t + 1.4, "MODIFIED", "persistentvolumeclaims", name, {}, spec=bound, status={"phase": "Bound"})

    def up(self, t: float, ordinal: int, rev: str, first: bool = False) -> float:
        """The pod appears at ``t``; returns when it is Ready."""
        self.pod(t, "ADDED", ordinal, rev, "Pending")
        if first:
            self.claim(t + 0.05, ordinal)
        running = t + (3.0 if first else 1.2)
        self.pod(running, "MODIFIED", ordinal, rev, "Running")
        self.pod(running + 2.4, "MODIFIED", ordinal, rev, "Running", ready=True)
        return running + 2.4

    def down(self, t: float, ordinal: int, rev: str) -> float:
        """The pod is asked to stop at ``t``; returns when it is gone."""
        self.pod(t, "MODIFIED", ordinal, rev, "Running", ready=True, stop=True)
        self.pod(t + 1.1, "MODIFIED", ordinal, rev, "Running", stop=True)
        self.pod(t + 1.8, "DELETED", ordinal, rev, "Running", stop=True)
        return t + 1.8


def hash_of(text: str) -> int:
    """A small stable number."""
    value = 7
    for char in text:
        value = (value * 31 + ord(char)) & 0xFFFFFFFF
    return value


def partition(story: Story, obeyed: bool, scenario: str = "partition", ns: str = "stsconf-partition") -> None:
    """Create web with 3 replicas, change its template with partition 2, scale to 1, delete. If not ``obeyed``, web-1 is
    replaced too."""
    story.begin(scenario, ns)
    story.act(0.4, "apply", {"spec": {"replicas": 3}})
    story.set(0.6, "ADDED", 0)
    story.revision(0.7, "ADDED", "old", 1)
    t = 0.9
    for ordinal in range(3):
        t = story.up(t, ordinal, "old", first=True) + 0.15
        story.set(t, "MODIFIED", ordinal + 1)
    story.observe(t + 2, "write", 0, "0_a1")
    t += 4
    story.act(t, "patch", {"spec": {"updateStrategy": {"rollingUpdate": {"partition": 2}}, "template": {}}})
    story.generation += 1
    story.set(t + 0.2, "MODIFIED", 3, "new", seen=False)
    story.revision(t + 0.25, "ADDED", "new", 2)
    changed = (2,) if obeyed else (2, 1)
    t += 0.4
    for ordinal in changed:
        t = story.down(t, ordinal, "old")
        story.set(t, "MODIFIED", 2, "new")
        t = story.up(t + 0.1, ordinal, "new") + 0.1
        story.set(t, "MODIFIED", 3, "new")
        t += 0.4
    t += 3.5
    story.act(t, "scale", {"spec": {"replicas": 1}})
    story.generation, story.replicas = story.generation + 1, 1
    story.set(t + 0.2, "MODIFIED", 3, "new", seen=False)
    t += 0.4
    for ordinal in (2, 1):
        t = story.down(t, ordinal, "new" if ordinal in changed else "old") + 0.1
    story.set(t, "MODIFIED", 1, "new")
    story.observe(t + 1, "read", 0, "0_a1")
    t += 3
    story.act(t, "delete")
    story.set(t + 0.1, "MODIFIED", 1, "new", stop=True)
    t = story.down(t + 0.3, 0, "old")
    story.revision(t + 0.1, "DELETED", "new", 2)
    story.revision(t + 0.1, "DELETED", "old", 1)
    story.set(t + 0.3, "DELETED", 0, "new", stop=True)
    story.end(scenario, t + 2)
    story.generation, story.replicas = 1, 3


def _keeps_revision(timeline: Timeline) -> None:
    """Pods below the partition keep their revision."""
    for born in timeline.pods.created():
        first = timeline.pods.named(born.name)[0]
        if born is not first and born.fact.ordinal in (0, 1):
            expect(born).keeps(first, "revision", "uid")
        elif born is first:
            expect(born).has(phase="Pending")


def _claims_stay(timeline: Timeline) -> None:
    """Claims stay when the set is deleted."""
    for event in timeline.claims.created():
        expect(event).has(terminating=False)


def _nothing(timeline: Timeline) -> None:
    """Speaks about something that never happens."""


def _crash(timeline: Timeline) -> None:
    """Has a fault of its own."""
    raise RuntimeError(timeline.window.scenario + " <b> &")


def make_promise(id: str, check: Callable[[Timeline], None], level: Level = Level.DOCUMENTED) -> Promise:  # noqa: A002
    return Promise(
        id=id,
        title=(check.__doc__ or "").strip(),
        level=level,
        revision=1,
        source="https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/#partitions",
        since="1.9",
        scenarios=("partition",) if check is not _nothing else ("drain",),
        everywhere=check is not _nothing,
        passive=False,
        survives_gaps=False,
        needs=frozenset(),
        check=check,
        file="conformance/test_partition.py",
        line=1,
    )


PROMISES = (
    make_promise("PRT-02", _keeps_revision),
    make_promise("STO-05", _claims_stay),
    make_promise("REC-08", _nothing),
)
CRASH = make_promise("API-01", _crash)
IMPLEMENTATION = make_promise("PRT-09", _keeps_revision, Level.IMPLEMENTATION)


def verdicts_of(recording: Recording, *promises: Promise) -> list[Verdict]:
    return [judge(promise, recording.timelines) for promise in promises or PROMISES]


RUN = RunInfo(
    id="r-20261122-1014",
    started="2026-11-22T10:14:00Z",
    seconds=81.2,
    suite="0.1.0",
    provider="kind",
    cluster={"version": "v1.37.2", "uid": "c0ffee", "context": "kind-stsconf"},
    environment={"stand_ins": ["NFS client in user space"], "python": "3.11.2"},
    scenarios=("partition",),
    exit_code=ExitCode.VIOLATED,
)
