"""Does this Kubernetes cluster keep every documented promise about StatefulSets?

The engine in data-flow order: ``clusters`` (where it runs), ``act`` (what is done), ``record`` (what happened, every
version of every object), ``timeline`` (the same, as questions), ``judging`` (what must be true, and was it), ``gate``
(against an earlier result), ``report`` (who needs to know); ``run`` joins them. No pytest here.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stsconf.errors import NotApplicable
    from stsconf.judging.expect import characterise, expect, expect_none, expect_reached, expect_seen
    from stsconf.judging.judge import judge
    from stsconf.judging.promise import Level, promise
    from stsconf.judging.verdict import Outcome, Verdict
    from stsconf.timeline.events import Event
    from stsconf.timeline.facts import Pod, Revision, StatefulSet, healthy
    from stsconf.timeline.recording import Recording, load
    from stsconf.timeline.timeline import Timeline

__all__ = [
    "Event",
    "Level",
    "NotApplicable",
    "Outcome",
    "Pod",
    "Recording",
    "Revision",
    "StatefulSet",
    "Timeline",
    "Verdict",
    "characterise",
    "expect",
    "expect_none",
    "expect_reached",
    "expect_seen",
    "healthy",
    "judge",
    "load",
    "promise",
]

_HOMES = {
    "NotApplicable": "stsconf.errors",
    "characterise": "stsconf.judging.expect",
    "expect": "stsconf.judging.expect",
    "expect_none": "stsconf.judging.expect",
    "expect_reached": "stsconf.judging.expect",
    "expect_seen": "stsconf.judging.expect",
    "judge": "stsconf.judging.judge",
    "Level": "stsconf.judging.promise",
    "promise": "stsconf.judging.promise",
    "Outcome": "stsconf.judging.verdict",
    "Verdict": "stsconf.judging.verdict",
    "Pod": "stsconf.timeline.facts",
    "Revision": "stsconf.timeline.facts",
    "StatefulSet": "stsconf.timeline.facts",
    "healthy": "stsconf.timeline.facts",
    "Recording": "stsconf.timeline.recording",
    "load": "stsconf.timeline.recording",
    "Event": "stsconf.timeline.events",
    "Timeline": "stsconf.timeline.timeline",
}


def __getattr__(name: str) -> object:
    """Load what is public when it is first used: options and command line come without the engine."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__} has no attribute {name}")
    found = globals()[name] = getattr(import_module(_HOMES[name]), name)
    return found
