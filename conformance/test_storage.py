"""Every pod has storage of its own, and keeps it."""

from itertools import combinations

from stsconf import Level, Timeline, expect, expect_seen, promise
from stsconf.timeline.questions import claims, content, harness, pods, sets

PAGE = "concepts/workloads/controllers/statefulset/"
CODE = "https://github.com/kubernetes/kubernetes/blob/v1.36.2/pkg/controller/statefulset/"
API = "reference/kubernetes-api/workload-resources/stateful-set-v1/#StatefulSetSpec"
STABLE_STORAGE = "concepts/workloads/controllers/statefulset/#stable-storage"


@promise("STO-01", source=STABLE_STORAGE, scenarios=("create", "scale_up"), survives_gaps=True, revision=2)
def test_each_pod_gets_one_claim_for_each_template(timeline: Timeline) -> None:
    """Each Pod gets one PVC per volume claim template, named after the template and the Pod."""
    for created in pods.created_by_set(timeline):
        for template in sets.claim_templates(timeline, created.fact.owner_uid):
            name = f"{template.name}-{created.name}"
            expect(created).shows(f"claim behind volume {template.name}", created.fact.claims.get(template.name), name)
            expect(created).comes_with(timeline.claims.first(name), f"PersistentVolumeClaim {name}", timeline.claims)


@promise(
    "STO-02",
    source=f"{CODE}stateful_set_utils.go",
    scenarios=("create",),
    level=Level.IMPLEMENTATION,
    survives_gaps=True,
    revision=2,
)
def test_claims_carry_the_selector_labels(timeline: Timeline) -> None:
    """Each PVC has the labels of the StatefulSet's selector."""
    for created in timeline.claims.created():
        own = sets.life_at(timeline, created)
        for label, value in own.selector.items() if own and claims.template_of(timeline, created)[0] else ():
            expect(created).shows(f"label {label}", created.fact.labels.get(label), value)


@promise("STO-03", source=STABLE_STORAGE, scenarios=("create",), needs=("storage",), survives_gaps=True, revision=3)
def test_volumes_are_of_the_class_asked_for(timeline: Timeline) -> None:
    """Each PVC and its volume have the StorageClass that the volume claim template names."""
    for claim in timeline.claims.latest().values():
        template, doubt = claims.template_of(timeline, claim)
        if template is not None and template.storage_class is not None:
            doubt, wanted = doubt or claims.admission(timeline), template.storage_class
            expect(claim).shows("storage class", claim.fact.storage_class, wanted, doubt)
            volume = timeline.volumes.latest().get(claim.fact.volume_name or "")
            if volume is not None:
                expect(volume).shows("storage class", volume.fact.storage_class or "", wanted, doubt)


@promise(
    "STO-04",
    source="concepts/storage/persistent-volumes/#binding",
    scenarios=("create",),
    needs=("storage",),
    survives_gaps=True,
    revision=3,
)
def test_every_pod_has_a_claim_and_a_volume_of_its_own(timeline: Timeline) -> None:
    """Each Pod has its own PVC, bound to its own volume of the size, access mode and StorageClass asked for."""
    found, volumes = timeline.claims.latest(), timeline.volumes.latest()
    bound = []
    for pod in pods.healthy_members(timeline):
        for template in sets.claim_templates(timeline, pod.fact.owner_uid):
            name = f"{template.name}-{pod.name}"
            expect(pod).shows(f"claim behind volume {template.name}", pod.fact.claims.get(template.name), name)
            claim = expect(pod).comes_with(found.get(name), f"PersistentVolumeClaim {name}")
            if claim is None:
                continue
            expect(claim).has(phase="Bound")
            made_from, doubt = claims.template_of(timeline, claim)
            if made_from is not None:
                missing = set(made_from.access_modes) - set(claim.fact.access_modes)
                expect(claim).shows("access modes that it lacks", missing, set(), doubt)
                big_enough = claim.fact.bytes >= made_from.bytes
                expect(claim).shows("at least the size of the template", big_enough, True, doubt)
            if made_from is not None and made_from.storage_class is not None:
                doubt, wanted = doubt or claims.admission(timeline), made_from.storage_class
                expect(claim).shows("storage class", claim.fact.storage_class, wanted, doubt)
            volume = expect(claim).comes_with(
                volumes.get(claim.fact.volume_name or ""), f"PersistentVolume {claim.fact.volume_name} it is bound to"
            )
            if volume is None:
                continue
            expect(volume).has(claim_name=claim.name, claim_uid=claim.fact.uid)
            missing = set(claim.fact.access_modes) - set(volume.fact.access_modes)
            expect(volume).shows("access modes that it lacks", missing, set())
            bound_to = volume.fact.storage_class or ""
            expect(volume).shows("storage class", bound_to, claim.fact.storage_class or "")
            first = (
                timeline.claims.first(name, lambda known, uid=claim.uid: known.uid == uid) or claim
            )  # it may grow later
            expect(volume).shows("room for the claim", volume.fact.bytes >= first.fact.bytes, True)
            bound.append(volume)
    for one, other in combinations(bound, 2):
        expect(one).differs_from(other, "place")
        expect(one).differs_from(other, "claim_uid")


@promise("STO-05", source=API, scenarios=("same_named_volume",), survives_gaps=True, revision=2)
def test_a_template_claim_replaces_a_volume_of_the_same_name(timeline: Timeline) -> None:
    """A volume claim template takes precedence over a Pod volume of the same name."""
    for created in pods.created_by_set(timeline):
        uid = created.fact.owner_uid
        for template in sets.claim_templates(timeline, uid):
            if template.name in sets.template_volumes(timeline, uid):
                name = f"{template.name}-{created.name}"
                expect(created).shows(
                    f"claim behind volume {template.name}", created.fact.claims.get(template.name), name
                )


@promise(
    "STO-06",
    source=f"{PAGE}#stable-storage",
    scenarios=("rescale", "drain", "node_lost"),
    needs=("storage", "kubelet"),
    survives_gaps=True,
    revision=3,
)
def test_storage_follows_the_pod_that_replaces_another(timeline: Timeline) -> None:
    """A replacement Pod has the same PVCs and volumes as the old Pod, and finds the same data."""
    content.needs_reading(timeline)
    for old, new in pods.replacements(timeline):
        expect(new).keeps(old, "own_claims")
        kept = set(new.fact.own_claims.values()) - harness.deleted_claims(timeline)
        for name in kept if claims.retained(timeline) else ():
            claim = expect(new).comes_with(timeline.claims.latest().get(name), f"PersistentVolumeClaim {name}")
            first = timeline.claims.first(name, lambda claim: claim.volume_name is not None)
            if claim and first:
                expect(claim).keeps(first, "uid", "volume_name")
        if content.wrote(timeline) and (written := content.written(timeline, old.uid)):
            readings = content.readings(timeline, written)
            expect_seen(bool(readings), f"what {old.name} wrote is looked for", new)
            for reading in readings:
                expect(new).shows(reading.what, reading.content, written)
        for stranger in content.readings_elsewhere(timeline, old.uid):
            expect(new).shows(stranger.what, stranger.content, None)
