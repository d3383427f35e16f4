"""The Events that the StatefulSet controller of kube-controller-manager v1.37 writes about what it does, on the set.

Messages, fields and counting were taken from recordings of real runs and from client-go v0.37 (tools/record), which
drops Events: of one set and type 25 come through at once, then one in five minutes; of ten different messages with one
reason within ten minutes the tenth and all later ones become one Event. Nothing is written about revisions, adoption,
release, deleted claims, and Failed pods as such, since the real one writes nothing there.
"""

import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from stsconf.errors import StsconfError
from stsconf.kube.api import STRATEGIC_MERGE_PATCH, Api, ApiError
from tests.faulty.controller import Action, Create, Delete, Patch
from tests.faulty.objects import Object, Raw, name_of, uid_of

COMPONENT = "statefulset-controller"
BURST, REFILL_SECONDS = 25, 300.0
"""How many Events of one set and type come through at once, and how long each further one takes."""
SIMILAR, SIMILAR_SECONDS = 10, 600.0
"""From this many different messages of one reason on, within this time, they are combined."""
COMBINED = "(combined from similar events): "
VERBS = {Create: "Create", Delete: "Delete", Patch: "Update"}


@dataclass(frozen=True, slots=True)
class Told:
    """What one Event says. ``ok`` is type Normal, else Warning."""

    reason: str
    message: str
    ok: bool = True


def told(set_name: str, action: Action, error: str | None = None) -> list[Told]:
    """What the controller says of one action on the server; ``error`` is the server's message if it refused."""
    match action:
        case Create({"kind": "Pod", "metadata": {"name": pod}}) | Delete("Pod", pod):
            return [_of_pod(VERBS[type(action)], pod, set_name, error)]
        case Create({"kind": "PersistentVolumeClaim", "metadata": {"name": claim}}, pod):
            if error is None:
                return [Told("SuccessfulCreate", f"Create Claim {claim} Pod {pod} in StatefulSet {set_name} success")]
            why = f"Create Claim {claim} for Pod {pod} in StatefulSet {set_name} failed error: {error}"
            failed = f"failed to create PVC {claim}: {error}"
            return [Told("FailedCreate", why, ok=False), _of_pod("Create", pod, set_name, failed)]
        case Patch("Pod", pod, {"metadata": body}, _) if "ownerReferences" not in body:
            return [_of_pod("Update", pod, set_name, error)]
        case Patch("PersistentVolumeClaim", claim) if error is not None:
            pod = claim[claim.index(f"{set_name}-") :] if f"{set_name}-" in claim else claim
            failed = f"could not update claim {claim} for delete policy ownerRefs: {error}"
            return [_of_pod("Update", pod, set_name, failed)]
    return []


def _of_pod(verb: str, pod: str, set_name: str, error: str | None) -> Told:
    what = f"{verb} Pod {pod} in StatefulSet {set_name}"
    if error is None:
        return Told(f"Successful{verb}", f"{what} successful")
    return Told(f"Failed{verb}", f"{what} failed error: {error}", ok=False)


@dataclass(slots=True)
class _Budget:
    left: float = BURST
    at: float = 0.0

    def take(self, now: float) -> bool:
        self.left = min(BURST, self.left + (now - self.at) / REFILL_SECONDS)
        self.at = now
        if self.left < 1:
            return False
        self.left -= 1
        return True


@dataclass(slots=True)
class _Similar:
    messages: dict[str, None] = field(default_factory=dict)
    at: float = 0.0


@dataclass(slots=True)
class _Known:
    body: Object
    count: int = 0


class Correlator:
    """Counts, combines and drops Events as client-go's EventCorrelator does."""

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        self._now = now
        self._similar: dict[tuple[str, str], _Similar] = {}
        self._known: dict[tuple[str, str, str], _Known] = {}
        self._budgets: dict[tuple[str, bool], _Budget] = {}

    def correlate(self, stateful_set: Raw, said: Told) -> tuple[Object, int] | None:
        """The Event as first written and how often it was said by now; ``None`` where it is dropped, though counted."""
        now, uid = self._now(), uid_of(stateful_set)
        message, key = said.message, (uid, said.reason, said.message)
        if combined := self._combined(uid, said, now):
            message, key = COMBINED + said.message, (uid, said.reason, "")
        known = self._known.setdefault(key, _Known(_event(stateful_set, said, message, now)))
        if combined and known.count:
            known.body = {**known.body, "message": message}
        known.count += 1
        budget = self._budgets.setdefault((uid, said.ok), _Budget(at=now))
        if not budget.take(now):
            return None
        return {**known.body, "count": known.count, "lastTimestamp": _stamp(now)}, known.count

    def _combined(self, uid: str, said: Told, now: float) -> bool:
        similar = self._similar.setdefault((uid, said.reason), _Similar(at=now))
        if now - similar.at > SIMILAR_SECONDS:
            similar.messages.clear()
        similar.messages[said.message] = None
        similar.at = now
        if len(similar.messages) < SIMILAR:
            return False
        similar.messages.pop(next(iter(similar.messages)))
        return True


def _event(stateful_set: Raw, said: Told, message: str, now: float) -> Object:
    meta = stateful_set["metadata"]
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": f"{meta['name']}.{int(now * 1e9):x}", "namespace": meta["namespace"]},
        "involvedObject": {
            "apiVersion": "apps/v1",
            "kind": "StatefulSet",
            **{key: meta[key] for key in ("name", "namespace", "uid", "resourceVersion")},
        },
        "reason": said.reason,
        "message": message,
        "type": "Normal" if said.ok else "Warning",
        "source": {"component": COMPONENT},
        "reportingComponent": "" if message.startswith(COMBINED) else COMPONENT,
        "firstTimestamp": _stamp(now),
    }


def _stamp(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


class Broadcaster:
    """Writes Events one after the other from a thread of its own; what the server refuses is dropped."""

    def __init__(self, api: Api, say: Callable[[str], None]) -> None:
        self._api = api
        self._say = say
        self._waiting: queue.SimpleQueue[tuple[Raw, Told]] = queue.SimpleQueue()
        self._correlator = Correlator()

    def start(self) -> None:
        """Begin to write; the thread ends with the process."""
        threading.Thread(target=self._write_all, daemon=True).start()

    def tell(self, stateful_set: Raw, said: Told) -> None:
        """Have an Event written about a set, soon."""
        self._waiting.put((stateful_set, said))

    def _write_all(self) -> None:
        while True:
            stateful_set, said = self._waiting.get()
            if found := self._correlator.correlate(stateful_set, said):
                try:
                    self._write(*found)
                except StsconfError as error:
                    self._say(f"Event {said.message!r} is lost: {error}")

    def _write(self, body: Object, count: int) -> None:
        name, namespace = name_of(body), body["metadata"]["namespace"]
        if count > 1:
            changed = {key: body[key] for key in ("count", "lastTimestamp", "message")}
            try:
                self._api.patch("Event", name, changed, namespace, STRATEGIC_MERGE_PATCH)
            except ApiError as error:
                if error.status != 404:
                    raise
            else:
                return
        self._api.create(body)
