"""Questions that promises ask of a timeline: each is answered once, and remembers which kinds its answer rests on."""

from collections.abc import Callable, Hashable, Iterator
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar

from stsconf.timeline.timeline import Timeline, kinds_read

A = TypeVar("A")
P = ParamSpec("P")


def question(ask: Callable[Concatenate[Timeline, P], A]) -> Callable[Concatenate[Timeline, P], A]:
    """Keep the answer of a function of a timeline, and of hashable arguments, on the timeline.

    The kinds read to find the answer count as read (``kinds_read``) each time it is asked for. Raises ``TypeError`` for
    an answer that can be read only once, such as a generator's. An ``UnknownFact`` is not kept: it is found again.
    """

    @wraps(ask)
    def asked(timeline: Timeline, /, *args: P.args, **kwargs: P.kwargs) -> A:
        key: Hashable = (ask, args, tuple(sorted(kwargs.items())))
        if key not in timeline.answers:
            read: set[str] = set()
            token = kinds_read.set(read)
            try:
                answer = ask(timeline, *args, **kwargs)
            finally:
                kinds_read.reset(token)
                kinds_read.get().update(read)
            if isinstance(answer, Iterator):
                raise TypeError(f"{ask.__qualname__} must answer with what can be read twice, such as a tuple")
            timeline.answers[key] = answer, frozenset(read)
        answer, kinds = timeline.answers[key]
        kinds_read.get().update(kinds)
        return answer

    return asked
