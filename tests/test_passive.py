"""What users do to a namespace that is only watched: a correct controller is not blamed for any of it.

Each life is made by hand. The controller in it is correct and writes its Events; everything else is done by users.
"""

import copy
import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stsconf import suite_files
from stsconf.cli.main import main
from stsconf.errors import ExitCode
from stsconf.judging.judge import judge
from stsconf.judging.promise import import_promises
from stsconf.judging.result import exit_code
from stsconf.judging.verdict import UNTRIGGERED, Outcome, Verdict
from stsconf.report.results import rejudge
from stsconf.timeline.recording import load
from tests.tape import KINDS, Record, Tape, write

PROMISES = import_promises(suite_files.conformance())
LATER = 60.0
"""Seconds in which a set comes to rest."""
REVISION = "controller-revision-hash"
TEMPLATE = {"metadata": {"labels": {"app": "nginx"}}}
CLAIM_TEMPLATE = {
    "metadata": {"name": "www"},
    "spec": {
        "storageClassName": "managed-nfs-storage",
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": "1Gi"}},
    },
}


class Life(Tape):
    """A set in a namespace of users, recorded from before it was made."""

    def __init__(self, replicas: int = 3, **spec: Any) -> None:
        super().__init__(replicas=replicas, **spec)
        self.records[0] = {"rec": "header", "run": "life", "provider": "existing"}
        self._fresh = itertools.count(1)
        self.revision = "web-1"
        self.uid = "uid-statefulsets-web"
        for kind in (*KINDS, "events"):
            self.records.append({"rec": "conn", "s": kind, "t": 0, "what": "open", "from_rv": "99"})
            listed = {"rec": "snap", "s": kind, "seq": 0, "t0": 0, "t1": 0, "rv": "99", "why": "start", "items": []}
            self.records.append(listed)
        self.add(rec="probe", domains=[list(KINDS)], how="passive", rounds=3, result="ok")

    @property
    def spec(self) -> Record:
        return dict(self.objects["statefulsets", "web"]["spec"])

    def says(self, reason: str, message: str) -> None:
        """The controller writes an Event."""
        about = {"involvedObject": {"uid": self.uid}, "reason": reason, "message": message, "count": 1}
        self.event("events", "ADDED", f"web.{next(self._fresh)}", about, 0.01)

    def made(self, **spec: Any) -> "Life":
        """The set is applied, its controller makes a revision and the Service is there."""
        self.uid = f"uid-set-{next(self._fresh)}"
        generation = {"generation": 1, "uid": self.uid}
        self.event("statefulsets", "ADDED", "web", {"metadata": generation, "spec": {**self._spec, **spec}})
        self.store(f"web-{next(self._fresh)}")
        return self

    def store(self, name: str) -> None:
        """The controller makes a revision of the template."""
        number = 1 + max(
            (r["revision"] for (kind, _), r in self.objects.items() if kind == "controllerrevisions"), default=0
        )
        owner = {"uid": self.uid, "controller": True}
        data = {"spec": {"template": self.spec["template"] | {"$patch": "replace"}}}
        made = {"metadata": {"uid": f"uid-{name}", "ownerReferences": [owner]}, "revision": number, "data": data}
        self.event("controllerrevisions", "ADDED", name, made)
        self.revision = name

    def service(self, **spec: Any) -> "Life":
        self.event("services", "ADDED", "nginx", {"spec": {"selector": {"app": "nginx"}, **spec}})
        return self

    def run(self, ordinal: int, revision: str = "", claims: bool = True) -> None:
        """The controller creates a pod, with its claims where there are none; it gets Ready."""
        name, templates = f"web-{ordinal}", self.spec.get("volumeClaimTemplates") or ()
        for template in templates if claims else ():
            if f"{template['metadata']['name']}-{name}" not in self.there("persistentvolumeclaims"):
                self.provision(template, name)
        volumes = [
            {"name": t["metadata"]["name"], "persistentVolumeClaim": {"claimName": f"{t['metadata']['name']}-{name}"}}
            for t in templates
        ]
        volumes += self.spec["template"].get("spec", {}).get("volumes", [])
        labels = {
            **self.spec["selector"]["matchLabels"],
            "statefulset.kubernetes.io/pod-name": name,
            "apps.kubernetes.io/pod-index": str(ordinal),
            REVISION: revision or self.revision,
        }
        meta = {"uid": f"uid-pod-{next(self._fresh)}", "labels": labels}
        meta["ownerReferences"] = [{"uid": self.uid, "controller": True}]
        spec = {"hostname": name, "volumes": volumes, "nodeName": "n", "terminationGracePeriodSeconds": 30}
        if self.spec.get("serviceName"):
            spec["subdomain"] = self.spec["serviceName"]
        self.event("pods", "ADDED", name, {"metadata": meta, "spec": spec, "status": {"phase": "Pending"}})
        self.says("SuccessfulCreate", f"create Pod {name} in StatefulSet web successful")
        self.pod_ready(ordinal, after=1.0)

    def provision(self, template: Record, pod: str) -> None:
        """The controller makes a claim, and a provisioner its volume."""
        name, uid = f"{template['metadata']['name']}-{pod}", f"uid-claim-{next(self._fresh)}"
        spec, labels = copy.deepcopy(template["spec"]), self.spec["selector"]["matchLabels"]
        self.event("persistentvolumeclaims", "ADDED", name, {"metadata": {"uid": uid, "labels": labels}, "spec": spec})
        reference = {"namespace": "ns", "name": name, "uid": uid}
        volume = {
            "metadata": {"uid": f"uid-pv-{uid}"},
            "spec": {
                "capacity": spec["resources"]["requests"],
                "accessModes": spec["accessModes"],
                "storageClassName": spec.get("storageClassName"),
                "claimRef": reference,
                "nfs": {"server": "10.96.0.49", "path": f"/export/{uid}"},
            },
        }
        self.event("persistentvolumes", "ADDED", f"pv-{uid}", volume)
        bound = {"spec": {"volumeName": f"pv-{uid}"}, "status": {"phase": "Bound"}}
        self.change("persistentvolumeclaims", name, bound)

    def there(self, kind: str) -> list[str]:
        """Names of the objects of a kind that are there."""
        return [name for known, name in self.objects if known == kind]

    def delete(self, kind: str, name: str, after: float = 0.1) -> Record:
        gone = super().delete(kind, name, after)
        del self.objects[kind, name]
        return gone

    def end(self, ordinal: int, *, by_controller: bool = False, grace: int = 30, **status: Any) -> None:
        """Somebody asks a pod to stop, and it is gone."""
        name = f"web-{ordinal}"
        if status:
            self.change("pods", name, {"status": status})
        going = {"deletionTimestamp": "2026-11-24T20:13:00Z", "deletionGracePeriodSeconds": grace}
        self.change("pods", name, {"metadata": going}, after=LATER)
        if by_controller:
            self.says("SuccessfulDelete", f"delete Pod {name} in StatefulSet web successful")
        self.delete("pods", name, after=2.0)

    def ask(self, **spec: Any) -> None:
        """A user changes the spec."""
        generation = self.objects["statefulsets", "web"]["metadata"]["generation"] + 1
        self.change("statefulsets", "web", {"metadata": {"generation": generation}, "spec": spec}, after=LATER)
        self.set_status()

    def rests(self, current: str = "", updated: int | None = None) -> "Life":
        """The status says that all is done."""
        pods = len(self.there("pods"))
        ready = dict.fromkeys(("replicas", "readyReplicas", "availableReplicas", "currentReplicas"), pods)
        ready["updatedReplicas"] = pods if updated is None else updated
        if updated is not None:
            ready["currentReplicas"] = pods - updated
        self.set_status(**ready, currentRevision=current or self.revision, updateRevision=self.revision)
        self.seconds += LATER
        self.set_status()
        return self

    def up(self, **spec: Any) -> "Life":
        """The set is made and comes to rest."""
        self.made(**spec)
        for ordinal in range(self.spec["replicas"]):
            self.run(ordinal)
        return self.rests()

    def verdicts(self, tmp_path: Path) -> dict[str, Verdict]:
        timelines = self.recording(tmp_path / "life.ndjson").timelines
        return {promise.id: judge(promise, timelines) for promise in PROMISES.values() if not promise.on_request}


LIVES: dict[str, Callable[[], Life]] = {}


def life(row: str) -> Callable[[Callable[[], Life]], Callable[[], Life]]:
    """Register a life by what its users do; ``row`` is the kind it is of."""

    def register(make: Callable[[], Life]) -> Callable[[], Life]:
        LIVES[f"{row}: {make.__name__.replace('_', ' ')}"] = make
        return make

    return register


@life("nothing")
def a_set_is_applied_and_runs() -> Life:
    return Life().service().up()


@life("nothing")
def a_set_is_applied_without_claims() -> Life:
    return Life().service().up(volumeClaimTemplates=[])


@life("kubectl delete pod")
def one_pod_is_deleted() -> Life:
    tape = Life().service().up()
    tape.end(1)
    tape.run(1)
    return tape.rests()


@life("kubectl delete pod")
def all_pods_are_deleted_by_label() -> Life:
    tape = Life().service().up()
    going = {"deletionTimestamp": "2026-11-24T20:13:00Z", "deletionGracePeriodSeconds": 30}
    for name in ("web-0", "web-1", "web-2"):
        tape.change("pods", name, {"metadata": going})
    for ordinal in range(3):
        tape.delete("pods", f"web-{ordinal}", after=2.0)
    for ordinal in range(3):
        tape.run(ordinal)
    return tape.rests()


@life("kubectl delete pod")
def a_pod_is_deleted_with_force() -> Life:
    tape = Life().service().up()
    tape.end(2, grace=0)
    tape.run(2)
    return tape.rests()


@life("kubectl delete pod")
def the_same_pod_is_deleted_three_times() -> Life:
    tape = Life().service().up()
    for _ in range(3):
        tape.end(0)
        tape.run(0)
        tape.rests()
    return tape


@life("kubectl delete pod")
def a_pod_and_its_claim_are_deleted() -> Life:
    tape = Life().service().up()
    tape.delete("persistentvolumeclaims", "www-web-1")
    tape.end(1)
    tape.run(1)
    return tape.rests()


def rolled(tape: Life, *ordinals: int, by_controller: bool = True) -> Life:
    """Pods are replaced by ones of the newest revision."""
    for ordinal in ordinals:
        tape.end(ordinal, by_controller=by_controller)
        tape.run(ordinal)
    return tape


def new_image(tape: Life, **spec: Any) -> str:
    """A user sets another image; what the revision before was called is returned."""
    before = tape.revision
    tape.ask(template={**TEMPLATE, "spec": {"containers": [{"name": "c", "image": f"i:{len(tape.records)}"}]}}, **spec)
    tape.store(f"web-{next(tape._fresh)}")
    return before


@life("OnDelete")
def pods_are_deleted_by_hand_after_a_new_image() -> Life:
    tape = Life().service().up(updateStrategy={"type": "OnDelete"})
    new_image(tape)
    return rolled(tape, 0, 2, 1, by_controller=False).rests()


@life("OnDelete")
def only_one_pod_is_deleted_by_hand_after_a_new_image() -> Life:
    tape = Life().service().up(updateStrategy={"type": "OnDelete"})
    before = new_image(tape)
    return rolled(tape, 1, by_controller=False).rests(before, updated=1)


@life("OnDelete")
def a_pod_is_evicted_after_a_new_image() -> Life:
    tape = Life().service().up(updateStrategy={"type": "OnDelete"})
    before = new_image(tape)
    tape.end(1, conditions=[{"type": "DisruptionTarget", "status": "True", "reason": "EvictionByEvictionAPI"}])
    tape.run(1)
    return tape.rests(before, updated=1)


def staged() -> tuple[Life, str]:
    tape = Life().service().up(updateStrategy={"type": "RollingUpdate", "rollingUpdate": {"partition": 2}})
    before = new_image(tape)
    rolled(tape, 2).rests(before, updated=1)
    return tape, before


@life("partition")
def a_pod_below_it_is_deleted() -> Life:
    tape, before = staged()
    tape.end(0)
    tape.run(0, before)
    return tape.rests(before, updated=1)


@life("partition")
def a_pod_below_it_is_drained() -> Life:
    tape, before = staged()
    tape.end(1, conditions=[{"type": "DisruptionTarget", "status": "True", "reason": "EvictionByEvictionAPI"}])
    tape.run(1, before)
    return tape.rests(before, updated=1)


@life("partition")
def it_is_raised_and_a_pod_is_deleted() -> Life:
    tape, before = staged()
    tape.ask(updateStrategy={"type": "RollingUpdate", "rollingUpdate": {"partition": 3}})
    tape.rests(before, updated=1)
    tape.end(1)
    tape.run(1, before)
    return tape.rests(before, updated=1)


def scaled_up() -> Life:
    tape = Life(replicas=2).service().up()
    tape.ask(replicas=3)
    tape.run(2)
    return tape.rests()


@life("scale up")
def a_pod_is_deleted_later() -> Life:
    return rolled(scaled_up(), 0, by_controller=False).rests()


@life("scale up")
def a_pod_is_evicted_later() -> Life:
    tape = scaled_up()
    tape.end(1, conditions=[{"type": "DisruptionTarget", "status": "True", "reason": "EvictionByEvictionAPI"}])
    tape.run(1)
    return tape.rests()


@life("scale up")
def a_pod_fails_later() -> Life:
    tape = scaled_up()
    tape.end(1, by_controller=True, phase="Failed", conditions=[])
    tape.run(1)
    return tape.rests()


@life("scale up")
def a_pod_is_deleted_with_force_later() -> Life:
    tape = scaled_up()
    tape.end(0, grace=0)
    tape.run(0)
    return tape.rests()


def unmade(tape: Life, *, cascade: bool = True) -> Life:
    """The set is deleted in the background; the garbage collector ends its pods."""
    tape.delete("statefulsets", "web", after=LATER)
    for name in list(tape.there("pods")) if cascade else ():
        tape.end(int(name[-1]))
    for name in tape.there("controllerrevisions") if cascade else ():
        tape.delete("controllerrevisions", name)
    return tape


@life("kubectl delete -f")
def the_set_and_its_service_are_deleted() -> Life:
    tape = unmade(Life().service().up())
    tape.delete("services", "nginx")
    return tape


@life("kubectl delete -f")
def the_service_is_deleted_first() -> Life:
    tape = Life().service().up()
    tape.delete("services", "nginx")
    return unmade(tape)


@life("kubectl delete -f")
def the_namespace_is_deleted() -> Life:
    tape = Life().service().up()
    going = {"deletionTimestamp": "2026-11-24T20:13:00Z", "deletionGracePeriodSeconds": 30}
    for name in ("web-1", "web-0", "web-2"):
        tape.change("pods", name, {"metadata": going}, after=0.01)
    for name in tape.there("persistentvolumeclaims"):
        tape.delete("persistentvolumeclaims", name, after=0.01)
    tape.delete("services", "nginx", after=0.01)
    for name in tape.there("controllerrevisions"):
        tape.delete("controllerrevisions", name, after=0.01)
    tape.delete("statefulsets", "web", after=0.01)
    for name in tape.there("pods"):
        tape.delete("pods", name, after=1.0)
    return tape


@life("kubectl delete -f")
def the_set_is_deleted_in_the_foreground() -> Life:
    tape = Life().service().up()
    going = {"deletionTimestamp": "2026-11-24T20:13:00Z", "finalizers": ["foregroundDeletion"]}
    tape.change("statefulsets", "web", {"metadata": {**going, "generation": 2}}, after=LATER)
    for ordinal in range(3):
        tape.end(ordinal)
    tape.delete("statefulsets", "web")
    return tape


@life("claims deleted")
def those_of_removed_pods() -> Life:
    tape = Life().service().up()
    tape.ask(replicas=1)
    for ordinal in (2, 1):
        tape.end(ordinal, by_controller=True)
    tape.rests()
    for ordinal in (1, 2):
        tape.delete("persistentvolumeclaims", f"www-web-{ordinal}", after=LATER)
    return tape


@life("claims deleted")
def all_after_the_set() -> Life:
    tape = unmade(Life().service().up())
    for name in tape.there("persistentvolumeclaims"):
        tape.delete("persistentvolumeclaims", name, after=LATER)
    return tape


@life("claims deleted")
def one_after_the_set_that_is_made_again() -> Life:
    tape = unmade(Life().service().up())
    tape.delete("persistentvolumeclaims", "www-web-1", after=LATER)
    return tape.up()


@life("claims changed")
def one_is_grown() -> Life:
    tape = Life().service().up()
    tape.change("persistentvolumeclaims", "www-web-1", {"spec": {"resources": {"requests": {"storage": "5Gi"}}}})
    return tape.rests()


@life("claims changed")
def one_is_grown_and_its_volume_follows() -> Life:
    tape = Life().service().up()
    claim = tape.change(
        "persistentvolumeclaims", "www-web-0", {"spec": {"resources": {"requests": {"storage": "5Gi"}}}}
    )
    tape.change("persistentvolumes", claim["spec"]["volumeName"], {"spec": {"capacity": {"storage": "5Gi"}}})
    return rolled(tape, 0, by_controller=False).rests()


@life("claims changed")
def an_operator_owns_them() -> Life:
    tape = Life().service().up()
    for name in tape.there("persistentvolumeclaims"):
        tape.change("persistentvolumeclaims", name, {"metadata": {"ownerReferences": [{"uid": "uid-operator"}]}})
    return tape.rests()


@life("claims changed")
def an_operator_controls_them() -> Life:
    tape = Life().service().up()
    owner = {"uid": "uid-operator", "controller": True}
    for name in tape.there("persistentvolumeclaims"):
        tape.change("persistentvolumeclaims", name, {"metadata": {"ownerReferences": [owner]}})
    return tape.rests()


def orphaned(tape: Life) -> Life:
    """The set is deleted and leaves its pods behind."""
    going = {"deletionTimestamp": "2026-11-24T20:13:00Z", "finalizers": ["orphan"], "generation": 2}
    tape.change("statefulsets", "web", {"metadata": going}, after=LATER)
    for kind in ("controllerrevisions", "pods"):
        for name in tape.there(kind):
            tape.change(kind, name, {"metadata": {"ownerReferences": []}})
    tape.delete("statefulsets", "web")
    return tape


def adopted(tape: Life, **spec: Any) -> Life:
    """The set is applied again and adopts the pods."""
    tape.seconds += LATER
    tape.uid, before = f"uid-set-{next(tape._fresh)}", tape.revision
    meta = {"generation": 1, "uid": tape.uid}
    tape.event("statefulsets", "ADDED", "web", {"metadata": meta, "spec": {**tape._spec, **spec}})
    owner = [{"uid": tape.uid, "controller": True}]
    for kind in ("controllerrevisions", "pods"):
        for name in tape.there(kind):
            tape.change(kind, name, {"metadata": {"ownerReferences": owner}})
    tape.rests(before)
    return tape


@life("orphan, apply")
def later_another_image() -> Life:
    tape = adopted(orphaned(Life().service().up()))
    new_image(tape)
    return rolled(tape, 2, 1, 0).rests()


@life("orphan, apply")
def with_a_larger_claim_template() -> Life:
    larger = copy.deepcopy(CLAIM_TEMPLATE)
    larger["spec"] |= {"resources": {"requests": {"storage": "5Gi"}}}
    return adopted(orphaned(Life().service().up()), volumeClaimTemplates=[larger])


@life("orphan, apply")
def with_another_class_and_one_more_replica() -> Life:
    other = copy.deepcopy(CLAIM_TEMPLATE)
    other["spec"] |= {"storageClassName": "fast"}
    tape = adopted(orphaned(Life().service().up()), volumeClaimTemplates=[other], replicas=4)
    tape.run(3)
    return tape.rests()


@life("orphan, apply")
def later_a_pod_is_deleted() -> Life:
    return rolled(adopted(orphaned(Life().service().up())), 1, by_controller=False).rests()


@life("made again")
def with_another_claim_template() -> Life:
    tape = unmade(Life().service().up())
    data = copy.deepcopy(CLAIM_TEMPLATE)
    data["metadata"] = {"name": "data"}
    return tape.up(volumeClaimTemplates=[data])


@life("made again")
def with_another_service() -> Life:
    tape = unmade(Life().service().up())
    return tape.up(serviceName="other")


@life("made again")
def without_claim_templates() -> Life:
    tape = unmade(Life().service().up())
    return tape.up(volumeClaimTemplates=[])


@life("made again")
def with_another_selector() -> Life:
    tape = unmade(Life().service().up())
    labels = {"app": "web", "tier": "front"}
    return tape.up(selector={"matchLabels": labels}, template={"metadata": {"labels": labels}})


def publish(tape: Life, *endpoints: tuple[str, bool]) -> Life:
    """The Service answers with these, ready or not."""
    change = "MODIFIED" if ("endpointslices", "nginx-1") in tape.objects else "ADDED"
    found = [
        {"hostname": n, "addresses": [f"10.0.0.{n[-1]}"], "conditions": {"ready": ready}} for n, ready in endpoints
    ]
    labels = {"kubernetes.io/service-name": "nginx"}
    tape.event("endpointslices", change, "nginx-1", {"metadata": {"labels": labels}, "endpoints": found})
    return tape


@life("Service")
def it_publishes_pods_that_are_not_ready() -> Life:
    tape = Life(replicas=1).service(publishNotReadyAddresses=True).made()
    publish(tape, ("web-0", True))
    tape.run(0)
    return tape.rests()


@life("Service")
def it_selects_the_pods_of_two_sets() -> Life:
    return publish(Life().service().up(), ("web-0", True), ("other-0", True), ("other-1", True))


@life("Service")
def it_selects_a_pod_without_a_set() -> Life:
    return publish(Life().service().up(), ("debug", True), ("web-0", True))


@life("Service")
def there_is_none() -> Life:
    spec = {"serviceName": None}
    return Life().up(**spec)


@life("Service")
def its_name_is_empty() -> Life:
    return rolled(Life().up(serviceName=""), 0, by_controller=False).rests()


FIXED = {
    **TEMPLATE,
    "spec": {"volumes": [{"name": "shared", "persistentVolumeClaim": {"claimName": "team-data"}}]},
}


@life("a fixed claim")
def scaled_down() -> Life:
    tape = Life().service().up(template=FIXED)
    tape.ask(replicas=2)
    tape.end(2, by_controller=True)
    return tape.rests()


@life("a fixed claim")
def scaled_down_and_up() -> Life:
    tape = Life().service().up(template=FIXED)
    tape.ask(replicas=2)
    tape.end(2, by_controller=True)
    tape.rests()
    tape.ask(replicas=3)
    tape.run(2)
    return tape.rests()


@life("a fixed claim")
def updated_to_another() -> Life:
    tape = Life().service().up(template=FIXED)
    other = {"name": "shared", "persistentVolumeClaim": {"claimName": "other-data"}}
    tape.ask(template={**TEMPLATE, "spec": {"volumes": [other]}})
    tape.store("web-next")
    return rolled(tape, 2, 1, 0).rests()


@life("a fixed claim")
def a_pod_is_deleted_that_mounts_it() -> Life:
    return rolled(Life().service().up(template=FIXED), 1, by_controller=False).rests()


def of_class(name: str | None, size: str = "1Gi") -> Record:
    template = copy.deepcopy(CLAIM_TEMPLATE)
    template["spec"] |= {"storageClassName": name, "resources": {"requests": {"storage": size}}}
    return template


@life("storage")
def the_class_is_empty() -> Life:
    return Life().service().up(volumeClaimTemplates=[of_class("")])


@life("storage")
def no_class_is_asked_for() -> Life:
    return Life().service().up(volumeClaimTemplates=[of_class(None)])


@life("storage")
def the_size_is_in_thousandths() -> Life:
    return Life().service().up(volumeClaimTemplates=[of_class("fast", "500m")])


KEPT_UNTIL_DELETED = {"whenDeleted": "Delete", "whenScaled": "Retain"}


def with_retention() -> Life:
    tape = Life().service().made(persistentVolumeClaimRetentionPolicy=KEPT_UNTIL_DELETED)
    for ordinal in range(3):
        tape.run(ordinal)
        owner = [{"uid": tape.uid}]
        tape.change("persistentvolumeclaims", f"www-web-{ordinal}", {"metadata": {"ownerReferences": owner}})
    return tape.rests()


@life("retention")
def scaled_down_then_deleted() -> Life:
    tape = with_retention()
    tape.ask(replicas=1)
    for ordinal in (2, 1):
        tape.end(ordinal, by_controller=True)
    unmade(tape.rests())
    for name in tape.there("persistentvolumeclaims"):
        tape.delete("persistentvolumeclaims", name)
    return tape


@life("retention")
def scaled_to_zero_then_deleted() -> Life:
    tape = with_retention()
    tape.ask(replicas=0)
    for ordinal in (2, 1, 0):
        tape.end(ordinal, by_controller=True)
    unmade(tape.rests())
    for name in tape.there("persistentvolumeclaims"):
        tape.delete("persistentvolumeclaims", name)
    return tape


@life("retention")
def deleted_and_made_again() -> Life:
    tape = unmade(with_retention())
    for name in tape.there("persistentvolumeclaims"):
        tape.delete("persistentvolumeclaims", name)
    return tape.up()


def restart(tape: Life) -> Life:
    annotated = {"metadata": {"labels": {"app": "nginx"}, "annotations": {"kubectl.kubernetes.io/restartedAt": "now"}}}
    tape.ask(template=annotated)
    tape.store("web-restarted")
    return tape


@life("restart")
def every_pod_is_replaced() -> Life:
    return rolled(restart(Life().service().up()), 2, 1, 0).rests()


BLAMED = (Outcome.VIOLATED, Outcome.DIFFERS, Outcome.ERROR)
BY_NOBODY_KNOWN = {
    "kubectl delete pod: a pod and its claim are deleted": {"PVR-07"},
    "kubectl delete -f: the namespace is deleted": {"REV-07", "MXU-01", "UPD-03", "UPD-04", "UPD-06", "UPD-08"},
    "claims deleted: those of removed pods": {"SDN-07"},
    "claims deleted: all after the set": {"DEL-13"},
    "claims deleted: one after the set that is made again": {"DEL-13"},
}
"""Lives in which nothing tells who ended a claim, a revision, or a Pod just before the recording ended."""


@pytest.mark.parametrize("name", LIVES)
def test_what_users_do_is_no_fault_of_the_controller(name: str, tmp_path: Path) -> None:
    verdicts = LIVES[name]().verdicts(tmp_path)
    assert not [verdict.explain() for verdict in verdicts.values() if verdict.outcome in BLAMED]
    unknown = {each for each, verdict in verdicts.items() if verdict.outcome is Outcome.INCONCLUSIVE}
    assert unknown == BY_NOBODY_KNOWN.get(name, set())
    assert exit_code(verdicts.values()) is (ExitCode.INCONCLUSIVE if unknown else ExitCode.HOLDS)


def judged(tape: Life, promise: str, tmp_path: Path) -> Outcome:
    return tape.verdicts(tmp_path)[promise].outcome


@pytest.mark.parametrize(
    ("name", "promises"),
    [
        ("kubectl delete pod: one pod is deleted", ["REC-03", "PVR-07"]),
        ("kubectl delete pod: all pods are deleted by label", ["ORD-11", "REC-03"]),
        ("OnDelete: pods are deleted by hand after a new image", ["OND-02"]),
        ("partition: a pod below it is deleted", ["PRT-03"]),
        ("kubectl delete -f: the set is deleted in the foreground", ["DEL-02", "DEL-06", "DEL-16"]),
        ("kubectl delete -f: the set and its service are deleted", ["DEL-01", "DEL-02", "DEL-16"]),
        ("orphan, apply: later another image", ["ADP-02", "DEL-09", "DEL-10", "UPD-08"]),
        ("restart: every pod is replaced", ["UPD-17"]),
    ],
)
def test_what_users_do_is_judged(name: str, promises: list[str], tmp_path: Path) -> None:
    verdicts = LIVES[name]().verdicts(tmp_path)
    assert {each: verdicts[each].outcome for each in promises} == dict.fromkeys(promises, Outcome.HOLDS)


def stopped_by_its_controller() -> Life:
    """The controller stops a pod for no reason, and says so."""
    return rolled(Life().service().up(), 1).rests()


def test_a_pod_that_the_controller_says_it_stopped_is_its_own_doing(tmp_path: Path) -> None:
    assert judged(stopped_by_its_controller(), "UPD-08", tmp_path) is Outcome.VIOLATED


def test_where_the_controller_writes_no_events_nobody_knows_who_stopped_a_pod(tmp_path: Path) -> None:
    tape = LIVES["kubectl delete pod: one pod is deleted"]()
    tape.records = [r for r in tape.records if not (r["rec"] == "ev" and r["s"] == "events")]
    assert judged(tape, "UPD-08", tmp_path) is Outcome.INCONCLUSIVE


def test_where_so_many_events_were_written_that_some_were_dropped_nobody_knows_either(tmp_path: Path) -> None:
    tape = Life().service().up()
    for _ in range(25):
        tape.says("FailedCreate", "create Pod web-3 in StatefulSet web failed")
    tape.end(1)
    tape.run(1)
    assert judged(tape.rests(), "UPD-08", tmp_path) is Outcome.INCONCLUSIVE


def test_an_event_may_still_come_when_the_recording_ends(tmp_path: Path) -> None:
    tape = Life().service().up()
    going = {"deletionTimestamp": "2026-11-24T20:13:00Z", "deletionGracePeriodSeconds": 30}
    tape.change("pods", "web-1", {"metadata": going})
    assert judged(tape, "UPD-08", tmp_path) is Outcome.INCONCLUSIVE


def test_under_on_delete_the_controllers_own_update_is_blamed(tmp_path: Path) -> None:
    tape = Life().service().up(updateStrategy={"type": "OnDelete"})
    new_image(tape)
    assert judged(rolled(tape, 2, 1, 0).rests(), "OND-01", tmp_path) is Outcome.VIOLATED


def test_a_pod_replaced_by_its_controller_while_scaling_up_is_blamed(tmp_path: Path) -> None:
    assert judged(rolled(scaled_up(), 0).rests(), "ORD-06", tmp_path) is Outcome.VIOLATED


def test_an_adopted_pod_that_the_controller_restarts_is_blamed(tmp_path: Path) -> None:
    tape = rolled(adopted(orphaned(Life().service().up())), 1).rests()
    assert judged(tape, "ADP-02", tmp_path) is Outcome.VIOLATED


def test_a_claim_that_refers_to_the_set_under_retain_is_blamed(tmp_path: Path) -> None:
    tape = Life().service().up()
    reference = [{"uid": tape.uid}, {"uid": "uid-operator"}]
    tape.change("persistentvolumeclaims", "www-web-1", {"metadata": {"ownerReferences": reference}})
    assert judged(tape.rests(), "PVR-01", tmp_path) is Outcome.VIOLATED


@pytest.mark.parametrize("promise", ["STO-01", "IDN-07"])
def test_in_a_second_life_pods_must_be_of_that_life(promise: str, tmp_path: Path) -> None:
    """A pod of the second set that has the Service and the claims of the first is wrong."""
    tape = unmade(Life().service().up())
    data = {**CLAIM_TEMPLATE, "metadata": {"name": "data"}}
    tape.up(serviceName="other", volumeClaimTemplates=[data])
    (made,) = [r for r in tape.records if r["rec"] == "ev" and r["s"] == "pods" and r["type"] == "ADDED"][-1:]
    name = made["name"]
    made["obj"]["spec"]["subdomain"] = "nginx"
    made["obj"]["spec"]["volumes"] = [{"name": "www", "persistentVolumeClaim": {"claimName": f"www-{name}"}}]
    assert judged(tape, promise, tmp_path) is Outcome.VIOLATED


def test_a_claim_smaller_than_its_template_is_blamed(tmp_path: Path) -> None:
    tape = Life(replicas=1).service().made()
    tape.provision({**CLAIM_TEMPLATE, "spec": of_class("managed-nfs-storage", "1Mi")["spec"]}, "web-0")
    tape.run(0)
    assert judged(tape.rests(), "STO-04", tmp_path) is Outcome.VIOLATED


def test_a_pod_that_is_not_ready_behind_an_ordinary_service_is_blamed(tmp_path: Path) -> None:
    tape = Life(replicas=1).service().made()
    tape.provision(CLAIM_TEMPLATE, "web-0")
    tape.run(0)
    tape.pod_ready(0, ready=False)
    tape.seconds += LATER
    assert judged(publish(tape, ("web-0", True)), "IDN-11", tmp_path) is Outcome.VIOLATED


def test_a_pod_that_a_restart_leaves_as_it_was_is_blamed(tmp_path: Path) -> None:
    tape = rolled(restart(Life().service().up()), 2, 1).rests()
    assert judged(tape, "UPD-17", tmp_path) is Outcome.VIOLATED


def test_a_restart_that_the_recording_hides_is_not_judged(tmp_path: Path) -> None:
    tape = LIVES["restart: every pod is replaced"]()
    for record in tape.records:
        template = (record.get("obj") or {}).get("spec", {}).get("template", {})
        if annotations := template.get("metadata", {}).get("annotations"):
            annotations.clear()
            annotations["redacted"] = "redacted:0123456789abcdef"
    verdict = tape.verdicts(tmp_path)["UPD-17"]
    assert (verdict.outcome, verdict.note) == (Outcome.NOT_JUDGED, UNTRIGGERED)


@pytest.mark.parametrize("promise", ["STO-06", "SDN-09"])
def test_nothing_is_said_about_content_that_was_not_read(promise: str, tmp_path: Path) -> None:
    tape = LIVES["a fixed claim: scaled down and up"]()
    assert judged(tape, promise, tmp_path) is Outcome.NOT_APPLICABLE


def test_what_nothing_triggered_is_told_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(LIVES["nothing: a set is applied and runs"]().records, tmp_path / "run.ndjson")
    assert main(["judge", str(path)]) == ExitCode.HOLDS
    told = capsys.readouterr().out
    assert told.count("Nothing in this recording triggered") == 1
    assert "which was not recorded" not in told
    assert "UPD-01 " not in told


def recorded(cluster: str, started: str, path: Path) -> Path:
    tape = LIVES["nothing: a set is applied and runs"]()
    tape.records[0] |= {"cluster": cluster, "started": started, "server": {"gitVersion": "v1.37.2"}}
    return write(tape.records, path)


def test_recordings_of_different_clusters_are_never_one_verdict(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recorded("one", "2026-01-02T03:04:05+00:00", tmp_path / "a.ndjson")
    recorded("two", "2026-01-02T03:04:05+00:00", tmp_path / "b.ndjson")
    assert main(["judge", str(tmp_path)]) == ExitCode.USAGE
    told = " ".join(capsys.readouterr().err.split())
    for words in ("cluster one", "cluster two", "Judge them one by one."):
        assert words in told


def test_recordings_of_one_cluster_are_judged_together_and_listed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recorded("one", "2026-01-02T03:04:05+00:00", tmp_path / "a.ndjson")
    recorded("one", "2026-01-03T03:04:05+00:00", tmp_path / "b.ndjson")
    assert main(["judge", str(tmp_path)]) == ExitCode.HOLDS
    assert capsys.readouterr().out.count("Judged: ") == 2


def test_date_and_length_are_those_of_the_recording(tmp_path: Path) -> None:
    path = recorded("one", "2026-01-02T03:04:05+00:00", tmp_path / "a.ndjson")
    recording = load(path)
    info = rejudge([recording], [PROMISES["ORD-02"]], tmp_path).info()
    assert (info.started, info.seconds) == ("2026-01-02T03:04:05+00:00", recording.seconds)
    assert recording.seconds > LATER
