"""The set is deleted: with its pods, without them, after scaling to 0; and it comes back."""

from stsconf.act.objects import with_spec
from stsconf.act.scenarios.registry import scenario
from stsconf.act.workload import Workload


@scenario(pods=3, markers=True)
def background_delete(workload: Workload) -> None:
    """Delete the StatefulSet in the background, and create it again when its Pods are gone."""
    workload.create_settled(3)
    written = workload.content.write()
    workload.act.delete("Background")
    workload.wait.gone()
    workload.wait.pods()
    workload.create_settled(3)
    workload.content.read(written)


@scenario(pods=3)
def foreground_delete(workload: Workload) -> None:
    """Delete the StatefulSet in the foreground."""
    workload.create_settled(3)
    workload.act.delete("Foreground")
    workload.wait.gone()
    workload.wait.pods()


@scenario(pods=3)
def orphan_delete(workload: Workload) -> None:
    """Delete the StatefulSet with cascade orphan; delete one of its Pods by hand."""
    workload.create_settled(3)
    workload.orphan(0, 1, 2)
    workload.act.delete_pods(1)
    workload.wait.pods(0, 2)
    workload.witness()


@scenario(pods=4, markers=True)
def readopt(workload: Workload) -> None:
    """Delete the StatefulSet with cascade orphan and Pod 1 by hand, and create it again with 2 replicas."""
    workload.create_settled(3)
    written = workload.content.write()
    workload.orphan(0, 1, 2)
    workload.act.delete_pods(1)
    workload.wait.pods(0, 2)
    workload.create_settled(2)
    workload.content.read(written)


@scenario(pods=3)
def scale_to_zero_then_delete(workload: Workload) -> None:
    """Scale to 0 for an ordered end, then delete the StatefulSet."""
    workload.create_settled(3)
    workload.act.scale(0)
    workload.wait.settled()
    workload.act.delete("Background")
    workload.wait.gone()


def policy(scaled: str, deleted: str) -> dict[str, object]:
    """The retention policy as fields of a set's spec."""
    return {"persistentVolumeClaimRetentionPolicy": {"whenScaled": scaled, "whenDeleted": deleted}}


@scenario(pods=3)
def retention(workload: Workload) -> None:
    """Scale down and up under whenScaled Delete, lose a Pod, set whenDeleted to Delete, and delete it all."""

    workload.create_settled(3, with_spec(**policy("Delete", "Retain")))
    workload.act.scale(1)
    workload.wait.settled()
    workload.wait.claims(0)
    workload.act.scale(3)
    workload.wait.settled()
    workload.lose_pods(0)
    workload.wait.settled()
    workload.act.patch({"spec": policy("Delete", "Delete")})
    workload.wait.claims_owned(0, 1, 2)
    workload.act.scale(2)
    workload.wait.settled()
    workload.wait.claims(0, 1)
    workload.act.patch({"spec": policy("Retain", "Delete")})
    workload.act.scale(1)
    workload.wait.settled()
    workload.act.delete("Background")
    workload.wait.gone()
    workload.wait.claims()


@scenario(pods=3, hasty=True)
def retention_hasty(workload: Workload) -> None:
    """Scale 3, 1, 3 without waiting, under whenScaled Delete; then change the spec so that creation continues."""
    workload.create_settled(3, with_spec(**policy("Delete", "Retain")))
    workload.act.scale(1)
    workload.wait.pods(0, 1)
    workload.act.scale(3)
    workload.wait.claims_stay()
    workload.nudge()  # see docs/decisions/claims-going-away.md
    workload.wait.settled()


@scenario(pods=2)
def retention_orphan(workload: Workload) -> None:
    """Delete a StatefulSet with cascade orphan, under whenDeleted Delete, and create it again."""
    owning = with_spec(**policy("Retain", "Delete"))
    workload.create_settled(2, owning)
    workload.wait.claims_owned(0, 1)
    workload.orphan(0, 1)
    workload.witness()
    workload.create_settled(2, owning)
    workload.wait.claims_owned(0, 1)


@scenario(pods=2)
def foreign_claim(workload: Workload) -> None:
    """While another controller owns the PVC of Pod 1, scale down and delete under a policy of Delete."""
    workload.act.add_claim(1)
    workload.create_settled(2, with_spec(**policy("Delete", "Delete")))
    workload.act.scale(1)
    workload.wait.settled()
    workload.act.delete("Background")
    workload.wait.gone()
    workload.wait.pods()
    workload.wait.claims(1)
