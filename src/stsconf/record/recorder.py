"""The recorder: every version of every object, and what we did, in one sealed file.

``start`` returns when every feed has its first list and an open watch; ``close`` proves that nothing is missing: it
lists every kind once more, waits until the feeds have delivered everything up to those lists, replays what was written
and compares. The frontier reaches a list's revision by an event of that kind (free), by a write to an object of our
own (the sentinel, where ``sentinel_namespace`` allows it), or by a bookmark that a short watch makes the server send.
"""

import platform
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as package_version
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from kubernetes.client import ApiClient
from urllib3.exceptions import HTTPError

from stsconf.deadline import Deadline
from stsconf.errors import StsconfError
from stsconf.kube.http import HttpProblem, Wire
from stsconf.record import audit
from stsconf.record.feed import Feed
from stsconf.record.file import TimelineWriter
from stsconf.record.journal import Gap, Journal
from stsconf.record.proof import probe, prove_end
from stsconf.record.redaction import REDACTION, Redactor
from stsconf.record.sentinel import Sentinel
from stsconf.record.streams import DIAGNOSTIC, EVERYWHERE, STREAMS, Scope
from stsconf.record.waits import DEFAULT_WAITS, RecorderWaits

T = TypeVar("T")


class RecorderError(StsconfError):
    """Recording could not start, or has stopped writing."""


class WaitTimeout(StsconfError):
    """Something did not happen in time. ``what`` completes "waiting for ..."; ``last`` is what was recorded last."""

    def __init__(self, what: str, seconds: float, last: str) -> None:
        super().__init__(f"Timed out after {seconds:g} s waiting for {what}. Last recorded: {last or 'nothing'}.")


@dataclass(slots=True)
class Action:
    """One call of ours, while it lasts. Give ``returned`` what the server answered."""

    result: dict[str, object] | None = None

    def returned(self, answer: object) -> None:
        """Note an answer: an object or Status, as a mapping or a model of the client, or an HTTP status code."""
        if isinstance(answer, int):
            self.result = {"code": answer}
            return

        def read(source: object, name: str, model_name: str) -> object:
            return source.get(name) if isinstance(source, Mapping) else getattr(source, model_name, None)

        metadata = read(answer, "metadata", "metadata")
        found = {
            "rv": read(metadata, "resourceVersion", "resource_version"),
            "uid": read(metadata, "uid", "uid"),
            "code": read(answer, "code", "code"),
        }
        self.result = {key: value for key, value in found.items() if value}


@dataclass(frozen=True, slots=True)
class Seal:
    """How a recording ended. ``closing`` gives per feed ``equal``, ``forbidden``, or what was not proven.

    Diagnostic events are left out where they were not reached: the server sends no bookmarks for them.
    """

    path: Path
    frontier: Mapping[str, str]
    closing: Mapping[str, str]
    records: int
    sha256: str
    seconds: float
    """How long the closing proof took."""

    @property
    def complete(self) -> bool:
        """Whether the end of every readable feed was proven."""
        return not self.unproven

    @property
    def unproven(self) -> list[str]:
        """The feeds whose end was not proven."""
        return [feed for feed, result in self.closing.items() if result not in ("equal", "forbidden")]


class Recorder:
    """Records from ``start`` to ``close``; also a context manager.

    Takes the official client's ``ApiClient``, the path of a new ``.ndjson`` file, the run's id, the scope, more fields
    for the header, a namespace of our own for the sentinel (clusters we made; it must exist), and the deadline with
    which every ``wait_for`` ends. ``audit_log`` gives the lines of the API server's audit log, read at the end, where
    there is a sentinel too: the writes in the namespaces of the windows become records.
    """

    def __init__(
        self,
        api_client: ApiClient,
        path: Path,
        run_id: str,
        scope: Scope = EVERYWHERE,
        header: Mapping[str, object] | None = None,
        waits: RecorderWaits = DEFAULT_WAITS,
        sentinel_namespace: str | None = None,
        deadline: Deadline | None = None,
        audit_log: Callable[[], Iterable[bytes]] | None = None,
    ) -> None:
        if sentinel_namespace and scope.namespaces is not None:
            raise ValueError("a sentinel is written and seen only where the whole cluster is recorded")
        self._wire = Wire(api_client, waits.connect, waits.answer)
        self._path = path
        self._run_id = run_id
        self._scope = scope
        self._more_header = dict(header or {})
        self._waits = waits
        self._sentinel = Sentinel(self._wire, sentinel_namespace) if sentinel_namespace else None
        self._redact = None if scope.namespaces is None else Redactor()
        self._journal: Journal | None = None
        self._feeds: list[Feed] = []
        self._seal: Seal | None = None
        self._ids = count(1)
        self._deadline = deadline or Deadline()
        self._cancelled = False
        self._audit_log = audit_log
        self._audited_from: int | None = None
        self._started = datetime.now(UTC)
        self._spaces: set[str] = set()

    # Life.

    def start(self) -> Self:
        """Begin. Raises ``RecorderError`` naming the feed and the HTTP status that stopped it."""
        begun, self._started = time.monotonic_ns(), datetime.now(UTC)
        self._journal = Journal(TimelineWriter(self._path, self._header()), begun, self._redact)
        try:
            self._begin(self._journal)
        except BaseException:
            self._abandon()
            raise
        return self

    def _begin(self, journal: Journal) -> None:
        if self._sentinel:
            try:
                self._sentinel.create(self._waits.start)
            except (HttpProblem, HTTPError, OSError) as error:
                raise RecorderError(
                    f"The sentinel objects in namespace {self._sentinel.namespace} cannot be made: {error}.",
                    "Record without a sentinel, or allow writing there.",
                ) from error
        for stream in STREAMS:
            spaces = self._scope.namespaces if stream.namespaced else None
            self._feeds += [
                Feed(stream, space, self._wire, self._waits, journal, self._scope.keeps(stream))
                for space in spaces or (None,)
            ]
        for feed in self._feeds:
            feed.start()
        self._await_feeds()
        self._probe()
        if self._sentinel and self._audit_log:
            with suppress(HttpProblem, HTTPError, OSError):  # the log is then not shown to be whole
                self._audited_from = self._sentinel.mark()
        if self._sentinel:
            threading.Thread(target=self._freshen, args=(self._sentinel,), daemon=True).start()

    def close(self) -> Seal:
        """Prove the end, seal and compress the file, remove the sentinel. A second call does nothing."""
        if self._seal:
            return self._seal
        journal, begun = self._open_journal, time.monotonic()
        self._prove_end()
        seconds = time.monotonic() - begun
        self._probe()
        if self._sentinel and self._audit_log:
            self._write_audit(self._sentinel, self._audit_log)
        with journal.changed:
            frontier = {feed.key: str(feed.replica.frontier) for feed in self._feeds if not feed.forbidden}
            closing = {f.key: f.closing() for f in self._feeds if f.reached or f.stream.name not in DIAGNOSTIC}
            self._stop_feeds()
            writer = journal.writer
            records, sha256 = writer.records, writer.sha256
            writer.seal(frontier, closing, t=journal.now(), duplicates=journal.duplicates)
            if writer.failed:
                closing = dict.fromkeys(closing, "not written")
        self._join_feeds()
        if self._sentinel:
            self._sentinel.delete()
        path = writer.path if writer.failed else writer.compress()
        self._seal = Seal(path, frontier, closing, records, sha256, seconds)
        return self._seal

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._cancelled or (kind is not None and not issubclass(kind, Exception)):
            self._abandon()
        else:
            self.close()

    def cancel(self) -> None:
        """Give up: every ``wait_for`` raises ``RecorderError`` now, and the file stays unsealed. From any thread."""
        self._cancelled = True
        if self._journal:
            self._journal.wake()

    @property
    def _open_journal(self) -> Journal:
        if self._journal is None:
            raise RecorderError("The recorder was not started.", "Call start() first.")
        return self._journal

    def _header(self) -> dict[str, object]:
        try:
            server = self._wire.call("GET", "/version")
        except (HttpProblem, HTTPError, OSError) as error:
            raise RecorderError(
                f"The API server at {self._wire.client.configuration.host} does not answer: {error}.",
                "Check the kubeconfig and its context.",
            ) from error
        cluster = None
        with suppress(HttpProblem, HTTPError, OSError):  # reading one namespace of the cluster may be forbidden
            cluster = self._wire.call("GET", "/api/v1/namespaces/kube-system")["metadata"]["uid"]
        try:
            tool = package_version("statefulset-conformance")
        except PackageNotFoundError:
            tool = "unknown"
        spaces = self._scope.namespaces
        return {
            "run": self._run_id,
            "tool": tool,
            "started": self._started.isoformat(),
            "server": {key: server.get(key) for key in ("gitVersion", "gitCommit", "platform")},
            "cluster": cluster,
            "scope": {
                "namespaces": spaces,
                "persistentvolumes": "all" if spaces is None else "only those whose claimRef is in these namespaces",
                "sentinel": self._sentinel.namespace if self._sentinel else None,
            },
            "streams": [{"s": s.name, "group": s.group, "version": s.version, "resource": s.resource} for s in STREAMS],
            "redaction": list(REDACTION) if self._redact else [],
            "python": platform.python_version(),
            **self._more_header,
        }

    def _await_feeds(self) -> None:
        def done() -> bool:
            return all(feed.ready or feed.forbidden or feed.fatal for feed in self._feeds)

        self._wait(done, self._waits.start)
        for feed in self._feeds:
            if feed.fatal:
                raise RecorderError(
                    f"Recording {feed.key} was refused: {feed.fatal}.", "Check the kubeconfig's credentials and server."
                )
            if not (feed.ready or feed.forbidden):
                raise RecorderError(
                    f"Recording {feed.key} did not start within {self._waits.start:g} s: {feed.trouble}.",
                    "Check that the API server is reachable and not overloaded.",
                )

    def _freshen(self, sentinel: Sentinel) -> None:
        while not self._open_journal.stopping.wait(self._waits.freshen):
            sentinel.touch()

    def _stop_feeds(self) -> None:
        self._open_journal.stopping.set()
        for feed in self._feeds:
            feed.interrupt()

    def _join_feeds(self) -> None:
        deadline = time.monotonic() + self._waits.stop
        for feed in self._feeds:
            if feed.is_alive():
                feed.join(max(0.0, deadline - time.monotonic()))

    def _abandon(self) -> None:
        if self._journal:
            self._stop_feeds()
            self._join_feeds()
            self._journal.writer.close()
        if self._sentinel:
            self._sentinel.delete()

    # What we do.

    @contextmanager
    def act(self, verb: str, resource: str, namespace: str, name: str, body: object = None) -> Iterator[Action]:
        """Record one call of ours around the block that makes it; an exception is recorded and goes on."""
        journal, identity, action = self._open_journal, f"act-{next(self._ids)}", Action()
        what = {"verb": verb, "resource": resource, "ns": namespace, "name": name}
        journal.write("act", id=identity, phase="begin", t=journal.now(), **what, body=journal.shown(body))
        error: dict[str, object] = {}
        try:
            yield action
        except BaseException as problem:
            error = {"error": f"{type(problem).__name__}: {problem}"[:500]}
            status = getattr(problem, "status", None)
            if action.result is None and isinstance(status, int):
                action.returned(status)
            raise
        finally:
            journal.write("act", id=identity, phase="end", t=journal.now(), result=action.result, **error)

    def observe(
        self, verb: str, via: str, namespace: str, claim: str, pod_uid: str, marker: str, content: str | None
    ) -> None:
        """Record what we wrote to, or read from, a volume: content is not part of any API object."""
        journal = self._open_journal
        journal.write(
            "obs",
            t=journal.now(),
            verb=verb,
            via=via,
            ns=namespace,
            claim=claim,
            pod_uid=pod_uid,
            marker=marker,
            content=content,
        )

    def open_window(self, scenario: str, namespace: str, set_name: str, **plan: object) -> str:
        """Mark where a scenario begins and return the window's id."""
        journal, identity = self._open_journal, f"window-{next(self._ids)}"
        self._spaces.add(namespace)
        what = {"scenario": scenario, "namespace": namespace, "set": set_name, "plan": plan}
        journal.write("mark", id=identity, phase="open", t=journal.now(), **what)
        return identity

    def close_window(self, window: str, **plan: object) -> None:
        """Mark where it ends; ``plan`` is added to what was said at its opening."""
        self._open_journal.write("mark", id=window, phase="close", t=self._open_journal.now(), plan=plan)

    # What is there now.

    def current(self, stream: str, namespace: str, name: str) -> dict[str, Any] | None:
        """The latest version of one object, not to be changed; namespace "" for cluster-scoped ones."""
        with self._open_journal.changed:
            for feed in self._feeds_of(stream, namespace):
                if seen := feed.replica.objects.get((namespace, name)):
                    return seen.obj
        return None

    def objects(self, stream: str, namespace: str) -> dict[str, dict[str, Any]]:
        """The latest version of all objects of one namespace, by name, not to be changed."""
        with self._open_journal.changed:
            return {
                name: seen.obj
                for feed in self._feeds_of(stream, namespace)
                for (space, name), seen in feed.replica.objects.items()
                if space == namespace and seen.obj is not None
            }

    def _feeds_of(self, stream: str, namespace: str) -> Iterator[Feed]:
        return (f for f in self._feeds if f.stream.name == stream and f.namespace in (None, namespace))

    def wait_for(
        self, predicate: Callable[[], T | None], seconds: float, what: str, last: Callable[[], str] | None = None
    ) -> T:
        """Ask ``predicate`` after every recorded change until it returns something true, and return that.

        ``last`` says for the message what was recorded last of the objects waited for; else it names the last records.
        Raises ``WaitTimeout`` after ``seconds`` or with the deadline, ``RecorderError`` when the recording can no
        longer be written.
        """
        found = self._wait(predicate, min(seconds, self._deadline.ends - time.monotonic()))
        if not found:
            raise WaitTimeout(what, seconds, last() if last else "; ".join(self._open_journal.recent))
        return found

    def _wait(self, predicate: Callable[[], T | None], seconds: float) -> T | None:
        journal, deadline = self._open_journal, time.monotonic() + seconds
        while True:
            news = journal.news
            if journal.writer.failed or self._cancelled:
                raise RecorderError(journal.writer.failed or "The recording was cancelled.")
            if found := predicate():
                return found
            with journal.changed:
                left = deadline - time.monotonic()
                if left <= 0:
                    return None
                journal.changed.wait_for(lambda seen=news: journal.news != seen, left)  # type: ignore[misc]

    @property
    def gaps(self) -> tuple[Gap, ...]:
        """All holes so far, repaired ones too."""
        return tuple(self._journal.gaps) if self._journal else ()

    @property
    def failed(self) -> str | None:
        """Why the file is no longer written, or None."""
        return self._journal.writer.failed if self._journal else None

    # Proofs.

    def _prove_end(self) -> None:
        with suppress(RecorderError):  # a full disk is reported by the seal that is missing
            prove_end(self._feeds, self._sentinel, self._waits, self._wait, lambda: self._cancelled)

    def _write_audit(self, sentinel: Sentinel, log: Callable[[], Iterable[bytes]]) -> None:
        """Write who wrote what, and whether the log shows our own writes at the beginning and at the end."""
        journal, written, why = self._open_journal, 0, ""
        try:
            until = sentinel.mark()
            for record in audit.writes(log(), self._started, self._spaces):
                if written == audit.MAX_RECORDS:
                    why = f"it holds more than {written} writes"
                    break
                journal.write("audit", **record)
                written += 1
            if not why and not (self._audited_from and audit.holds_versions(log(), self._audited_from, until)):
                why = "our own writes at the beginning and at the end are not both in it"
        except (StsconfError, HttpProblem, HTTPError, OSError, ValueError, KeyError, TypeError) as error:
            why = f"{type(error).__name__}: {error}"[:500]
        more = {"why": why} if why else {}
        journal.write("audited", t=journal.now(), writes=written, complete=not why, **more)

    def _probe(self) -> None:
        for found in probe(self._feeds, self._sentinel, self._wire):
            self._open_journal.write("probe", t=self._open_journal.now(), **found)
