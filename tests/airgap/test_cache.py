import threading
from pathlib import Path

import cache
import pytest
from cache import Cache, Step


def step(store: Cache, name: str, make: object) -> Step:
    return Step(name, store.artefact("things", name, "k1"), 1, 1, make)  # type: ignore[arg-type]


def test_a_key_changes_with_every_input(tmp_path: Path) -> None:
    folder = tmp_path / "recipe"
    folder.mkdir()
    file = folder / "Dockerfile"
    file.write_text("FROM scratch\n")
    keys = [cache.key(folder, "flags")]
    keys.append(cache.key(folder, "other flags"))
    file.write_text("FROM debian\n")
    keys.append(cache.key(folder, "flags"))
    file.chmod(0o755)
    keys.append(cache.key(folder, "flags"))
    file.rename(folder / "Containerfile")
    keys.append(cache.key(folder, "flags"))
    (folder / "more").write_text("")
    keys.append(cache.key(folder, "flags"))
    assert len(set(keys)) == len(keys)


def test_a_key_does_not_depend_on_where_the_checkout_is(tmp_path: Path) -> None:
    keys = set()
    for place in ("one", "two"):
        folder = tmp_path / place / "recipe"
        folder.mkdir(parents=True)
        (folder / "Dockerfile").write_text("FROM scratch\n")
        keys.add(cache.key(folder))
    assert len(keys) == 1


def test_two_inputs_are_not_their_concatenation() -> None:
    assert cache.key("ab", "c") != cache.key("a", "bc")


def test_a_failed_step_leaves_no_artefact_and_the_next_run_makes_it(tmp_path: Path) -> None:
    store = Cache(tmp_path)

    def breaks(draft: Path) -> None:
        draft.mkdir()
        (draft / "half").write_text("half")
        raise RuntimeError

    broken = step(store, "thing", breaks)
    with pytest.raises(RuntimeError):
        store.realise(broken)
    assert not broken.done

    def works(draft: Path) -> None:
        assert not draft.exists(), "the half-made draft is gone"
        draft.write_text("whole")

    good = step(store, "thing", works)
    store.realise(good)
    assert good.done
    assert good.path.read_text() == "whole"


def test_a_second_writer_says_that_it_waits_and_then_goes_on(tmp_path: Path) -> None:
    store, events = Cache(tmp_path), list[str]()
    told, finished = threading.Event(), threading.Event()

    def second() -> None:
        def waiting() -> None:
            events.append("waits")
            told.set()

        with store.locked(waiting):
            events.append("second has it")
        finished.set()

    with store.locked(lambda: events.append("first waits")):
        thread = threading.Thread(target=second)
        thread.start()
        assert told.wait(10)
        events.append("first lets go")
    assert finished.wait(10)
    thread.join()
    assert events == ["waits", "first lets go", "second has it"]


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"STS_CACHE_DIR": "/a/b", "XDG_CACHE_HOME": "/x"}, "/a/b"),
        ({"XDG_CACHE_HOME": "/x"}, "/x/stsconf"),
        ({"HOME": "/home/me"}, "/home/me/.cache/stsconf"),
    ],
)
def test_the_cache_lies_where_the_environment_says(
    variables: dict[str, str], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("STS_CACHE_DIR", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert cache.default_root() == Path(expected)


def test_a_key_does_not_depend_on_what_python_left_beside_the_sources(tmp_path: Path) -> None:
    (tmp_path / "source.py").write_text("x = 1\n")
    before = cache.key(tmp_path)
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__" / "source.pyc").write_bytes(b"x")
    assert cache.key(tmp_path) == before
