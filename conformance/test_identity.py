"""Each pod has an identity that sticks to it."""

from stsconf import Timeline, expect, expect_reached, healthy, promise
from stsconf.timeline.questions import endpoints, ownership, pods, sets

PAGE = "concepts/workloads/controllers/statefulset/"
IDENTITY = f"{PAGE}#pod-identity"
NETWORK = f"{PAGE}#stable-network-id"
TUTORIAL = "tutorials/stateful-application/basic-stateful-set/"


@promise("IDN-01", source=f"{PAGE}#ordinal-index", scenarios=("create",), survives_gaps=True)
def test_every_pod_is_named_after_the_set_and_its_ordinal(timeline: Timeline) -> None:
    """Each Pod's name is the StatefulSet's name, a hyphen and the Pod's ordinal."""
    for created in pods.created_by_set(timeline):
        expect(created).has(name=f"{timeline.window.set_name}-{created.fact.ordinal}")
    for stray in ownership.strays(timeline):
        expect(stray).shows("its name", stray.name, f"{timeline.window.set_name}-N")


@promise(
    "IDN-02",
    source=f"{PAGE}#ordinal-index",
    scenarios=("create", "scale_up", "scale_down"),
    survives_gaps=True,
    revision=3,
)
def test_the_ordinals_are_zero_to_replicas_minus_one(timeline: Timeline) -> None:
    """A StatefulSet with N replicas and no start ordinal has Pods with exactly the ordinals 0 to N-1."""
    for desired in timeline.sets.latest().values():
        ordinals = sorted(m.fact.ordinal for m in pods.members(timeline) if m.fact.ordinal is not None)
        wanted = list(range(desired.fact.replicas))
        if desired.fact.start == 0 and not desired.fact.terminating:
            seen, what = f"it has {ordinals}", f"{desired.name} has the ordinals {wanted}"
            expect_reached(ordinals == wanted, what, desired, seen=seen, of_ready_pods=not desired.fact.at_rest)


@promise("IDN-04", source=f"{PAGE}#pod-name-label", scenarios=("create",), survives_gaps=True)
def test_each_pod_is_labelled_with_its_name(timeline: Timeline) -> None:
    """Each Pod has the label statefulset.kubernetes.io/pod-name with its own name."""
    for created in pods.created_by_set(timeline):
        label = created.fact.labels.get("statefulset.kubernetes.io/pod-name")
        expect(created).shows("label statefulset.kubernetes.io/pod-name", label, created.name)


@promise("IDN-05", source=f"{PAGE}#pod-index-label", scenarios=("create",), since="1.28", survives_gaps=True)
def test_each_pod_is_labelled_with_its_ordinal(timeline: Timeline) -> None:
    """Each Pod has the label apps.kubernetes.io/pod-index with its own ordinal."""
    for created in pods.created_by_set(timeline):
        label = created.fact.labels.get("apps.kubernetes.io/pod-index")
        expect(created).shows("label apps.kubernetes.io/pod-index", label, str(created.fact.ordinal))


@promise("IDN-06", source=NETWORK, scenarios=("create",), survives_gaps=True)
def test_the_host_name_is_the_pod_name(timeline: Timeline) -> None:
    """Each Pod's hostname is its own name."""
    for created in pods.created_by_set(timeline):
        expect(created).has(hostname=created.name)


@promise("IDN-07", source=NETWORK, scenarios=("create",), survives_gaps=True, revision=2)
def test_the_subdomain_is_the_governing_service(timeline: Timeline) -> None:
    """Each Pod's subdomain is the name of the governing Service."""
    for created in pods.created_by_set(timeline):
        expect(created).has(subdomain=sets.service_name(timeline, created.fact.owner_uid))


@promise("IDN-09", source=NETWORK, scenarios=("create", "scale_up", "rescale"), survives_gaps=True)
def test_each_pod_is_found_by_name_in_the_governing_service(timeline: Timeline) -> None:
    """The governing Service publishes each Running and Ready Pod under its name, with its current IP and uid."""
    published = endpoints.at_end(timeline)
    if endpoints.awaited(timeline):
        for member in pods.healthy_members(timeline):
            found = published.get(member.name)
            leads = found is not None and (found.pod_uid, found.addresses) == (member.uid, (member.fact.pod_ip,))
            name = f"{member.name}.{sets.service_name(timeline)}"
            seen = f"it leads to {', '.join(found.addresses)} of {found.pod_uid}" if found else "there is no such name"
            expect_reached(leads, f"{name} leads to {member.fact.pod_ip} of {member.uid}", member, seen=seen)


@promise("IDN-10", source=f"{TUTORIAL}#using-stable-network-identities", scenarios=("rescale",), survives_gaps=True)
def test_names_stay_when_a_pod_is_replaced(timeline: Timeline) -> None:
    """A replacement Pod has the ordinal, hostname and subdomain of the old Pod, and a new uid."""
    for old, new in pods.replacements(timeline):
        expect(new).keeps(old, "ordinal", "hostname", "subdomain")
        expect(new).differs_from(old, "uid")


@promise(
    "IDN-11",
    source=f"{TUTORIAL}#using-stable-network-identities",
    scenarios=("scale_up_held",),
    revision=3,
    survives_gaps=True,
)
def test_the_service_answers_only_with_running_and_ready_pods(timeline: Timeline) -> None:
    """The governing Service publishes as ready exactly the Pods that are Running and Ready."""
    for written, name in endpoints.published_ready(timeline):
        if endpoints.raced_with_unready(timeline, written, name):
            continue
        expect(written).finds(timeline.pods, name, healthy, "Running and Ready")
    if endpoints.awaited(timeline) and not endpoints.publishes_unready(timeline):
        names = sorted(name for name, endpoint in endpoints.at_end(timeline).items() if endpoint.ready)
        for desired in timeline.sets.latest().values():
            ready = sorted(member.name for member in pods.healthy_members(timeline))
            expect_reached(
                names == ready,
                f"the Service answers with {', '.join(ready) or 'no Pod'}",
                *(desired, *pods.members(timeline)),
                seen=f"it answers with {', '.join(names) or 'no Pod'}",
            )


@promise("IDN-08", source=f"{PAGE}#pod-identity", scenarios=("moved", "drain"), needs=("nodes",), revision=2)
def test_a_pod_keeps_its_identity_on_another_node(timeline: Timeline) -> None:
    """A Pod replaced on another node keeps its name, ordinal, hostname, subdomain and PVCs."""
    for old, new in pods.replacements(timeline):
        there = next((e for e in timeline.pods.named(new.name) if e.uid == new.uid and e.fact.node), None)
        if there and old.fact.node and there.fact.node != old.fact.node:
            expect(there).keeps(old, "name", "ordinal", "hostname", "subdomain", "own_claims")
