"""What a snapshot holds and what it must not, how it is read, and what of two is told."""

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from stsconf.cli.main import main
from stsconf.errors import PreflightRefused, ResultFileError, UsageError
from stsconf.gate.comparison import blind_spots, compare
from stsconf.gate.snapshot import Snapshot, read, take
from stsconf.kube.api import ApiError
from stsconf.timeline.fields import changed_fields, fields_of

SECRET = "hunter2"  # noqa: S105 - what must not be stored


def metadata(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "namespace": "shop", "uid": f"uid-{name}", **more}


def owned(by: str, kind: str = "StatefulSet") -> list[dict[str, Any]]:
    return [{"kind": kind, "name": by, "uid": f"uid-{by}", "controller": True}]


def template(image: str = "nginx:1") -> dict[str, Any]:
    container = {"name": "nginx", "image": image, "env": [{"name": "PASSWORD", "value": SECRET}]}
    return {
        "metadata": {"creationTimestamp": None, "annotations": {"note": SECRET}, "labels": {"app": "web"}},
        "spec": {"containers": [container]},
    }


def revision(name: str, number: int, pods: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"metadata": metadata(name, **more), "revision": number, "data": {"spec": {"template": pods}}}


def pod(name: str, claim: str | None = None, **more: Any) -> dict[str, Any]:
    labels = {"controller-revision-hash": "web-a", "statefulset.kubernetes.io/pod-name": name}
    volumes = [{"name": "www", "persistentVolumeClaim": {"claimName": claim}}] if claim else []
    status = {"phase": "Running", "containerStatuses": [{"name": "nginx", "restartCount": 0}]}
    return {
        "metadata": metadata(name, labels=labels, **more),
        "spec": {"nodeName": "n1", "volumes": volumes},
        "status": status,
    }


CLUSTER: dict[str, list[dict[str, Any]]] = {
    "StatefulSet": [
        {
            "metadata": metadata("web", generation=1),
            "spec": {
                "replicas": 2,
                "template": template(),
                "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 1}},
                "volumeClaimTemplates": [{"metadata": {"name": "www"}, "spec": {}}],
            },
            "status": {"currentRevision": "web-a", "updateRevision": "web-a"},
        }
    ],
    "ControllerRevision": [
        revision("web-a", 1, template(), ownerReferences=owned("web")),
        revision("daemon-a", 1, template(), ownerReferences=owned("daemon", "DaemonSet")),
        revision("old-a", 1, template()),
    ],
    "Pod": [
        pod("web-0", "www-web-0", ownerReferences=owned("web")),
        pod("web-1", "www-web-1", ownerReferences=owned("web")),
        pod("old-0", "data-of-old"),
        {"metadata": metadata("single"), "spec": {}},
    ],
    "PersistentVolumeClaim": [
        {"metadata": metadata(name), "spec": {"volumeName": f"pv-{name}"}, "status": {"phase": "Bound"}}
        for name in ("www-web-0", "www-web-1", "www-web-2", "data-of-old", "other")
    ],
    "PersistentVolume": [
        {"metadata": {"name": f"pv-{name}", "uid": f"v-{name}"}, "spec": {"claimRef": {"uid": f"uid-{name}"}}}
        for name in ("www-web-0", "www-web-1", "www-web-2", "data-of-old", "other")
    ],
}


class Server:
    """Answers lists from ``objects``, and refuses what is forbidden."""

    def __init__(self, objects: dict[str, list[dict[str, Any]]], forbidden: tuple[str, ...] = ()) -> None:
        self.objects = objects
        self.forbidden = forbidden

    def list(self, kind: str, namespace: str | None = None) -> Iterator[dict[str, Any]]:
        if kind in self.forbidden:
            raise ApiError(403, "GET", kind, "forbidden")
        return (one for one in self.objects[kind] if namespace in (None, "shop"))

    def request(self, method: str, path: str) -> dict[str, Any]:
        assert (method, path) == ("GET", "version")
        return {"gitVersion": "v1.33.13"}

    def get(self, kind: str, name: str) -> dict[str, Any]:
        assert name == "kube-system"
        if kind in self.forbidden:
            raise ApiError(403, "GET", kind, "forbidden")
        return {"metadata": {"uid": "cluster-1"}}


def snapshot(objects: dict[str, list[dict[str, Any]]] = CLUSTER, *forbidden: str) -> Snapshot:
    server: Any = Server(objects, forbidden)
    return take(server, None)


def test_each_object_is_found_with_its_set_also_where_that_is_gone() -> None:
    sets = snapshot().sets
    found = {name: {kind: sorted(named) for kind, named in objects.items()} for name, objects in sets.items()}
    assert found == {
        "shop/old": {
            "controllerrevisions": ["old-a"],
            "pods": ["old-0"],
            "persistentvolumeclaims": ["data-of-old"],
            "persistentvolumes": ["pv-data-of-old"],
        },
        "shop/web": {
            "statefulsets": ["web"],
            "controllerrevisions": ["web-a"],
            "pods": ["web-0", "web-1"],
            "persistentvolumeclaims": ["www-web-0", "www-web-1", "www-web-2"],
            "persistentvolumes": ["pv-www-web-0", "pv-www-web-1", "pv-www-web-2"],
        },
    }


def test_nothing_of_a_template_is_stored_but_paths_and_short_tags(tmp_path: Path) -> None:
    snapshot().write(tmp_path / "x.json")
    text = (tmp_path / "x.json").read_text()
    assert SECRET not in text
    assert "nginx:1" not in text
    fields = json.loads(text)["sets"]["shop/web"]["controllerrevisions"]["web-a"]["fields"]
    assert "spec.template.spec.containers[nginx].env[PASSWORD].value" in fields
    assert "spec.template.metadata.creationTimestamp" in fields
    assert {len(tag) for tag in fields.values()} == {4}


def test_what_was_written_is_read_again(tmp_path: Path) -> None:
    taken = snapshot()
    taken.write(tmp_path / "x.json")
    assert read(tmp_path / "x.json") == taken


Path_ = tuple[str, ...]


def leaves(value: Any, path: Path_ = ()) -> Iterator[Path_]:
    """The paths of all values that are no mapping."""
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from leaves(inner, (*path, key))
    else:
        yield path


def test_a_snapshot_compared_with_itself_is_silent() -> None:
    assert compare(snapshot(), snapshot()) == ()


@settings(deadline=None)
@given(st.data())
def test_every_single_change_is_named_with_its_set_and_object(data: st.DataObject) -> None:
    taken = snapshot()
    path = data.draw(st.sampled_from(sorted(leaves(taken.sets))))
    changed = copy.deepcopy(dict(taken.sets))
    target: Any = changed
    for key in path[:-1]:
        target = target[key]
    old = target[path[-1]]
    target[path[-1]] = data.draw(st.integers() if isinstance(old, int) else st.text())
    assume(target[path[-1]] != old)
    (moved,) = compare(taken, replace(taken, sets=changed))
    assert moved.name == path[0]
    about = [what for what in moved.what if path[2] in what]
    assert about, moved
    word = "replaced" if path[3] == "uid" else path[4] if path[3] == "fields" else path[3]
    assert any(word in what for what in about), moved


@settings(deadline=None)
@given(st.data())
def test_every_object_that_goes_or_comes_is_named(data: st.DataObject) -> None:
    taken = snapshot()
    objects = sorted({path[:3] for path in leaves(taken.sets)})
    space, kind, name = data.draw(st.sampled_from(objects))
    fewer: Any = copy.deepcopy(dict(taken.sets))
    del fewer[space][kind][name]
    less = replace(taken, sets=fewer)
    (gone,) = compare(taken, less)
    (new,) = compare(less, taken)
    assert gone.name == new.name == space
    assert any(what.endswith(f"{name} is gone") for what in gone.what)
    assert any(what.endswith(f"{name} is new") for what in new.what)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@settings(deadline=None)
@given(JSON, JSON)
def test_equal_values_have_equal_fields_and_a_change_of_one_leaf_is_one_path(one: Any, other: Any) -> None:
    assert changed_fields(fields_of(one), fields_of(copy.deepcopy(one))) == []
    was, now = ({"a": {"b": value}, "c": [{"name": "n", "d": 1}]} for value in (one, other))
    changed = changed_fields(fields_of(was), fields_of(now))
    assert all(line.startswith("a.b") for line in changed)


def test_a_field_that_was_removed_is_named_by_its_path() -> None:
    after = copy.deepcopy(CLUSTER)
    without = template()
    del without["metadata"]["creationTimestamp"]
    after["ControllerRevision"].append(revision("web-b", 2, without, ownerReferences=owned("web")))
    after["StatefulSet"][0]["status"]["updateRevision"] = "web-b"
    after["Pod"][1]["metadata"] |= {"uid": "uid-new", "labels": {"controller-revision-hash": "web-b"}}
    (moved,) = compare(snapshot(), snapshot(after))
    assert moved.name == "shop/web"
    assert moved.what == (
        "StatefulSet web: update revision was web-a and is web-b",
        "revision web-b in place of web-a: spec.template.metadata.creationTimestamp was removed",
        "ControllerRevision web-b is new",
        "Pod web-1: was replaced by another object of its name; revision was web-a and is web-b",
    )


def test_what_one_of_two_could_not_see_is_said_and_not_compared() -> None:
    blind = snapshot(CLUSTER, "PersistentVolume", "Namespace")
    assert blind.unseen == ("persistentvolumes",)
    assert compare(snapshot(), blind) == compare(blind, snapshot()) == ()
    assert len(blind_spots(snapshot(), blind)) == 2
    assert blind_spots(snapshot(), snapshot()) == []


@pytest.mark.parametrize("kind", ["StatefulSet", "Pod", "ControllerRevision"])
def test_without_the_right_to_see_what_matters_it_is_refused(kind: str) -> None:
    with pytest.raises(PreflightRefused, match="right to list"):
        snapshot(CLUSTER, kind)


def test_other_clusters_and_other_namespaces_are_refused() -> None:
    taken = snapshot()
    with pytest.raises(UsageError, match="two clusters: cluster-1 and cluster-2"):
        compare(taken, replace(taken, cluster="cluster-2"))
    with pytest.raises(UsageError, match="all namespaces and shop"):
        compare(taken, replace(taken, namespace="shop"))


def test_half_a_file_another_schema_and_damage_are_errors_in_one_paragraph(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    snapshot().write(path)
    whole = path.read_text()
    document = json.loads(whole)
    (kind,) = [kind for kind in document["sets"]["shop/old"] if kind == "pods"]
    for text, error in (
        (whole[: len(whole) // 2], "cut short"),
        ("[]", "not a sts-snapshot"),
        (json.dumps({**document, "schema": "sts-timeline"}), "not a sts-snapshot"),
        (json.dumps({**document, "version": 2}), "has version 2"),
        (json.dumps({k: v for k, v in document.items() if k != "sets"}), "missing required field sets"),
        (json.dumps({**document, "sets": {"shop/old": {kind: {"old-0": 7}}}}), r"sets.*: expected object, got int"),
        (json.dumps({**document, "sets": {"shop/old": {"nonsense": {}}}}), "invalid enum value 'nonsense'"),
    ):
        path.write_text(text)
        with pytest.raises(ResultFileError, match=error):
            read(path)
    with pytest.raises(ResultFileError, match="There is no"):
        read(tmp_path / "none.json")


@settings(deadline=None)
@given(st.data())
def test_no_part_of_a_file_passes_for_the_whole(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    path = tmp_path_factory.mktemp("cut") / "x.json"
    snapshot().write(path)
    whole = path.read_text().rstrip()
    path.write_text(whole[: data.draw(st.integers(0, len(whole) - 1))])
    with pytest.raises(ResultFileError):
        read(path)


def test_the_command_is_silent_or_names_what_moved(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one, other = tmp_path / "one.json", tmp_path / "other.json"
    snapshot().write(one)
    restarted = copy.deepcopy(CLUSTER)
    restarted["Pod"][0]["status"]["containerStatuses"][0]["restartCount"] = 3
    snapshot(restarted).write(other)
    assert main(["compare", str(one), str(one)]) == 0
    assert capsys.readouterr() == ("", "")
    assert main(["compare", str(one), str(other)]) == 1
    said = capsys.readouterr().out
    assert "shop/web changed\n  Pod web-0: restarts was 0 and is 3\n" in said
    assert "1 of 2 StatefulSets changed" in said
    assert main(["compare", str(one), str(tmp_path / "none")]) == 4
