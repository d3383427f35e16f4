"""What an edit of a real recording is, and what it can do.

An edit stays physically possible: versions still rise in each feed, every object is added once before it changes or
goes, generations rise by one, and the closing lists show what the versions lead to. ``integrity`` checks that.
"""

import copy
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from stsconf.record.file import read_records
from tests.tape import Record, records_of, write

REAL = Path(__file__).parent / "recordings" / "kind-1.37.2" / "run.ndjson.gz"
RECREATED = REAL.parents[1] / "recreate-1.37.2" / "run.ndjson.gz"
"""Two more scenarios, from a server that accepts strategy Recreate."""

SCENARIOS: Mapping[str, Path] = {
    scenario: path for path in (REAL, RECREATED) for scenario in next(read_records(path))[1]["scenarios"]
}
"""All that were recorded, and where."""
CONTROLLER = "system:serviceaccount:kube-system:statefulset-controller"
"""Who the set's controller is to an API server."""

Condition = Callable[[Record], bool]
Change = Callable[[Record], object]


@cache
def windows() -> Mapping[str, list[Record]]:
    """Each scenario of the real recordings as a small recording: its namespace, and the volumes of its claims."""
    found = {}
    for records in map(records_of, (REAL, RECREATED)):
        for opened in (r for r in records if r["rec"] == "mark" and r["phase"] == "open"):
            namespace = opened["namespace"]
            ids = {r["id"] for r in records if r["rec"] == "act" and r.get("ns") == namespace} | {opened["id"]}
            header = {**records[0], "scenarios": [opened["scenario"]], "slice": {"namespace": namespace}}
            mine = [header, *(r for r in records[1:] if _is_of(r, namespace, ids))]
            uids = {r["uid"] for r in mine if r["rec"] == "ev"}
            found[opened["scenario"]] = [
                {**r, "items": [item for item in r["items"] if item["uid"] in uids]} if r.get("brief") else r
                for r in mine
            ]
    return found


def _is_of(record: Record, namespace: str, ids: set[str]) -> bool:
    if record["rec"] in ("act", "mark"):
        return record["id"] in ids
    if record.get("s") == "persistentvolumes" and record["rec"] == "ev":
        return bool((record["obj"]["spec"].get("claimRef") or {}).get("namespace") == namespace)
    return record.get("ns") in (None, "", namespace)


# What an edit can do.


class Editor:
    """One window of the recording, to be changed. Revisions are fractions until ``records`` numbers them again."""

    def __init__(self, scenario: str) -> None:
        self.scenario = scenario
        self._records = copy.deepcopy(windows()[scenario])
        for record in self._records:
            for holder, key in _revisions(record):
                holder[key] = float(holder[key])
        self._made = 0
        self._authors: dict[str, str | None] = {}

    # Finding.

    def events(self, kind: str, name: str = "", where: Condition = lambda _: True) -> list[Record]:
        """Events of one kind, or of one object, whose object meets the condition, in order."""
        return [
            r
            for r in self._records
            if r["rec"] == "ev" and kind in ("", r["s"]) and name in ("", r["name"]) and where(r["obj"])
        ]

    def created(self, kind: str, name: str) -> Record:
        """The first time an object of this name is created."""
        return next(e for e in self.events(kind, name) if e["type"] == "ADDED")

    def ready(self, name: str) -> Record:
        """The moment at which the pod is Ready, for the last time that it becomes so."""
        was, found = False, None
        for event in self.events("pods", name):
            now = event["type"] != "DELETED" and is_ready(event["obj"])
            found, was = (event if now and not was else found), now
        assert found, f"{name} is never Ready"
        return found

    def lives(self, kind: str, name: str) -> list[list[Record]]:
        """The versions of each object that had this name, one after another."""
        found: dict[str, list[Record]] = {}
        for event in self.events(kind, name):
            found.setdefault(event["uid"], []).append(event)
        return [*found.values()]

    def after(self, moment: Record, *kinds: str) -> list[Record]:
        """Events of these kinds later than another."""
        return [r for kind in kinds for r in self.events(kind) if r["rv"] > moment["rv"]]

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

    def forget(self, verb: str, resource: str, name: str) -> None:
        """As if the harness had not done this: what followed was the controller's own doing."""
        wanted = {"rec": "act", "verb": verb, "resource": resource, "name": name}
        ids = {r["id"] for r in self._records if wanted.items() <= r.items()}
        self._records = [r for r in self._records if r["rec"] != "act" or r["id"] not in ids]

    def move(self, *events: Record, before: Record) -> None:
        """They happened, in this order, right before another."""
        for event in events:
            self._place(event, before)

    def change(self, events: Iterable[Record], edit: Change) -> None:
        """Change the stored object in each of these versions."""
        for event in events:
            edit(event["obj"])
            event["name"], event["uid"] = event["obj"]["metadata"]["name"], event["obj"]["metadata"]["uid"]

    def add(self, change: str, like: Record, edit: Change, before: Record | None = None) -> Record:
        """One more version, made from a recorded one; at the end when ``before`` is not given."""
        event = copy.deepcopy(like)
        event["type"] = change
        self.change([event], edit)
        self._place(event, before)
        return event

    def end_life(self, last: Record, before: Record | None = None) -> None:
        """The object of this version is asked to stop, and is gone."""
        for change in ("MODIFIED", "DELETED"):
            self.add(change, last, asked_to_stop, before=before)

    def replace(self, name: str, before: Record) -> None:
        """From here on the pod is another, Ready at once, under the same name; its Service knows that in time."""
        old = [life for life in self.lives("pods", name) if life[0]["rv"] < before["rv"]][-1]
        ready, uid = next(event for event in old if is_ready(event["obj"])), self.new_uid()
        kept, later = [r for r in old if r["rv"] < before["rv"]], [r for r in old if r["rv"] > before["rv"]]
        self.drop(*later)
        self.end_life(kept[-1], before)
        self.add("ADDED", old[0], named(name, uid), before)
        self.add("MODIFIED", ready, named(name, uid), before)
        for event in self.after(before, "endpointslices"):
            text = json.dumps(event["obj"]["endpoints"]).replace(old[0]["uid"], uid)
            event["obj"]["endpoints"] = json.loads(text)

    def replace_claim(self, name: str, before: Record) -> None:
        """From here on the claim is another, bound to an empty volume."""
        uid, volume = self.new_uid(), "pvc-new"
        claims = self.events("persistentvolumeclaims", name)
        old, later = [c for c in claims if c["rv"] < before["rv"]], [c for c in claims if c["rv"] > before["rv"]]

        def renewed(claim: Record) -> None:
            named(name, uid)(claim)
            claim["spec"]["volumeName"] = volume

        def provisioned(made: Record) -> None:
            named(volume, self.new_uid())(made)
            made["spec"]["claimRef"]["uid"] = uid
            made["spec"]["nfs" if "nfs" in made["spec"] else "hostPath"]["path"] += "-new"

        self.end_life(old[-1], before)
        self.add("ADDED", old[0], named(name, uid), before)
        self.add("ADDED", self.volumes_of(name)[-1], provisioned, before)
        self.add("MODIFIED", old[-1], renewed, before)
        self.change(later, renewed)

    def at_the_end(self, change: str, like: Record, edit: Change) -> Record:
        """One more version, right before the scenario ends."""
        mark = next(i for i, r in enumerate(self._records) if r["rec"] == "mark" and r["phase"] == "close")
        later = [r for r in self._records[mark:] if r["rec"] == "ev"]
        event = self.add(change, like, edit, before=min(later, key=lambda r: r["rv"]) if later else None)
        self._records.remove(event)
        mark = next(i for i, r in enumerate(self._records) if r["rec"] == "mark" and r["phase"] == "close")
        self._records.insert(mark, event)
        event["t"] = self._records[mark + 1]["t"]
        return event

    def ours(self) -> None:
        """As if the run had made the cluster, on which nothing changes what is admitted."""
        self._records[0]["provider"] = "kind"

    @contextmanager
    def somebody(self, user: str | None = "kubernetes-admin") -> Iterator[None]:
        """What is asked to go in the context is so by another client; ``None``: the audit log does not say by whom."""
        known = {r["uid"] for r in self._ended()}
        yield
        self._authors |= dict.fromkeys({r["uid"] for r in self._ended()} - known, user)

    def _ended(self) -> list[Record]:
        """The last versions of what was asked to go, or is gone."""
        return [e for e in self.events("") if e["type"] == "DELETED" or "deletionTimestamp" in e["obj"]["metadata"]]

    def observe(self, like: Record, **changed: str) -> None:
        """One more observation, right after a recorded one."""
        self._records.insert(self._records.index(like) + 1, {**like, **changed})

    def new_uid(self) -> str:
        self._made += 1
        return f"00000000-0000-4000-8000-{self._made:012d}"

    def end(self, *, settled: bool, waited_for: str, environment: str = "") -> None:
        """How the scenario's last wait came out; one that ran out took 300 s."""
        mark = next(r for r in self._records if r["rec"] == "mark" and r["phase"] == "close")
        mark["t"] += 0 if settled else 300 * 10**9
        mark["plan"] = {"settled": settled, "waited_for": waited_for, "environment": environment}

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

    def _audit(self) -> list[Record]:
        """Who asked for each end, as an audit log has it: the set's controller, unless it was somebody else."""
        asked = {e["uid"]: e for e in reversed(self._ended())}
        return [
            {
                "rec": "audit",
                "t": event["t"],
                "verb": "delete",
                "resource": event["s"],
                "ns": event["ns"],
                "name": event["name"],
                "uid": uid,
                "user": user,
                "code": 200,
            }
            for uid, event in asked.items()
            if (user := self._authors.get(uid, CONTROLLER))
        ]

    def records(self) -> list[Record]:
        """All records, numbered again without holes, with the closing lists that belong to them."""
        records = copy.deepcopy(self._records)
        _close(records)
        records += self._audit()
        places = [place for record in records for place in _revisions(record)]
        ranks = {rv: str(rank) for rank, rv in enumerate(sorted({holder[key] for holder, key in places}), 700)}
        for holder, key in places:
            holder[key] = ranks[holder[key]]
        for seq, record in enumerate((r for r in records if "seq" in r), 1):
            record["seq"] = seq
        return records


def is_ready(pod: Record) -> bool:
    """Whether a stored pod is Ready."""
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
    end = max(i for i, r in enumerate(records) if r["rec"] == "ev")
    for mark in (r for r in records[end:] if r["rec"] == "bm"):
        mark["rv"] = max(mark["rv"], last + 1)
    # A bookmark in the middle says that nothing older follows, which an edit may make untrue: as if none was sent.
    records[:end] = [r for r in records[:end] if r["rec"] != "bm"]


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
    return write(records, path)


# An edit, and how it is registered.


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


def labelled(label: str, value: str | None) -> Change:
    def change(obj: Record) -> None:
        obj["metadata"]["labels"].pop(label, None)
        if value is not None:
            obj["metadata"]["labels"][label] = value

    return change


def mounting(claim: str) -> Change:
    def change(pod: Record) -> None:
        next(v for v in pod["spec"]["volumes"] if v["name"] == "www")["persistentVolumeClaim"]["claimName"] = claim

    return change


def named(name: str, uid: str) -> Change:
    return lambda obj: obj["metadata"].update(name=name, uid=uid)


def owned_by(owner: Record | None) -> Change:
    """Give an object the controller reference of a recorded set, or none."""

    def change(obj: Record) -> None:
        obj["metadata"].pop("ownerReferences", None)
        if owner is not None:
            reference = {"apiVersion": "apps/v1", "kind": "StatefulSet", "controller": True}
            obj["metadata"]["ownerReferences"] = [{**reference, "name": owner["name"], "uid": owner["uid"]}]

    return change


def asked_to_stop(obj: Record) -> None:
    obj["metadata"].update(deletionTimestamp="2026-11-24T20:13:00Z", deletionGracePeriodSeconds=0)
