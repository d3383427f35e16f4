"""A set is looked at again only when what was done to it can be seen."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.faulty.controller import View
from tests.faulty.loop import CLAIM, POD, REVISION, SET, Awaited, Gone, Store, Written
from tests.faulty.objects import Object

KEY = ("space", "web")


def an_object(kind: str, name: str, rv: int, **meta: str) -> Object:
    return {
        "apiVersion": "v1",
        "kind": kind,
        "metadata": {"namespace": "space", "name": name, "uid": f"uid-{name}", "resourceVersion": str(rv), **meta},
    }


def look_after(store: Store, *events: tuple[str, str, Object]) -> View:
    """What is seen by a worker that waits while these events come in."""
    with ThreadPoolExecutor(1) as pool:
        view = pool.submit(store.next)
        for kind, change, obj in events:
            store.seen(kind, change, obj)
        return view.result(timeout=30)


@pytest.fixture
def store() -> Store:
    """One set and one pod, seen and due."""
    found = Store()
    for kind in (POD, CLAIM, REVISION):
        found.listed(kind, 10, [an_object(POD, "web-0", 9)] if kind == POD else [])
    found.listed(SET, 10, [an_object(SET, "web", 8)])
    return found


def test_a_set_is_looked_at_with_all_that_is_in_its_namespace(store: Store) -> None:
    view = store.next()
    assert (view.name, list(view.all_pods), list(view.claims), list(view.all_revisions)) == ("web", ["web-0"], [], [])


@pytest.mark.parametrize(
    ("awaited", "event"),
    [
        (Written(POD, 20), (POD, "ADDED", an_object(POD, "web-1", 20))),
        (Gone(POD, ("space", "web-0"), "uid-web-0"), (POD, "DELETED", an_object(POD, "web-0", 20))),
        (
            Gone(POD, ("space", "web-0"), "uid-web-0"),
            (POD, "MODIFIED", an_object(POD, "web-0", 20, deletionTimestamp="2027-01-15T08:00:00Z")),
        ),
    ],
    ids=["created", "gone", "asked to stop"],
)
def test_what_was_done_is_seen_before_the_next_look(
    store: Store, awaited: Awaited, event: tuple[str, str, Object]
) -> None:
    before = store.next()
    store.done(KEY, [awaited])
    store.wake(KEY)
    other = (CLAIM, "ADDED", an_object(CLAIM, "www-web-0", 15))
    after = look_after(store, other, event)
    assert after.all_pods != before.all_pods


def test_a_set_is_one_workers_at_a_time(store: Store) -> None:
    store.next()
    store.wake(KEY)
    with ThreadPoolExecutor(1) as pool:
        second = pool.submit(store.next)
        store.seen(POD, "ADDED", an_object(POD, "web-1", 20))
        assert not second.done()
        store.done(KEY, [])
        assert second.result(timeout=30).name == "web"


def test_a_set_that_is_gone_is_no_longer_looked_at(store: Store) -> None:
    store.seen(SET, "DELETED", an_object(SET, "web", 20))
    view = look_after(store, (SET, "ADDED", an_object(SET, "db", 21)))
    assert view.name == "db"
