"""What outside the controller blocks a set: for a wait that timed out.

Only what still holds counts: a pod that waits now, a claim that is unbound now, a creation that was refused of an
object that is not there now. A pod that nobody makes, whose claim nobody made, or that runs on a node that is ready
without getting Ready itself, is not blocked from outside: that may be the controller.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from stsconf.act.objects import NO_IMAGE
from stsconf.timeline import reduce

Object = Mapping[str, Any]

CANNOT_START = NO_IMAGE | {"CreateContainerConfigError"}
"""Reasons of the kubelet for a container that cannot be started."""
BLOCKING = {
    "FailedMount": "mount",
    "FailedAttachVolume": "mount",
    "FailedCreatePodSandBox": "node",
    "NodeNotReady": "node",
}
"""Reasons of events about a pod, by the part of the cluster that is wrong."""
NOBODY_MADE = re.compile(r"persistentvolumeclaim \S+ (not found|is being deleted)")
"""What the scheduler says of a pod whose claim is its controller's to make."""
REFUSED = re.compile(r"is forbidden|exceeded quota|denied (the )?request")


def blocker(
    set_uid: str,
    pods: Mapping[str, Object],
    claims: Mapping[str, Object],
    events: Iterable[Object],
    nodes: Iterable[Object] = (),
) -> str | None:
    """What outside the controller blocks the set: a word for it and the server's own words, or ``None``.

    ``pods`` and ``claims`` are the set's, as they are now, by name; ``events`` are all of the namespace, also of sets
    of the same name that were there before; ``nodes`` are those of the pods, as far as they may be read.
    """
    events = list(events)
    found = (
        *_refusals(set_uid, pods, claims, events),
        *_claims(claims, events),
        *_pods(pods, events, dict(_not_ready_nodes(nodes))),
    )
    return next(iter(found), None)


def _refusals(
    set_uid: str, pods: Mapping[str, Object], claims: Mapping[str, Object], events: Iterable[Object]
) -> Iterator[str]:
    for event in events:
        message = str(event.get("message") or "")
        if event.get("reason") != "FailedCreate" or not REFUSED.search(message):
            continue
        about = event.get("involvedObject") or {}
        missing = re.match(r"[Cc]reate (?:Pod|Claim) (\S+)", message)
        if about.get("uid") == set_uid and missing and missing[1] not in {**pods, **claims}:
            word = "quota" if "quota" in message else "admission"
            yield f"{word}: {_brief(message)}"


def _not_ready_nodes(nodes: Iterable[Object]) -> Iterator[tuple[str, str]]:
    """Nodes that are not ready, and what is said of that: no event tells it of a pod that was not Ready before."""
    for node in nodes:
        ready = reduce.conditions(node).get("Ready")
        if ready and ready["status"] != "True":
            yield node["metadata"]["name"], str(ready.get("message") or ready.get("reason"))


def waiting(pod: Object) -> Iterator[tuple[str, str]]:
    """Reason and message of each container of a pod that waits to be started (core/v1 ContainerStateWaiting)."""
    status = pod.get("status") or {}
    for container in (*(status.get("containerStatuses") or ()), *(status.get("initContainerStatuses") or ())):
        if found := (container.get("state") or {}).get("waiting"):
            yield str(found.get("reason")), str(found.get("message") or "")


def _pods(pods: Mapping[str, Object], events: Iterable[Object], not_ready: Mapping[str, str]) -> Iterator[str]:
    for name, pod in sorted(pods.items()):
        status = pod.get("status") or {}
        conditions = reduce.conditions(pod)
        if reduce.pod(pod).ready:
            continue
        scheduled = conditions.get("PodScheduled") or {}
        message = str(scheduled.get("message") or scheduled.get("reason"))
        if scheduled.get("status") == "False" and not NOBODY_MADE.search(message):
            yield f"unschedulable: Pod {name}: {_brief(message)}"
        for reason, message in waiting(pod):
            if reason in CANNOT_START:
                yield f"image: Pod {name}: {reason}: {_brief(message)}"
        for event in events:
            about, reason = event.get("involvedObject") or {}, str(event.get("reason"))
            if about.get("uid") == pod["metadata"]["uid"] and reason in BLOCKING:
                yield f"{BLOCKING[reason]}: Pod {name}: {_brief(str(event.get('message') or reason))}"
        node = str(pod["spec"].get("nodeName"))
        if node in not_ready:
            yield f"node: Pod {name}: {node}: {_brief(not_ready[node])}"
        if scheduled.get("status") == "True" and not status.get("startTime"):  # PodStatus: set by the kubelet at once
            yield f"node: Pod {name}: the kubelet of node {node} has not acknowledged it"


def _claims(claims: Mapping[str, Object], events: Iterable[Object]) -> Iterator[str]:
    for name, claim in sorted(claims.items()):
        if reduce.claim(claim).phase == "Pending":
            said = [e for e in events if (e.get("involvedObject") or {}).get("uid") == claim["metadata"]["uid"]]
            message = str(said[-1].get("message")) if said else "no provisioner accepted it"
            if "first consumer" in message:
                continue  # it waits for its pod, not the other way around
            yield f"provisioner: PVC {name} is not bound: {_brief(message)}"


def _brief(text: str) -> str:
    return " ".join(text.split())[:300]
