"""Named edits: updates by strategy Recreate."""

from itertools import pairwise

from tests.editor import Editor, edit, is_ready, named
from tests.tape import Record


def returning(e: Editor) -> Record:
    """The moment at which Recreate is asked for again."""
    strategies = [(strategy_of(was), strategy_of(now), now) for was, now in pairwise(e.events("statefulsets"))]
    return next(now for was, asked, now in strategies if was != asked == "Recreate")


def strategy_of(event: Record) -> str:
    return str(event["obj"]["spec"]["updateStrategy"]["type"])


@edit("recreate", "RCT-01", witness="web-0 web-2")
def _(e: Editor) -> None:
    """Under Recreate web-2 is stopped only when web-0 is gone."""
    *stopping, end = e.stopping("web-2")
    e.move(*stopping, before=end)


@edit("recreate", "RCT-02", witness="web-0 web-2")
def _(e: Editor) -> None:
    """Under Recreate web-0 is created while the old web-2 is still stopping."""
    _, new, *_ = e.lives("pods", "web-0")
    e.move(e.stopping("web-2")[-1], before=new[1])


@edit("recreate", "RCT-03", "ORD-02", "ORD-04", witness="web-0 web-1")
def _(e: Editor) -> None:
    """After Recreate web-1 is created before web-0 is Ready."""
    (_, lower, *_), (_, new, *_) = e.lives("pods", "web-0"), e.lives("pods", "web-1")
    e.move(new[0], before=next(event for event in lower if is_ready(event["obj"])))


@edit("recreate_parallel", "RCT-03", witness="web-0")
def _(e: Editor) -> None:
    """After Recreate under Parallel web-2 waits for the others to be Ready."""
    _, held, _ = e.lives("pods", "web-2")
    e.drop(*held)


@edit("recreate", "RCT-04", "RCT-01", witness="web-0")
def _(e: Editor) -> None:
    """Under Recreate the broken web-0 is kept although the template is corrected."""
    last = e.events("statefulsets")[-1]["obj"]["metadata"]["generation"]
    corrected, _noticed, *later = e.events("statefulsets", where=lambda o: o["metadata"]["generation"] == last)
    e.drop(*later, *e.after(corrected, "pods", "endpointslices"))
    e.end(settled=False, waited_for="StatefulSet web to be settled: 0 of 3 pods Ready")


@edit("recreate", "RCT-05", "UPD-08", witness="web-2")
def _(e: Editor) -> None:
    """Leaving Recreate replaces web-2."""
    life, moment, uid = e.lives("pods", "web-2")[0], returning(e), e.new_uid()
    kept = [event for event in life if event["rv"] < moment["rv"]]
    e.change([event for event in life if event["rv"] > moment["rv"]], named("web-2", uid))
    e.end_life(kept[-1], before=moment)
    for change, like in (("ADDED", life[0]), ("MODIFIED", kept[-1])):
        e.add(change, like, named("web-2", uid), before=moment)


@edit("recreate", "RCT-06", witness="www-web-2")
def _(e: Editor) -> None:
    """Recreate replaces the claim of web-2."""
    _, new, *_ = e.lives("pods", "web-2")
    e.replace_claim("www-web-2", before=new[0])


@edit("recreate", "RCT-07", witness="web")
def _(e: Editor) -> None:
    """The status does not tell that Pods are being replaced."""
    e.change(e.events("statefulsets"), lambda o: o["status"].pop("conditions", None))


@edit("recreate_parallel", "RCT-07", witness="web")
def _(e: Editor) -> None:
    """The status says for ever that Pods are being replaced."""
    told = [c for event in e.events("statefulsets") for c in event["obj"]["status"].get("conditions", ())]
    last = e.events("statefulsets")[-1]
    e.change([last], lambda o: o["status"].update(conditions=told[:1]))
