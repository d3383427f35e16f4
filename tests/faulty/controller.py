"""A StatefulSet controller as the documentation describes it, as a pure function from what is there to what to do.

Written from the concept page, the tutorial, the task pages and the API reference of apps/v1, not from the source of
kube-controller-manager. Every decision is a method of its own, so that a fault (``faults.py``) is one of them done
wrong. Only pods, claims and revisions are acted on; what a deletion of the set removes is the garbage collector's.
"""

import copy
import hashlib
import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from tests.faulty.objects import (
    INDEX_LABEL,
    NAME_LABEL,
    REVISION_LABEL,
    Object,
    Raw,
    controller_of,
    is_finished,
    is_terminating,
    labels_of,
    merged,
    name_of,
    ordinal_of,
    owners_of,
    phase_of,
    ready_since,
    reference,
    revision_of,
    selects,
    uid_of,
)

REVISION_HASH_LABEL = "controller.kubernetes.io/hash"


@dataclass(frozen=True, slots=True)
class Create:
    """Create an object in the set's namespace. ``pod``: the name of the pod that a claim is for."""

    body: Object
    pod: str = ""


@dataclass(frozen=True, slots=True)
class Delete:
    """Delete this very object. ``grace`` in seconds; ``None`` leaves it to the object."""

    kind: str
    name: str
    uid: str
    grace: int | None = None


@dataclass(frozen=True, slots=True)
class Patch:
    """Merge-patch an object. ``adopts``: only while the set, read again, exists and is not being deleted."""

    kind: str
    name: str
    body: Object
    adopts: bool = False


@dataclass(frozen=True, slots=True)
class WriteStatus:
    """Merge-patch the set's status."""

    status: Object


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing more can be done before something happens, or before this many seconds are over."""

    seconds: float | None = None


Action = Create | Delete | Patch | WriteStatus | Wait


def delete(obj: Raw, grace: int | None = None) -> Delete:
    return Delete(obj["kind"], name_of(obj), uid_of(obj), grace)


@dataclass(frozen=True)
class View:
    """One set and what is in its namespace, as last seen. ``now`` is in seconds since 1970."""

    set: Object
    all_pods: Mapping[str, Object]
    claims: Mapping[str, Object]
    all_revisions: Mapping[str, Object]
    now: float

    @property
    def name(self) -> str:
        return name_of(self.set)

    @property
    def uid(self) -> str:
        return uid_of(self.set)

    @property
    def spec(self) -> Object:
        spec: Object = self.set["spec"]
        return spec

    @property
    def status(self) -> Object:
        return self.set.get("status") or {}

    @property
    def replicas(self) -> int:
        return int(self.spec.get("replicas", 1))

    def after(self, steps: Iterable[Action]) -> "View":
        """What the set's pods will be once these steps are done, as far as they decide it."""
        pods = dict(self.all_pods)
        for step in steps:
            if isinstance(step, Create) and step.body["kind"] == "Pod":
                pods.setdefault(name_of(step.body), merged(step.body, {"metadata": {"uid": ""}}))
            elif isinstance(step, Delete) and step.kind == "Pod":
                pods[step.name] = merged(pods[step.name], {"metadata": {"deletionTimestamp": "now"}})
        return replace(self, all_pods=pods)

    @property
    def claim_templates(self) -> Sequence[Object]:
        return self.spec.get("volumeClaimTemplates") or ()

    @cached_property
    def pods(self) -> dict[int, Object]:
        """The set's pods by ordinal, ascending; terminating and excess ones included."""
        mine = {ordinal_of(n, self.name): p for n, p in self.all_pods.items() if controller_of(p) == self.uid}
        return {o: mine[o] for o in sorted(o for o in mine if o is not None)}

    @cached_property
    def revisions(self) -> list[Object]:
        """The set's revisions, oldest number first."""
        mine = (r for r in self.all_revisions.values() if controller_of(r) == self.uid)
        return sorted(mine, key=lambda r: (r["revision"], name_of(r)))


@dataclass(frozen=True)
class Plan:
    """A view, and the two revisions between which the set is."""

    view: View
    current: Object
    update: Object


Phase = Callable[["Controller", Plan], list[Action]]


class Controller:
    """The correct one. Its answers depend on the view alone."""

    def reconcile(self, view: View) -> list[Action]:
        """What to do now, in order; nothing more is to be done before the results can be seen."""
        if self.stands_aside(view):
            plan = self.plan(view)
            return self.report(plan) if plan else []
        if steps := [*self.adopt(view), *self.release(view)] or self.record_template(view):
            return steps
        if (plan := self.plan(view)) is None:
            return []
        steps = self.act(plan)
        return [*steps, *self.report(replace(plan, view=view.after(steps))), *self.prune(plan)]

    def stands_aside(self, view: View) -> bool:
        """A set that is being deleted is left to the garbage collector."""
        return is_terminating(view.set)

    def act(self, plan: Plan) -> list[Action]:
        """First the pods that are wanted, then those that are not, then the rollout; Recreate comes before all that."""
        if steps := self.recreate(plan):
            return steps
        for phase in self.phases():
            steps += phase(self, plan)
            if steps and self.ordered(plan.view):
                break
        return steps

    def phases(self) -> Sequence[Phase]:
        return (type(self).fill, type(self).shrink, type(self).roll)

    def ordered(self, view: View) -> bool:
        return bool(view.spec.get("podManagementPolicy", "OrderedReady") == "OrderedReady")

    # Whose pods and revisions.

    def adopt(self, view: View) -> list[Action]:
        """Matching orphans become the set's own, as they are."""
        found = [*(p for p in view.all_pods.values() if self.adoptable(view, p)), *self.orphan_revisions(view)]
        body: Object = {"metadata": {"ownerReferences": [reference(view.set)]}}
        return [Patch(orphan["kind"], name_of(orphan), body, adopts=True) for orphan in found]

    def adoptable(self, view: View, pod: Raw) -> bool:
        named = ordinal_of(name_of(pod), view.name) is not None
        return named and controller_of(pod) is None and not is_terminating(pod) and selects(view.set, pod)

    def orphan_revisions(self, view: View) -> list[Object]:
        return [
            r
            for r in view.all_revisions.values()
            if controller_of(r) is None and not is_terminating(r) and selects(view.set, r)
        ]

    def release(self, view: View) -> list[Action]:
        """Pods whose labels no longer match are the set's no more."""
        return [
            Patch("Pod", name_of(p), {"metadata": {"ownerReferences": _without(owners_of(p), view.uid)}})
            for p in view.pods.values()
            if not selects(view.set, p) and not is_terminating(p)
        ]

    # Revisions.

    def template_data(self, view: View) -> Object:
        """What a revision stores: the pod template, as the patch that restores it."""
        return {"spec": {"template": {**view.spec["template"], "$patch": "replace"}}}

    def record_template(self, view: View) -> list[Action]:
        """See that the revision with the highest number is the template as it is now."""
        data = self.template_data(view)
        number = view.revisions[-1]["revision"] + 1 if view.revisions else 1
        known = self.known_revision(view, data)
        if known is not None:
            return [] if known is view.revisions[-1] else self.reuse(known, number)
        collisions = view.status.get("collisionCount") or 0
        text = json.dumps(data, sort_keys=True) + (str(collisions) if collisions else "")
        digest = hashlib.sha256(text.encode()).hexdigest()[:10]
        if f"{view.name}-{digest}" in view.all_revisions:
            return [WriteStatus({"collisionCount": collisions + 1})]
        return [Create(self.revision(view, digest, data, number))]

    def known_revision(self, view: View, data: Raw) -> Object | None:
        return next((r for r in reversed(view.revisions) if r["data"] == data), None)

    def reuse(self, known: Raw, number: int) -> list[Action]:
        """An old template that is asked for again keeps its revision, under the newest number."""
        return [Patch("ControllerRevision", name_of(known), {"revision": number})]

    def revision(self, view: View, digest: str, data: Object, number: int) -> Object:
        labels = {**(view.spec["template"]["metadata"].get("labels") or {}), REVISION_HASH_LABEL: digest}
        return {
            "apiVersion": "apps/v1",
            "kind": "ControllerRevision",
            "metadata": {
                "name": f"{view.name}-{digest}",
                "labels": labels,
                "annotations": dict(view.set["metadata"].get("annotations") or {}),
                "ownerReferences": [reference(view.set)],
            },
            "data": data,
            "revision": number,
        }

    def plan(self, view: View) -> Plan | None:
        """The revision to reach, and the one to come from; ``None`` before there is any."""
        if not view.revisions:
            return None
        update = self.known_revision(view, self.template_data(view)) or view.revisions[-1]
        named = view.status.get("currentRevision")
        return Plan(view, next((r for r in view.revisions if name_of(r) == named), update), update)

    def prune(self, plan: Plan) -> list[Action]:
        """Revisions that nothing uses any more, beyond the limit, lowest number first."""
        used = self.revisions_in_use(plan)
        old = [r for r in plan.view.revisions if name_of(r) not in used]
        limit = self.history_limit(plan.view)
        return [delete(r) for r in old[: max(0, len(old) - limit)]] if limit >= 0 else []

    def history_limit(self, view: View) -> int:
        return int(view.spec.get("revisionHistoryLimit", 10))

    def revisions_in_use(self, plan: Plan) -> set[str | None]:
        pods = (revision_of(p) for p in plan.view.pods.values())
        return {name_of(plan.current), name_of(plan.update), plan.view.status.get("currentRevision"), *pods}

    # Which pods.

    def start(self, view: View) -> int:
        return int((view.spec.get("ordinals") or {}).get("start") or 0)

    def wanted(self, view: View) -> range:
        """The ordinals the set has, ascending."""
        return range(self.start(view), self.start(view) + view.replicas)

    def fill(self, plan: Plan) -> list[Action]:
        """See that each wanted pod is there and healthy; the first that is not holds up all higher ones."""
        steps: list[Action] = []
        for ordinal in self.creation_order(plan.view):
            steps += self.tend(plan, ordinal)
            if steps and self.waits_for_lower(plan.view):
                break
        return steps

    def creation_order(self, view: View) -> Sequence[int]:
        return self.wanted(view)

    def waits_for_lower(self, view: View) -> bool:
        return self.ordered(view)

    def tend(self, plan: Plan, ordinal: int) -> list[Action]:
        """What one wanted ordinal needs; nothing when its pod is Running, Ready, available and as it should be."""
        pod = plan.view.pods.get(ordinal)
        if pod is None:
            return self.create(plan, ordinal)
        if is_finished(pod):
            return self.replace_finished(pod)
        if is_terminating(pod):
            return [Wait()]
        if not self.healthy(plan.view, pod):
            missing = self.missing_claims(plan, ordinal) if phase_of(pod) == "Pending" else []
            return [*missing, Wait()]
        if not self.available(plan.view, pod):
            return [Wait()]
        return [*self.repair(plan.view, ordinal, pod), *self.own_claims(plan, ordinal)]

    def replace_finished(self, pod: Raw) -> list[Action]:
        """A Failed or Succeeded pod makes room for its successor."""
        return [Wait() if is_terminating(pod) else delete(pod)]

    def healthy(self, view: View, pod: Raw) -> bool:  # noqa: ARG002 - a fault looks at the set
        """Running and Ready, and not being stopped."""
        return ready_since(pod) is not None and not is_terminating(pod)

    def until_available(self, view: View, pod: Raw) -> float:
        """For how many seconds more a Ready pod has to stay Ready to be available."""
        since, needed = ready_since(pod), self.min_ready_seconds(view)
        return needed if since is None else needed - (view.now - since) if needed else 0.0

    def min_ready_seconds(self, view: View) -> float:
        return float(view.spec.get("minReadySeconds") or 0)

    def available(self, view: View, pod: Raw) -> bool:
        return self.healthy(view, pod) and self.until_available(view, pod) <= 0

    def shrink(self, plan: Plan) -> list[Action]:
        """Remove pods that are not wanted, the highest first, each after the one before it is gone."""
        view = plan.view
        doomed = self.removal_order(view)
        if steps := [step for ordinal in doomed for step in self.own_claims(plan, ordinal)]:
            return steps
        steps = []
        for ordinal in doomed:
            pod = view.pods[ordinal]
            if is_terminating(pod) or (self.ordered(view) and not self.removable(view, ordinal)):
                steps.append(Wait())
            else:
                steps += self.remove(plan, pod)
            if self.waits_for_higher(view):
                break
        return steps

    def removal_order(self, view: View) -> Sequence[int]:
        return [ordinal for ordinal in reversed(view.pods) if ordinal not in self.wanted(view)]

    def removable(self, view: View, ordinal: int) -> bool:
        """An excess pod that is unhealthy goes only if no lower pod is: a set has one trouble at a time."""
        sick = (o for o, p in view.pods.items() if not self.available(view, p))
        return self.available(view, view.pods[ordinal]) or ordinal == next(sick, None)

    def remove(self, plan: Plan, pod: Raw) -> list[Action]:  # noqa: ARG002 - a fault looks at the set
        return [delete(pod)]

    def waits_for_higher(self, view: View) -> bool:
        return self.ordered(view)

    # The rollout.

    def recreates(self, view: View) -> bool:
        return bool((view.spec.get("updateStrategy") or {}).get("type") == "Recreate")

    def recreate(self, plan: Plan) -> list[Action]:
        """Under Recreate all pods of another revision go at once, and until they are gone nothing else is done."""
        old = [p for p in plan.view.pods.values() if revision_of(p) != name_of(plan.update)]
        return [Wait() if is_terminating(p) else delete(p) for p in old] if self.recreates(plan.view) else []

    def roll(self, plan: Plan) -> list[Action]:
        """Replace pods of another revision, from the highest ordinal down to the partition, a few at a time."""
        view = plan.view
        if not self.updates(view):
            return []
        old = [view.pods[o] for o in self.update_order(plan) if self.outdated(plan, o)]
        down = self.unavailable(plan)
        broken = [] if self.ordered(view) else [p for p in old if not self.available(view, p)]
        budget = max(0, self.max_unavailable(view) - len(down))
        sound = [p for p in old if p not in broken][:budget]
        return [step for pod in [*broken, *sound] for step in self.replace(plan, pod)]

    def unavailable(self, plan: Plan) -> list[int]:
        """The ordinals that count against what may be unavailable: those below the partition too."""
        view = plan.view
        return [o for o in self.wanted(view) if o not in view.pods or not self.available(view, view.pods[o])]

    def updates(self, view: View) -> bool:
        return bool((view.spec.get("updateStrategy") or {}).get("type", "RollingUpdate") == "RollingUpdate")

    def rolling(self, view: View) -> Object | None:
        """The strategy's parameters; ``None`` where only its type was named."""
        return (view.spec.get("updateStrategy") or {}).get("rollingUpdate")

    def partition(self, view: View) -> int:
        return int((self.rolling(view) or {}).get("partition") or 0)

    def max_unavailable(self, view: View) -> int:
        """How many may be unavailable; a share of the replicas is rounded down, and is at least one."""
        given = (self.rolling(view) or {}).get("maxUnavailable") or 1
        return given if isinstance(given, int) else max(1, math.floor(view.replicas * int(given.rstrip("%")) / 100))

    def update_order(self, plan: Plan) -> Sequence[int]:
        wanted = self.wanted(plan.view)
        return [o for o in reversed(wanted) if o >= wanted.start + self.partition(plan.view)]

    def outdated(self, plan: Plan, ordinal: int) -> bool:
        pod = plan.view.pods.get(ordinal)
        return pod is not None and not is_terminating(pod) and revision_of(pod) != name_of(plan.update)

    def replace(self, plan: Plan, pod: Raw) -> list[Action]:  # noqa: ARG002 - a fault looks at the set
        return [delete(pod)]

    def revision_for(self, plan: Plan, ordinal: int) -> Object:
        """The revision a pod is made from: below the partition it comes back as it was."""
        view = plan.view
        if not self.updates(view):
            return plan.update
        kept = self.partition(view) if self.rolling(view) is not None else view.status.get("currentReplicas") or 0
        return plan.current if ordinal < self.start(view) + kept else plan.update

    # A pod and its claims.

    def create(self, plan: Plan, ordinal: int) -> list[Action]:
        """The pod, after those of its claims that do not exist; a claim on its way out is waited for."""
        if any(self.leaving(plan.view, claim) for claim in self.existing_claims(plan, ordinal)):
            return [Wait()]
        return [*self.missing_claims(plan, ordinal), Create(self.pod(plan, ordinal))]

    def leaving(self, view: View, claim: Raw) -> bool:
        """Whether a claim is being deleted, or will be because it belongs to a pod that is gone."""
        live = {uid_of(p) for p in view.all_pods.values()}
        lost = (ref for ref in owners_of(claim) if ref["kind"] == "Pod" and ref["uid"] not in live)
        return is_terminating(claim) or any(lost)

    def pod_name(self, view: View, ordinal: int) -> str:
        return f"{view.name}-{ordinal}"

    def identity(self, view: View, ordinal: int) -> dict[str, str]:
        """The labels that say which pod it is."""
        return {NAME_LABEL: self.pod_name(view, ordinal), INDEX_LABEL: str(ordinal)}

    def pod(self, plan: Plan, ordinal: int) -> Object:
        view, revision = plan.view, self.revision_for(plan, ordinal)
        template = copy.deepcopy(revision["data"]["spec"]["template"])
        meta, spec = template.get("metadata") or {}, template["spec"]
        name = self.pod_name(view, ordinal)
        return {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {
                **{key: meta[key] for key in ("annotations", "finalizers") if key in meta},
                "name": name,
                "labels": {
                    **(meta.get("labels") or {}),
                    **self.identity(view, ordinal),
                    REVISION_LABEL: name_of(revision),
                },
                "ownerReferences": [reference(view.set)],
            },
            "spec": {
                **spec,
                "hostname": name,
                "subdomain": view.spec.get("serviceName") or "",
                "volumes": self.volumes(plan, ordinal, spec.get("volumes") or ()),
            },
        }

    def volumes(self, plan: Plan, ordinal: int, given: Iterable[Object]) -> list[Object]:
        """The template's volumes; a claim takes the place of one with its name."""
        claimed = [
            {"name": name_of(t), "persistentVolumeClaim": {"claimName": self.claim_name(plan, t, ordinal)}}
            for t in plan.view.claim_templates
        ]
        return [*claimed, *(v for v in given if v["name"] not in {c["name"] for c in claimed})]

    def claim_name(self, plan: Plan, template: Raw, ordinal: int) -> str:
        return f"{name_of(template)}-{plan.view.name}-{ordinal}"

    def claim(self, plan: Plan, template: Raw, ordinal: int) -> Object:
        """A claim made from a template, with the labels that select the set's pods."""
        meta, selected = template["metadata"], plan.view.spec["selector"].get("matchLabels") or {}
        return {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": {
                **{key: meta[key] for key in ("annotations",) if key in meta},
                "name": self.claim_name(plan, template, ordinal),
                "labels": {**(meta.get("labels") or {}), **selected},
                "ownerReferences": self.claim_owners(plan.view, ordinal),
            },
            "spec": copy.deepcopy(template["spec"]),
        }

    def existing_claims(self, plan: Plan, ordinal: int) -> list[Object]:
        names = [self.claim_name(plan, t, ordinal) for t in plan.view.claim_templates]
        return [plan.view.claims[name] for name in names if name in plan.view.claims]

    def missing_claims(self, plan: Plan, ordinal: int) -> list[Action]:
        view = plan.view
        templates = [t for t in view.claim_templates if self.claim_name(plan, t, ordinal) not in view.claims]
        return [Create(self.claim(plan, template, ordinal), self.pod_name(view, ordinal)) for template in templates]

    def repair(self, view: View, ordinal: int, pod: Raw) -> list[Action]:
        """Put the identity labels back."""
        identity = self.identity(view, ordinal)
        if identity.items() <= labels_of(pod).items():
            return []
        return [Patch("Pod", name_of(pod), {"metadata": {"labels": identity}})]

    # Who owns a claim.

    def retention(self, view: View, when: str) -> str:
        return str((view.spec.get("persistentVolumeClaimRetentionPolicy") or {}).get(when, "Retain"))

    def claim_owners(self, view: View, ordinal: int) -> list[Object]:
        """Owner references that make the garbage collector keep the retention policy.

        Deleting the set removes a claim that the set owns, scaling down one that its excess pod owns.
        """
        pod = view.pods.get(ordinal)
        if self.retention(view, "whenScaled") == "Delete" and ordinal not in self.wanted(view) and pod is not None:
            return [reference(pod)]
        return [reference(view.set)] if self.retention(view, "whenDeleted") == "Delete" else []

    def own_claims(self, plan: Plan, ordinal: int) -> list[Action]:
        """See that the claims of a pod are owned as the policy says; a claim that another controls is left alone."""
        view, pod = plan.view, plan.view.pods[ordinal]
        ours, wanted = {view.uid, uid_of(pod)}, self.claim_owners(plan.view, ordinal)
        steps: list[Action] = []
        for claim in self.existing_claims(plan, ordinal):
            others = [ref for ref in owners_of(claim) if ref["uid"] not in ours]
            foreign = any(ref.get("controller") for ref in others)
            mine = [ref["uid"] for ref in owners_of(claim) if ref["uid"] in ours]
            if not is_terminating(claim) and not foreign and mine != [ref["uid"] for ref in wanted]:
                body = {"metadata": {"ownerReferences": [*others, *wanted]}}
                steps.append(Patch("PersistentVolumeClaim", name_of(claim), body))
        return steps

    # Status.

    def report(self, plan: Plan) -> list[Action]:
        """Publish what was seen, where it differs from what was published, and look again when a pod is of age."""
        view, status = plan.view, self.status(plan)
        changed = {key: value for key, value in status.items() if view.status.get(key) != value}
        ages = [self.until_available(view, p) for p in view.pods.values() if self.healthy(view, p)]
        soon = min((left for left in ages if left > 0), default=None)
        return [*([WriteStatus(changed)] if changed else []), *([Wait(soon)] if soon else [])]

    def status(self, plan: Plan) -> Object:
        """The counts of the API reference (StatefulSetStatus)."""
        view = plan.view
        pods = list(view.pods.values())
        staying = [revision_of(p) for p in pods if not is_terminating(p)]
        ready = [p for p in pods if ready_since(p) is not None]
        status: Object = {
            "observedGeneration": view.set["metadata"]["generation"],
            "replicas": len(pods),
            "readyReplicas": len(ready),
            "availableReplicas": sum(self.until_available(view, p) <= 0 for p in ready),
            "currentReplicas": staying.count(name_of(plan.current)),
            "updatedReplicas": staying.count(name_of(plan.update)),
            "currentRevision": name_of(plan.current),
            "updateRevision": name_of(plan.update),
            "collisionCount": view.status.get("collisionCount") or 0,
        }
        status |= self.progress(plan, status)
        if self.is_complete(plan, status):
            status |= {"currentRevision": name_of(plan.update), "currentReplicas": status["updatedReplicas"]}
        return status

    def progress(self, plan: Plan, status: Raw) -> Object:
        """Condition Progressing of strategy Recreate; nothing before the first update."""
        done, told = self.is_complete(plan, status), plan.view.status.get("conditions")
        if not self.recreates(plan.view) or not (told or (plan.current is not plan.update and not done)):
            return {}
        state = ("False", "RecreateCompleted") if done else ("True", "RecreateInProgress")
        return {"conditions": [{"type": "Progressing", **dict(zip(("status", "reason"), state, strict=True))}]}

    def is_complete(self, plan: Plan, status: Raw) -> bool:
        """Whether all pods are of the update revision and Ready."""
        counts = {status["updatedReplicas"], status["readyReplicas"], status["replicas"], plan.view.replicas}
        return len(counts) == 1


def _without(references: Iterable[Object], uid: str) -> list[Object]:
    return [ref for ref in references if ref["uid"] != uid]
