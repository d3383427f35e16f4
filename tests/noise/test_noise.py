"""The noise is the same for the same seed, does what its kind says, and is counted right."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, cast

import pytest
import urllib3
from hypothesis import given
from hypothesis import strategies as st
from kubernetes.client import ApiClient, Configuration

from stsconf.kube.api import Api, ApiError, Object
from tests.noise import server
from tests.noise.acts import ACTS, KINDS, MARK, RESOURCES, Seen, chance_of
from tests.noise.client import Done, Foreigner, Planned, plan, plan_one
from tests.noise.runs import Asked, Result, table

seeds = st.integers(0, 10**6)


def an_object(kind: str, name: str) -> Object:
    return {"kind": kind, "metadata": {"name": name, "uid": f"uid-{name}", "labels": {"app": "nginx"}}}


FULL = Seen("space", {kind: [an_object(kind, f"{kind.lower()}-{n}") for n in range(3)] for kind in KINDS})
EMPTY = Seen("space", {})


@given(seeds, st.integers(0, 30))
def test_a_seed_gives_one_plan(seed: int, count: int) -> None:
    planned = plan("delete", seed, ["a", "b", "c"], count, 30)
    assert planned == plan("delete", seed, ["a", "b", "c"], count, 30)
    assert len(planned) == count
    assert [p.at for p in planned] == sorted(p.at for p in planned)
    assert all(sorted(p.scenarios) == ["a", "b", "c"] and 0 <= p.at <= 30 for p in planned)


def test_seeds_and_kinds_differ() -> None:
    plans = [plan(kind, seed, ["a", "b"], 5, 30) for kind in ("delete", "evict") for seed in (1, 2)]
    assert all(one != other for number, one in enumerate(plans) for other in plans[:number])


@pytest.mark.parametrize("kind", ACTS)
@given(seed=seeds)
def test_each_kind_acts_on_what_is_there(kind: str, seed: int) -> None:
    act = ACTS[kind](chance_of(seed), FULL)
    assert act
    assert act == ACTS[kind](chance_of(seed), FULL)
    assert "/namespaces/space/" in act.path
    assert (act.method == "POST") == act.what.startswith(("create", "evict"))


@pytest.mark.parametrize("kind", sorted(set(ACTS) - {"stranger", "mixed"}))
def test_where_nothing_is_nothing_is_done(kind: str) -> None:
    assert ACTS[kind](chance_of(1), EMPTY) is None


@given(seeds)
def test_harmless_metadata_is_one_key_that_nothing_reads(seed: int) -> None:
    act = ACTS["metadata"](chance_of(seed), FULL)
    assert act
    body: Any = act.body
    ((where, entries),) = body["metadata"].items()
    assert set(body) == {"metadata"}
    assert where in ("labels", "annotations")
    assert set(entries) == {MARK}


@given(seeds)
def test_a_stranger_has_another_name_and_other_labels(seed: int) -> None:
    act = ACTS["stranger"](chance_of(seed), FULL)
    assert act
    body: Any = act.body
    assert body["metadata"]["name"].startswith("stranger-")
    assert body["metadata"]["labels"] == {"app": "stranger"}


class Server:
    """An API server with two namespaces, of which one is empty; it refuses what is deleted."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def list(self, kind: str, namespace: str) -> Iterator[Object]:
        yield from FULL[kind] if namespace == "full" else ()

    def request(self, method: str, path: str, *_: object) -> Object:
        self.asked.append(f"{method} {path}")
        if method == "DELETE":
            raise ApiError(404, method, path, "not found")
        return {}


def work(kind: str, planned: list[Planned], *, patient: bool = False) -> list[Done]:
    """What a foreign client has done when its plan is over."""
    namespaces = {"create": "full", "rollout": "empty"}
    client = Foreigner(cast(Api, Server()), kind, planned, namespaces, patient)
    client.begin()
    client.wait(30)
    client.end()
    return client.done


def test_a_scenario_without_anything_to_act_on_is_passed_over() -> None:
    (done,) = work("evict", [Planned(0.0, ("rollout", "create"), "chance")])
    assert (done.scenario, done.answer) == ("create", "ok")
    assert done.what.startswith("evict Pod pod-")


def test_a_refusal_is_noted_and_the_plan_goes_on() -> None:
    done = work("delete", [Planned(0.0, ("create",), str(number)) for number in range(3)])
    assert [one.answer for one in done] == ["404"] * 3


def test_the_end_of_the_scenarios_is_the_end_of_the_plan() -> None:
    client = Foreigner(cast(Api, Server()), "evict", [Planned(3600.0, ("create",), "chance")], {"create": "full"})
    client.begin()
    client.end()
    assert client.done == []


def test_the_one_act_is_in_its_scenario() -> None:
    (planned,) = plan_one("evict", 7, "create")
    (done,) = work("evict", [Planned(0.0, planned.scenarios, planned.chance)], patient=True)
    assert done.scenario == "create"


def test_paths_are_those_of_the_api() -> None:
    act = ACTS["revision"](chance_of(1), FULL)
    assert act
    assert act.path.startswith("apis/apps/v1/namespaces/space/controllerrevisions/")
    assert set(RESOURCES) == set(KINDS)


def test_a_request_in_trouble_is_refused_as_by_an_api_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "SHARE", 1.0)
    monkeypatch.setattr(server, "SLOW", 0.0)
    configuration = Configuration()
    configuration.host = "http://127.0.0.1:1"  # nothing that is passed on is answered
    seen = set()
    with closing(server.Unreliable(Api(ApiClient(configuration)), tmp_path, 7)) as relay, urllib3.PoolManager() as pool:
        assert relay.disturbed == 0
        relay.begin()
        for _ in range(20):
            try:
                answer = pool.request("POST", f"{relay.url}/api/v1/pods", body=b"{}", retries=False)
            except urllib3.exceptions.HTTPError:
                continue
            seen.add((answer.status, answer.json()["code"], answer.headers.get("Retry-After")))
    assert seen == {(429, 429, "1"), (500, 500, None)}
    assert relay.disturbed == 20


def test_the_table_counts_what_is_false_and_who_died() -> None:
    ok = [Done(1.0, "create", "delete Pod web-0", "ok"), Done(2.0, "create", "delete Pod web-0", "404")]
    quiet = Result(Asked("quiet", 1), "2026-11-29 10:00", "v1.37.2", counts={"holds": 130})
    first = Result(Asked("delete", 1), "2026-11-29 11:00", "v1.37.2", 1.0, ok, {"holds": 5, "inconclusive": 125})
    false = {"violated": ["UPD-08", "ORD-12"]}
    second = Result(Asked("delete", 2), "2026-11-29 11:01", "v1.37.2", 1.0, ok, {"holds": 4, "violated": 2}, false)
    died = Result(Asked("delete", 3), "2026-11-29 11:02", "v1.37.2", died="KeyError: 'web-3'")
    one = Result(Asked("delete", 1, one="create"), "2026-11-29 11:03", "v1.37.2", counts={"holds": 128})
    ours = Result(Asked("delete", 1, ours=True), "2026-11-29 11:04", "v1.37.2", counts={"holds": 127})
    lines = table([ours, one, quiet, first, second, died]).splitlines()
    assert lines[0].startswith("2026-11-29: provider `local`, Kubernetes v1.37.2")
    assert lines[-5:] == [
        "| quiet | 1 | 0 | 0 | 0 | 0 | 0 | 0 | 130 |  |",
        "| delete | 3 | 2 | 1 | 2 | 0 | 0 | 0-125 | 4-5 | ORD-12, UPD-08 |",
        "| delete, same user | 1 | 0 | 0 | 0 | 0 | 0 | 0 | 127 |  |",
        "| one delete | 1 | 0 | 0 | 0 | 0 | 0 | 0 | 128 |  |",
        "| all | 6 | 2 | 1 | 2 | 0 | 0 | 0-125 | 4-130 | ORD-12, UPD-08 |",
    ]
    assert quiet.clean
    assert not second.clean
    assert not died.clean
