"""What kubectl does to a StatefulSet in more than one call: ``rollout status``, ``history`` and ``undo``."""

from stsconf.errors import UsageError
from stsconf.kube.api import Api, Object

RESTARTED = "kubectl.kubernetes.io/restartedAt"
"""The annotation that ``kubectl rollout restart`` sets."""


def rollout_status(stateful_set: Object) -> tuple[str, bool]:
    """What ``kubectl rollout status`` says of a set, and whether it is done.

    Raises ``UsageError`` for a set that is not updated by rolling, as kubectl does.
    """
    spec, status = stateful_set["spec"], stateful_set.get("status") or {}
    strategy = spec.get("updateStrategy") or {}
    if strategy.get("type", "RollingUpdate") != "RollingUpdate":
        raise UsageError("rollout status is only available for RollingUpdate strategy type")
    replicas, ready, updated = (
        spec.get("replicas", 1),
        status.get("readyReplicas") or 0,
        status.get("updatedReplicas") or 0,
    )
    if not status.get("observedGeneration") or stateful_set["metadata"]["generation"] > status["observedGeneration"]:
        return "Waiting for statefulset spec update to be observed...", False
    if ready < replicas:
        return f"Waiting for {replicas - ready} pods to be ready...", False
    rolling = strategy.get("rollingUpdate")
    if rolling is not None:
        wanted = replicas - (rolling.get("partition") or 0)
        if updated < wanted:
            progress = f"{updated} out of {wanted} new pods have been updated..."
            return f"Waiting for partitioned roll out to finish: {progress}", False
        return f"partitioned roll out complete: {updated} new pods have been updated...", True
    if status.get("updateRevision") != status.get("currentRevision"):
        at = f"{updated} pods at revision {status.get('updateRevision')}"
        return f"waiting for statefulset rolling update to complete {at}...", False
    at = f"{status.get('currentReplicas') or 0} pods at revision {status.get('currentRevision')}"
    return f"statefulset rolling update complete {at}...", True


def history(api: Api, namespace: str, set_uid: str) -> list[Object]:
    """A set's ControllerRevisions, lowest number first, as ``kubectl rollout history`` lists them."""
    mine = [
        revision
        for revision in api.list("ControllerRevision", namespace)
        if any(owner["uid"] == set_uid for owner in revision["metadata"].get("ownerReferences") or ())
    ]
    return sorted(mine, key=lambda revision: int(revision["revision"]))


def revision_to_restore(revisions: list[Object], number: int = 0) -> Object:
    """The revision that ``kubectl rollout undo --to-revision=NUMBER`` goes back to; 0 is the second highest.

    Raises ``UsageError`` for one that does not exist.
    """
    numbers = [revision["revision"] for revision in revisions]
    if number == 0 and len(revisions) < 2:
        raise UsageError("no last revision to roll back to")
    if number and number not in numbers:
        raise UsageError(f"unable to find specified revision {number} in history", f"There is {numbers}.")
    return revisions[numbers.index(number)] if number else revisions[-2]
