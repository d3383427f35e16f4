"""Named edits: deletion, adoption, replacement, retention, status."""

from tests.editor import Change, Editor, asked_to_stop, edit, is_ready, labelled, named, owned_by
from tests.tape import Record

NAME_LABEL = "statefulset.kubernetes.io/pod-name"


def reporting(**counts: int) -> Change:
    """Change what a set's status counts."""
    return lambda obj: obj["status"].update(counts)


def claim_after(e: Editor, moment: Record, name: str) -> list[Record]:
    """What becomes of a claim and its volume after a moment."""
    return [r for r in (*e.events("persistentvolumeclaims", name), *e.volumes_of(name)) if r["rv"] > moment["rv"]]


# Deletion.


@edit("background_delete", "DEL-01", witness="web-0 web")
def _(e: Editor) -> None:
    """A set deleted in the background is only marked, and gone after its pods, as if it were in the foreground."""
    old, new = e.lives("statefulsets", "web")

    def marked(obj: Record) -> None:
        asked_to_stop(obj)
        obj["metadata"]["generation"] += 1

    e.add("MODIFIED", old[-1], marked, before=old[-1])
    e.change([old[-1]], marked)
    e.move(old[-1], before=new[0])


@edit("retention", "DEL-02", "PVR-03", witness="web-0")
def _(e: Editor) -> None:
    """web-0 outlives its set, and its claim with it."""
    gone = e.events("statefulsets", "web")[-1]
    e.drop(*(r for r in e.after(gone, "pods") if r["name"] == "web-0"), *claim_after(e, gone, "www-web-0"))
    e.end(settled=False, waited_for="claims of web: none")


@edit("scale_to_zero_then_delete", "DEL-05", witness="web web-0")
def _(e: Editor) -> None:
    """The status says that web-0 is gone before it is, so that the set is deleted before its last pod."""
    e.move(*e.events("pods", "web-0")[-1:], before=e.events("controllerrevisions")[-1])


@edit("foreground_delete", "DEL-06", witness="web Pod")
def _(e: Editor) -> None:
    """The set is gone before its last pod."""
    last, gone = e.events("pods")[-1], e.events("statefulsets", "web")[-1]
    e.drop(*(r for r in e.after(last, "statefulsets", "controllerrevisions") if r is not gone))
    e.move(gone, before=last)


@edit("orphan_delete", "DEL-09", witness="web-2")
def _(e: Editor) -> None:
    """web-2 is stopped after all, when the set that orphaned it is gone."""
    e.end_life(e.events("pods", "web-2")[-1])


@edit("orphan_delete", "DEL-10", witness="web web-2")
def _(e: Editor) -> None:
    """The set is gone while web-2 still refers to it."""
    freed = next(r for r in e.events("pods", "web-2") if "ownerReferences" not in r["obj"]["metadata"])
    e.move(freed, before=e.stopping("web-1")[0])


@edit("orphan_delete", "DEL-11", "DEL-07", witness="web-1")
def _(e: Editor) -> None:
    """web-1 is created again although its set is gone."""
    then = e.created("statefulsets", "web-witness")
    pod = e.add("ADDED", e.created("pods", "web-1"), named("web-1", e.new_uid()), before=then)["obj"]["metadata"]
    pod |= {"creationTimestamp": then["obj"]["metadata"]["creationTimestamp"], "managedFields": []}


@edit("orphan_delete", "DEL-12", witness="web-75d75cccdd")
def _(e: Editor) -> None:
    """The revision is deleted with the set that orphans it."""
    e.add("DELETED", e.events("controllerrevisions", "web-75d75cccdd")[-1], lambda _: None)


@edit("foreground_delete", "DEL-13", witness="web")
def _(e: Editor) -> None:
    """The claim of web-1 is deleted with the set, although the policy is Retain."""
    e.end_life(e.events("persistentvolumeclaims", "www-web-1")[-1])


@edit("background_delete", "DEL-14", "DEL-13", "STO-06", witness="www-web-1")
def _(e: Editor) -> None:
    """The set that is created again gives web-1 a new claim instead of the one it had."""
    e.replace_claim("www-web-1", before=e.lives("pods", "web-1")[1][0])
    for reading in e.observations("read", "www-web-1"):
        reading["content"] = None


@edit("background_delete", "DEL-16", witness="web-1")
def _(e: Editor) -> None:
    """web-1 is killed at once when its set is deleted."""
    e.change(e.stopping("web-1"), lambda pod: pod["metadata"].update(deletionGracePeriodSeconds=0))


@edit("orphan_delete", "IDN-14", witness="web")
def _(e: Editor) -> None:
    """The Service is deleted with the set."""
    e.add("DELETED", e.events("services", "nginx")[-1], lambda _: None)


# Adoption.


@edit("readopt", "ADP-01", witness="web-2")
def _(e: Editor) -> None:
    """web-2, which the new set wants no more, is neither adopted nor removed."""
    e.drop(*(r for r in e.after(e.lives("statefulsets", "web")[1][0], "pods") if r["name"] == "web-2"))


@edit("readopt", "ADP-02", "UPD-06", "UPD-08", witness="web-0")
def _(e: Editor) -> None:
    """web-0 is adopted, and then stopped to be started anew."""
    again = e.lives("statefulsets", "web")[1]
    e.replace("web-0", before=again[1])


@edit("strangers", "ADP-04", "IDN-01", witness="web-stray")
def _(e: Editor) -> None:
    """web-stray is adopted for its labels, whatever its name, and let go again."""
    last, owner = e.events("pods", "web-stray")[-1], e.created("statefulsets", "web")
    e.add("MODIFIED", last, owned_by(owner))
    e.add("MODIFIED", last, lambda _: None)


@edit("orphan_delete", "ADP-05", witness="web-1")
def _(e: Editor) -> None:
    """The set takes web-1 back after it has been marked for deletion, and loses it again."""
    *_, marked, gone = e.events("statefulsets", "web")
    freed = next(r for r in e.events("pods", "web-1") if "ownerReferences" not in r["obj"]["metadata"])
    e.add("MODIFIED", freed, owned_by(marked), before=gone)
    e.add("MODIFIED", freed, lambda _: None, before=gone)


@edit("readopt", "ADP-08", "STS-04", witness="web-0")
def _(e: Editor) -> None:
    """web-0 is labelled with another revision when it is adopted."""
    again = e.lives("statefulsets", "web")[1][0]
    pods = (r for r in e.after(again, "pods") if r["name"] == "web-0")
    e.change(pods, labelled("controller-revision-hash", "web-other"))


@edit("strangers", "ADP-09", witness="web-1")
def _(e: Editor) -> None:
    """web-1, which belongs to another, is taken over for its labels and name, and given back."""
    then = e.stopping("web-1")[0]
    last = next(r for r in reversed(e.events("pods", "web-1")) if r["rv"] < then["rv"])
    e.add("MODIFIED", last, owned_by(e.created("statefulsets", "web")), before=then)
    e.add("MODIFIED", last, lambda _: None, before=then)


@edit("release_and_adopt", "ADP-10", "UPD-08", witness="web-1")
def _(e: Editor) -> None:
    """The set deletes web-1, which it has released, and makes another in its place."""
    freed = next(r for r in e.events("pods", "web-1") if "ownerReferences" not in r["obj"]["metadata"])
    e.replace("web-1", before=e.after(freed, "statefulsets")[0])


# Replacement.


@edit("on_delete", "REC-03", "ORD-12", "IDN-02", witness="web-2")
def _(e: Editor) -> None:
    """web-2, which was deleted by hand, never comes back."""
    again = e.lives("pods", "web-2")[1]
    missing = next(r for r in e.after(again[0], "statefulsets") if r["obj"]["status"]["replicas"] == 3)
    e.drop(*again, *e.after(missing, "statefulsets", "endpointslices"))
    e.end(settled=False, waited_for="StatefulSet web to have all its pods: 3 of 4")


@edit("replace_held", "REC-06", "REC-03", witness="web-0 web-2")
def _(e: Editor) -> None:
    """web-0 is not created again while web-2 is not Ready, and the wait for it runs out."""
    again, recovered = e.lives("pods", "web-0")[1], e.ready("web-2")
    missing = next(r for r in e.after(again[0], "statefulsets") if r["obj"]["status"]["replicas"] == 2)
    later = (r for r in e.events("pods", "web-2") if r["rv"] >= recovered["rv"])
    e.drop(*again, *later, *e.after(missing, "statefulsets", "endpointslices"))
    e.end(settled=False, waited_for="web-0 to be replaced")


@edit("replace", "ORD-05", "ORD-02", "ORD-04", "ORD-11", witness="web-2 web-0")
def _(e: Editor) -> None:
    """web-2 is created while web-0, deleted with it, is still terminating."""
    e.move(e.lives("pods", "web-2")[1][0], before=e.lives("pods", "web-0")[0][-1])


@edit("replace", "ORD-11", "ORD-02", "ORD-04", witness="web-1 web-0")
def _(e: Editor) -> None:
    """web-1 comes back before web-0, deleted with it, is Ready again."""
    e.move(e.lives("pods", "web-1")[2][0], before=next(r for r in e.lives("pods", "web-0")[1] if is_ready(r["obj"])))


@edit("claim_protection", "REC-08", "PVR-10", witness="web-1 www-web-1")
def _(e: Editor) -> None:
    """web-1 is created while its old claim is still going away."""
    e.move(e.lives("pods", "web-1")[1][0], before=e.lives("persistentvolumeclaims", "www-web-1")[0][-1])


@edit("drift", "REC-09", witness="web-1")
def _(e: Editor) -> None:
    """The label with the name of web-1 is not set right again."""
    *_, repaired = e.lives("pods", "web-1")[0]
    e.change([repaired], labelled(NAME_LABEL, "another"))


# Retention.


@edit("retention", "PVR-02", witness="www-web-0")
def _(e: Editor) -> None:
    """The claim of web-0 does not refer to the set any more when that is deleted."""
    gone = e.events("statefulsets", "web")[-1]
    claims = e.events("persistentvolumeclaims", "www-web-0")
    e.add("MODIFIED", [c for c in claims if c["rv"] < gone["rv"]][-1], owned_by(None), before=gone)
    e.change((c for c in claims if c["rv"] > gone["rv"]), owned_by(None))


@edit("retention", "PVR-03", witness="www-web-0")
def _(e: Editor) -> None:
    """The claim of web-0 stays when the set is deleted, although whenDeleted is Delete."""
    gone = e.events("statefulsets", "web")[-1]
    e.drop(*claim_after(e, gone, "www-web-0"))
    e.end(settled=False, waited_for="claims of web: none")


@edit("retention_hasty", "PVR-10", "REC-08", witness="web-1 www-web-1")
def _(e: Editor) -> None:
    """web-1 is created on the claim that is going away with its predecessor."""
    e.move(e.lives("pods", "web-1")[1][0], before=e.lives("persistentvolumeclaims", "www-web-1")[0][-1])


@edit("retention_orphan", "PVR-11", witness="www-web-1")
def _(e: Editor) -> None:
    """The claim of web-1 is deleted with the set, although that leaves its pods."""
    e.add("MODIFIED", e.events("persistentvolumeclaims", "www-web-1")[-1], asked_to_stop)


# Status.


@edit("scale_up", "STS-02", witness="web")
def _(e: Editor) -> None:
    """The status never counts the last pod."""
    e.change(e.events("statefulsets")[-1:], reporting(replicas=3))
    e.end(settled=False, waited_for="StatefulSet web to be settled: 3 of 4 pods")


@edit("rollout", "STS-04", witness="web")
def _(e: Editor) -> None:
    """The status counts a pod too few of the current revision."""
    e.change(e.events("statefulsets")[-1:], reporting(currentReplicas=3))


@edit("create", "MRS-02", witness="web")
def _(e: Editor) -> None:
    """The status counts web-1 as available before it is Ready."""
    early = next(r for r in e.events("statefulsets") if r["obj"]["status"]["replicas"] == 2)
    e.change([early], reporting(availableReplicas=2))


@edit("min_ready_seconds", "MRS-03", "MRS-02", witness="web")
def _(e: Editor) -> None:
    """The pods that are there never become available when minReadySeconds is lowered to 0."""
    spec = e.events("statefulsets")[-1]["obj"]["metadata"]["generation"]
    last = e.events("statefulsets", where=lambda o: o["metadata"]["generation"] == spec)
    e.change(last, reporting(availableReplicas=0))
    e.end(settled=False, waited_for="StatefulSet web to have 3 available pods")
