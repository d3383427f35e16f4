"""Named edits of a real recording: each makes a fault that some controller could have, and keeps everything else.

An edit stays physically possible: versions still rise in each feed, every object is added once before it changes or
goes, generations rise by one, and the closing lists show what the versions lead to. ``integrity`` checks that.
``python -m tests.edits`` writes ``docs/edit-matrix.md``: which promises each edit breaks.
"""

import copy
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from stsconf import suite_files
from stsconf.judge import judge
from stsconf.promise import import_promises
from stsconf.recording import load
from stsconf.timeline import Timeline
from stsconf.timeline_file import TimelineWriter
from stsconf.verdict import Outcome, Verdict
from tests.tape import Record, records_of

REAL = Path(__file__).parent / "recordings" / "kind-1.37.2" / "run.ndjson.gz"
MATRIX = Path(__file__).parents[1] / "docs" / "edit-matrix.md"
PROMISES = import_promises(suite_files.conformance())

Condition = Callable[[Record], bool]


@cache
def windows() -> Mapping[str, list[Record]]:
    """The real recording as one small recording for each scenario: its namespace, and the volumes of its claims."""
    records = records_of(REAL)
    found = {}
    for opened in (r for r in records if r["rec"] == "mark" and r["phase"] == "open"):
        namespace = opened["namespace"]
        ids = {r["id"] for r in records if r["rec"] == "act" and r.get("ns") == namespace} | {opened["id"]}
        header = {**records[0], "scenarios": [opened["scenario"]]}
        mine = [header, *(r for r in records[1:] if _is_of(r, namespace, ids))]
        uids = {r["uid"] for r in mine if r["rec"] == "ev"}
        found[opened["scenario"]] = [
            {**r, "items": [item for item in r["items"] if item["uid"] in uids]} if r.get("brief") else r for r in mine
        ]
    return found


def _is_of(record: Record, namespace: str, ids: set[str]) -> bool:
    if record["rec"] in ("act", "mark"):
        return record["id"] in ids
    if record.get("s") == "persistentvolumes" and record["rec"] == "ev":
        return bool(record["obj"]["spec"]["claimRef"]["namespace"] == namespace)
    return record.get("ns") in (None, "", namespace)


# What an edit can do.


class Editor:
    """One window of the recording, to be changed. Revisions are fractions until ``records`` numbers them again."""

    def __init__(self, scenario: str) -> None:
        self._records = copy.deepcopy(windows()[scenario])
        for record in self._records:
            for holder, key in _revisions(record):
                holder[key] = float(holder[key])
        self._made = 0

    # Finding.

    def events(self, kind: str, name: str = "", where: Condition = lambda _: True) -> list[Record]:
        """Events of one kind, or of one object, whose object meets the condition, in order."""
        return [
            r
            for r in self._records
            if r["rec"] == "ev" and r["s"] == kind and name in ("", r["name"]) and where(r["obj"])
        ]

    def created(self, kind: str, name: str) -> Record:
        """The first time an object of this name is created."""
        return next(e for e in self.events(kind, name) if e["type"] == "ADDED")

    def ready(self, name: str) -> Record:
        """The moment at which the pod is Ready, for the last time that it becomes so."""
        was, found = False, None
        for event in self.events("pods", name):
            now = event["type"] != "DELETED" and _is_ready(event["obj"])
            found, was = (event if now and not was else found), now
        assert found, f"{name} is never Ready"
        return found

    def stopping(self, name: str) -> list[Record]:
        """The pod's first end: from the request to stop until it is gone."""
        end = next(e for e in self.events("pods", name) if e["type"] == "DELETED")
        return self.events(
            "pods", name, lambda o: o["metadata"]["uid"] == end["uid"] and "deletionTimestamp" in o["metadata"]
        )

    def volumes_of(self, claim: str) -> list[Record]:
        """All versions of the volume bound to a claim."""
        return self.events("persistentvolumes", where=lambda o: o["spec"]["claimRef"]["name"] == claim)

    def observations(self, verb: str, claim: str) -> list[Record]:
        return [r for r in self._records if r["rec"] == "obs" and (r["verb"], r["claim"]) == (verb, claim)]

    # Changing.

    def drop(self, *events: Record) -> None:
        """As if they had not happened."""
        gone = {id(event) for event in events}
        self._records = [r for r in self._records if id(r) not in gone]

    def move(self, *events: Record, before: Record) -> None:
        """They happened, in this order, right before another."""
        for event in events:
            self._place(event, before)

    def change(self, events: Iterable[Record], edit: Callable[[Record], object]) -> None:
        """Change the stored object in each of these versions."""
        for event in events:
            edit(event["obj"])
            event["name"], event["uid"] = event["obj"]["metadata"]["name"], event["obj"]["metadata"]["uid"]

    def add(self, change: str, like: Record, edit: Callable[[Record], object], before: Record | None = None) -> Record:
        """One more version, made from a recorded one; at the end when ``before`` is not given."""
        event = copy.deepcopy(like)
        event["type"] = change
        self.change([event], edit)
        self._place(event, before)
        return event

    def observe(self, like: Record, **changed: str) -> None:
        """One more observation, right after a recorded one."""
        self._records.insert(self._records.index(like) + 1, {**like, **changed})

    def new_uid(self) -> str:
        self._made += 1
        return f"00000000-0000-4000-8000-{self._made:012d}"

    def end(self, *, settled: bool, waited_for: str) -> None:
        """How the scenario's last wait came out."""
        mark = next(r for r in self._records if r["rec"] == "mark" and r["phase"] == "close")
        mark["plan"] = {"settled": settled, "waited_for": waited_for}

    def _place(self, event: Record, before: Record | None) -> None:
        """Give the event a revision right before another's, and a line that keeps its feed in order."""
        self.drop(event)
        all_events = [r for r in self._records if r["rec"] == "ev"]
        next_rv = before["rv"] if before else max(r["rv"] for r in all_events) + 1
        rv = (max((r["rv"] for r in all_events if r["rv"] < next_rv), default=next_rv - 1) + next_rv) / 2
        event["rv"] = event["obj"]["metadata"]["resourceVersion"] = rv
        event["t"] = before["t"] if before else max(r["t"] for r in all_events)
        later = [i for i, r in enumerate(self._records) if r["rec"] == "ev" and r["s"] == event["s"] and r["rv"] > rv]
        earlier = [i for i, r in enumerate(self._records) if r["rec"] == "ev" and r["s"] == event["s"] and r["rv"] < rv]
        self._records.insert(later[0] if later else earlier[-1] + 1, event)

    # Ending.

    def records(self) -> list[Record]:
        """All records, numbered again without holes, with the closing lists that belong to them."""
        records = copy.deepcopy(self._records)
        _close(records)
        places = [place for record in records for place in _revisions(record)]
        ranks = {rv: str(rank) for rank, rv in enumerate(sorted({holder[key] for holder, key in places}), 700)}
        for holder, key in places:
            holder[key] = ranks[holder[key]]
        for seq, record in enumerate((r for r in records if "seq" in r), 1):
            record["seq"] = seq
        return records


def _is_ready(pod: Record) -> bool:
    return any(c["type"] == "Ready" and c["status"] == "True" for c in pod["status"].get("conditions", ()))


def _revisions(record: Record) -> Iterator[tuple[Record, str]]:
    """Where a record holds revisions, as (object, key)."""
    for key in ("rv", "from_rv", "after_rv", "until_rv"):
        if record.get(key) is not None:
            yield record, key
    if record["rec"] == "act" and (record.get("result") or {}).get("rv"):
        yield record["result"], "rv"
    if "obj" in record:
        yield record["obj"]["metadata"], "resourceVersion"
    for item in record.get("items", ()):
        yield (item, "rv") if record.get("brief") else (item["metadata"], "resourceVersion")


def _close(records: list[Record]) -> None:
    """Make each closing list show what its feed's versions lead to."""
    last = max(r["rv"] for r in records if r["rec"] == "ev")
    for closing in (r for r in records if r.get("why") == "closing"):
        closing["rv"] = max(closing["rv"], last + 1)
        closing["items"] = [
            {"uid": uid, "rv": rv, "ns": namespace, "name": name}
            for (namespace, name), (uid, rv) in replay(records, closing["s"]).items()
        ]
    for mark in (r for r in records if r["rec"] == "bm"):
        mark["rv"] = max(mark["rv"], last + 1)


def replay(
    records: Sequence[Record], kind: str, until: float = float("inf")
) -> dict[tuple[str, str], tuple[str, object]]:
    """The state that a kind's versions up to a revision lead to: uid and revision by namespace and name."""
    state: dict[tuple[str, str], tuple[str, object]] = {}
    for event in (r for r in records if r["rec"] == "ev" and r["s"] == kind and int(r["rv"]) <= until):
        state.pop((event["ns"], event["name"]), None)
        if event["type"] != "DELETED":
            state[event["ns"], event["name"]] = (event["uid"], event["rv"])
    return state


def integrity(records: Sequence[Record]) -> list[str]:
    """What no API server could have sent, in words; empty for a possible recording."""
    wrong = []
    live: dict[tuple[str, str, str], tuple[str, int]] = {}
    frontier: dict[str, int] = {}
    for event in (r for r in records if r["rec"] == "ev"):
        kind, rv, meta = event["s"], int(event["rv"]), event["obj"]["metadata"]
        key = (kind, event["ns"], event["name"])
        what = f"{event['type']} {kind} {event['name']} at {rv}"
        if rv <= frontier.get(kind, 0):
            wrong.append(f"{what}: after {frontier[kind]}")
        frontier[kind] = rv
        if (meta["name"], meta["uid"], meta["resourceVersion"]) != (event["name"], event["uid"], event["rv"]):
            wrong.append(f"{what}: the object says otherwise")
        known = live.get(key)
        if (known is None) != (event["type"] == "ADDED") or (known and known[0] != event["uid"]):
            wrong.append(f"{what}: known was {known}")
        generation = meta.get("generation", 0)
        if known and not known[1] <= generation <= known[1] + 1:
            wrong.append(f"{what}: generation {generation} after {known[1]}")
        if event["type"] == "DELETED":
            live.pop(key, None)
        else:
            live[key] = (event["uid"], generation)
    for closing in (r for r in records if r.get("why") == "closing"):
        listed = {(item["ns"], item["name"]): (item["uid"], item["rv"]) for item in closing["items"]}
        if listed != replay(records, closing["s"], int(closing["rv"])):
            wrong.append(f"the closing list of {closing['s']} differs from the replay")
    return wrong


def seal(records: Sequence[Record], path: Path) -> Path:
    """Write and seal a possible recording as the recorder would; closing is equal for every feed."""
    assert not integrity(records), integrity(records)
    writer = TimelineWriter(path, {k: v for k, v in records[0].items() if k not in ("rec", "schema", "v")})
    for record in records[1:]:
        writer.write(record)
    closing = {
        f"{r['s']}/{r['ns']}" if r.get("ns") else r["s"]: str(r["rv"]) for r in records if r.get("why") == "closing"
    }
    writer.seal(closing, dict.fromkeys(closing, "equal"))
    return writer.path


# The edits.


@dataclass(frozen=True, slots=True)
class Edit:
    """One fault. ``breaks``: the promises it must break, its own first; ``witness``: what proves that."""

    name: str
    scenario: str
    breaks: tuple[str, ...]
    witness: frozenset[str]
    apply: Callable[[Editor], None]

    def records(self) -> list[Record]:
        """The edited window."""
        editor = Editor(self.scenario)
        self.apply(editor)
        return editor.records()


EDITS: list[Edit] = []


def edit(scenario: str, *breaks: str, witness: str) -> Callable[[Callable[[Editor], None]], Callable[[Editor], None]]:
    """Register a function of an editor; its docstring is the fault in words."""

    def register(apply: Callable[[Editor], None]) -> Callable[[Editor], None]:
        name = " ".join((apply.__doc__ or "").split()).removesuffix(".")
        EDITS.append(Edit(name, scenario, breaks, frozenset(witness.split()), apply))
        return apply

    return register


def labelled(label: str, value: str | None) -> Callable[[Record], None]:
    def change(obj: Record) -> None:
        obj["metadata"]["labels"].pop(label, None)
        if value is not None:
            obj["metadata"]["labels"][label] = value

    return change


def mounting(claim: str) -> Callable[[Record], None]:
    def change(pod: Record) -> None:
        next(v for v in pod["spec"]["volumes"] if v["name"] == "www")["persistentVolumeClaim"]["claimName"] = claim

    return change


def named(name: str, uid: str) -> Callable[[Record], None]:
    return lambda obj: obj["metadata"].update(name=name, uid=uid)


def asked_to_stop(obj: Record) -> None:
    obj["metadata"].update(deletionTimestamp="2026-11-24T20:13:00Z", deletionGracePeriodSeconds=0)


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
    then, uid = e.created("persistentvolumeclaims", "www-web-2"), e.new_uid()
    old, ready = e.created("pods", "web-0"), e.ready("web-0")
    e.drop(*(r for r in e.events("pods", "web-0") if r["rv"] > then["rv"]))
    later = [s for s in e.events("endpointslices") if s["rv"] > then["rv"]]
    e.add("MODIFIED", ready, asked_to_stop, before=then)
    e.add("DELETED", ready, asked_to_stop, before=then)
    e.add("ADDED", old, named("web-0", uid), before=then)
    e.add("MODIFIED", ready, named("web-0", uid), before=then)
    e.change(later, lambda s: s.update(endpoints=json.loads(json.dumps(s["endpoints"]).replace(old["uid"], uid))))


@edit("create", "ORD-08", witness="web-1 www-web-1")
def _(e: Editor) -> None:
    """web-1 is created before its claim."""
    e.move(e.created("pods", "web-1"), before=e.created("persistentvolumeclaims", "www-web-1"))


@edit("create", "ORD-12", witness="web web-0 web-1")
def _(e: Editor) -> None:
    """web-1 never becomes Ready, and the wait for it runs out."""
    ready = e.ready("web-1")
    after = [r for kind in ("endpointslices", "statefulsets") for r in e.events(kind) if r["rv"] > ready["rv"]]
    e.drop(*after, *(r for r in e.events("pods", "web-1") if r["rv"] >= ready["rv"]))
    e.end(settled=False, waited_for="StatefulSet web to be settled: 1 of 2 pods Ready")


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
    uid, volume, then = e.new_uid(), "pvc-new", [p for p in e.events("pods", "web-3") if p["type"] == "ADDED"][-1]
    claims = e.events("persistentvolumeclaims", "www-web-3")
    old, later = [c for c in claims if c["rv"] < then["rv"]], [c for c in claims if c["rv"] > then["rv"]]

    def renewed(claim: Record) -> None:
        named("www-web-3", uid)(claim)
        claim["spec"]["volumeName"] = volume

    e.add("MODIFIED", old[-1], asked_to_stop, before=then)
    e.add("DELETED", old[-1], asked_to_stop, before=then)
    e.add("ADDED", old[0], named("www-web-3", uid), before=then)

    def provisioned(made: Record) -> None:
        named(volume, e.new_uid())(made)
        made["spec"]["claimRef"]["uid"] = uid
        made["spec"]["nfs"]["path"] += "-new"

    e.add("ADDED", e.volumes_of("www-web-3")[-1], provisioned, before=then)
    e.add("MODIFIED", old[-1], renewed, before=then)
    e.change(later, renewed)
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


# The matrix.


@cache
def unedited() -> Mapping[str, Timeline]:
    """The timelines of the real recording, by scenario."""
    return {timeline.window.scenario: timeline for timeline in load(REAL).timelines}


@cache
def verdicts(edited: Edit) -> Mapping[str, Verdict]:
    """Every promise on the whole run with one window edited, read back from a sealed file."""
    with TemporaryDirectory() as folder:
        recording = load(seal(edited.records(), Path(folder) / "edited.ndjson"))
    assert not recording.problems, recording.problems
    timelines = [*({**unedited(), edited.scenario: recording.timelines[0]}).values()]
    return {promise.id: judge(promise, timelines) for promise in PROMISES.values()}


def matrix() -> str:
    """The page: each edit, and what became of the promises that no longer hold."""
    lines = [
        "# What each edit of a real recording breaks",
        "",
        "Made by `python -m tests.edits` from `tests/recordings/`, compared by a test, reviewed by hand. On the",
        "recording as it was made every promise holds. Each row changes one thing in it, as a faulty controller could",
        "have done, and seals it again. *Differs*: the promise is about the implementation. All others still hold.",
        "",
        "| fault | scenario | violated | differs | inconclusive |",
        "|---|---|---|---|---|",
    ]
    broken_by: dict[str, list[str]] = {promise: [] for promise in sorted(PROMISES)}
    for edited in EDITS:
        found = verdicts(edited)
        by = {
            outcome: ", ".join(sorted(p for p, v in found.items() if v.outcome is outcome))
            for outcome in (Outcome.VIOLATED, Outcome.DIFFERS, Outcome.INCONCLUSIVE)
        }
        lines.append(f"| {edited.name} | {edited.scenario} | {' | '.join(by.values())} |")
        for promise, verdict in found.items():
            if verdict.outcome in (Outcome.VIOLATED, Outcome.DIFFERS):
                broken_by[promise].append(edited.name)
    lines += ["", "| promise | broken by |", "|---|---|"]
    lines += [f"| {promise} | {'; '.join(names)} |" for promise, names in broken_by.items()]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    MATRIX.write_text(matrix(), encoding="utf-8")
    print(MATRIX)
