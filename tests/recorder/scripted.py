"""A small API server that tells lists and watches of one revision counter, and misbehaves as it is told.

``World`` is what happened; ``Fault`` is what one watch connection of the pods does wrong before or while it is served.
"""

import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlparse

from kubernetes.client import ApiClient, Configuration

NAMESPACE = "ns"
KINDS = {
    "pods": "Pod",
    "statefulsets": "StatefulSet",
    "controllerrevisions": "ControllerRevision",
    "persistentvolumeclaims": "PersistentVolumeClaim",
    "persistentvolumes": "PersistentVolume",
    "services": "Service",
    "endpointslices": "EndpointSlice",
    "events": "Event",
    "configmaps": "ConfigMap",
}


@dataclass(frozen=True)
class Happening:
    """One write: the line a watch tells, and the object."""

    rv: int
    change: str
    obj: dict[str, Any]

    @property
    def line(self) -> bytes:
        return json.dumps({"type": self.change, "object": self.obj}, separators=(",", ":")).encode() + b"\n"

    @property
    def summary(self) -> tuple[str, str, str, str]:
        meta = self.obj["metadata"]
        return (self.change, meta["resourceVersion"], meta["uid"], meta["name"])


@dataclass(frozen=True)
class Fault:
    """What one watch of the pods does. ``after`` counts the events it tells first.

    ``how``: eof, cut (``cut_bytes`` of the next line, then a reset), silent, expired, http, malformed, too_long, drop
    (leaves one event out), double (tells one twice), null_bookmark, early_bookmark
    (promises what is not told yet), late_bookmark (goes back). ``chunk``: bytes per chunk.
    """

    how: str
    after: int = 0
    cut_bytes: int = 10
    status: int = 500
    retry_after: str = ""
    chunk: int = 0


@dataclass
class World:
    """Every write so far, by kind, under one revision counter; and the faults still to be played."""

    faults: list[Fault] = field(default_factory=list)
    rv: int = 10
    compacted: int = 0
    oldest: int = 0
    log: dict[str, list[Happening]] = field(default_factory=lambda: {kind: [] for kind in KINDS})
    changed: threading.Condition = field(default_factory=threading.Condition)
    refused: dict[str, int] = field(default_factory=dict)
    refusals: threading.Event = field(default_factory=threading.Event)
    refused_pods: int = 0
    without_bookmarks: set[str] = field(default_factory=set)
    ended: bool = False
    hung_up: int = 0
    played: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def write(self, kind: str, name: str, change: str, **more: Any) -> Happening:
        """Make one write: ADDED makes a new uid, DELETED carries the last state."""
        with self.changed:
            self.rv += 1
            last = self.state(kind, self.rv).get(name)
            meta: dict[str, Any] = {"name": name, "resourceVersion": str(self.rv)}
            if kind != "persistentvolumes":
                meta["namespace"] = more.pop("namespace", NAMESPACE)
            if change == "ADDED":
                obj = {"metadata": {**meta, "uid": f"uid-{kind}-{self.rv}", "generation": 1}, **more}
            else:
                assert last is not None
                obj = {**last, "metadata": {**last["metadata"], "resourceVersion": str(self.rv)}, **more}
            happening = Happening(self.rv, change, {"kind": KINDS[kind], "apiVersion": "v1", **obj})
            self.log[kind].append(happening)
            self.changed.notify_all()
            return happening

    def hang_up(self) -> None:
        """End every open watch now, without a fault."""
        with self.changed:
            self.hung_up += 1
            self.changed.notify_all()

    def state(self, kind: str, rv: int) -> dict[str, dict[str, Any]]:
        """The objects as they were at one revision."""
        objects: dict[str, dict[str, Any]] = {}
        for happening in self.log[kind]:
            if happening.rv <= rv:
                name = happening.obj["metadata"]["name"]
                objects.pop(name, None)
                if happening.change != "DELETED":
                    objects[name] = happening.obj
        return objects

    def toggle(self, name: str, *, remove: bool = False, **more: Any) -> Happening:
        """Write to a pod whatever is possible: add it, change it, or remove it."""
        present = name in self.state("pods", self.rv)
        return self.write("pods", name, ("DELETED" if remove else "MODIFIED") if present else "ADDED", **more)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: "Server"

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        url = urlparse(self.path)
        query = {key: values[0] for key, values in parse_qs(url.query).items()}
        world = self.server.world
        with world.changed:
            world.requests.append(self.path)
        if url.path == "/version":
            return self._json(200, {"gitVersion": "v1.37.2-scripted"})
        kind = url.path.rpartition("/")[2]
        if status := world.refused.get(kind):
            world.refusals.set()
            return self._status(status, "refused by the test")
        if kind not in KINDS:
            return self._status(404, "no such resource")
        if "watch" in query:
            return self._watch(kind, query)
        return self._list(kind, query)

    def _write(self) -> None:
        """Create, patch or delete one object; a created pod is refused as often as ``world.refused_pods`` says."""
        world = self.server.world
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        parts = self.path.split("/")
        kind, name = (parts[-1], body["metadata"]["name"]) if self.command == "POST" else parts[-2:]
        with world.changed:
            present = name in world.state(kind, world.rv)
            if self.command == "POST" and kind == "pods" and world.refused_pods:
                world.refused_pods -= 1
                return self._status(403, 'error looking up service account: serviceaccount "default" not found')
            if present == (self.command == "POST"):
                return self._status(409 if present else 404, "it is there" if present else "it is not there")
            change = {"POST": "ADDED", "PATCH": "MODIFIED", "DELETE": "DELETED"}[self.command]
            return self._json(200, world.write(kind, name, change).obj)

    do_POST = do_PATCH = do_DELETE = _write  # noqa: N815 - names of the standard library

    def _json(self, code: int, body: object, **headers: str) -> None:
        data = json.dumps(body).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(data)

    def _status(self, code: int, message: str, retry_after: str = "") -> None:
        self._json(
            code,
            {"kind": "Status", "code": code, "message": message},
            **({"Retry_After": retry_after} if retry_after else {}),
        )

    def _list(self, kind: str, query: dict[str, str]) -> None:
        world = self.server.world
        with world.changed:
            rv = int(query.get("resourceVersion", world.rv))
            if rv <= world.compacted:
                return self._status(410, "too old")
            items = list(world.state(kind, rv).values())
        if "limit" in query:
            items = items[: int(query["limit"])]
        bare = [{k: v for k, v in item.items() if k not in ("kind", "apiVersion")} for item in items]
        body = {
            "kind": KINDS[kind] + "List",
            "apiVersion": "v1",
            "metadata": {"resourceVersion": str(rv)},
            "items": bare,
        }
        return self._json(200, body)

    def _watch(self, kind: str, query: dict[str, str]) -> None:
        world = self.server.world
        fault = Fault("none")
        with world.changed:
            if kind == "pods" and world.faults:
                fault = world.faults.pop(0)
                world.played.append(fault.how)
        if fault.how == "http":
            return self._status(fault.status, "as the script says", fault.retry_after)
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.wfile.flush()
        try:
            self._tell(kind, int(query["resourceVersion"]), fault, forced=int(query["timeoutSeconds"]) <= 3)
        except OSError:
            self.close_connection = True
        return None

    def _tell(self, kind: str, since: int, fault: Fault, *, forced: bool) -> None:
        world = self.server.world
        if since < world.oldest or fault.how == "expired":
            self._send(b'{"type":"ERROR","object":{"kind":"Status","code":410,"message":"too old"}}\n', fault)
            return self._send(b"", fault)
        for told, happening in enumerate(self._events(kind, since, forced=forced)):
            if told == fault.after and fault.how != "none":
                done = self._misbehave(happening, fault)
                if done:
                    return None
            else:
                self._send(happening.line, fault)
        with world.changed:
            bookmark = {"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": str(world.rv)}}}
        if forced and kind not in world.without_bookmarks:
            self._send(json.dumps(bookmark).encode() + b"\n", fault)
        return self._send(b"", fault)

    def _events(self, kind: str, since: int, *, forced: bool) -> Iterator[Happening]:
        """What happened after a revision; then, unless forced, what happens while someone listens."""
        world = self.server.world
        position, calls = since, world.hung_up
        while True:
            with world.changed:
                news = [happening for happening in world.log[kind] if happening.rv > position]
                if not news:
                    if forced or world.ended or world.hung_up > calls:
                        return
                    world.changed.wait(0.05)
                    if self._peer_left():
                        raise BrokenPipeError
            for happening in news:
                position = happening.rv
                yield happening

    def _peer_left(self) -> bool:
        try:
            return not self.connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except BlockingIOError:
            return False

    def _misbehave(self, next_one: Happening, fault: Fault) -> bool:
        """Play the fault; True when the connection is over."""
        world = self.server.world
        if fault.how == "eof":
            self._send(b"", fault)
        elif fault.how == "cut":
            self._send(next_one.line[: min(fault.cut_bytes, len(next_one.line) - 1)], fault)
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True
        elif fault.how == "silent":
            while not self._peer_left() and not world.ended:
                with world.changed:
                    world.changed.wait(0.02)
            self.close_connection = True
        elif fault.how == "malformed":
            self._send(next_one.line[:25] + b"\n", fault)
            self._send(b"", fault)
        elif fault.how == "error_500":
            self._send(b'{"type":"ERROR","object":{"kind":"Status","code":500,"message":"storage"}}\n', fault)
            self._send(b"", fault)
        elif fault.how == "drop":
            return False
        elif fault.how == "double":
            self._send(next_one.line * 2, fault)
            return False
        elif fault.how == "null_bookmark":
            line = {
                "type": "BOOKMARK",
                "object": {
                    "kind": "Pod",
                    "metadata": {"resourceVersion": str(next_one.rv - 1), "creationTimestamp": None},
                    "spec": {"containers": None},
                    "status": {},
                },
            }
            self._send(json.dumps(line).encode() + b"\n" + next_one.line, fault)
            return False
        elif fault.how in ("early_bookmark", "late_bookmark"):
            rv = next_one.rv + 1000 if fault.how == "early_bookmark" else 1
            line = {"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": str(rv)}}}
            self._send(json.dumps(line).encode() + b"\n" + next_one.line, fault)
            self._send(b"", fault)
        else:
            raise AssertionError(fault.how)
        return True

    def _send(self, data: bytes, fault: Fault) -> None:
        """One chunk, or several of the fault's size; no data ends the answer."""
        size = fault.chunk or len(data)
        pieces = [data[i : i + size] for i in range(0, len(data), size)] if data else [b""]
        for piece in pieces:
            self.wfile.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
        self.wfile.flush()


class Server(ThreadingHTTPServer):
    """Serves one world at a time on a free port; a context manager."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(self) -> None:
        self.world = World()
        super().__init__(("127.0.0.1", 0), _Handler)
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    def __enter__(self) -> "Server":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.world.ended = True
        self.shutdown()
        self._thread.join()
        self.server_close()

    def client(self) -> ApiClient:
        """An official client that talks to this server."""
        return ApiClient(Configuration(host=f"http://127.0.0.1:{self.server_address[1]}"))

    def handle_error(self, *_: object) -> None:
        """A client that went away is the point of many tests."""
