"""Why a set does not get on, where that is the cluster around its controller: for a wait that ran out of time.

Only what still holds counts: a pod that waits now, a claim that is unbound now, a creation that was refused of an
object that is not there now. A pod that nobody makes, whose claim nobody made, or that runs on a node that is ready
without getting Ready itself, is no hindrance: that may be the controller.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

Object = Mapping[str, Any]

NO_IMAGE = frozenset({"ErrImagePull", "ImagePullBackOff", "ErrImageNeverPull", "InvalidImageName"})
"""Reasons of the kubelet for a container whose image cannot be had."""
WAITING = NO_IMAGE | {"CreateContainerConfigError"}
"""Reasons of the kubelet for a container that cannot be started."""
TROUBLES = {
    "FailedMount": "mount",
    "FailedAttachVolume": "mount",
    "FailedCreatePodSandBox": "node",
    "NodeNotReady": "node",
}
"""Reasons of events about a pod, by what they say is wrong."""
NOBODY_MADE = re.compile(r"persistentvolumeclaim \S+ (not found|is being deleted)")
"""What the scheduler says of a pod whose claim is its controller's to make."""
REFUSED = re.compile(r"is forbidden|exceeded quota|denied (the )?request")


def hindrance(
    set_uid: str,
    pods: Mapping[str, Object],
    claims: Mapping[str, Object],
    events: Iterable[Object],
    nodes: Iterable[Object] = (),
) -> str | None:
    """What keeps the set's pods from being there and Ready: a word for it and the server's own words, or ``None``.

    ``pods`` and ``claims`` are the set's, as they are now, by name; ``events`` are all of the namespace, also of sets
    of the same name that were there before; ``nodes`` are those of the pods, as far as they may be read.
    """
    events = list(events)
    found = (
        *_refusals(set_uid, pods, claims, events),
        *_claims(claims, events),
        *_pods(pods, events, dict(_silent(nodes))),
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


def _silent(nodes: Iterable[Object]) -> Iterator[tuple[str, str]]:
    """Nodes that are not ready, and what is said of that: no event tells it of a pod that was not Ready before."""
    for node in nodes:
        for condition in node["status"].get("conditions") or ():
            if condition["type"] == "Ready" and condition["status"] != "True":
                yield node["metadata"]["name"], str(condition.get("message") or condition.get("reason"))


def _pods(pods: Mapping[str, Object], events: Iterable[Object], silent: Mapping[str, str]) -> Iterator[str]:
    for name, pod in sorted(pods.items()):
        status = pod.get("status") or {}
        conditions = {c["type"]: c for c in status.get("conditions") or ()}
        if (conditions.get("Ready") or {}).get("status") == "True":
            continue
        scheduled = conditions.get("PodScheduled") or {}
        message = str(scheduled.get("message") or scheduled.get("reason"))
        if scheduled.get("status") == "False" and not NOBODY_MADE.search(message):
            yield f"unschedulable: Pod {name}: {_brief(message)}"
        for container in (*(status.get("containerStatuses") or ()), *(status.get("initContainerStatuses") or ())):
            waiting = (container.get("state") or {}).get("waiting") or {}
            if waiting.get("reason") in WAITING:
                yield f"image: Pod {name}: {waiting['reason']}: {_brief(str(waiting.get('message') or ''))}"
        for event in events:
            about, reason = event.get("involvedObject") or {}, str(event.get("reason"))
            if about.get("uid") == pod["metadata"]["uid"] and reason in TROUBLES:
                yield f"{TROUBLES[reason]}: Pod {name}: {_brief(str(event.get('message') or reason))}"
        node = str(pod["spec"].get("nodeName"))
        if node in silent:
            yield f"node: Pod {name}: {node}: {_brief(silent[node])}"
        if scheduled.get("status") == "True" and not status.get("startTime"):  # PodStatus: set by the kubelet at once
            yield f"node: Pod {name}: the kubelet of node {node} has not acknowledged it"


def _claims(claims: Mapping[str, Object], events: Iterable[Object]) -> Iterator[str]:
    for name, claim in sorted(claims.items()):
        if (claim.get("status") or {}).get("phase") == "Pending":
            said = [e for e in events if (e.get("involvedObject") or {}).get("uid") == claim["metadata"]["uid"]]
            message = str(said[-1].get("message")) if said else "no provisioner took it"
            if "first consumer" in message:
                continue  # it waits for its pod, not the other way around
            yield f"provisioner: claim {name} is not bound: {_brief(message)}"


def _brief(text: str) -> str:
    return " ".join(text.split())[:300]
