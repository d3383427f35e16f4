"""What is around a controller is told from what is the controller."""

from typing import Any

import pytest

from stsconf.act.blockers import blocker

Object = dict[str, Any]


def pod(name: str = "web-0", **status: Any) -> dict[str, Object]:
    metadata = {"name": name, "uid": f"uid of {name}"}
    return {name: {"metadata": metadata, "spec": {"nodeName": "one"}, "status": {"phase": "Pending", **status}}}


def claim(phase: str) -> dict[str, Object]:
    return {"www-web-0": {"metadata": {"name": "www-web-0", "uid": "uid of www-web-0"}, "status": {"phase": phase}}}


def event(reason: str, message: str, name: str = "web", uid: str = "uid of web") -> Object:
    return {"reason": reason, "message": message, "involvedObject": {"name": name, "uid": uid}}


def waiting(reason: str) -> Object:
    return {"containerStatuses": [{"state": {"waiting": {"reason": reason, "message": "said"}}}]}


def condition(kind: str, status: str, message: str = "") -> Object:
    return {"conditions": [{"type": kind, "status": status, "message": message}]}


REFUSED = 'Create Pod web-1 in StatefulSet web failed error: pods "web-1" is forbidden: '
NO_CLAIM = (
    'Create Claim www-web-1 for Pod web-1 in StatefulSet web failed error: persistentvolumeclaims "x" is forbidden: '
)
OF_POD = {"name": "web-0", "uid": "uid of web-0"}
AROUND = {
    "image": (pod(**waiting("ImagePullBackOff")), {}, []),
    "unschedulable": (pod(**condition("PodScheduled", "False", "0/3 nodes are available")), {}, []),
    "mount": (pod(), {}, [event("FailedMount", "no such server", **OF_POD)]),
    "node": (pod(**condition("Ready", "False")), {}, [event("NodeNotReady", "Node is not ready", **OF_POD)]),
    "node that does nothing": (pod(**condition("PodScheduled", "True")), {}, []),
    "provisioner": (pod(), claim("Pending"), []),
    "quota": (pod(), claim("Bound"), [event("FailedCreate", f"{REFUSED}exceeded quota: small")]),
    "quota of storage": (pod(), claim("Bound"), [event("FailedCreate", f"{NO_CLAIM}exceeded quota: small")]),
    "admission": ({}, {}, [event("FailedCreate", f'{REFUSED}admission webhook "w" denied the request: no')]),
    "admission of a level": ({}, {}, [event("FailedCreate", f'{REFUSED}violates PodSecurity "restricted:latest"')]),
}
NOT_AROUND = {
    "a kubelet is at work": (pod(startTime="2026-11-28T23:06:00Z", **condition("PodScheduled", "True")), {}, []),
    "nobody makes a pod": ({}, {}, []),
    "a pod runs and is not Ready": (pod(phase="Running", **condition("Ready", "False")), {}, []),
    "its server crashes": (pod(**waiting("CrashLoopBackOff")), {}, []),
    "its claim was not made": (
        pod(**condition("PodScheduled", "False", 'persistentvolumeclaim "www-web-0" not found')),
        {},
        [],
    ),
    "what was refused is there now": (pod("web-1"), {}, [event("FailedCreate", f"{REFUSED}exceeded quota: small")]),
    "of a set before it": (
        {},
        {},
        [event("FailedCreate", f"{REFUSED}exceeded quota: small", uid="uid of the one before")],
    ),
    "what was made is invalid": (
        {},
        {},
        [event("FailedCreate", 'Create Pod web-1 ... failed error: Pod "web-1" is invalid')],
    ),
    "a mount of the pod before": (
        pod(),
        {},
        [event("FailedMount", "no such server", "web-0", "uid of the one before")],
    ),
    "a mount that came good": (
        pod(**condition("Ready", "True")),
        {},
        [event("FailedMount", "no such server", **OF_POD)],
    ),
    "a claim that waits for its pod": (
        pod(),
        claim("Pending"),
        [event("WaitForFirstConsumer", "waiting for first consumer to be created", "www-web-0", "uid of www-web-0")],
    ),
}


@pytest.mark.parametrize(("ready", "named"), [("Unknown", True), ("False", True), ("True", False)])
def test_a_node_that_is_not_ready_is_named_for_a_pod_that_never_was(ready: str, named: bool) -> None:
    node = {"metadata": {"name": "one"}, "status": condition("Ready", ready, "Kubelet stopped posting node status.")}
    pods = pod(phase="Running", startTime="2026-11-28T23:06:00Z", **condition("Ready", "False"))
    expected = "node: Pod web-0: one: Kubelet stopped posting node status." if named else None
    assert blocker("uid of web", pods, {}, [], [node]) == expected


@pytest.mark.parametrize("name", AROUND)
def test_what_is_around_is_named(name: str) -> None:
    pods, claims, events = AROUND[name]
    assert (blocker("uid of web", pods, claims, events) or "").startswith(f"{name.split()[0]}: ")


@pytest.mark.parametrize("name", NOT_AROUND)
def test_what_may_be_the_controller_is_not_excused(name: str) -> None:
    pods, claims, events = NOT_AROUND[name]
    assert blocker("uid of web", pods, claims, events) is None
