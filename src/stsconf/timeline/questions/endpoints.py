"""What the governing Service publishes of the set's pods."""

from collections.abc import Iterator

from stsconf.timeline import facts
from stsconf.timeline.events import GRACE_SECONDS, Change, Event
from stsconf.timeline.question import question
from stsconf.timeline.questions import sets
from stsconf.timeline.timeline import Timeline


def at_end(timeline: Timeline) -> dict[str, facts.Endpoint]:
    """What the governing Service answers with when the window ends, by host name."""
    return {
        endpoint.hostname: endpoint
        for event in timeline.slices.latest().values()
        if event.fact.service == sets.service_name(timeline)
        for endpoint in event.fact.endpoints
        if endpoint.hostname
    }


def awaited(timeline: Timeline) -> bool:
    """Whether the harness waited, at the end, for the governing Service to answer with the set's pods."""
    return timeline.window.end.published is not None


def published_ready(timeline: Timeline) -> Iterator[tuple[Event[facts.EndpointSlice], str]]:
    """Each time a slice of the governing Service begins to call a pod ready: the write, and the pod's name."""
    for event in timeline.slices.events:
        if event.now is None or event.change is Change.LISTED or event.now.service != sets.service_name(timeline):
            continue
        if publishes_unready(timeline):
            continue
        was = {e.hostname for e in event.before.endpoints if e.ready} if event.before else set()
        for name in sorted({e.hostname for e in event.now.endpoints if e.ready and e.hostname} - was):
            if is_of_set(timeline, name):
                yield event, name


def is_of_set(timeline: Timeline, name: str) -> bool:
    """Whether the set gives its pods such a name. A Service may select the pods of several sets."""
    return (facts.ordinal_of(name) or ("", 0))[0] == timeline.window.set_name


@question
def publishes_unready(timeline: Timeline) -> bool:
    """Whether the governing Service was ever asked to publish pods that are not Ready (publishNotReadyAddresses)."""
    name = sets.service_name(timeline)
    return any(e.name == name and e.fact.publishes_unready for e in timeline.services.events)


def raced_with_unready(timeline: Timeline, written: Event[facts.EndpointSlice], name: str) -> bool:
    """Whether the write crossed with the pod's ceasing to be Ready, and the slice's next version takes it back."""
    ceased = timeline.pods.false_since(name, facts.healthy, written.rv)
    if ceased is None or timeline.pods.last_loss(name, facts.healthy, written.rv) is not ceased:
        return False
    after = next((e for e in timeline.slices.named(written.name) if e.rv > written.rv), None)
    back = after and name not in {e.hostname for e in (after.now.endpoints if after.now else ()) if e.ready}
    return bool(back) and written.seconds - ceased.seconds <= GRACE_SECONDS
