"""Does this Kubernetes cluster keep every documented promise about StatefulSets?

The engine in data-flow order: ``clusters`` (where it runs), ``workload`` and ``scenarios`` (what is done),
``recorder`` (what happened, every version of every object), ``timeline`` (the same, as questions), ``promise`` and
``expect`` (what must be true), ``judge`` and ``verdict`` (was it), ``reporting`` (who needs to know). No pytest here.
"""

from stsconf.errors import NotApplicable
from stsconf.judging.expect import characterise, expect, expect_none, expect_reached
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
    "healthy",
    "judge",
    "load",
    "promise",
]
