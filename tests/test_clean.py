"""What a run left is told from what only looks like it, wherever the run was killed."""

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stsconf.cleanup import clean
from stsconf.cleanup.clean import Request, clean_cluster, look, remove
from stsconf.cleanup.inventory import (
    KINDS,
    RECORD,
    SILENCE,
    Entry,
    Inventory,
    Owner,
    Record,
    Standing,
    labels,
    read_record,
    standing,
)
from stsconf.clusters import notes
from stsconf.errors import ExitCode, PreflightRefused
from stsconf.kube.api import Api, ApiError, Object
from stsconf.waits import Waits

NOW = datetime(2026, 11, 24, 20, 0, tzinfo=UTC)
DEAD = Owner("elsewhere", "another boot", 1, "1")


# The decision.


def times() -> st.SearchStrategy[datetime]:
    return st.integers(-100, 100).map(lambda seconds: NOW + timedelta(seconds=seconds))


def words() -> st.SearchStrategy[str]:
    return st.sampled_from(["a", "b", "c"])


@st.composite
def cases(draw: st.DrawFn) -> tuple[Entry, Object, Record]:
    kind = draw(st.sampled_from(["Namespace", "Pod", "ConfigMap"]))
    entry = Entry(kind, None, "n", draw(st.none() | words()))
    run = draw(words())
    marks: dict[str, str] = draw(
        st.sampled_from([{}, labels("a"), labels("b"), {**labels("a"), "more": "x"}, {"stsconf.dev/run": "a"}])
    )
    metadata: dict[str, Any] = {"name": "n", "uid": draw(words()), "creationTimestamp": draw(times()).isoformat()}
    metadata |= {"labels": marks} if marks else {}
    created = draw(times())
    return entry, {"metadata": metadata}, Record(run, "n", DEAD, (entry,), created, created)


@settings(deadline=None)
@given(cases())
def test_an_object_whose_uid_is_not_recorded_is_never_ours(case: tuple[Entry, Object, Record]) -> None:
    entry, found, record = case
    metadata = found["metadata"]
    if standing(entry, found, record) is Standing.OURS:
        assert entry.kind in KINDS
        assert metadata["labels"]["stsconf.dev/run"] == record.run
        if entry.uid is None:
            assert datetime.fromisoformat(metadata["creationTimestamp"]) >= record.created
        else:
            assert metadata["uid"] == entry.uid
    else:
        labelled = labels(record.run).items() <= metadata.get("labels", {}).items()
        assert entry.kind not in KINDS or not labelled or metadata["uid"] != entry.uid


@pytest.mark.parametrize(("seconds", "expected"), [(-1, Standing.FOREIGN), (0, Standing.OURS), (1, Standing.OURS)])
def test_without_a_recorded_uid_only_what_came_after_the_record_is_ours(seconds: int, expected: Standing) -> None:
    entry = Entry("Namespace", None, "n")
    created = (NOW + timedelta(seconds=seconds)).isoformat()
    found = {"metadata": {"name": "n", "uid": "1", "creationTimestamp": created, "labels": labels("a")}}
    assert standing(entry, found, Record("a", "n", DEAD, (entry,), NOW, NOW)) is expected


def test_what_is_not_there_is_gone() -> None:
    record = Record("a", "n", DEAD, (), NOW, NOW)
    assert standing(Entry("Namespace", None, "n", "1"), None, record) is Standing.GONE


@pytest.mark.parametrize("seconds", [0, SILENCE - 1])
def test_a_run_elsewhere_lives_as_long_as_its_heart_beats(seconds: float) -> None:
    record = Record("a", "n", DEAD, (), NOW, NOW)
    assert record.alive(NOW + timedelta(seconds=seconds))
    assert not record.alive(NOW + timedelta(seconds=SILENCE))


def test_a_process_of_this_machine_is_known_to_live_or_not_whatever_its_heart_says() -> None:
    me = Owner.me()
    assert me.alive()
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    assert Owner(me.host, me.space, pid, me.started).alive() is False  # a zombie
    os.waitpid(pid, 0)
    assert Owner(me.host, me.space, pid, me.started).alive() is False
    assert Owner(me.host, me.space, me.pid, "0").alive() is False  # the pid was used again
    assert DEAD.alive() is None


# The record.


class Cluster(Api):
    """API server in memory: enough of namespaces, ConfigMaps and volumes. Dies with its caller at the given call."""

    def __init__(self) -> None:
        self.objects: dict[tuple[str, str, str], Object] = {}
        self.calls = 0
        self.die_before: int | None = None
        self.die_after: int | None = None
        self.manager = "stsconf"
        self._uids = count(1)

    def _called(self) -> Iterator[None]:
        self.calls += 1
        if self.die_before is not None and self.calls >= self.die_before:
            raise Killed
        yield
        if self.die_after is not None and self.calls >= self.die_after:
            raise Killed

    def get(self, kind: str, name: str, namespace: str | None = None) -> Object | None:
        return self.objects.get((kind, namespace or "", name))

    def list(self, kind: str, namespace: str | None = None, query: str = "") -> Iterator[Object]:
        label, _, value = query.removeprefix("?labelSelector=").partition("=")
        for (other, space, _), found in list(self.objects.items()):
            marked = not query or found["metadata"].get("labels", {}).get(label) == value
            if other == kind and namespace in (None, space) and marked:
                yield found

    def create(self, manifest: Any, namespace: str | None = None) -> Object:
        for _ in self._called():
            key = (manifest["kind"], namespace or "", manifest["metadata"]["name"])
            if key in self.objects:
                raise ApiError(409, "POST", key[0], "already exists")
            made: Object = json.loads(json.dumps(manifest))
            made["metadata"] |= {"uid": f"uid-{next(self._uids)}", "creationTimestamp": NOW.isoformat()}
            made["metadata"]["managedFields"] = [{"manager": self.manager, "time": NOW.isoformat()}]
            if namespace:
                made["metadata"]["namespace"] = namespace
            self.objects[key] = made
        return made

    def patch(self, kind: str, name: str, body: Any, namespace: str | None = None, content_type: str = "") -> Object:  # noqa: ARG002
        for _ in self._called():
            found = self.objects[kind, namespace or "", name]
            found["data"] |= body["data"]
        return found

    def delete(self, kind: str, name: str, namespace: str | None = None, **options: Any) -> Object | None:
        for _ in self._called():
            found = self.objects.get((kind, namespace or "", name))
            if found and options["preconditions"]["uid"] != found["metadata"]["uid"]:
                raise ApiError(409, "DELETE", name, "the uid differs")
            if found:
                for key in [k for k in self.objects if k == (kind, "", name) or (kind, k[1]) == ("Namespace", name)]:
                    del self.objects[key]
        return found

    @property
    def namespaces(self) -> set[str]:
        return {name for kind, _, name in self.objects if kind == "Namespace"}


class Killed(BaseException):
    """SIGKILL: nothing that the process would have done afterwards happens."""


def run_until_killed(cluster: Cluster) -> None:
    """A whole run, as far as it comes."""
    with suppress(Killed), Inventory(cluster, "run-1", "home") as inventory:
        for name in ("one", "two"):
            inventory.make_namespace(name)
        remove(cluster, look(cluster, inventory.record), Waits(), print)


def calls_of_a_whole_run() -> int:
    cluster = Cluster()
    run_until_killed(cluster)
    assert not cluster.objects
    return cluster.calls


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("call", range(1, calls_of_a_whole_run() + 1))
def test_a_run_killed_at_any_call_is_cleaned_up_and_nothing_else(
    moment: str, call: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster = Cluster()
    cluster.create({"kind": "Namespace", "metadata": {"name": "stsconf-stranger", "labels": labels("run-1")}})
    cluster.calls = 0
    cluster.die_before, cluster.die_after = (call, None) if moment == "before" else (None, call)
    run_until_killed(cluster)
    cluster.die_before = cluster.die_after = None
    monkeypatch.setattr(clean, "server_time", lambda _: NOW + timedelta(hours=1))
    assert clean_cluster(cluster, Request(yes=True, force=True), Waits(), print) is ExitCode.HOLDS
    assert cluster.namespaces == {"stsconf-stranger"}


def test_a_home_that_was_copied_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = Cluster()
    cluster.die_after = 1
    run_until_killed(cluster)
    cluster.die_after = None
    home = cluster.objects.pop(("Namespace", "", "home"))
    cluster.manager = "restore"
    cluster.create({key: value for key, value in home.items() if key != "status"})
    monkeypatch.setattr(clean, "server_time", lambda _: NOW + timedelta(hours=1))
    assert clean_cluster(cluster, Request(yes=True, force=True), Waits(), print) is ExitCode.HOLDS
    assert cluster.namespaces == {"home"}


def test_a_namespace_that_was_made_again_by_others_is_left_alone() -> None:
    cluster = Cluster()
    with Inventory(cluster, "run-1", "home") as inventory:
        inventory.make_namespace("one")
    cluster.objects["Namespace", "", "one"]["metadata"]["uid"] = "another"
    remains = look(cluster, inventory.record)
    assert [n["metadata"]["name"] for n in remains.namespaces] == ["home"]
    assert remove(cluster, remains, Waits(), print) == []
    assert cluster.namespaces == {"one"}
    assert "is not what it made" in remains.foreign["one"]


def test_a_name_that_is_taken_stops_the_run_and_is_left_alone() -> None:
    cluster = Cluster()
    cluster.create({"kind": "Namespace", "metadata": {"name": "one"}})
    with Inventory(cluster, "run-1", "home") as inventory:
        with pytest.raises(ApiError, match="already exists"):
            inventory.make_namespace("one")
        remove(cluster, look(cluster, inventory.record), Waits(), print)
    assert cluster.namespaces == {"one"}


def test_a_run_that_is_alive_is_refused_and_left_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = Cluster()
    monkeypatch.setattr(clean, "server_time", lambda _: NOW + timedelta(hours=1))
    with Inventory(cluster, "run-1", "home"):
        before = dict(cluster.objects)
        assert clean_cluster(cluster, Request(), Waits(), print) is ExitCode.HOLDS
        with pytest.raises(PreflightRefused, match="is alive"):
            clean_cluster(cluster, Request(yes=True), Waits(), print)
    assert cluster.objects == before


def test_without_yes_nothing_changes_and_the_next_command_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    cluster = Cluster()
    monkeypatch.setattr(clean, "server_time", lambda _: NOW)
    with Inventory(cluster, "run-1", "home"):
        pass
    before = dict(cluster.objects)
    request = Request(force=True, again="stsconf clean --force --yes")
    assert clean_cluster(cluster, request, Waits(), print) is ExitCode.INCONCLUSIVE
    assert cluster.objects == before
    assert "run: stsconf clean --force --yes" in capsys.readouterr().out


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(["run", "home", "owner", "made.0000"]), st.text(max_size=20)))
def test_a_config_map_that_no_run_wrote_is_no_record(data: dict[str, str]) -> None:
    metadata = {"name": RECORD, "namespace": "home", "creationTimestamp": NOW.isoformat()}
    assert read_record({"metadata": metadata, "data": data}) is None


def test_a_record_that_was_copied_to_another_namespace_is_none() -> None:
    cluster = Cluster()
    with Inventory(cluster, "run-1", "home"):
        pass
    record = cluster.objects["ConfigMap", "home", RECORD]
    assert read_record(record) is not None
    record["metadata"]["namespace"] = "backup"
    assert read_record(record) is None


# Kind clusters.


@pytest.fixture
def kind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A ``kind`` that keeps its clusters as files; returns their folder."""
    clusters, folder = tmp_path / "clusters", tmp_path / "run" / "kind"
    clusters.mkdir()
    folder.mkdir(parents=True)
    script = f'#!/bin/sh\ncd {clusters}\n[ "$1" = get ] && exec ls\nrm "$4"\n'
    (folder / "kind").write_text(script)
    (folder / "kind").chmod(0o755)
    monkeypatch.setenv("STS_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(notes, "docker_answers", lambda: False)
    return clusters


def test_the_kind_cluster_of_a_dead_run_is_deleted_and_no_other(kind: Path) -> None:
    pid = os.fork()
    if pid == 0:
        with notes.noted("stsconf-ab12", "run-ab12", kind.parent / "run" / "kind"):
            (kind / "stsconf-ab12").touch()
            os._exit(0)  # as after SIGKILL, nothing of ours happens any more
    os.waitpid(pid, 0)
    (kind / "stsconf-mine").touch()
    assert notes.clean_kind(Request(), print) is ExitCode.INCONCLUSIVE
    assert (kind / "stsconf-ab12").exists()
    assert notes.clean_kind(Request(yes=True), print) is ExitCode.HOLDS
    assert [path.name for path in kind.iterdir()] == ["stsconf-mine"]
    assert notes.read_notes() == []


def test_a_kind_cluster_that_a_run_kept_is_found_and_deleted(kind: Path) -> None:
    pid = os.fork()
    if pid == 0:
        with notes.noted("stsconf-ab12", "run-ab12", kind.parent / "run" / "kind", lambda: True):
            (kind / "stsconf-ab12").touch()
        os._exit(0)
    os.waitpid(pid, 0)
    assert notes.clean_kind(Request("run-other", yes=True), print) is ExitCode.HOLDS
    assert (kind / "stsconf-ab12").exists()
    assert notes.clean_kind(Request("run-ab12", yes=True), print) is ExitCode.HOLDS
    assert not (kind / "stsconf-ab12").exists()
    assert notes.read_notes() == []


def test_a_run_that_fails_to_make_its_cluster_keeps_no_note_of_it(kind: Path) -> None:
    with pytest.raises(KeyError), notes.noted("stsconf-ab12", "run-ab12", kind.parent, lambda: True):
        raise KeyError
    assert notes.read_notes() == []


def test_the_kind_cluster_of_a_live_run_is_left_alone(kind: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with notes.noted("stsconf-ab12", "run-ab12", kind.parent / "run" / "kind"):
        (kind / "stsconf-ab12").touch()
        assert notes.clean_kind(Request(yes=True), print) is ExitCode.HOLDS
        assert "(alive)" in capsys.readouterr().out
        assert (kind / "stsconf-ab12").exists()
    assert notes.read_notes() == []


@pytest.mark.usefixtures("kind")
def test_an_engine_that_has_gone_took_its_cluster_with_it(tmp_path: Path) -> None:
    folder = tmp_path / "run" / "kind"
    (folder / "kind").write_text(f"#!/bin/sh\nexport DOCKER_HOST=unix://{tmp_path}/gone.sock\nexit 1\n")
    me = Owner.me()
    note = {"cluster": "stsconf-ab12", "run": "r", "folder": str(folder)}
    owner = {"host": me.host, "space": me.space, "pid": me.pid, "started": "0"}
    (tmp_path / "cache" / "clusters").mkdir(parents=True)
    (tmp_path / "cache" / "clusters" / "stsconf-ab12.json").write_text(json.dumps({**note, "owner": owner}))
    assert notes.clean_kind(Request(yes=True), print) is ExitCode.HOLDS
    assert notes.read_notes() == []
