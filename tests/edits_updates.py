"""Named edits: rollouts, partitions, rollbacks, revisions."""

from tests.editor import Editor, edit, is_ready, labelled, named
from tests.tape import Record

REVISION_LABEL = "controller-revision-hash"


def updates(e: Editor, name: str, index: int = 0) -> list[Record]:
    """One update of a pod: from the request to stop until its successor is Ready."""
    old, new = e.lives("pods", name)[index : index + 2]
    ready = next(i for i, r in enumerate(new) if is_ready(r["obj"]))
    return [*(r for r in old if "deletionTimestamp" in r["obj"]["metadata"]), *new[: ready + 1]]


# Rollouts.


@edit("rollout", "UPD-01", "STS-04", witness="web-0")
def _(e: Editor) -> None:
    """web-0 is created again from the old template, and the update is called complete."""
    old, new = e.lives("pods", "web-0")
    e.change(new, labelled(REVISION_LABEL, old[0]["obj"]["metadata"]["labels"][REVISION_LABEL]))


@edit("rollout", "UPD-02", witness="web-2 web-3")
def _(e: Editor) -> None:
    """web-2 is updated before web-3."""
    e.move(*updates(e, "web-2"), before=e.stopping("web-3")[0])


@edit("rollout", "UPD-03", "MXU-01", "ORD-02", "ORD-04", "ORD-05", "UPD-04", "UPD-06", witness="web-2 web-3")
def _(e: Editor) -> None:
    """web-3 and web-2 are stopped together."""
    e.move(e.stopping("web-2")[0], before=e.stopping("web-3")[1])


@edit("max_unavailable", "MXU-05", "UPD-02", witness="web-2 web-3")
def _(e: Editor) -> None:
    """Of the first two, web-2 is stopped before web-3."""
    e.move(e.stopping("web-2")[0], before=e.stopping("web-3")[0])


@edit("restart", "UPD-17", "UPD-01", "UPD-15", witness="web-0")
def _(e: Editor) -> None:
    """A restart leaves web-0 as it is."""
    stop = e.stopping("web-0")[0]
    later = (r for r in e.events("pods", "web-0") if r["rv"] >= stop["rv"])
    written = e.after(stop, "statefulsets")[0]
    e.drop(*later, *e.after(written, "statefulsets", "endpointslices"))
    e.change([written], lambda o: o["status"].update(currentReplicas=1))
    e.end(settled=False, waited_for="StatefulSet web to be rolled out: 2 of 3 pods")


@edit("rollout_stalls", "UPD-11", witness="web-2")
def _(e: Editor) -> None:
    """The broken web-2 is replaced when the template is reverted, with nobody deleting it by hand."""
    e.forget("delete", "pods", "web-2")


@edit("on_delete", "OND-03", witness="web")
def _(e: Editor) -> None:
    """The current revision stays behind although every pod is of the new one."""
    *_, before, last = e.events("statefulsets")
    kept = {"currentRevision": before["obj"]["status"]["currentRevision"], "currentReplicas": 0}
    e.change([last], lambda o: o["status"].update(kept))


# Partitions.


@edit("partition", "PRT-02", "PRT-05", "UPD-08", witness="web-0")
def _(e: Editor) -> None:
    """web-0, below the partition of 1, is updated as well."""
    raised = e.events("statefulsets", where=lambda o: partition_of(o) == 4)[0]
    e.move(*updates(e, "web-0", 1), before=raised)


@edit("partition", "PRT-05", "UPD-02", witness="web-1 web-2")
def _(e: Editor) -> None:
    """When the partition is lowered to 1, web-1 is updated before web-2."""
    e.move(*updates(e, "web-1"), before=e.stopping("web-2")[0])


@edit("partition", "UPD-13", witness="web-2")
def _(e: Editor) -> None:
    """web-2, which was updated and is lost, comes back in the old version, and is updated again."""
    old, _, new = e.lives("pods", "web-2")
    ready = next(r for r in new if is_ready(r["obj"]))
    revision, uid = old[0]["obj"]["metadata"]["labels"][REVISION_LABEL], e.new_uid()

    def outdated(pod: Record) -> None:
        named("web-2", uid)(pod)
        labelled(REVISION_LABEL, revision)(pod)

    e.add("ADDED", new[0], outdated, before=new[0])
    e.end_life(e.add("MODIFIED", ready, outdated, before=new[0]), before=new[0])


def partition_of(obj: Record) -> int:
    """The partition of a set."""
    return int(obj["spec"]["updateStrategy"]["rollingUpdate"]["partition"])


# Rollbacks.


@edit("rollback", "UPD-18", "STO-06", witness="www-web-2")
def _(e: Editor) -> None:
    """The claim of web-2 is replaced by a new one in the rollback."""
    *_, back, _, last = [life[0] for life in e.lives("pods", "web-2")]
    e.replace_claim("www-web-2", before=back)
    for reading in e.observations("read", "www-web-2"):
        if reading["pod_uid"] in (back["uid"], last["uid"]):
            reading["content"] = None


@edit("rollback", "STO-06", witness="web-2")
def _(e: Editor) -> None:
    """What web-2 had written since the update is rolled back with it."""
    reading = e.observations("read", "www-web-2")[-1]
    reading["content"] = None


# Revisions.


@edit("create", "REV-01", witness="web-75d75cccdd")
def _(e: Editor) -> None:
    """The first revision of a new set is numbered 2."""
    e.change(e.events("controllerrevisions"), lambda o: o.update(revision=2))


@edit("history", "REV-04", witness="web-75d75cccdd")
def _(e: Editor) -> None:
    """An old revision comes to store another template."""
    *_, last, gone = e.lives("controllerrevisions", "web-75d75cccdd")[0]

    def rewritten(revision: Record) -> None:
        revision["data"]["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] = 1

    e.add("MODIFIED", last, rewritten, before=gone)
    rewritten(gone["obj"])


@edit("history", "REV-07", witness="web-75d75cccdd")
def _(e: Editor) -> None:
    """The first revision is pruned while web-0 is still of it."""
    e.move(e.events("controllerrevisions", "web-75d75cccdd")[-1], before=e.stopping("web-0")[0])


@edit("readopt", "REV-17", witness="web-75d75cccdd")
def _(e: Editor) -> None:
    """A set that is created again leaves its predecessor's revision without an owner."""
    e.drop(*e.after(e.lives("statefulsets", "web")[1][0], "controllerrevisions"))


@edit("scale_up", "UPD-09", witness="web-scaled")
def _(e: Editor) -> None:
    """Scaling makes a revision of its own, although no template has changed."""
    like, then = e.created("controllerrevisions", "web-75d75cccdd"), e.created("pods", "web-2")
    made = e.add("ADDED", like, named("web-scaled", e.new_uid()), before=then)
    made["obj"]["revision"] = 2


@edit("create", "REV-16", witness="web-75d75cccdd")
def _(e: Editor) -> None:
    """The revision stores the number of replicas too."""
    e.change(e.events("controllerrevisions"), lambda o: o["data"]["spec"].update(replicas=2))
