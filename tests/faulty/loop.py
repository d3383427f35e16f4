"""A controller at work on a real API server: list and watch, look, act, and look again once the acts can be seen.

It writes under the field manager of kube-controller-manager, and tells of its acts in Events as that does.
"""

import json
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from urllib3.exceptions import HTTPError

from stsconf.errors import StsconfError
from stsconf.kube.api import Api, ApiError
from stsconf.kube.http import HttpProblem, Wire
from tests.faulty.controller import Action, Controller, Create, Delete, Patch, View, Wait, WriteStatus
from tests.faulty.events import Broadcaster, told
from tests.faulty.faults import FAULTS
from tests.faulty.objects import Object, Raw, is_terminating, merged, name_of, uid_of

ANNOTATION = "tests.stsconf.dev/fault"
"""On a StatefulSet: the name of the fault to have for it."""

SET, POD, CLAIM, REVISION = "StatefulSet", "Pod", "PersistentVolumeClaim", "ControllerRevision"
PATHS = {
    SET: ("apis/apps/v1", "statefulsets"),
    POD: ("api/v1", "pods"),
    CLAIM: ("api/v1", "persistentvolumeclaims"),
    REVISION: ("apis/apps/v1", "controllerrevisions"),
}
MANAGER = "kube-controller-manager"
"""The server takes the field manager of a write from the user agent."""
WORKERS = 4
"""Sets that are acted on at the same time; never one by two."""
WATCH_SECONDS = 240
RETRY_SECONDS = 0.2
"""After an answer of the server that was no success, such as a name that is taken; doubled each time, up to 5 s."""

Key = tuple[str, str]
"""Namespace and name."""


@dataclass(frozen=True, slots=True)
class Written:
    """A version of our own that must have been seen before the next look."""

    kind: str
    rv: int


@dataclass(frozen=True, slots=True)
class Gone:
    """An object we deleted: it must have been seen terminating, or be gone."""

    kind: str
    key: Key
    uid: str


Awaited = Written | Gone


class Store:
    """What the watches have shown so far, and which sets are to be looked at. Shared by all threads."""

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self._objects: dict[str, dict[Key, Object]] = {kind: {} for kind in PATHS}
        self._frontier = dict.fromkeys(PATHS, -1)
        self._due: dict[Key, float] = {}
        self._busy: set[Key] = set()
        self._awaited: dict[Key, list[Awaited]] = {}

    def listed(self, kind: str, rv: int, items: list[Object]) -> None:
        """A list replaces all that was known of a kind."""
        with self.changed:
            self._objects[kind] = {_key(item): item for item in items}
            self._frontier[kind] = rv
            for namespace in {namespace for namespace, _ in self._objects[SET]}:
                self._wake_all(namespace)

    def seen(self, kind: str, change: str, obj: Object) -> None:
        """One event of a watch."""
        with self.changed:
            self._frontier[kind] = max(self._frontier[kind], int(obj["metadata"]["resourceVersion"]))
            if change == "BOOKMARK":
                self.changed.notify_all()
                return
            if change == "DELETED":
                self._objects[kind].pop(_key(obj), None)
            else:
                self._objects[kind][_key(obj)] = obj
            self._wake_all(obj["metadata"]["namespace"])

    def wake(self, key: Key, seconds: float = 0.0) -> None:
        """Have a set looked at, at once or later."""
        with self.changed:
            at = time.monotonic() + seconds
            self._due[key] = min(at, self._due.get(key, at))
            self.changed.notify_all()

    def _wake_all(self, namespace: str) -> None:
        for key in self._objects[SET]:
            if key[0] == namespace:
                self.wake(key)
        self.changed.notify_all()

    def get(self, kind: str, key: Key) -> Object | None:
        with self.changed:
            return self._objects[kind].get(key)

    def next(self) -> View:
        """Wait for a set that is due, nobody's, and seen as we left it; it is the caller's until ``done``."""
        with self.changed:
            while True:
                now = time.monotonic()
                for key, at in sorted(self._due.items(), key=lambda item: item[1]):
                    if at <= now and key not in self._busy and not self._blind(key):
                        del self._due[key]
                        if key in self._objects[SET]:
                            self._busy.add(key)
                            return self._view(key)
                later = [at - now for key, at in self._due.items() if at > now and key not in self._busy]
                self.changed.wait(min(later, default=None))

    def done(self, key: Key, awaited: list[Awaited]) -> None:
        with self.changed:
            self._busy.discard(key)
            self._awaited[key] = awaited
            self.changed.notify_all()

    def _blind(self, key: Key) -> bool:
        """Whether something of ours was not seen yet."""
        if min(self._frontier.values()) < 0:
            return True
        left = [a for a in self._awaited.get(key, ()) if not self._has(a)]
        self._awaited[key] = left
        return bool(left)

    def _has(self, awaited: Awaited) -> bool:
        if isinstance(awaited, Written):
            return self._frontier[awaited.kind] >= awaited.rv
        found = self._objects[awaited.kind].get(awaited.key)
        return found is None or uid_of(found) != awaited.uid or is_terminating(found)

    def _view(self, key: Key) -> View:
        def near(kind: str) -> dict[str, Object]:
            return {name: obj for (namespace, name), obj in self._objects[kind].items() if namespace == key[0]}

        return View(self._objects[SET][key], near(POD), near(CLAIM), near(REVISION), time.time())


class Loop:
    """Controllers for all sets of a cluster: the correct one, or the fault that a set's annotation names.

    ``fault`` is for sets without annotation; ``None`` is the correct controller.
    """

    def __init__(self, api: Api, fault: str | None = None) -> None:
        api.client.user_agent = MANAGER
        self._api = api
        self._events = Broadcaster(api, _say)
        self._wire = Wire(api.client, connect=5.0, answer=30.0)
        self._store = Store()
        self._default = fault
        self._controllers: dict[str | None, Controller] = {None: Controller()}
        self._controllers |= {name: known.controller() for name, known in FAULTS.items()}
        self._failures: Counter[Key] = Counter()

    def start(self) -> None:
        """Start all threads; they end with the process."""
        self._events.start()
        for kind in PATHS:
            threading.Thread(target=self._follow, args=(kind,), daemon=True).start()
        for _ in range(WORKERS):
            threading.Thread(target=self._work, daemon=True).start()

    def _follow(self, kind: str) -> None:
        """Keep one kind up to date; after any trouble list it again."""
        group, resource = PATHS[kind]
        while True:
            try:
                rv, items = self._wire.list(f"/{group}/{resource}")
                self._store.listed(kind, rv, items)
                while True:
                    rv = self._watch(kind, f"/{group}/{resource}", rv)
            except (HttpProblem, HTTPError, OSError) as trouble:
                _say(f"{resource}: {trouble}; listing again")
                time.sleep(RETRY_SECONDS)

    def _watch(self, kind: str, path: str, rv: int) -> int:
        query = {
            "watch": "true",
            "resourceVersion": str(rv),
            "allowWatchBookmarks": "true",
            "timeoutSeconds": str(WATCH_SECONDS),
        }
        with self._wire.request("GET", path, query, silence=WATCH_SECONDS + 60) as answer:
            for line in _lines(answer):
                event: dict[str, Any] = json.loads(line)
                if event["type"] == "ERROR":
                    raise HttpProblem(int(event["object"]["code"]), str(event["object"]["message"]))
                self._store.seen(kind, event["type"], event["object"])
                rv = int(event["object"]["metadata"]["resourceVersion"])
        return rv

    def _work(self) -> None:
        while True:
            view = self._store.next()
            key, awaited = _key(view.set), list[Awaited]()
            try:
                self._act(view, awaited)
                self._failures.pop(key, None)
            except Exception as trouble:  # a controller that is wrong must not take the others along
                what = str(trouble) if isinstance(trouble, StsconfError) else repr(trouble)
                _say(f"{'/'.join(key)}: {what}")
                self._store.wake(key, min(RETRY_SECONDS * 2 ** self._failures[key], 5.0))
                self._failures[key] += 1
            finally:
                self._store.done(key, awaited)

    def _act(self, view: View, awaited: list[Awaited]) -> None:
        name = (view.set["metadata"].get("annotations") or {}).get(ANNOTATION, self._default)
        failed: ApiError | None = None
        for action in self._controllers[name].reconcile(view):
            try:
                if isinstance(action, Wait):
                    if action.seconds is not None:
                        self._store.wake(_key(view.set), action.seconds)
                elif (failed is None or isinstance(action, WriteStatus)) and (after := self._send(view, action)):
                    awaited.append(after)
                    self._tell(view, action)
            except ApiError as error:
                self._tell(view, action, error)
                if isinstance(action, Delete) and error.status == 404:
                    awaited.append(Gone(action.kind, (view.set["metadata"]["namespace"], action.name), action.uid))
                else:
                    failed = failed or error  # the status is published all the same
        if failed:
            raise failed

    def _tell(self, view: View, action: Action, error: ApiError | None = None) -> None:
        """Write the Events of one act; the real one is silent about a name that is taken and a pod that changed."""
        silent = isinstance(action, Create) or (isinstance(action, Patch) and action.kind == POD)
        if error and error.status == 409 and silent:
            return
        refusal = str(error).partition(f" was answered with {error.status}: ")[2] if error else None
        for said in told(view.name, action, refusal):
            self._events.tell(view.set, said)

    def _send(self, view: View, action: Action) -> Awaited | None:
        """One request; what has to be seen of it afterwards."""
        namespace = view.set["metadata"]["namespace"]
        match action:
            case Create(body):
                return self._write("POST", _path(body["kind"], namespace), body)
            case Delete(kind, name, uid, grace):
                options = {"preconditions": {"uid": uid}, **({} if grace is None else {"gracePeriodSeconds": grace})}
                self._api.request("DELETE", _path(kind, namespace, name), options)
                return Gone(kind, (namespace, name), uid)
            case Patch(kind, name, body, adopts):
                if adopts and not self._still_wanted(view):
                    return None
                known = self._store.get(kind, (namespace, name))
                if known is None:
                    return None
                return self._write("PUT", _path(kind, namespace, name), merged(known, body))
            case WriteStatus(status):
                path = f"{_path(SET, namespace, view.name)}/status"
                return self._write("PUT", path, merged(view.set, {"status": status}))
            case Wait():
                return None

    def _write(self, method: str, path: str, body: Object) -> Written:
        """Send JSON as YAML, which it is: so the API server itself decides how the data of a revision is spelt.

        It keeps JSON as it came, spaces included, and takes data that it spelt anew when it patched for changed.
        """
        answer = self._api.request(method, path, body, "application/yaml")
        return Written(str(answer["kind"]), int(answer["metadata"]["resourceVersion"]))

    def _still_wanted(self, view: View) -> bool:
        """Whether the server itself, and not our view, says that the set may adopt."""
        live = self._api.request("GET", _path(SET, view.set["metadata"]["namespace"], view.name))
        return uid_of(live) == view.uid and not is_terminating(live)


def _key(obj: Raw) -> Key:
    return obj["metadata"]["namespace"], name_of(obj)


def _path(kind: str, namespace: str, name: str = "") -> str:
    group, resource = PATHS[kind]
    return f"{group}/namespaces/{namespace}/{resource}" + (f"/{name}" if name else "")


def _lines(answer: Any) -> Iterator[bytes]:
    buffer = b""
    while chunk := answer.read1(65536):
        *lines, buffer = (buffer + chunk).split(b"\n")
        yield from lines


def _say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)
