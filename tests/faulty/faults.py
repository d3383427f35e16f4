"""What a StatefulSet controller could do wrong, thought of from the documentation: one decision each, done wrong."""

import copy
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tests.faulty.controller import Action, Controller, Create, Patch, Phase, Plan, View, Wait, WriteStatus, delete
from tests.faulty.objects import (
    NAME_LABEL,
    REVISION_LABEL,
    Object,
    Raw,
    controller_of,
    is_terminating,
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


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault. ``promise`` is the id of the catalogue's row that is to name it; ``says`` is the fault in words.

    ``scenarios`` are those in which it shows, where that is not in all of the promise's own.
    """

    name: str
    says: str
    promise: str
    controller: type[Controller]
    scenarios: tuple[str, ...] = ()

    @property
    def area(self) -> str:
        return self.promise[:3]


FAULTS: dict[str, Fault] = {}


def fault(promise: str, *scenarios: str) -> Callable[[type[Controller]], type[Controller]]:
    """Register a faulty controller: its name is the class's, its docstring the fault in words."""

    def register(controller: type[Controller]) -> type[Controller]:
        name = re.sub(r"(?<!^)(?=[A-Z])", "-", controller.__name__).lower()
        FAULTS[name] = Fault(name, " ".join((controller.__doc__ or "").split()), promise, controller, scenarios)
        return controller

    return register


# Identity.


@fault("IDN-01")
class PaddedNames(Controller):
    """Ordinals in names are padded: web-00, web-01."""

    def pod_name(self, view: View, ordinal: int) -> str:
        return f"{view.name}-{ordinal:02}"


@fault("IDN-02")
class CountsFromOne(Controller):
    """Ordinals begin with 1."""

    def start(self, view: View) -> int:
        return super().start(view) or 1


@fault("IDN-03")
class IgnoresStartOrdinal(Controller):
    """Ordinals begin with 0, whatever ordinals.start says."""

    def start(self, view: View) -> int:  # noqa: ARG002
        return 0


@fault("IDN-04")
class NoNameLabel(Controller):
    """Pods are not labelled with their name."""

    def identity(self, view: View, ordinal: int) -> dict[str, str]:
        return {label: value for label, value in super().identity(view, ordinal).items() if label != NAME_LABEL}


@fault("IDN-05")
class PositionAsIndex(Controller):
    """Pods are labelled with their position, counted from 1, instead of their ordinal."""

    def identity(self, view: View, ordinal: int) -> dict[str, str]:
        return {**super().identity(view, ordinal), "apps.kubernetes.io/pod-index": str(ordinal + 1)}


class _Pods(Controller):
    """Makes pods that are changed before they are created."""

    def pod(self, plan: Plan, ordinal: int) -> Object:
        pod = super().pod(plan, ordinal)
        self.spoil(plan, ordinal, pod)
        return pod

    def spoil(self, plan: Plan, ordinal: int, pod: Object) -> None:
        raise NotImplementedError


@fault("IDN-06")
class SetAsHostName(_Pods):
    """Every pod's host name is the name of the set."""

    def spoil(self, plan: Plan, ordinal: int, pod: Object) -> None:  # noqa: ARG002
        pod["spec"]["hostname"] = plan.view.name


@fault("IDN-07")
class NoDomain(_Pods):
    """Pods are not in the governing Service's domain."""

    def spoil(self, plan: Plan, ordinal: int, pod: Object) -> None:  # noqa: ARG002
        del pod["spec"]["subdomain"]


@fault("IDN-10")
class NewHostName(_Pods):
    """A pod that comes back has the generation of the set in its host name."""

    def spoil(self, plan: Plan, ordinal: int, pod: Object) -> None:  # noqa: ARG002
        generation = plan.view.set["metadata"]["generation"]
        if generation > 1:
            pod["spec"]["hostname"] += f"-{generation}"


@fault("IDN-08")
class NewHostNameElsewhere(_Pods):
    """A pod whose template says where to run is called after that, and not as before."""

    def spoil(self, plan: Plan, ordinal: int, pod: Object) -> None:  # noqa: ARG002
        if pod["spec"].get("affinity"):
            pod["spec"]["hostname"] += "-moved"


# Ordered creation.


@fault("ORD-01")
class CreatesFromTheTop(Controller):
    """Pods are created from the highest ordinal down."""

    def creation_order(self, view: View) -> Sequence[int]:
        return list(reversed(self.wanted(view)))


@fault("ORD-02")
class RunningIsEnough(Controller):
    """A pod is created when the one below it runs, Ready or not."""

    def tend(self, plan: Plan, ordinal: int) -> list[Action]:
        pod = plan.view.pods.get(ordinal)
        return [] if pod and phase_of(pod) in ("Pending", "Running") else super().tend(plan, ordinal)


@fault("ORD-02")
class CreatesAllAtOnce(Controller):
    """All pods are created at once, as if the policy were Parallel."""

    def waits_for_lower(self, view: View) -> bool:  # noqa: ARG002
        return False


@fault("ORD-04")
class HealthyOnceHealthyEver(Controller):
    """A pod that was Ready once counts as Ready for as long as it exists."""

    def __init__(self) -> None:
        self.seen: set[str] = set()

    def healthy(self, view: View, pod: Raw) -> bool:
        if super().healthy(view, pod):
            self.seen.add(uid_of(pod))
        return uid_of(pod) in self.seen and not is_terminating(pod)


@fault("ORD-05", "rollout")
class PassesTerminating(Controller):
    """A rollout stops the next pod when one is gone, whose successor is then created above the terminating one."""

    def phases(self) -> Sequence[Phase]:
        return (type(self).roll, type(self).fill, type(self).shrink)

    def max_unavailable(self, view: View) -> int:
        return super().max_unavailable(view) + sum(ordinal not in view.pods for ordinal in self.wanted(view))

    def tend(self, plan: Plan, ordinal: int) -> list[Action]:
        pod = plan.view.pods.get(ordinal)
        return [] if pod and is_terminating(pod) else super().tend(plan, ordinal)


def _asked_for_more(view: View) -> bool:
    """Whether the set has just been scaled up."""
    grown = view.replicas > view.status.get("replicas", view.replicas)
    return bool(grown and view.set["metadata"]["generation"] > view.status.get("observedGeneration", 0) > 0)


@fault("ORD-06")
class RestartsOnScaleUp(Controller):
    """Scaling up restarts the first pod, so that it learns of its new peers."""

    def act(self, plan: Plan) -> list[Action]:
        first = plan.view.pods.get(self.start(plan.view))
        if first and not is_terminating(first) and _asked_for_more(plan.view):
            return [delete(first)]
        return super().act(plan)


@fault("ORD-08")
class PodBeforeClaims(Controller):
    """A pod is created before its claims."""

    def create(self, plan: Plan, ordinal: int) -> list[Action]:
        return list(reversed(super().create(plan, ordinal)))


@fault("ORD-09")
class FillsHolesFromTheTop(Controller):
    """Pods that were there before are created again from the highest ordinal down."""

    def creation_order(self, view: View) -> Sequence[int]:
        wanted = self.wanted(view)
        known = bool(wanted) and f"{name_of(view.claim_templates[0])}-{view.name}-{wanted[-1]}" in view.claims
        return list(reversed(wanted)) if known else wanted


@fault("ORD-12")
class OneTooFew(Controller):
    """Sets of more than one pod lack the last."""

    def wanted(self, view: View) -> range:
        wanted = super().wanted(view)
        return wanted[:-1] if len(wanted) > 1 else wanted


# Scaling down.


@fault("SDN-01")
class RemovesFromTheBottom(Controller):
    """Scaling down removes the lowest excess pod first."""

    def removal_order(self, view: View) -> Sequence[int]:
        return list(reversed(super().removal_order(view)))


@fault("SDN-02")
class RemovesAllAtOnce(Controller):
    """Scaling down asks all excess pods to stop at once."""

    def waits_for_higher(self, view: View) -> bool:  # noqa: ARG002
        return False


@fault("SDN-02")
class StoppingIsGone(Controller):
    """Scaling down goes on as soon as the higher pod has been asked to stop."""

    def removal_order(self, view: View) -> Sequence[int]:
        return [o for o in super().removal_order(view) if not is_terminating(view.pods[o])]


@fault("SDN-03")
class RemovesWhileUnhealthy(Controller):
    """Scaling down does not look at the health of the pods that stay."""

    def phases(self) -> Sequence[Phase]:
        return (type(self).shrink, type(self).fill, type(self).roll)


@fault("SDN-05")
class RemovesTheHighestWhateverItsHealth(Controller):
    """An excess pod that is not Ready is removed although a lower one is not Ready either."""

    def removable(self, view: View, ordinal: int) -> bool:  # noqa: ARG002
        return True


@fault("SDN-06")
class RaisesTheRemoved(Controller):
    """The first excess pod that is gone is created once more."""

    def __init__(self) -> None:
        self.raised: set[str] = set()
        self.removed: dict[str, int] = {}

    def shrink(self, plan: Plan) -> list[Action]:
        view = plan.view
        top = self.removed.get(view.uid)
        if top is not None and top not in view.pods and top not in self.wanted(view) and view.uid not in self.raised:
            self.raised.add(view.uid)
            return self.create(plan, top)
        for ordinal in self.removal_order(view)[:1]:
            self.removed.setdefault(view.uid, ordinal)
        return super().shrink(plan)


@fault("SDN-07")
class ScalingDownDeletesClaims(Controller):
    """Scaling down deletes the claims of the pods it removes, although the policy is Retain."""

    def remove(self, plan: Plan, pod: Raw) -> list[Action]:
        ordinal = ordinal_of(name_of(pod), plan.view.name)
        assert ordinal is not None
        return [*super().remove(plan, pod), *map(delete, self.existing_claims(plan, ordinal))]


@fault("SDN-08")
class RollsBeforeScaling(Controller):
    """A new template is rolled out while pods that are not wanted still run."""

    def phases(self) -> Sequence[Phase]:
        return (type(self).fill, type(self).roll, type(self).shrink)


@fault("PVR-07", "replace")
class FreshClaims(Controller):
    """A pod that comes back gets a new claim instead of the one it had."""

    def create(self, plan: Plan, ordinal: int) -> list[Action]:
        known = [claim for claim in self.existing_claims(plan, ordinal) if not is_terminating(claim)]
        return [*map(delete, known), Wait()] if known else super().create(plan, ordinal)


@fault("SDN-10")
class KillsAtOnce(Controller):
    """Scaling down kills pods with a grace period of 0."""

    def remove(self, plan: Plan, pod: Raw) -> list[Action]:  # noqa: ARG002
        return [delete(pod, grace=0)]


@fault("SDN-11")
class OldRangeFirst(Controller):
    """When ordinals.start moves, the old pods are removed before the new ones are created."""

    def phases(self) -> Sequence[Phase]:
        return (type(self).shrink, type(self).fill, type(self).roll)


# Storage.


@fault("STO-01")
class OneClaimForAll(Controller):
    """All pods share the claim of the first."""

    def claim_name(self, plan: Plan, template: Raw, ordinal: int) -> str:  # noqa: ARG002
        return super().claim_name(plan, template, self.start(plan.view))


class _Claims(Controller):
    """Makes claims that are changed before they are created."""

    def claim(self, plan: Plan, template: Raw, ordinal: int) -> Object:
        claim = super().claim(plan, template, ordinal)
        self.spoil(claim)
        return claim

    def spoil(self, claim: Object) -> None:
        raise NotImplementedError


@fault("STO-02")
class UnlabelledClaims(_Claims):
    """Claims do not carry the labels that select the set's pods."""

    def spoil(self, claim: Object) -> None:
        claim["metadata"]["labels"] = {}


@fault("STO-03")
class DefaultClass(_Claims):
    """Claims ask for the default class instead of the template's."""

    def spoil(self, claim: Object) -> None:
        claim["spec"].pop("storageClassName", None)


@fault("STO-04")
class SmallClaims(_Claims):
    """Claims ask for a megabyte, whatever the template says."""

    def spoil(self, claim: Object) -> None:
        claim["spec"]["resources"] = {"requests": {"storage": "1Mi"}}


@fault("STO-04")
class SwappedClaims(Controller):
    """Pods 0 and 1 mount each other's claims."""

    def volumes(self, plan: Plan, ordinal: int, given: Any) -> list[Object]:
        return super().volumes(plan, {0: 1, 1: 0}.get(ordinal, ordinal), given)

    def create(self, plan: Plan, ordinal: int) -> list[Action]:
        other = {0: 1, 1: 0}.get(ordinal, ordinal)
        return (
            [*self.missing_claims(plan, other), *super().create(plan, ordinal)]
            if other != ordinal
            else (super().create(plan, ordinal))
        )


@fault("STO-05")
class KeepsTemplateVolume(Controller):
    """A volume of the pod template wins over the claim of the same name."""

    def volumes(self, plan: Plan, ordinal: int, given: Any) -> list[Object]:
        mine = {volume["name"]: volume for volume in given}
        return [*mine.values(), *(v for v in super().volumes(plan, ordinal, given) if v["name"] not in mine)]


@fault("REC-03", "replace")
class SwapsClaimsOnReturn(Controller):
    """A pod that comes back mounts the claim of its neighbour."""

    def claim_name(self, plan: Plan, template: Raw, ordinal: int) -> str:
        own, other = (super(SwapsClaimsOnReturn, self).claim_name(plan, template, o) for o in (ordinal, ordinal ^ 1))
        back = ordinal not in plan.view.pods and {own, other} <= plan.view.claims.keys()
        return other if back else own


# Failed and lost pods.


@fault("REC-01")
class KeepsFailed(Controller):
    """A Failed pod is left lying."""

    def replace_finished(self, pod: Raw) -> list[Action]:
        return [Wait()] if phase_of(pod) == "Failed" else super().replace_finished(pod)


@fault("REC-02")
class KeepsSucceeded(Controller):
    """A Succeeded pod has done its work and is not replaced."""

    def replace_finished(self, pod: Raw) -> list[Action]:
        return [] if phase_of(pod) == "Succeeded" else super().replace_finished(pod)


@fault("REC-07")
class LostClaimStaysLost(Controller):
    """The claim of a Pending pod that was deleted is not made again."""

    def missing_claims(self, plan: Plan, ordinal: int) -> list[Action]:
        return [] if ordinal in plan.view.pods else super().missing_claims(plan, ordinal)


@fault("REC-08")
class CreatesOnLeavingClaim(Controller):
    """A pod is created although its claim is being deleted."""

    def leaving(self, view: View, claim: Raw) -> bool:
        return not is_terminating(claim) and super().leaving(view, claim)


@fault("REC-09")
class LabelsStayLost(Controller):
    """A name label that was changed is not put back."""

    def repair(self, view: View, ordinal: int, pod: Raw) -> list[Action]:  # noqa: ARG002
        return []


# Parallel.


@fault("PAR-05")
class ParallelRollsOneByOne(Controller):
    """Under Parallel too a rollout replaces one pod at a time."""

    def max_unavailable(self, view: View) -> int:
        return super().max_unavailable(view) if self.ordered(view) else 1


@fault("PAR-06")
class BrokenPodsUseTheBudget(Controller):
    """Under Parallel pods that are not available count as the update's own, so that it never begins."""

    def roll(self, plan: Plan) -> list[Action]:
        full = len(self.unavailable(plan)) >= self.max_unavailable(plan.view)
        return [] if full else super().roll(plan)


@fault("MXU-06")
class ParallelRollsInBatches(Controller):
    """Under Parallel the next pods are replaced only when all of those before are Ready."""

    def roll(self, plan: Plan) -> list[Action]:
        return [] if not self.ordered(plan.view) and self.unavailable(plan) else super().roll(plan)


@fault("PAR-01")
class ParallelWaitsForLower(Controller):
    """Under Parallel a pod is created only when those below it are Ready."""

    def waits_for_lower(self, view: View) -> bool:  # noqa: ARG002
        return True


@fault("PAR-02")
class ParallelWaitsForHigher(Controller):
    """Under Parallel a pod is removed only when those above it are gone."""

    def waits_for_higher(self, view: View) -> bool:  # noqa: ARG002
        return True


# The rollout.


@fault("UPD-02")
class RollsFromTheBottom(Controller):
    """A rollout replaces the lowest ordinal first."""

    def update_order(self, plan: Plan) -> Sequence[int]:
        return list(reversed(super().update_order(plan)))


@fault("UPD-03")
class TwoAtATime(Controller):
    """A rollout replaces two pods at a time."""

    def max_unavailable(self, view: View) -> int:
        return super().max_unavailable(view) + 1


@fault("UPD-04")
class RollsWithoutWaiting(Controller):
    """A rollout goes on when the replacement runs, before it is Ready."""

    def tend(self, plan: Plan, ordinal: int) -> list[Action]:
        steps = super().tend(plan, ordinal)
        pod = plan.view.pods.get(ordinal)
        new = pod is not None and revision_of(pod) == name_of(plan.update) != name_of(plan.current)
        return [] if new and pod and not is_terminating(pod) else steps

    def max_unavailable(self, view: View) -> int:
        return super().max_unavailable(view) + sum(ready_since(p) is None for p in view.pods.values())


@fault("UPD-05")
class RollsBeforeOfAge(Controller):
    """A rollout goes on when the replacement is Ready, without regard to minReadySeconds."""

    def until_available(self, view: View, pod: Raw) -> float:
        rolling = view.status.get("currentRevision") != view.status.get("updateRevision")
        return 0.0 if rolling else super().until_available(view, pod)


@fault("UPD-08")
class ReplacesTwice(Controller):
    """Each rollout replaces the highest pod a second time."""

    def __init__(self) -> None:
        self.done: set[tuple[str, str]] = set()

    def outdated(self, plan: Plan, ordinal: int) -> bool:
        pod, key = plan.view.pods.get(ordinal), (plan.view.uid, name_of(plan.update))
        top = ordinal == self.wanted(plan.view)[-1] and name_of(plan.update) != name_of(plan.current)
        if top and pod and revision_of(pod) == name_of(plan.update) and key not in self.done:
            self.done.add(key)
            return True
        return super().outdated(plan, ordinal)


@fault("UPD-09")
class ReplicasInTheRevision(Controller):
    """A revision stores the number of replicas too, so that scaling makes a revision and restarts the pods."""

    def template_data(self, view: View) -> Object:
        data: Object = merged(super().template_data(view), {"spec": {"replicas": view.replicas}})
        return data


@fault("UPD-10")
class RollsPastBroken(Controller):
    """A rollout goes on past replacements that are not Ready, and never will be."""

    def healthy(self, view: View, pod: Raw) -> bool:
        rolling = view.status.get("currentRevision") != view.status.get("updateRevision")
        return not is_terminating(pod) if rolling else super().healthy(view, pod)


@fault("UPD-12")
class BrokenTemplateReturns(Controller):
    """A broken pod deleted by hand comes back with the template that broke it, although it was reverted."""

    def revision_for(self, plan: Plan, ordinal: int) -> Object:
        reused = len(plan.view.revisions) > 1 and plan.update["revision"] > len(plan.view.revisions)
        return plan.view.revisions[-2] if reused else super().revision_for(plan, ordinal)


@fault("UPD-15")
class NeverComplete(Controller):
    """A rollout is never declared complete."""

    def is_complete(self, plan: Plan, status: Raw) -> bool:  # noqa: ARG002
        return False


@fault("UPD-16")
class CompleteBeforeReady(Controller):
    """A rollout is declared complete when the last pod has been created, Ready or not."""

    def is_complete(self, plan: Plan, status: Raw) -> bool:
        return bool(status["updatedReplicas"] == status["replicas"] == plan.view.replicas)


@fault("UPD-18")
class UpdatesDeleteClaims(Controller):
    """A rollout, and so a rollback, deletes the claims of the pods it replaces: their data is lost."""

    def replace(self, plan: Plan, pod: Raw) -> list[Action]:
        ordinal = ordinal_of(name_of(pod), plan.view.name)
        assert ordinal is not None
        return [*super().replace(plan, pod), *map(delete, self.existing_claims(plan, ordinal))]


# Partition.


@fault("PRT-01")
class PartitionExcluded(Controller):
    """The pod whose ordinal is the partition is not updated, and counted as if it were."""

    def update_order(self, plan: Plan) -> Sequence[int]:
        order = super().update_order(plan)
        return order[:-1] if self.partition(plan.view) else order

    def status(self, plan: Plan) -> Object:
        status, at = super().status(plan), self.partition(plan.view)
        return {**status, "updatedReplicas": plan.view.replicas - at} if 0 < at < plan.view.replicas else status


@fault("PRT-02")
class PartitionIgnored(Controller):
    """A rollout goes below the partition."""

    def update_order(self, plan: Plan) -> Sequence[int]:
        return list(reversed(self.wanted(plan.view)))


@fault("PRT-03")
class LostBelowPartitionComesBackNew(Controller):
    """A pod below the partition that is lost comes back with the new template."""

    def revision_for(self, plan: Plan, ordinal: int) -> Object:  # noqa: ARG002
        return plan.update


@fault("PRT-04")
class HighPartitionIsNone(Controller):
    """A partition above the number of replicas counts as none."""

    def partition(self, view: View) -> int:
        partition = super().partition(view)
        return 0 if partition > view.replicas else partition


@fault("PRT-06")
class RaisedPartitionRollsBack(Controller):
    """Raising the partition puts the pods that are now below it back to the old template."""

    def outdated(self, plan: Plan, ordinal: int) -> bool:
        pod = plan.view.pods.get(ordinal)
        return (
            pod is not None
            and not is_terminating(pod)
            and revision_of(pod) != name_of(self.revision_for(plan, ordinal))
        )

    def update_order(self, plan: Plan) -> Sequence[int]:
        return list(reversed(self.wanted(plan.view)))


@fault("PRT-07")
class PartitionCompletes(Controller):
    """A rollout is declared complete when the pods at and above the partition are new."""

    def is_complete(self, plan: Plan, status: Raw) -> bool:
        above = plan.view.replicas - self.partition(plan.view)
        return bool(status["updatedReplicas"] >= above and status["readyReplicas"] == plan.view.replicas)


# maxUnavailable, minReadySeconds.


@fault("MXU-01")
class DoubleBudget(Controller):
    """A rollout makes twice as many pods unavailable as maxUnavailable allows, where it allows more than one."""

    def max_unavailable(self, view: View) -> int:
        allowed = super().max_unavailable(view)
        return 2 * allowed if allowed > 1 else allowed


@fault("MRS-01")
class ReadyIsAvailable(Controller):
    """availableReplicas counts pods that are Ready, however short a time."""

    def status(self, plan: Plan) -> Object:
        status = super().status(plan)
        return {**status, "availableReplicas": status["readyReplicas"]}


@fault("MRS-04")
class MinReadySecondsIgnored(Controller):
    """minReadySeconds is not looked at, in nothing."""

    def min_ready_seconds(self, view: View) -> float:  # noqa: ARG002
        return 0.0


# OnDelete.


@fault("OND-01")
class OnDeleteRolls(Controller):
    """OnDelete replaces pods all the same."""

    def updates(self, view: View) -> bool:  # noqa: ARG002
        return True


@fault("OND-02")
class OnDeleteComesBackOld(Controller):
    """Under OnDelete a pod deleted by hand comes back as it was."""

    def revision_for(self, plan: Plan, ordinal: int) -> Object:
        return super().revision_for(plan, ordinal) if self.updates(plan.view) else plan.current


# Revisions.


@fault("REV-01")
class BeginsWithTwo(Controller):
    """The first revision of a set has the number 2."""

    def revision(self, view: View, digest: str, data: Object, number: int) -> Object:
        return super().revision(view, digest, data, max(2, number))


@fault("REV-03")
class RevisionsOfNobody(Controller):
    """Revisions have no owner."""

    def revision(self, view: View, digest: str, data: Object, number: int) -> Object:
        revision = super().revision(view, digest, data, number)
        revision["metadata"]["ownerReferences"] = []
        return revision

    def orphan_revisions(self, view: View) -> list[Object]:  # noqa: ARG002
        return []

    def reconcile(self, view: View) -> list[Action]:
        mine = {n: self._owned(view, r) for n, r in view.all_revisions.items()}
        return super().reconcile(replace(view, all_revisions=mine))

    def _owned(self, view: View, revision: Object) -> Object:
        if controller_of(revision) is not None or not name_of(revision).startswith(f"{view.name}-"):
            return revision
        owned = copy.deepcopy(revision)
        owned["metadata"]["ownerReferences"] = [reference(view.set)]
        return owned


@fault("REV-02")
class EveryRevisionIsTheFirst(Controller):
    """Every revision gets the number 1."""

    def revision(self, view: View, digest: str, data: Object, number: int) -> Object:  # noqa: ARG002
        return super().revision(view, digest, data, 1)

    def record_template(self, view: View) -> list[Action]:
        return [] if self.known_revision(view, self.template_data(view)) else super().record_template(view)


@fault("REV-03")
class NoRevisionLabel(_Pods):
    """Pods are labelled with the set's name instead of the revision they are made from."""

    def spoil(self, plan: Plan, ordinal: int, pod: Object) -> None:  # noqa: ARG002
        pod["metadata"]["labels"][REVISION_LABEL] = plan.view.name

    def outdated(self, plan: Plan, ordinal: int) -> bool:  # noqa: ARG002
        return False


@fault("REV-05")
class NumberStaysOnUndo(Controller):
    """Going back to an old template does not raise the number of its revision."""

    def reuse(self, known: Raw, number: int) -> list[Action]:  # noqa: ARG002
        return []


@fault("REV-05")
class NewRevisionOnUndo(Controller):
    """Going back to an old template makes another revision of it, and deletes the old one."""

    def reuse(self, known: Raw, number: int) -> list[Action]:
        meta = {key: known["metadata"][key] for key in ("labels", "ownerReferences")}
        again = {**known, "metadata": {**meta, "name": f"{name_of(known)}-{number}"}, "revision": number}
        return [Create(again), delete(known)]


@fault("REV-06")
class HistoryWithoutEnd(Controller):
    """Old revisions are kept for ever."""

    def prune(self, plan: Plan) -> list[Action]:  # noqa: ARG002
        return []


@fault("REV-06")
class PrunesTheNewest(Controller):
    """Of the revisions that are not in use, the newest go first."""

    def prune(self, plan: Plan) -> list[Action]:
        used = self.revisions_in_use(plan)
        old = [r for r in plan.view.revisions if name_of(r) not in used]
        return [delete(r) for r in old[max(0, self.history_limit(plan.view)) :]]


@fault("REV-07")
class PrunesInUse(Controller):
    """Revisions that only pods still use are pruned."""

    def revisions_in_use(self, plan: Plan) -> set[str | None]:
        return {name_of(plan.update)}

    def history_limit(self, view: View) -> int:
        return min(super().history_limit(view), 0)


@fault("REV-08")
class KeepsOneForUndo(Controller):
    """With a revisionHistoryLimit of 0 one old revision is kept."""

    def history_limit(self, view: View) -> int:
        return super().history_limit(view) or 1


@fault("REV-17")
class RevisionsStayOrphans(Controller):
    """Revisions that lost their owner are not adopted again: history begins anew."""

    def orphan_revisions(self, view: View) -> list[Object]:  # noqa: ARG002
        return []


@fault("REV-09")
class NegativeLimitIsNone(Controller):
    """A negative revisionHistoryLimit counts as 0."""

    def history_limit(self, view: View) -> int:
        return max(super().history_limit(view), 0)


# Status.


class _Reports(Controller):
    """Publishes a status with one thing in it changed."""

    def status(self, plan: Plan) -> Object:
        return {**super().status(plan), **self.lie(plan)}

    def lie(self, plan: Plan) -> Object:
        raise NotImplementedError


@fault("STS-01")
class NeverObserves(_Reports):
    """observedGeneration stays at 1."""

    def lie(self, plan: Plan) -> Object:  # noqa: ARG002
        return {"observedGeneration": 1}


@fault("STS-02", "strangers")
class CountsStrangers(_Reports):
    """status.replicas counts all pods that the selector matches, whoever owns them."""

    def lie(self, plan: Plan) -> Object:
        return {"replicas": sum(selects(plan.view.set, pod) for pod in plan.view.all_pods.values())}


@fault("STS-03")
class RunningIsReady(_Reports):
    """readyReplicas counts pods that run, Ready or not."""

    def lie(self, plan: Plan) -> Object:
        return {"readyReplicas": sum(phase_of(p) == "Running" for p in plan.view.pods.values())}


@fault("STS-10")
class SilentWhileActing(Controller):
    """The status is published only when no pod is missing, and so never while one cannot be made."""

    def reconcile(self, view: View) -> list[Action]:
        missing = bool(view.status) and any(
            ordinal not in view.pods or is_terminating(view.pods[ordinal]) for ordinal in self.wanted(view)
        )
        return [s for s in super().reconcile(view) if not (missing and isinstance(s, WriteStatus))]


@fault("STS-04")
class CountsTheOutdated(_Reports):
    """updatedReplicas counts the pods that are still to be updated."""

    def lie(self, plan: Plan) -> Object:
        return {"updatedReplicas": sum(self.outdated(plan, ordinal) for ordinal in plan.view.pods)}


# Deleting the set; orphans.


@fault("DEL-07")
class CreatesWhileDeleted(Controller):
    """A set that is being deleted goes on creating pods."""

    def stands_aside(self, view: View) -> bool:  # noqa: ARG002
        return False

    def adopt(self, view: View) -> list[Action]:
        return [] if is_terminating(view.set) else super().adopt(view)


@fault("ADP-01")
class NeverAdopts(Controller):
    """Matching pods that nobody owns are left alone."""

    def adoptable(self, view: View, pod: Raw) -> bool:  # noqa: ARG002
        return False


@fault("ADP-02")
class ReplacesOrphans(Controller):
    """Matching pods that nobody owns are deleted, and created anew."""

    def adopt(self, view: View) -> list[Action]:
        orphans = [p for p in view.all_pods.values() if self.adoptable(view, p)]
        return [delete(p) for p in orphans] or [
            Patch("ControllerRevision", name_of(r), {"metadata": {"ownerReferences": [reference(view.set)]}}, True)
            for r in self.orphan_revisions(view)
        ]


@fault("ADP-03")
class NeverReleases(Controller):
    """A pod whose labels no longer match stays the set's."""

    def release(self, view: View) -> list[Action]:  # noqa: ARG002
        return []


@fault("ADP-06")
class ExcessBeforeHoles(Controller):
    """A set created over orphans removes the excess ones before it fills the holes."""

    def phases(self) -> Sequence[Phase]:
        return (type(self).shrink, type(self).fill, type(self).roll)


@fault("ADP-02")
class AdoptedAreOld(Controller):
    """Adopted pods are replaced, although their template is the set's."""

    def __init__(self) -> None:
        self.adopted: set[str] = set()

    def adopt(self, view: View) -> list[Action]:
        self.adopted |= {uid_of(p) for p in view.all_pods.values() if self.adoptable(view, p)}
        return super().adopt(view)

    def outdated(self, plan: Plan, ordinal: int) -> bool:
        pod = plan.view.pods.get(ordinal)
        strange = pod is not None and uid_of(pod) in self.adopted and not is_terminating(pod)
        return strange or super().outdated(plan, ordinal)


@fault("ADP-08")
class AdoptionRelabels(Controller):
    """Adopted pods lose the name of the revision they were made from."""

    def adopt(self, view: View) -> list[Action]:
        unnamed = {"metadata": {"labels": {REVISION_LABEL: "adopted"}}}
        steps = [s for s in super().adopt(view) if isinstance(s, Patch)]
        return [replace(s, body=merged(s.body, unnamed)) if s.kind == "Pod" else s for s in steps]

    def outdated(self, plan: Plan, ordinal: int) -> bool:
        adopted = ordinal in plan.view.pods and revision_of(plan.view.pods[ordinal]) == "adopted"
        return not adopted and super().outdated(plan, ordinal)


# Claim retention.


@fault("PVR-01")
class DeletesUnasked(Controller):
    """Claims belong to the set although the policy is Retain: deleting the set deletes them."""

    def retention(self, view: View, when: str) -> str:
        return "Delete" if when == "whenDeleted" else super().retention(view, when)


@fault("PVR-02")
class OneOwnsNothing(Controller):
    """A set of one replica gives up the claims that are to be deleted with it."""

    def claim_owners(self, view: View, ordinal: int) -> list[Object]:
        gives_up = view.replicas == 1 and self.retention(view, "whenScaled") == "Retain"
        return [] if gives_up else super().claim_owners(view, ordinal)


@fault("PVR-09")
class KeepsWhenDeleted(Controller):
    """whenDeleted: Delete is not looked at."""

    def retention(self, view: View, when: str) -> str:
        return "Retain" if when == "whenDeleted" else super().retention(view, when)


@fault("PVR-05")
class KeepsWhenScaled(Controller):
    """whenScaled: Delete is not looked at."""

    def retention(self, view: View, when: str) -> str:
        return "Retain" if when == "whenScaled" else super().retention(view, when)


@fault("PVR-06")
class OwnsTooLate(Controller):
    """Under whenScaled: Delete a claim is given to its pod only after the pod was asked to stop."""

    def own_claims(self, plan: Plan, ordinal: int) -> list[Action]:
        excess = ordinal not in self.wanted(plan.view)
        return [] if excess and not is_terminating(plan.view.pods[ordinal]) else super().own_claims(plan, ordinal)


@fault("PVR-07")
class LostPodsLoseClaims(Controller):
    """Under whenScaled: Delete every pod owns its claim, so that a lost pod takes it along."""

    def claim_owners(self, view: View, ordinal: int) -> list[Object]:
        pod = view.pods.get(ordinal)
        if self.retention(view, "whenScaled") == "Delete" and pod is not None:
            return [reference(pod)]
        return super().claim_owners(view, ordinal)


@fault("PVR-08")
class TakesForeignClaims(Controller):
    """A claim that another controller owns is taken from it."""

    def own_claims(self, plan: Plan, ordinal: int) -> list[Action]:
        ours = {plan.view.uid, uid_of(plan.view.pods[ordinal])}
        wanted = self.claim_owners(plan.view, ordinal)
        taken = [c for c in self.existing_claims(plan, ordinal) if {r["uid"] for r in owners_of(c)} - ours]
        body: Object = {"metadata": {"ownerReferences": wanted}}
        return [Patch("PersistentVolumeClaim", name_of(c), body) for c in taken] or super().own_claims(plan, ordinal)


@fault("PVR-09")
class PolicyOfTheFirstDay(Controller):
    """A change of the retention policy does not reach claims that exist."""

    def own_claims(self, plan: Plan, ordinal: int) -> list[Action]:
        return [] if ordinal in self.wanted(plan.view) else super().own_claims(plan, ordinal)


@fault("PVR-10")
class DeletesClaimsTooLate(Controller):
    """whenScaled: Delete takes effect only when the pod comes back, which then finds its claim on the way out."""

    def retention(self, view: View, when: str) -> str:
        return "Retain" if when == "whenScaled" else super().retention(view, when)

    def create(self, plan: Plan, ordinal: int) -> list[Action]:
        late = super().retention(plan.view, "whenScaled") == "Delete"
        old = self.existing_claims(plan, ordinal) if late else []
        return [*map(delete, old), *super().create(plan, ordinal)]


@fault("PVR-12")
class AdoptedKeepFreeClaims(Controller):
    """The claims of pods that a set adopted stay nobody's, whatever the policy."""

    def __init__(self) -> None:
        self.adopted: set[str] = set()

    def adopt(self, view: View) -> list[Action]:
        self.adopted |= {uid_of(p) for p in view.all_pods.values() if self.adoptable(view, p)}
        return super().adopt(view)

    def own_claims(self, plan: Plan, ordinal: int) -> list[Action]:
        return [] if uid_of(plan.view.pods[ordinal]) in self.adopted else super().own_claims(plan, ordinal)


# Recreate.


@fault("RCT-01", "recreate")
class RecreatesOneByOne(Controller):
    """Under Recreate each old pod is stopped when the one before it is gone."""

    def recreate(self, plan: Plan) -> list[Action]:
        return super().recreate(plan)[:1]


@fault("RCT-02")
class RecreatesSideBySide(Controller):
    """Under Recreate new pods are made while old ones are still stopping."""

    def recreate(self, plan: Plan) -> list[Action]:
        return [step for step in super().recreate(plan) if not isinstance(step, Wait)]


@fault("RCT-03", "recreate")
class RecreatesAllAtOnce(Controller):
    """After Recreate all new pods are made together, also under OrderedReady."""

    def waits_for_lower(self, view: View) -> bool:
        return super().waits_for_lower(view) and not self.recreates(view)


@fault("RCT-04")
class RecreateWaitsForBroken(Controller):
    """Under Recreate a pod that is not Ready holds up the correction of its template."""

    def recreate(self, plan: Plan) -> list[Action]:
        there = [p for p in plan.view.pods.values() if not is_terminating(p)]
        return super().recreate(plan) if all(self.healthy(plan.view, p) for p in there) else []


@fault("RCT-05")
class StrategyInRevision(Controller):
    """The update strategy is part of what a revision stores: another one replaces the pods."""

    def template_data(self, view: View) -> Object:
        data = super().template_data(view)
        return {"spec": {**data["spec"], "updateStrategy": view.spec.get("updateStrategy")}}


@fault("RCT-06")
class RecreatesClaims(Controller):
    """Under Recreate the claims of the old pods are deleted as well."""

    def recreate(self, plan: Plan) -> list[Action]:
        old = super().recreate(plan)
        claims = [claim for ordinal in plan.view.pods for claim in self.existing_claims(plan, ordinal)]
        return [*(delete(claim) for claim in claims if old and not is_terminating(claim)), *old]


@fault("RCT-07")
class RecreatesInSilence(Controller):
    """The status does not tell that pods are being replaced."""

    def progress(self, plan: Plan, status: Raw) -> Object:  # noqa: ARG002
        return {}
