"""What the harness wrote to volumes, and what it read there."""

from stsconf.errors import NotApplicable
from stsconf.timeline.events import Observation
from stsconf.timeline.timeline import Timeline


def wrote(timeline: Timeline) -> bool:
    """Whether the scenario is one that looks at content."""
    return timeline.window.plan.markers


def needs_reading(timeline: Timeline) -> None:
    """Raise ``NotApplicable`` where users acted: nobody marked what is on the volumes and read it again."""
    if timeline.window.passive and not wrote(timeline):
        raise NotApplicable("what is on the volumes was not read")


def written(timeline: Timeline, pod_uid: str) -> str | None:
    """What the harness last wrote to the volume of this pod."""
    return next((o.marker for o in reversed(timeline.observations) if o.verb == "write" and o.pod_uid == pod_uid), None)


def readings(timeline: Timeline, marker: str) -> list[Observation]:
    """What was found where this had been written, from later pods of that name and on the server."""
    return [o for o in timeline.observations if o.verb == "read" and o.marker == marker]


def readings_elsewhere(timeline: Timeline, pod_uid: str) -> list[Observation]:
    """Where else the harness looked for what this pod's volume holds."""
    return [o for o in timeline.observations if o.verb == "look" and o.pod_uid == pod_uid]
