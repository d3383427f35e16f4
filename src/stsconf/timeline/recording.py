"""A recording file read into timelines, one per scenario window."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from msgspec import ValidationError, convert

from stsconf.documents import wrong_field
from stsconf.errors import TimelineFileError
from stsconf.record.file import FileState, Record, inspect, read_records
from stsconf.timeline import facts
from stsconf.timeline.events import (
    END,
    GRACE_SECONDS,
    Action,
    Change,
    Event,
    Gap,
    Observation,
    Problem,
    Reason,
)
from stsconf.timeline.history import History
from stsconf.timeline.reduce import REDUCERS
from stsconf.timeline.timeline import Timeline
from stsconf.timeline.window import PASSIVE, ScenarioEnd, ScenarioPlan, Window
from stsconf.timeline.writes import Write, write_of

T = TypeVar("T", ScenarioPlan, ScenarioEnd)


@dataclass(frozen=True, slots=True)
class Recording:
    """One file of ``sts-timeline`` v1, whole or not. ``sha256`` is of the uncompressed lines before the seal."""

    path: Path
    header: Mapping[str, Any]
    sha256: str
    sealed: bool
    timelines: tuple[Timeline, ...]
    problems: tuple[Problem, ...]
    events: int
    seconds: float = 0.0
    """How long was recorded: the recorder's clock at the last record."""

    def records(self) -> Iterator[tuple[int, Record]]:
        """Every record of the file with its line number, from 1, read anew."""
        return read_records(self.path)


def load(path: Path) -> Recording:
    """Read a recording into timelines.

    Raises ``TimelineFileError`` for a file that is no timeline; a damaged one is read as far as it goes, and says so
    in ``problems``.
    """
    return assemble(path, read_records(path), inspect(path))


def assemble(path: Path, records: Iterable[tuple[int, Record]], state: FileState) -> Recording:
    """Timelines from numbered records and what the seal says of them; ``path`` is their name."""
    return _Reader(path, state).read(records)


BEST_EFFORT = frozenset({"events"})
"""Kinds whose end need not be proven: what is missing there proves nothing anyway."""

_Key = tuple[str, str]
"""Namespace ("" for a cluster-scoped object) and name."""
_Version = tuple[str, str]
"""uid and resourceVersion."""


class _Feed:
    """How far one kind in one place was seen: the whole cluster, or one namespace."""

    def __init__(self) -> None:
        self.begins_rv = 0
        self.frontier = 0
        self.gaps: list[Gap] = []
        self.open_since = 0.0
        self.watched = self.broken = self.resumed = False
        self.closing_rv: int | None = None
        self.closing_list: dict[_Key, _Version] = {}
        self.last_list: dict[_Key, _Version] = {}
        self.tail: list[tuple[int, _Key, _Version | None]] = []
        self.sealed_frontier: int | None = None
        self.proof = ""
        self.proven = self.forbidden = False

    def seen_until(self, rv: int) -> None:
        self.frontier = max(self.frontier, rv)

    def is_late(self, record: Mapping[str, Any]) -> bool:
        """Whether a version may have waited for us: a broken connection delivers first what it held back."""
        return bool(record.get("rebuilt")) or (self.resumed and record["t"] / 1e9 - self.open_since <= GRACE_SECONDS)

    @property
    def holes(self) -> list[Gap]:
        return [*self.gaps, *([] if self.proven else [Gap(self.frontier, END)])]

    def lack(self, name: str, filtered: bool) -> tuple[Reason, str] | None:
        """What is missing for this feed to be whole from its first list to its last; nothing is good by being absent.

        Where ``filtered``, versions that concern others are not in the file: the seal's word is taken for how far the
        feed was seen.
        """
        if self.proof.startswith("mismatch"):
            return Reason.INTEGRITY, f"the end of {name} was not proven: {self.proof}"
        if not self.begins_rv:
            return Reason.GAP, f"no list of {name} says what was there in the beginning"
        if not self.watched:
            return Reason.GAP, f"no watch of {name} was recorded"
        if self.proof != "equal":
            return Reason.NOT_REACHED, f"the end of {name} was not proven: {self.proof or 'the seal does not name it'}"
        if self.closing_rv is None:
            return Reason.NOT_REACHED, f"the end of {name} was not proven: there is no closing list"
        if self.sealed_frontier is None:
            return Reason.NOT_REACHED, f"the seal does not say how far {name} was seen"
        seen = self.sealed_frontier if filtered else min(self.frontier, self.sealed_frontier)
        if seen < self.closing_rv:
            what = f"{name} was seen up to revision {seen} only, while the closing list is at {self.closing_rv}"
            return Reason.NOT_REACHED, what
        if differing := self.differing(self.closing_rv, filtered):
            what = f"what was recorded of {name} does not lead to its closing list: {min(differing)} differs"
            return Reason.INTEGRITY, what
        return None

    def differing(self, until: int, filtered: bool) -> set[_Key]:
        """Objects whose version in the closing list is not the one that the last list and the versions after it give.

        Where ``filtered``, the closing list does not name all.
        """
        state = dict(self.last_list)
        for rv, key, version in self.tail:
            if rv <= until and version:
                state[key] = version
            elif rv <= until:
                state.pop(key, None)
        if filtered:
            return {key for key, version in self.closing_list.items() if state.get(key) != version}
        return {key for key, _ in state.items() ^ self.closing_list.items()}


class _Reader:
    """One pass over the records."""

    def __init__(self, path: Path, state: FileState) -> None:
        self.path = path
        self.state = state
        self.header: Mapping[str, Any] = {}
        self.live: dict[tuple[str, str, str], facts.Fact] = {}
        self.events: dict[tuple[str, str], list[Event[Any]]] = defaultdict(list)
        self.feeds: dict[tuple[str, str], _Feed] = defaultdict(_Feed)
        self.windows: dict[str, Window] = {}
        self.actions: list[tuple[str, Action]] = []
        self.observations: list[tuple[str, Observation]] = []
        self.writes: list[tuple[str, Write]] = []
        self.audited: bool | None = None
        self.open_actions: dict[str, Mapping[str, Any]] = {}
        self.problems: list[tuple[str, Problem]] = []
        self.unrecorded: list[str] = []
        self.domains: list[frozenset[str]] = []
        self.probe_failed = False
        self.probed: frozenset[str] = frozenset()
        self.count = 0
        self.seconds = 0.0

    def read(self, records: Iterable[tuple[int, Record]]) -> Recording:
        for line, record in records:
            self.seconds = max(self.seconds, (record.get("t") or 0) / 1e9)
            handler = getattr(self, f"_on_{record.get('rec')}", None)
            if handler:
                handler(line, record)
        for begin in self.open_actions.values():
            self._add_action(0, begin, {})
        state = self.state
        if not state.sealed:
            self._problem(Reason.TRUNCATED, None, f"{self.path.name} has no seal: the run did not end as it should")
        elif state.problem:
            self._problem(Reason.INTEGRITY, None, state.problem)
        if state.sealed:
            self._check_completeness()
        planned = () if "slice" in self.header else self.header.get("scenarios") or ()
        self.unrecorded = sorted({*planned} - {w.scenario for w in self.windows.values()})
        domain = frozenset() if self.probe_failed or not self.domains else self.domains[-1]
        return Recording(
            path=self.path,
            header=self.header,
            sha256=state.sha256,
            sealed=state.sealed,
            timelines=tuple(self._timeline(window, domain) for window in self._windows()),
            problems=(*(problem for _, problem in self.problems), *self._cut_short()),
            events=self.count,
            seconds=self.seconds,
        )

    def _cut_short(self) -> Iterator[Problem]:
        """Scenarios that did not end, or did not begin: each is the problem of the promises that name it."""
        for name in self.unrecorded:
            yield Problem(Reason.NOT_REACHED, None, f"scenario {name} was planned and did not begin")
        for window in self.windows.values():
            if window.unfinished and window.scenario in (self.header.get("scenarios") or ()):
                yield Problem(Reason.NOT_REACHED, None, window.unfinished)

    def _problem(self, cause: Reason, kind: str | None, what: str, namespace: str = "") -> None:
        self.problems.append((namespace, Problem(cause, kind, what)))

    def _feed(self, kind: str, namespace: str) -> _Feed:
        """The feed that an object comes from: of its namespace, where there is one, else of the whole cluster."""
        return self.feeds[(kind, namespace) if (kind, namespace) in self.feeds else (kind, "")]

    def _check_completeness(self) -> None:
        """A kind that was not seen from beginning to end is a problem of every window that it belongs to."""
        places = {
            (kind, "" if (kind, "") in self.feeds and (kind, window.namespace) not in self.feeds else window.namespace)
            for window in self._windows()
            for kind in REDUCERS
            if kind not in BEST_EFFORT
        }
        scoped = bool((self.header.get("scope") or {}).get("namespaces"))
        for kind, namespace in sorted(places):
            feed = self.feeds[kind, namespace]
            if feed.forbidden:
                continue
            name = f"{kind}/{namespace}" if namespace else kind
            filtered = "slice" in self.header or (scoped and kind == "persistentvolumes")
            lack = feed.lack(name, filtered)
            feed.proven = lack is None
            if lack:
                self._problem(lack[0], kind, lack[1], namespace)
            elif kind not in self.probed:
                what = f"no probe after the closing lists asked for the revision counter of {kind}"
                self._problem(Reason.UNORDERED_KINDS, kind, what, namespace)

    def _windows(self) -> list[Window]:
        """The marked windows; in a passive recording, one for every StatefulSet that was seen."""
        if self.windows:
            return list(self.windows.values())
        seen = {
            (namespace, event.name)
            for (kind, namespace), events in self.events.items()
            if kind == "statefulsets"
            for event in events
        }
        return [Window(PASSIVE, namespace, name) for namespace, name in sorted(seen)]

    def _on_header(self, line: int, record: Mapping[str, Any]) -> None:  # noqa: ARG002 - one signature for all records
        self.header = record

    def _on_conn(self, line: int, record: Mapping[str, Any]) -> None:  # noqa: ARG002 - one signature for all records
        feed = self.feeds[record["s"], record.get("ns") or ""]
        if record["what"] == "open":
            feed.watched = True
            feed.open_since, feed.resumed = record["t"] / 1e9, feed.broken
        else:
            feed.broken = True

    def _on_bm(self, line: int, record: Mapping[str, Any]) -> None:  # noqa: ARG002 - one signature for all records
        self.feeds[record["s"], record.get("ns") or ""].seen_until(int(record["rv"]))

    def _on_snap(self, line: int, record: Mapping[str, Any]) -> None:
        """A list is the state at its revision: what differs from what we knew was not seen happening."""
        if record.get("why") == "closing":
            closed = self.feeds[record["s"], record.get("ns") or ""]
            closed.closing_rv = int(record["rv"])
            closed.closing_list = {(i.get("ns") or "", i["name"]): (i["uid"], i["rv"]) for i in record["items"]}
            self.probed = frozenset()
            return
        kind, scope = record["s"], record.get("ns")
        seconds, rv = record["t1"] / 1e9, int(record["rv"])
        feed = self.feeds[kind, scope or ""]
        feed.begins_rv = feed.begins_rv or rv
        feed.seen_until(rv)
        listed = {(item["metadata"].get("namespace") or "", item["metadata"]["name"]): item for item in record["items"]}
        feed.last_list = {
            key: (item["metadata"]["uid"], item["metadata"]["resourceVersion"]) for key, item in listed.items()
        }
        feed.tail = []
        for (known_kind, namespace, name), fact in list(self.live.items()):
            if known_kind == kind and (scope is None or namespace == scope) and (namespace, name) not in listed:
                self._store(line, seconds, kind, Change.LOST, rv, namespace, fact.uid, name, None, late=True)
        for (namespace, name), raw in listed.items():
            if reduce := REDUCERS.get(kind):
                fact = reduce(raw)
                if self.live.get((kind, namespace, name)) != fact:
                    own_rv = int(raw["metadata"]["resourceVersion"])
                    self._store(line, seconds, kind, Change.LISTED, own_rv, namespace, fact.uid, name, fact, late=True)

    def _on_ev(self, line: int, record: Mapping[str, Any]) -> None:
        self.count += 1
        reduce = REDUCERS.get(record["s"])
        if reduce is None:
            return
        change = Change(record["type"])
        now = None if change is Change.DELETED else reduce(record["obj"])
        namespace = record.get("ns") or ""
        if change is Change.DELETED and (record["s"], namespace, record["name"]) not in self.live:
            self.live[record["s"], namespace, record["name"]] = reduce(record["obj"])
        feed = self._feed(record["s"], namespace)
        feed.seen_until(int(record["rv"]))
        version = None if change is Change.DELETED else (record["uid"], record["rv"])
        feed.tail.append((int(record["rv"]), (namespace, record["name"]), version))
        self._store(
            line,
            record["t"] / 1e9,
            record["s"],
            change,
            int(record["rv"]),
            namespace,
            record["uid"],
            record["name"],
            now,
            late=feed.is_late(record),
        )

    def _store(
        self,
        line: int,
        seconds: float,
        kind: str,
        change: Change,
        rv: int,
        namespace: str,
        uid: str,
        name: str,
        now: facts.Fact | None,
        *,
        late: bool,
    ) -> None:
        key = (kind, namespace, name)
        before = self.live.get(key)
        if before is not None and before.uid != uid:
            before = None
        event: Event[Any] = Event(line, seconds, kind, change, rv, uid, name, before, now, late)
        self.events[kind, namespace].append(event)
        if now is None:
            self.live.pop(key, None)
        else:
            self.live[key] = now

    def _on_gap(self, line: int, record: Mapping[str, Any]) -> None:
        kind, namespace = record["s"], record.get("ns") or ""
        until = int(record.get("until_rv") or END)
        feed = self.feeds[kind, namespace]
        if record.get("repaired"):
            feed.seen_until(until)
            return
        feed.gaps.append(Gap(int(record.get("after_rv") or 0), until))
        if record.get("why") == "forbidden":
            feed.forbidden = True
            self._problem(
                Reason.FORBIDDEN,
                kind,
                f"reading {kind} was not allowed: it takes the right to list and watch {kind}",
                namespace,
            )
        else:
            why = f"line {line}: versions of {kind} were missed ({record.get('why')})"
            self._problem(Reason.GAP, kind, why, namespace)

    def _on_act(self, line: int, record: Mapping[str, Any]) -> None:
        if record["phase"] == "begin":
            self.open_actions[record["id"]] = record
            return
        begin = self.open_actions.pop(record["id"], record)
        self._add_action(line, begin, record.get("result") or {})

    def _add_action(self, line: int, begin: Mapping[str, Any], result: Mapping[str, Any]) -> None:
        action = Action(
            line,
            begin["t"] / 1e9,
            begin["verb"],
            begin["resource"],
            begin["name"],
            int(result["rv"]) if result.get("rv") else None,
            result.get("uid"),
            begin.get("body"),
        )
        self.actions.append((begin.get("ns") or "", action))

    def _on_obs(self, line: int, record: Mapping[str, Any]) -> None:
        observation = Observation(
            line,
            record["t"] / 1e9,
            record["verb"],
            record["via"],
            record["claim"],
            record["pod_uid"],
            record["marker"],
            record.get("content"),
        )
        self.observations.append((record["ns"], observation))

    def _on_audit(self, line: int, record: Mapping[str, Any]) -> None:
        if write := write_of(line, record):
            self.writes.append((record.get("ns") or "", write))

    def _on_audited(self, line: int, record: Mapping[str, Any]) -> None:  # noqa: ARG002 - one signature for all records
        self.audited = record["complete"] is True

    def _on_mark(self, line: int, record: Mapping[str, Any]) -> None:
        if record["phase"] == "open":
            plan = self._said(line, record, ScenarioPlan)
            self.windows[record["id"]] = Window(record["scenario"], record["namespace"], record["set"], plan)
        elif opened := self.windows.get(record["id"]):
            said = self._said(line, record, ScenarioEnd)
            self.windows[record["id"]] = replace(opened, end=said, closed=line, ended=record["t"] / 1e9)

    def _said(self, line: int, record: Mapping[str, Any], kind: type[T]) -> T:
        try:
            return convert(record.get("plan") or {}, kind)
        except ValidationError as error:
            raise TimelineFileError(f"{self.path}, line {line}: {wrong_field(error, 'plan')}.") from None

    def _on_probe(self, line: int, record: Mapping[str, Any]) -> None:  # noqa: ARG002 - one signature for all records
        self.probed = frozenset(kind for domain in record["domains"] for kind in domain)
        if record.get("result") == "ok":
            self.domains.append(self.probed)
        else:
            self.probe_failed = True

    def _on_seal(self, line: int, record: Mapping[str, Any]) -> None:  # noqa: ARG002 - one signature for all records
        for key, result in (record.get("closing") or {}).items():
            kind, _, namespace = key.partition("/")
            self.feeds[kind, namespace].proof = result
        for key, rv in (record.get("frontier") or {}).items():
            kind, _, namespace = key.partition("/")
            self.feeds[kind, namespace].sealed_frontier = int(rv)

    def _timeline(self, window: Window, domain: frozenset[str]) -> Timeline:
        def history(kind: str, mine: Callable[[Event[Any]], bool], namespace: str | None = None) -> History[Any]:
            where = window.namespace if namespace is None else namespace
            events = sorted((e for e in self.events[kind, where] if mine(e)), key=lambda e: e.rv)
            feed = self._feed(kind, where)
            return History(kind, events, feed.holes, feed.begins_rv)

        name = window.set_name
        sets = history("statefulsets", lambda e: e.name == name)
        uids = {e.uid for e in sets.events}
        services = {e.fact.service_name for e in sets.events}
        templates = {t.name for e in sets.events for t in e.fact.claim_templates}

        def is_pod(event: Event[Any]) -> bool:
            split = facts.ordinal_of(event.name)
            return event.uid in owned or (split is not None and split[0] == name)

        def is_mine(action: Action) -> bool:
            return action.name in {name, *services} or f"{name}-" in action.name

        def is_claim(event: Event[Any]) -> bool:
            split = facts.ordinal_of(event.name)
            return split is not None and any(split[0] == f"{template}-{name}" for template in templates)

        ownable = (*self.events["pods", window.namespace], *self.events["controllerrevisions", window.namespace])
        owned = {e.uid for e in ownable if e.fact.owner_uid in uids}
        pods = history("pods", is_pod)
        actions = [a for namespace, a in self.actions if namespace == window.namespace and is_mine(a)]
        mine = [problem for space, problem in self.problems if space in ("", window.namespace)]
        if window.unfinished and window.scenario in (self.header.get("scenarios") or ()):
            mine.append(Problem(Reason.NOT_REACHED, None, window.unfinished))
        volumes = history("persistentvolumes", lambda e: e.fact.claim_namespace == window.namespace, "")
        volume_names = {event.name for event in volumes.events}
        return Timeline(
            window,
            {
                "statefulsets": sets,
                "pods": pods,
                "persistentvolumeclaims": history("persistentvolumeclaims", is_claim),
                "persistentvolumes": volumes,
                "controllerrevisions": history("controllerrevisions", lambda e: e.uid in owned),
                "services": history("services", lambda _: True),
                "endpointslices": history("endpointslices", lambda _: True),
                "events": history("events", lambda e: e.fact.about_uid in uids),
            },
            actions,
            (observation for namespace, observation in self.observations if namespace == window.namespace),
            mine,
            domain,
            {**self.header, "unrecorded": self.unrecorded},
            (w for space, w in self.writes if space == window.namespace or (not space and w.name in volume_names)),
            audited=self.audited and self.state.sealed and not self.state.problem,
        )
