"""Named edits: creation, identity, scaling, storage."""

from tests.editor import Editor, asked_to_stop, edit, labelled, mounting, named
from tests.tape import Record


@edit("create", "ORD-01", "ORD-02", "ORD-09", witness="web-1 web-0")
def _(e: Editor) -> None:
    """web-1 is created before web-0 exists."""
    first = e.created("persistentvolumeclaims", "www-web-0")
    e.move(e.created("persistentvolumeclaims", "www-web-1"), e.created("pods", "web-1"), before=first)


@edit("create", "ORD-02", witness="web-1 web-0")
def _(e: Editor) -> None:
    """web-1 is created before web-0 is Ready."""
    claim, pod = e.created("persistentvolumeclaims", "www-web-1"), e.created("pods", "web-1")
    e.move(claim, pod, before=e.ready("web-0"))


@edit("scale_up_held", "ORD-04", "ORD-02", witness="web-2 web-1")
def _(e: Editor) -> None:
    """web-2 is created while web-1, which had failed, is still not Ready."""
    claim, pod = e.created("persistentvolumeclaims", "www-web-2"), e.created("pods", "web-2")
    e.move(claim, pod, before=e.ready("web-1"))


@edit("scale_up", "ORD-06", "UPD-06", "UPD-08", witness="web-0")
def _(e: Editor) -> None:
    """Scaling up replaces web-0, which was there."""
    e.replace("web-0", before=e.created("persistentvolumeclaims", "www-web-2"))


@edit("create", "ORD-08", witness="web-1 www-web-1")
def _(e: Editor) -> None:
    """web-1 is created before its claim."""
    e.move(e.created("pods", "web-1"), before=e.created("persistentvolumeclaims", "www-web-1"))


@edit("create", "ORD-12", "IDN-02", witness="web web-0")
def _(e: Editor) -> None:
    """web-1 is never made, and the wait for it runs out."""
    told, *later = e.after(e.created("pods", "web-1"), "statefulsets")
    e.change([told], lambda o: o["status"].update(replicas=1, currentReplicas=1, updatedReplicas=1))
    e.drop(*later, *e.after(told, "endpointslices"), *e.events("pods", "web-1"))
    e.end(settled=False, waited_for="Timed out after 300 s waiting for StatefulSet web: 1 of 2 pods Ready")


@edit("create", "IDN-01", witness="web-x")
def _(e: Editor) -> None:
    """A pod of the set has a name without an ordinal, for a moment."""
    then, uid = e.created("persistentvolumeclaims", "www-web-1"), e.new_uid()
    like = e.created("pods", "web-0")
    e.add("ADDED", like, named("web-x", uid), before=then)
    for change in ("MODIFIED", "DELETED"):
        e.add(change, like, lambda o: (named("web-x", uid)(o), asked_to_stop(o)), before=then)


@edit("create", "IDN-02", "ORD-12", "STS-02", "STS-04", witness="web")
def _(e: Editor) -> None:
    """A third pod appears after the set of two has settled."""
    e.add("ADDED", e.created("persistentvolumeclaims", "www-web-1"), named("www-web-2", e.new_uid()))
    pod = e.add("ADDED", e.created("pods", "web-1"), named("web-2", e.new_uid()))
    pod["obj"]["metadata"]["labels"] |= {
        "statefulset.kubernetes.io/pod-name": "web-2",
        "apps.kubernetes.io/pod-index": "2",
    }
    pod["obj"]["spec"]["hostname"] = "web-2"
    mounting("www-web-2")(pod["obj"])


@edit("create", "IDN-04", witness="web-1")
def _(e: Editor) -> None:
    """web-1 is labelled with the name of web-0."""
    e.change(e.events("pods", "web-1"), labelled("statefulset.kubernetes.io/pod-name", "web-0"))


@edit("create", "IDN-05", witness="web-1")
def _(e: Editor) -> None:
    """web-1 has no label with its ordinal."""
    e.change(e.events("pods", "web-1"), labelled("apps.kubernetes.io/pod-index", None))


@edit("create", "IDN-06", witness="web-1")
def _(e: Editor) -> None:
    """web-1 calls itself web-0."""
    e.change(e.events("pods", "web-1"), lambda pod: pod["spec"].update(hostname="web-0"))


@edit("create", "IDN-07", witness="web-1")
def _(e: Editor) -> None:
    """web-1 is in no domain."""
    e.change(e.events("pods", "web-1"), lambda pod: pod["spec"].pop("subdomain"))


@edit("create", "IDN-09", witness="web-1")
def _(e: Editor) -> None:
    """The name of web-1 leads to web-0."""

    def redirect(written: Record) -> None:
        ends = {end["hostname"]: end for end in written.get("endpoints") or ()}
        if "web-1" in ends:
            ends["web-1"].update(addresses=ends["web-0"]["addresses"], targetRef=ends["web-0"]["targetRef"])

    e.change(e.events("endpointslices"), redirect)


@edit("rescale", "IDN-10", "IDN-06", witness="web-2")
def _(e: Editor) -> None:
    """web-2 comes back under another host name."""
    first = e.created("pods", "web-2")["uid"]
    again = e.events("pods", "web-2", lambda pod: pod["metadata"]["uid"] != first)
    e.change(again, lambda pod: pod["spec"].update(hostname="web-2b"))


@edit("create", "IDN-11", witness="web-1")
def _(e: Editor) -> None:
    """The Service answers with web-1 before it is Ready."""
    e.move(e.events("endpointslices")[-1], before=e.ready("web-1"))


@edit("scale_down", "SDN-01", "SDN-02", witness="web-2 web-3")
def _(e: Editor) -> None:
    """web-2 is removed before web-3."""
    e.move(*e.stopping("web-2"), before=e.stopping("web-3")[0])


@edit("scale_down", "SDN-02", witness="web-2 web-3")
def _(e: Editor) -> None:
    """web-3 and web-2 are asked to stop together."""
    e.move(e.stopping("web-2")[0], before=e.stopping("web-3")[1])


@edit("scale_down_held", "SDN-03", witness="web-3 web-0")
def _(e: Editor) -> None:
    """web-3 is removed while web-0 is not Ready."""
    e.move(e.stopping("web-3")[0], before=e.ready("web-0"))


@edit("scale_down", "SDN-06", witness="web-3")
def _(e: Editor) -> None:
    """web-3 is created again, and removed again, while the set wants two pods."""
    like, then, uid = e.created("pods", "web-3"), e.stopping("web-2")[0], e.new_uid()
    e.add("ADDED", like, named("web-3", uid), before=then)
    for change in ("MODIFIED", "DELETED"):
        e.add(change, like, lambda o: (named("web-3", uid)(o), asked_to_stop(o)), before=then)


@edit("scale_down", "SDN-07", witness="web-3")
def _(e: Editor) -> None:
    """The claim of web-3 is deleted with its pod."""
    last, then = e.events("persistentvolumeclaims", "www-web-3")[-1], e.stopping("web-2")[0]
    e.add("MODIFIED", last, asked_to_stop, before=then)
    e.add("DELETED", last, asked_to_stop, before=then)


@edit("rescale", "SDN-09", "STO-06", witness="web-3")
def _(e: Editor) -> None:
    """web-3 comes back, and what it had stored is gone."""
    for reading in e.observations("read", "www-web-3"):
        reading["content"] = None


@edit("rescale", "SDN-09", "STO-06", witness="www-web-3")
def _(e: Editor) -> None:
    """The claim of web-3 is replaced by a new one while the pod is away."""
    e.replace_claim("www-web-3", before=e.lives("pods", "web-3")[-1][0])
    for reading in e.observations("read", "www-web-3"):
        reading["content"] = None


@edit("scale_down", "SDN-10", witness="web-3")
def _(e: Editor) -> None:
    """web-3 is killed at once."""
    e.change(e.stopping("web-3"), lambda pod: pod["metadata"].update(deletionGracePeriodSeconds=0))


@edit("create", "STO-01", "STO-04", witness="web-1")
def _(e: Editor) -> None:
    """web-1 mounts the claim of web-0."""
    e.change(e.events("pods", "web-1"), mounting("www-web-0"))


@edit("create", "STO-02", witness="www-web-1")
def _(e: Editor) -> None:
    """The claim of web-1 lacks the labels that select it."""
    e.change(e.events("persistentvolumeclaims", "www-web-1"), labelled("app", None))


@edit("create", "STO-03", "STO-04", witness="www-web-1")
def _(e: Editor) -> None:
    """The claim and volume of web-1 are of another storage class."""
    e.ours()
    for event in (*e.events("persistentvolumeclaims", "www-web-1"), *e.volumes_of("www-web-1")):
        event["obj"]["spec"]["storageClassName"] = "fast"


@edit("create", "STO-04", witness="PersistentVolume")
def _(e: Editor) -> None:
    """The claims of web-0 and web-1 are bound to each other's volumes."""
    volumes = {claim: e.volumes_of(claim)[0]["name"] for claim in ("www-web-0", "www-web-1")}
    for claim, other in (("www-web-0", "www-web-1"), ("www-web-1", "www-web-0")):
        bound = e.events("persistentvolumeclaims", claim, lambda o: "volumeName" in o["spec"])
        e.change(bound, lambda o, other=other: o["spec"].update(volumeName=volumes[other]))


@edit("create", "STO-04", witness="PersistentVolume")
def _(e: Editor) -> None:
    """The volumes of web-0 and web-1 share one path on the server."""
    shared = e.volumes_of("www-web-0")[0]["obj"]["spec"]["nfs"]
    e.change(e.volumes_of("www-web-1"), lambda volume: volume["spec"].update(nfs=shared))


@edit("same_named_volume", "STO-05", "STO-01", "STO-04", witness="web-0")
def _(e: Editor) -> None:
    """web-0 keeps the empty folder of the pod template instead of its claim."""

    def emptied(pod: Record) -> None:
        volume = next(v for v in pod["spec"]["volumes"] if v["name"] == "www")
        del volume["persistentVolumeClaim"]
        volume["emptyDir"] = {}

    e.change(e.events("pods", "web-0"), emptied)


@edit("rescale", "STO-06", witness="web-3")
def _(e: Editor) -> None:
    """What web-3 had stored is found in the volume of web-2."""
    pod = next(p for p in e.events("pods", "web-3") if p["type"] == "ADDED")
    read = e.observations("read", "www-web-3")[-1]
    e.observe(read, verb="look", via="nfs", claim="www-web-2", pod_uid=pod["uid"])
