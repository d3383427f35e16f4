"""Every pod has storage of its own, and keeps it."""

from itertools import combinations

from stsconf import Timeline, expect, promise

STABLE_STORAGE = "concepts/workloads/controllers/statefulset/#stable-storage"


@promise("STO-04", source=STABLE_STORAGE, scenarios=("create",), needs=("storage",))
def test_every_pod_has_a_claim_and_a_volume_of_its_own(timeline: Timeline) -> None:
    """Each Pod mounts its own ordinal's claim, bound one to one to a volume of the size, mode and class asked for."""
    claims, volumes = timeline.claims.latest(), timeline.volumes.latest()
    bound = []
    for pod in timeline.healthy_members():
        for template in timeline.claim_templates():
            name = f"{template.name}-{pod.name}"
            expect(pod).shows(f"claim behind volume {template.name}", pod.fact.claims.get(template.name), name)
            claim = expect(pod).comes_with(claims.get(name), f"PersistentVolumeClaim {name}")
            if claim is None:
                continue
            expect(claim).has(phase="Bound", access_modes=template.access_modes, size=template.size)
            if template.storage_class is not None:
                expect(claim).has(storage_class=template.storage_class)
            volume = expect(claim).comes_with(
                volumes.get(claim.fact.volume_name or ""), f"PersistentVolume {claim.fact.volume_name} it is bound to"
            )
            if volume is None:
                continue
            expect(volume).has(
                claim_uid=claim.fact.uid, access_modes=claim.fact.access_modes, storage_class=claim.fact.storage_class
            )
            expect(volume).shows("room for the claim", volume.fact.bytes >= claim.fact.bytes, True)
            bound.append(volume)
    for one, other in combinations(bound, 2):
        expect(one).differs_from(other, "place")
        expect(one).differs_from(other, "claim_uid")
