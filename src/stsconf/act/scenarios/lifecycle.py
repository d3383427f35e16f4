"""Pods are lost or end, and the set makes up for it."""

from stsconf.act.objects import GATE, POD_NAME_LABEL
from stsconf.act.scenarios.registry import scenario
from stsconf.act.workload import Workload


@scenario(pods=3, markers=True)
def replace(workload: Workload) -> None:
    """Delete a pod by hand, then all at once; let one fail."""
    workload.create_settled(3)
    written = workload.content.write()
    for ordinals in ((1,), (0, 1, 2)):
        workload.lose_pods(*ordinals)
        workload.wait.settled()
    workload.content.read(written)
    workload.fail_pod(1)
    workload.content.read(written)


@scenario(pods=1)
def completed(workload: Workload) -> None:
    """Let the only pod succeed, where containers can be kept from being started again."""
    workload.create_and_complete()


@scenario(pods=3)
def replace_held(workload: Workload) -> None:
    """Delete pod 0 while pod 2 is held not Ready."""
    workload.create_gated(3)
    workload.hold(2)
    workload.lose_pods(0)
    workload.act.release(0)
    workload.act.release(2)
    workload.wait.settled()


@scenario(pods=2)
def release_and_adopt(workload: Workload) -> None:
    """Take the labels of a pod away, so that it is released, and give them back, so that it is adopted again."""
    workload.create_settled(2)
    label = workload.names.app
    workload.act.patch_pod(1, {"metadata": {"labels": {"app": f"{label}-released"}}})
    workload.wait.owned(1, owned=False)
    workload.nudge()
    workload.act.patch_pod(1, {"metadata": {"labels": {"app": label}}})
    workload.wait.owned(1, owned=True)
    workload.wait.settled()


@scenario(pods=2)
def drift(workload: Workload) -> None:
    """Change the label that holds a pod's own name."""
    workload.create_settled(2)
    workload.act.patch_pod(1, {"metadata": {"labels": {POD_NAME_LABEL: "another"}}})
    workload.wait.label(1, POD_NAME_LABEL)
    workload.wait.settled()


@scenario(pods=3)
def strangers(workload: Workload) -> None:
    """Create a StatefulSet beside a Pod of a foreign name and a Pod of another owner; then delete the latter."""
    workload.act.add_pod(f"{workload.names.set_name}-stray")
    workload.act.add_pod(f"{workload.names.set_name}-1", owned=True)
    workload.act.create(2)
    workload.wait.ready(1)
    workload.nudge()
    workload.act.delete_pods(1)
    workload.wait.settled()


@scenario(pods=2)
def claim_protection(workload: Workload) -> None:
    """Delete the PVC of a running Pod, and then the Pod."""
    workload.create_settled(2)
    workload.act.delete_claim(1)
    workload.lose_pods(1)
    workload.wait.settled()


@scenario(pods=1)
def lost_claim(workload: Workload) -> None:
    """Delete the PVC of a Pod that cannot be scheduled, and let it be scheduled when there is a new PVC."""
    gates = {"schedulingGates": [{"name": GATE}]}
    workload.act.create(1, lambda stateful_set: stateful_set["spec"]["template"]["spec"].update(gates))
    workload.wait.pods(0)
    workload.wait.claims(0)
    workload.lose_claim(0)
    workload.nudge()
    workload.wait.claims(0)
    workload.act.patch_pod(0, {"spec": {"schedulingGates": None}})
    workload.wait.settled()


@scenario(pods=2)
def unmakeable(workload: Workload) -> None:
    """Roll out a template of which no pod can be made, since its priority class does not exist, and take it back."""
    workload.create_settled(2)
    workload.act.patch({"spec": {"template": {"spec": {"priorityClassName": "stsconf-there-is-none"}}}})
    workload.wait.ready(1)
    workload.act.patch({"spec": {"template": {"spec": {"priorityClassName": None}}}})
    workload.wait.settled()


@scenario(pods=2)
def moved(workload: Workload) -> None:
    """Have pod 1 made again on another node, where there is one, by a preference in the template."""
    workload.create_settled(2)
    node = workload.state.node_of(1)
    elsewhere = {"matchExpressions": [{"key": "kubernetes.io/hostname", "operator": "NotIn", "values": [node]}]}
    preferred = [{"weight": 100, "preference": elsewhere}]
    affinity = {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": preferred}}
    workload.act.patch({"spec": {"template": {"spec": {"affinity": affinity}}}})
    workload.wait.settled()
