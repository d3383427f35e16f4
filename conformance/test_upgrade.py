"""The control plane is exchanged for one of another version, and nobody changes a set."""

from stsconf import Event, Pod, Revision, Timeline, expect, expect_none, expect_reached, promise
from stsconf.timeline.fields import changed_fields
from stsconf.timeline.questions import content, harness

NOTES = "https://github.com/kubernetes/kubernetes/blob/master/CHANGELOG/CHANGELOG-1.35.md#bug-or-regression"
UPGRADES = (
    "upgrade_plain",
    "upgrade_claims",
    "upgrade_partition",
    "upgrade_on_delete",
    "upgrade_parallel",
    "upgrade_rolled_back",
    "upgrade_orphans",
)


@promise("UPD-19", source=NOTES, scenarios=UPGRADES, everywhere=False, revision=2)
def test_an_upgrade_of_the_control_plane_starts_no_rollout(timeline: Timeline) -> None:
    """Upgrading the control plane alone adds no ControllerRevision, replaces no Pod and keeps PVCs and data."""
    for upgrade in harness.upgrades(timeline):
        known = timeline.revisions.when(upgrade.seconds)
        for made in timeline.revisions.created():
            if made.seconds > upgrade.seconds:
                last = max(known.values(), key=lambda e: e.fact.number, default=None)
                _says_what_changed(made, last)
        for histories, fields in (
            (timeline.revisions, ("number", "data")),
            (timeline.pods, ("uid", "revision", "restarts", "owner_uids")),
            (timeline.claims, ("uid", "volume_name", "owner_uids")),
        ):
            for name, then in histories.when(upgrade.seconds).items():
                last_seen = histories.named(name)[-1]
                expect(last_seen).keeps(then, *fields)
            expect_none((e for e in histories.gone() if e.seconds > upgrade.seconds), f"{histories.kind} are removed")
        for pod in timeline.pods.when(upgrade.seconds).values():
            if content.wrote(timeline) and (written := content.written(timeline, pod.uid)):
                _is_still_there(written, pod, timeline, upgrade.seconds)


def _is_still_there(written: str, pod: Event[Pod], timeline: Timeline, since: float) -> None:
    """What a Pod wrote to its volume is read there after the upgrade, and in no other volume."""
    readings = [reading for reading in content.readings(timeline, written) if reading.seconds > since]
    expect_reached(bool(readings), f"what {pod.name} wrote is looked for", pod)
    for reading in readings:
        expect(pod).shows(reading.what, reading.content, written)
    for stranger in content.readings_elsewhere(timeline, pod.uid):
        expect(pod).shows(stranger.what, stranger.content, None)


def _says_what_changed(made: Event[Revision], last: Event[Revision] | None) -> None:
    changes = changed_fields(last.fact.fields, made.fact.fields) if last else []
    before = last.name if last else "(none)"
    expect(made).shows(f"what it changes since {before}", changes or ["no field"], [])
