"""Records a namespace that others work in, without touching it, until it is told to stop."""

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_hex
from typing import BinaryIO

from stsconf.errors import PreflightRefused, UsageError
from stsconf.kube.api import Api, ApiError
from stsconf.record.recorder import Recorder, RecorderError, Seal
from stsconf.record.streams import Scope
from stsconf.waits import Say

PROGRESS = 5.0
"""Seconds between two lines that say how much was recorded."""
FAILURE = 0.2
"""Seconds until a disk that is full is noticed."""
REQUIRED = ("StatefulSet", "Pod")
"""Without these there is nothing to judge."""


@dataclass(frozen=True, slots=True)
class Passive:
    """A finished recording: its file, how many versions of objects it holds, and what could not be watched."""

    seal: Seal
    events: int
    forbidden: tuple[str, ...]


def default_output(namespace: str) -> Path:
    """A name in the current folder that tells namespace and time (UTC)."""
    return Path(f"stsconf-{namespace}-{datetime.now(UTC):%Y%m%d-%H%M%S}.ndjson")


def record_namespace(api: Api, namespace: str, output: Path, duration: float | None, say: Say) -> Passive:
    """Record until SIGINT, SIGTERM, SIGHUP or, if given, for ``duration`` seconds; then prove the end and seal.

    The sealed file is ``output`` with ``.gz``. Only this namespace is watched; values of environment variables and
    annotations are not stored. Raises ``UsageError`` for a namespace that is not there and a file that is,
    ``PreflightRefused`` without the right to watch it, ``RecorderError`` if recording cannot start.
    """
    path = output.with_suffix("") if output.suffix == ".gz" else output
    for taken in (path, path.with_name(f"{path.name}.gz")):
        if taken.exists():
            raise UsageError(f"{taken} exists.", "Name another file with --output.")
    _check(api, namespace)
    run = f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{token_hex(2)}"
    recorder = Recorder(api.client, path, run, Scope((namespace,)), {"provider": "existing"})
    with ExitStack() as stack:
        try:
            stack.enter_context(recorder)
            forbidden = _forbidden(recorder, namespace)
        except BaseException:
            recorder.cancel()
            stack.close()
            path.unlink(missing_ok=True)
            raise
        for feed in forbidden:
            say(f"recording: {feed} may not be watched; promises that need it will be inconclusive")
        written = stack.enter_context(path.open("rb"))
        stop = stack.enter_context(_stop_asked(say))
        events = _follow(recorder, namespace, written, stop, duration, say)
        say("recording: proving that nothing was missed")
        seal = recorder.close()
        events += _count(written)
    if recorder.failed:
        raise RecorderError(recorder.failed)
    return Passive(seal, events, forbidden)


def _forbidden(recorder: Recorder, namespace: str) -> tuple[str, ...]:
    """Feeds that the server refused. Raises ``PreflightRefused`` where nothing could be judged without them."""
    found = tuple(gap.feed for gap in recorder.gaps if gap.why == "forbidden")
    if any(feed.startswith(("statefulsets", "pods")) for feed in found):
        raise _no_rights(namespace, f"{', '.join(found)} may not be watched")
    return found


def _no_rights(namespace: str, why: str) -> PreflightRefused:
    return PreflightRefused(
        f"Namespace {namespace} cannot be recorded: {why}.",
        "Recording needs the rights to get, list and watch statefulsets, pods, controllerrevisions, "
        "persistentvolumeclaims, services, endpointslices and events there.",
    )


def _check(api: Api, namespace: str) -> None:
    try:
        if api.get("Namespace", namespace) is None:
            raise UsageError(f"There is no namespace {namespace} on this cluster.", "See `kubectl get namespaces`.")
    except ApiError as error:
        if error.status not in (401, 403):  # who may watch a namespace need not be allowed to read it
            raise
    for kind in REQUIRED:
        try:
            api.request("GET", f"{api.path(kind, namespace)}?limit=1")
        except ApiError as error:
            raise _no_rights(namespace, error.what) from None


def _follow(
    recorder: Recorder, namespace: str, written: BinaryIO, stop: threading.Event, duration: float | None, say: Say
) -> int:
    """Say every few seconds how many versions were recorded, until the end; return the number."""
    end = None if duration is None else time.monotonic() + duration
    events = 0
    limit = f"for {duration:g} s" if duration else "until Ctrl-C"
    say(f"recording: every watch is open; {limit}")
    while not recorder.failed:
        left = PROGRESS if end is None else min(PROGRESS, end - time.monotonic())
        if left <= 0 or _told_to_stop(recorder, stop, left):
            break
        events += _count(written)
        gaps = sum(not gap.repaired and gap.why != "forbidden" for gap in recorder.gaps)
        sets = len(recorder.objects("statefulsets", namespace))
        say(f"recording: {events} events so far, {sets} StatefulSets{f', {gaps} gaps' if gaps else ''}")
    return events + _count(written)


def _told_to_stop(recorder: Recorder, stop: threading.Event, seconds: float) -> bool:
    """Wait for the signal to end; sooner back when the file can no longer be written."""
    until = time.monotonic() + seconds
    while not recorder.failed and (left := until - time.monotonic()) > 0:
        if stop.wait(min(left, FAILURE)):
            return True
    return False


def _count(written: BinaryIO) -> int:
    """How many versions of objects were written since the last call."""
    return sum(line.startswith(b'{"rec":"ev"') for line in written)


@contextmanager
def _stop_asked(say: Say) -> Iterator[threading.Event]:
    """An event that is set by the first signal to end; those after it change nothing."""
    stop = threading.Event()

    def ask(*_: object) -> None:
        if stop.is_set():
            say("recording: sealing the file; this ends by itself")
        stop.set()

    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.signal(number, ask) for number in numbers]
    try:
        yield stop
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)
