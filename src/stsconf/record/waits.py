"""How long the recorder waits, and how far it goes to repair. All waits are fields, so that tests can shorten them."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RecorderWaits:
    """In seconds, but for ``repair_revisions``."""

    connect: float = 5.0
    """For a connection to the API server."""
    answer: float = 30.0
    """Longest silence inside the answer to a list or a write."""
    silence: float = 90.0
    """Longest silence of an open watch; a healthy server sends a bookmark every 60."""
    watch: tuple[int, int] = (240, 300)
    """The server ends a watch after a random time between these, so that feeds do not return together."""
    start: float = 30.0
    """Until every feed has its first list and an open watch."""
    back_off: tuple[float, ...] = (0.0, 0.2, 0.5, 1.0, 2.0)
    """Before the first, second ... fruitless attempt in a row; the last one repeats. Servers keep at least 75 s."""
    repair: float = 60.0
    """For filling one gap; the server compacts old revisions after 5 minutes by default."""
    repair_revisions: int = 1000
    """Largest gap that is filled, in revisions (one list each)."""
    freshen: float = 5.0
    """Between writes to the sentinel: no feed is then far behind when the API server restarts, and holes are small."""
    sentinel: float = 2.0
    """For the events of our own writes at the end."""
    forced_watch: int = 3
    """Length of a watch that makes the server send a bookmark, about 2 s before its end; below 3 it sends none."""
    closing: float = 60.0
    """Until every feed has delivered all versions of its closing list; long enough for a repair."""
    stop: float = 5.0
    """For a feed's thread to end."""


DEFAULT_WAITS = RecorderWaits()
