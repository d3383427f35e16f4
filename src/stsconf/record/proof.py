"""What a recording proves of itself: that its end was reached, and which kinds can be ordered among each other."""

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

from urllib3.exceptions import HTTPError

from stsconf.kube.http import HttpProblem, Wire
from stsconf.record.feed import Feed
from stsconf.record.sentinel import Sentinel
from stsconf.record.streams import DIAGNOSTIC, STREAMS
from stsconf.record.versions import Broken
from stsconf.record.waits import RecorderWaits

PROBE_ROUNDS = 3

Await = Callable[[Callable[[], bool], float], object]
"""Wait until a condition holds, for at most so many seconds."""


def prove_end(
    feeds: Sequence[Feed],
    sentinel: Sentinel | None,
    waits: RecorderWaits,
    wait: Await,
    cancelled: Callable[[], bool],
) -> None:
    """List every kind once more, and wait until its feed has delivered everything up to that list.

    ``Feed.closing`` then says what was proven. Raises what ``wait`` raises.
    """
    feeds = [feed for feed in feeds if not feed.forbidden]
    required = [feed for feed in feeds if feed.stream.name not in DIAGNOSTIC]
    deadline = time.monotonic() + waits.closing

    def close_at(feed: Feed) -> None:
        while feed.replica.goal is None and time.monotonic() < deadline and not cancelled():
            try:
                feed.close_at()
            except Broken as error:
                feed.trouble = f"closing list: {error}"
                return
            except (HttpProblem, HTTPError, OSError) as error:
                feed.trouble = f"closing list: {error}"
                if isinstance(error, HttpProblem) and not error.passing:
                    return
                time.sleep(waits.back_off[-1])

    with ThreadPoolExecutor(len(STREAMS)) as pool:
        list(pool.map(close_at, feeds))

    def reached() -> bool:
        return all(feed.reached or feed.replica.goal is None for feed in required)

    if sentinel and not reached():
        sentinel.touch({feed.stream.name for feed in feeds if not feed.reached})
        wait(reached, waits.sentinel)
    for feed in required:
        if not feed.reached and feed.replica.goal is not None:
            feed.hurry()
    wait(reached, waits.closing)


def probe(feeds: Sequence[Feed], sentinel: Sentinel | None, wire: Wire) -> Iterator[dict[str, Any]]:
    """Ask whether all kinds share one revision counter, which alone makes their order comparable.

    Passive: lists of all kinds in turn must never show a lower revision. Active, with a sentinel: a write between
    two lists must get a revision between theirs. Gives the fields of one record, or nothing where nothing was learned.
    """
    asked = {f.stream.name: f for f in feeds if not f.forbidden and f.stream.name not in DIAGNOSTIC}
    revisions: list[int] = []
    with suppress(HttpProblem, HTTPError, OSError):
        for _ in range(PROBE_ROUNDS):
            revisions += [wire.list(f.stream.path(f.namespace), limit="1")[0] for f in asked.values()]
            if sentinel:
                revisions += sentinel.bracketed_write()
        ordered = revisions == sorted(revisions)
        yield {
            "domains": [list(asked)],
            "how": "active" if sentinel else "passive",
            "rounds": PROBE_ROUNDS,
            "result": "ok" if ordered else "failed",
            **({} if ordered else {"detail": f"revisions went backwards: {revisions}"}),
        }
