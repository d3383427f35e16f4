"""A cluster as somebody else's: one prepared namespace, a service account with the printed Role, and the audit log."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import yaml

from stsconf import judge, load, suite_files
from stsconf.act.objects import Kind
from stsconf.act.scenarios import ORDINARY, SCENARIOS
from stsconf.cleanup.clean import Request, clean_cluster
from stsconf.cleanup.inventory import RUN
from stsconf.clusters import Cluster, existing, local
from stsconf.clusters.keeping import Keep
from stsconf.clusters.preflight import Asked, Finding, findings
from stsconf.clusters.rights import LOOKS, NEEDED, VOLUMES, Right, rules
from stsconf.errors import ExitCode, PreflightRefused
from stsconf.judging.promise import import_promises
from stsconf.judging.verdict import Outcome
from stsconf.kube.api import Api, Object
from stsconf.options import TABLE
from stsconf.quantity import quantity
from stsconf.run.config import Config
from stsconf.run.run import record
from stsconf.waits import Waits, until
from tests.foreign import account, entries_of, outside, right_of, space, telling
from tests.local.conftest import SECONDS, plane, say

pytestmark = [pytest.mark.local]

SPACE, NEIGHBOUR = "sts-check", "next-door"


@dataclass(frozen=True)
class Foreign:
    """A control plane, its administrator, and where it writes its audit log."""

    admin: Cluster
    log: Path
    folder: Path


@pytest.fixture(scope="module")
def foreign(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Foreign]:
    folder = tmp_path_factory.mktemp("foreign")
    policy = {
        "apiVersion": "audit.k8s.io/v1",
        "kind": "Policy",
        "omitStages": ["RequestReceived"],
        "rules": [{"level": "Metadata"}],
    }
    (folder / "policy.yaml").write_text(yaml.safe_dump(policy))
    log = folder / "audit.log"
    audit = (f"--audit-policy-file={folder / 'policy.yaml'}", f"--audit-log-path={log}", "--audit-log-mode=blocking")
    with plane(folder / "logs", local.Settings(arguments={"kube-apiserver": audit})) as cluster:
        yield Foreign(cluster, log, folder)


@contextmanager
def seen_by(foreign: Foreign, kubeconfig: Path, namespace: str | None = SPACE) -> Iterator[Cluster]:
    """The cluster as provider ``existing`` gives it, with pods that are hollow all the same."""
    with existing.cluster(kubeconfig, None, "managed-nfs-storage", {}, Waits(), None, namespace) as found:
        yield replace(found, capabilities=foreign.admin.capabilities)


def asked(kind: Kind = Kind.DOCUMENTED, **more: bool) -> Asked:
    return Asked(SPACE, kind, pods=4, sets=2, **more)


def config(tmp_path: Path, **more: object) -> Config:
    base = Config.from_options({"cluster": "existing", "namespace": SPACE, "output-dir": tmp_path})
    return replace(base, **more)  # type: ignore[arg-type]


def test_with_the_printed_role_a_whole_run_stays_in_its_namespace_and_only_volumes_are_not_judged(
    foreign: Foreign, tmp_path: Path
) -> None:
    admin = foreign.admin.api
    user = f"system:serviceaccount:{SPACE}:stsconf"
    said: list[str] = []
    with space(admin, SPACE), space(admin, NEIGHBOUR), account(foreign.admin, SPACE, foreign.folder) as kubeconfig:
        secret = "do-not-tell"  # noqa: S105 - a word to look for
        admin.create(
            {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": secret}, "data": {secret: secret}}, NEIGHBOUR
        )
        with seen_by(foreign, kubeconfig) as cluster:
            path = record(cluster, list(ORDINARY.values()), config(tmp_path), said.append)
        entries = entries_of(foreign.log.read_text(encoding="utf-8").splitlines(), user)
        left = {
            kind: [o["metadata"]["name"] for o in admin.list(kind, SPACE)]
            for kind in ("StatefulSet", "Pod", "PersistentVolumeClaim", "Service", "ControllerRevision")
        }
        maps = {o["metadata"]["name"] for o in admin.list("ConfigMap", SPACE)}
    print("\n".join(said))
    assert not any(left.values()), left
    assert maps == {"kube-root-ca.crt"}

    assert not outside(entries, SPACE)
    used = {right_of(e) for e in entries if e["objectRef"].get("namespace") == SPACE}
    with_kubelet = {r for r in NEEDED if r.resource in ("pods/exec", "pods/proxy")} | {Right("", "pods", "get")}
    assert used <= {*NEEDED, *LOOKS}, used - {*NEEDED, *LOOKS}
    assert {*NEEDED, *LOOKS} - used <= with_kubelet, "printed and never used"

    assert not any(secret in line for line in said)
    assert not telling(tmp_path, [secret, NEIGHBOUR])
    assert telling(tmp_path, [SPACE]), "a recording says where it was made"
    recording = load(path)
    assert recording.sealed
    promises = import_promises(suite_files.conformance()).values()
    verdicts = [judge(p, recording.timelines) for p in promises if not set(ORDINARY).isdisjoint(p.scenarios)]
    unkind = {
        v.id: v for v in verdicts if v.outcome not in (Outcome.HOLDS, Outcome.CHARACTERISED, Outcome.NOT_APPLICABLE)
    }
    for verdict in unkind.values():
        print(verdict.id, verdict.outcome, verdict.reason)
    assert {v.outcome for v in unkind.values()} <= {Outcome.INCONCLUSIVE}
    assert set(unkind) == {"STO-03", "STO-04"}
    assert all("the right to list and watch persistentvolumes" in v.reason for v in unkind.values())


# The preflight.


@dataclass
class Look:
    """What the preflight finds in a prepared namespace for the service account with the printed Role."""

    foreign: Foreign
    kubeconfig: Path

    def __call__(self, wanted: Asked | None = None) -> list[Finding]:
        with seen_by(self.foreign, self.kubeconfig) as cluster:
            return list(findings(cluster, wanted or asked()))

    @property
    def api(self) -> Api:
        return self.foreign.admin.api


@pytest.fixture(scope="module")
def prepared(foreign: Foreign) -> Iterator[Look]:
    with space(foreign.admin.api, SPACE), account(foreign.admin, SPACE, foreign.folder, volumes=True) as kubeconfig:
        yield Look(foreign, kubeconfig)


@contextmanager
def there(api: Api, manifest: Object) -> Iterator[None]:
    """An object in the prepared namespace, for a while."""
    resource = {"HorizontalPodAutoscaler": "apis/autoscaling/v2", "LimitRange": "api/v1"}.get(manifest["kind"])
    kind, name = manifest["kind"], manifest["metadata"]["name"]
    path = f"{resource}/namespaces/{SPACE}/{kind.lower()}s" if resource else api.path(kind, SPACE)
    api.request("POST", path, manifest)
    try:
        yield
    finally:
        api.request("DELETE", f"{path}/{name}", {"gracePeriodSeconds": 0})


def without(right: Right) -> list[Object]:
    return rules(r for r in (*NEEDED, *LOOKS) if r != right)


@contextmanager
def lacking(
    api: Api, kind: str, name: str, namespace: str | None, fewer: list[Object], whole: list[Object]
) -> Iterator[None]:
    api.patch(kind, name, {"rules": fewer}, namespace)
    try:
        yield
    finally:
        api.patch(kind, name, {"rules": whole}, namespace)


def test_where_all_is_well_nothing_is_found(prepared: Look) -> None:
    assert prepared() == []


@pytest.mark.parametrize("right", [*NEEDED, *LOOKS], ids=str)
def test_a_right_that_is_missing_is_named_and_no_other(right: Right, prepared: Look) -> None:
    with lacking(prepared.api, "Role", "stsconf", SPACE, without(right), rules((*NEEDED, *LOOKS))):
        assert until(lambda: prepared() != [], SECONDS)
        (found,) = prepared()
    assert found.stage == "rights"
    assert f": {right}." in found.what
    assert found.next_step.count("verbs") == 1
    assert f"verbs: [{right.verb}]" in found.next_step
    assert found.refuses is (right in NEEDED)
    assert until(lambda: prepared() == [], SECONDS)


@pytest.mark.parametrize("right", VOLUMES, ids=str)
def test_what_cannot_be_read_of_volumes_is_a_warning(right: Right, prepared: Look) -> None:
    fewer, whole = rules(r for r in VOLUMES if r != right), rules(VOLUMES)
    with lacking(prepared.api, "ClusterRole", f"stsconf-{SPACE}-volumes", None, fewer, whole):
        assert until(lambda: prepared() != [], SECONDS)
        (found,) = prepared()
    assert f": {right}." in found.what
    assert not found.refuses


def quota(**hard: str) -> Object:
    names = {name.replace("__", "."): amount for name, amount in hard.items()}
    return {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "small"}, "spec": {"hard": names}}


def limits(kind: str, **least: str) -> Object:
    limit = {"type": kind, "min": least}
    return {"apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": "narrow"}, "spec": {"limits": [limit]}}


POD: Object = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "theirs"},
    "spec": {"containers": [{"name": "theirs", "image": "theirs"}]},
}
AUTOSCALER: Object = {
    "apiVersion": "autoscaling/v2",
    "kind": "HorizontalPodAutoscaler",
    "metadata": {"name": "eager"},
    "spec": {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "theirs"},
        "maxReplicas": 2,
        "metrics": [
            {
                "type": "Resource",
                "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}},
            }
        ],
    },
}
ENVIRONMENT = {
    "quota of pods": (quota(pods="3"), "quota", "leaves 3 of pods; the run takes up to 5"),
    "quota of storage": (quota(requests__storage="2Gi"), "quota", "of requests.storage"),
    "no pod at all": (quota(pods="0"), "quota", "exceeded quota"),
    "quota of memory": (quota(requests__memory="1Gi"), "quota", "must specify requests.memory"),
    "limits": (limits("PersistentVolumeClaim", storage="2Gi"), "limits", "minimum storage usage"),
    "a pod of others": (POD, "other workloads", "pod theirs"),
}


@pytest.mark.parametrize("name", ENVIRONMENT)
def test_what_would_not_let_the_workload_in_refuses_before_anything_is_made(
    name: str, prepared: Look, tmp_path: Path
) -> None:
    manifest, stage, words = ENVIRONMENT[name]
    said: list[str] = []
    with there(prepared.api, manifest):
        assert until(lambda: prepared() != [], SECONDS)
        with (
            seen_by(prepared.foreign, prepared.kubeconfig) as cluster,
            pytest.raises(PreflightRefused, match="before anything was made") as refused,
        ):
            record(cluster, [SCENARIOS["create"], SCENARIOS["drift"]], config(tmp_path), said.append)
        assert prepared.api.get("ConfigMap", "stsconf-run", SPACE) is None
    assert refused.value.exit_code == ExitCode.REFUSED
    assert any(f"preflight: {stage}:" in line for line in said)
    assert words in str(refused.value)
    assert f"kubectl -n {SPACE}" in str(refused.value) or any(f"--{name}" in str(refused.value) for name in TABLE)
    assert not (tmp_path / "timelines").exists()


def test_workloads_of_others_may_be_allowed_and_stay(prepared: Look, tmp_path: Path) -> None:
    with there(prepared.api, POD):
        uid = (prepared.api.get("Pod", "theirs", SPACE) or {})["metadata"]["uid"]
        with seen_by(prepared.foreign, prepared.kubeconfig) as cluster:
            record(cluster, [SCENARIOS["create"]], config(tmp_path, allow_foreign=True), say)
        (left,) = prepared.api.list("Pod", SPACE)
        assert left["metadata"]["uid"] == uid


def test_an_autoscaler_is_a_warning(prepared: Look) -> None:
    with there(prepared.api, AUTOSCALER):
        (found,) = prepared()
    assert (found.stage, found.refuses) == ("autoscalers", False)
    assert "eager" in found.what


def test_a_class_that_keeps_volumes_is_a_warning_and_one_that_is_not_there_refuses(prepared: Look) -> None:
    base = suite_files.manifest("kwok/class.yaml")[0]
    prepared.api.create({**base, "metadata": {"name": "keeps"}, "reclaimPolicy": "Retain"})
    try:
        with seen_by(prepared.foreign, prepared.kubeconfig) as cluster:
            (keeps,) = findings(replace(cluster, storage_class="keeps"), asked())
            (none,) = findings(replace(cluster, storage_class="nowhere"), asked())
    finally:
        prepared.api.delete("StorageClass", "keeps")
    assert (keeps.stage, keeps.refuses) == ("class", False)
    assert (none.stage, none.refuses) == ("class", True)
    assert "this cluster has: keeps, managed-nfs-storage" in none.what


def test_without_a_name_the_class_is_the_documented_one_or_the_cluster_s_default_also_where_none_may_be_read(
    foreign: Foreign,
) -> None:
    api, name = foreign.admin.api, "no-classes"

    def given(kubeconfig: Path | None) -> str:
        with existing.cluster(kubeconfig, None, None, {}, Waits(), None, name) as cluster:
            return cluster.storage_class

    base = suite_files.manifest("kwok/class.yaml")[0]
    default = {"name": "theirs", "annotations": {existing.DEFAULT_CLASS: "true"}}
    with space(api, name), account(foreign.admin, name, foreign.folder) as kubeconfig:
        assert given(foreign.admin.kubeconfig) == "managed-nfs-storage"
        assert given(kubeconfig) == ""
        with existing.cluster(kubeconfig, None, None, {}, Waits(), None, name) as cluster:
            stages = [f.stage for f in findings(cluster, replace(asked(), namespace=name)) if f.refuses]
        assert stages == ["class"]
        api.create({**base, "metadata": default})
        try:
            assert until(lambda: given(kubeconfig) == "theirs", SECONDS)
            assert given(foreign.admin.kubeconfig) == "managed-nfs-storage"
            api.delete("StorageClass", "managed-nfs-storage")
            assert given(foreign.admin.kubeconfig) == "theirs"
        finally:
            api.delete("StorageClass", "theirs")
            if api.get("StorageClass", "managed-nfs-storage") is None:
                api.create(base)


@pytest.mark.parametrize("level", ["baseline", "restricted"])
def test_a_namespace_of_a_pod_security_level_forbids_what_it_forbids(
    level: str, prepared: Look, tmp_path: Path
) -> None:
    label = {"pod-security.kubernetes.io/enforce": level}
    prepared.api.patch("Namespace", SPACE, {"metadata": {"labels": label}})
    try:
        documented, restricted = prepared(asked()), prepared(asked(Kind.RESTRICTED))
        with seen_by(prepared.foreign, prepared.kubeconfig) as cluster:
            path = record(cluster, [SCENARIOS["create"]], config(tmp_path, workload=Kind.RESTRICTED), say)
    finally:
        prepared.api.patch("Namespace", SPACE, {"metadata": {"labels": dict.fromkeys(label)}})
    assert restricted == []
    assert [f.stage for f in documented] == (["pod security"] if level == "restricted" else [])
    assert all("--workload=restricted" in f.next_step for f in documented)
    recording = load(path)
    assert recording.header["workload"] == "restricted"
    promises = import_promises(suite_files.conformance())
    assert judge(promises["ORD-02"], recording.timelines).outcome is Outcome.HOLDS


def test_a_namespace_that_does_not_exist_is_said(foreign: Foreign) -> None:
    with existing.cluster(foreign.admin.kubeconfig, None, None, {}, Waits(), None, SPACE) as cluster:
        assert [f.stage for f in findings(cluster, replace(asked(), namespace="nowhere"))] == ["namespace"]


def test_an_administrator_may_work_in_namespaces_of_the_run_s_own(foreign: Foreign) -> None:
    with existing.cluster(foreign.admin.kubeconfig, None, None, {}, Waits()) as cluster:
        assert list(findings(cluster, replace(asked(), namespace=None))) == []


def test_more_pods_than_the_nodes_take_refuse_and_what_fits_does_not(foreign: Foreign) -> None:
    with existing.cluster(foreign.admin.kubeconfig, None, "managed-nfs-storage", {}, Waits(), None, None) as cluster:
        rooms = [int(quantity(node["status"]["allocatable"]["pods"])) for node in cluster.api.list("Node")]
        there = sum(1 for _ in cluster.api.list("Pod"))
        most = sum(rooms) - there - 1  # one is the storage probe
        fits, more = (list(findings(cluster, replace(asked(), namespace=None, pods=n))) for n in (most, most + 1))
    assert fits == []
    (finding,) = more
    assert (finding.stage, finding.refuses) == ("room", True)
    assert str(most + 1) in finding.what
    assert str(most + 2) in finding.what


def test_without_rights_in_the_cluster_a_run_in_its_own_namespaces_is_told_of_a_prepared_one(prepared: Look) -> None:
    with seen_by(prepared.foreign, prepared.kubeconfig) as cluster:
        (found,) = [f for f in findings(cluster, replace(asked(), namespace=None)) if f.refuses]
    assert "create namespaces" in found.what
    assert "--namespace" in found.next_step


# What stands in the way in mid-run.


def denies(name: str) -> list[Object]:
    """A policy of the cluster that lets no pod of this name in, and its binding."""
    group = {"apiVersion": "admissionregistration.k8s.io/v1", "metadata": {"name": "no-such-pod"}}
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}
    policy = {
        "failurePolicy": "Fail",
        "matchConstraints": {"resourceRules": [rule]},
        "validations": [{"expression": f"object.metadata.name != '{name}'", "message": "not on this cluster"}],
    }
    binding = {"policyName": "no-such-pod", "validationActions": ["Deny"]}
    return [
        {**group, "kind": "ValidatingAdmissionPolicy", "spec": policy},
        {**group, "kind": "ValidatingAdmissionPolicyBinding", "spec": binding},
    ]


@contextmanager
def policy(api: Api, name: str) -> Iterator[None]:
    kinds = ("validatingadmissionpolicies", "validatingadmissionpolicybindings")
    root = "apis/admissionregistration.k8s.io/v1"
    for resource, manifest in zip(kinds, denies(name), strict=True):
        api.request("POST", f"{root}/{resource}", manifest)
    try:
        yield
    finally:
        for resource in kinds:
            api.request("DELETE", f"{root}/{resource}/no-such-pod")


def far_away(stateful_set: Object) -> None:
    stateful_set["spec"]["template"]["spec"]["nodeSelector"] = {"nowhere": "here"}


def of_no_provisioner(stateful_set: Object) -> None:
    (template,) = stateful_set["spec"]["volumeClaimTemplates"]
    template["spec"]["storageClassName"] = "unprovided"


def not_started(stateful_set: Object) -> None:
    stateful_set["spec"]["template"]["metadata"]["annotations"] = {"hollow.stsconf.dev/start-after": "1h"}


def no_image(api: Api, pod: Object) -> None:
    """What a kubelet reports of a pod whose image cannot be pulled."""
    (container,) = pod["spec"]["containers"]
    waiting = {"reason": "ImagePullBackOff", "message": "no such host"}
    known = {"name": container["name"], "image": container["image"], "imageID": "", "ready": False, "restartCount": 0}
    body = {"status": {"containerStatuses": [{**known, "state": {"waiting": waiting}}]}}
    api.patch_status("Pod", pod["metadata"]["name"], body, SPACE)


def no_mount(api: Api, pod: Object) -> None:
    """What a kubelet reports of a pod whose volume cannot be mounted."""
    about = {"apiVersion": "v1", "kind": "Pod", **{key: pod["metadata"][key] for key in ("name", "namespace", "uid")}}
    told = {"type": "Warning", "reason": "FailedMount", "message": "mount failed: exit status 32"}
    api.create(
        {"apiVersion": "v1", "kind": "Event", "metadata": {"name": "told"}, "involvedObject": about, **told}, SPACE
    )


@pytest.mark.parametrize("fault", ["unschedulable", "provisioner", "quota", "limits", "admission", "image", "mount"])
def test_what_holds_a_set_up_in_mid_run_is_the_environment_s_and_violates_nothing(
    fault: str, prepared: Look, tmp_path: Path
) -> None:
    api, word = prepared.api, "admission" if fault == "limits" else fault
    kubelet = {"image": no_image, "mount": no_mount}.get(fault)
    edit = not_started if kubelet else {"unschedulable": far_away, "provisioner": of_no_provisioner}.get(fault)
    too_little = {"quota": quota(pods="1"), "limits": limits("Pod", memory="1Gi")}.get(fault)

    def pod() -> Object | None:
        return api.get("Pod", "web-create-0", SPACE)

    def tell(report: Callable[[Api, Object], None]) -> None:
        assert until(lambda: pod() is not None, SECONDS)
        report(api, pod() or {})

    with ExitStack() as stack:
        told: list[Future[None]] = []
        pool = stack.enter_context(ThreadPoolExecutor(1))
        if fault == "admission":
            stack.enter_context(policy(api, "web-create-1"))

        def hear(text: str) -> None:
            say(text)
            if not text.startswith("recording: every watch is open"):
                return
            if too_little:
                stack.enter_context(there(api, too_little))
            if kubelet:
                told.append(pool.submit(tell, kubelet))

        with seen_by(prepared.foreign, prepared.kubeconfig) as cluster:
            asked_for = replace(config(tmp_path), waits=Waits(settle=15))
            path = record(cluster, [SCENARIOS["create"]], asked_for, hear, {"create": edit} if edit else None)
        for report in told:
            report.result()
    recording = load(path)
    (timeline,) = recording.timelines
    assert timeline.window.end.environment.startswith(f"{word}: "), timeline.window.waited_for
    promises = import_promises(suite_files.conformance())
    verdicts = [judge(p, recording.timelines) for p in promises.values() if "create" in p.scenarios]
    assert not [v.explain() for v in verdicts if v.outcome in (Outcome.VIOLATED, Outcome.ERROR)]
    reached = next(v for v in verdicts if v.id == "ORD-12")
    assert reached.outcome is Outcome.INCONCLUSIVE
    assert f"not reached: {word}: " in reached.reason


def test_a_container_that_the_cluster_adds_is_a_warning(prepared: Look) -> None:
    root, name = "apis/admissionregistration.k8s.io/v1", "adds-a-container"
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}
    added = (
        'Object{spec: Object.spec{initContainers: [Object.spec.initContainers{name: "mesh", image: "mesh", '
        'restartPolicy: "Always"}]}}'
    )
    spec = {
        "failurePolicy": "Fail",
        "reinvocationPolicy": "Never",
        "matchConstraints": {"resourceRules": [rule]},
        "mutations": [{"patchType": "ApplyConfiguration", "applyConfiguration": {"expression": added}}],
    }
    group = {"apiVersion": "admissionregistration.k8s.io/v1", "metadata": {"name": name}}
    kinds = ("mutatingadmissionpolicies", "mutatingadmissionpolicybindings")
    prepared.api.request("POST", f"{root}/{kinds[0]}", {**group, "kind": "MutatingAdmissionPolicy", "spec": spec})
    binding = {**group, "kind": "MutatingAdmissionPolicyBinding", "spec": {"policyName": name}}
    prepared.api.request("POST", f"{root}/{kinds[1]}", binding)
    try:
        assert until(lambda: prepared() != [], SECONDS)
        (found,) = prepared()
    finally:
        for resource in kinds:
            prepared.api.request("DELETE", f"{root}/{resource}/{name}")
    assert (found.stage, found.refuses) == ("sidecars", False)
    assert "mesh" in found.what


# What a run may keep.


@pytest.mark.parametrize("prepared_home", [True, False], ids=["prepared", "own"])
def test_what_a_run_keeps_is_there_with_the_commands_to_look_and_to_remove(
    foreign: Foreign, prepared_home: bool, tmp_path: Path
) -> None:
    api, said = foreign.admin.api, list[str]()
    with ExitStack() as stack:
        space_ = stack.enter_context(space(api, "sts-kept")) if prepared_home else None
        assert foreign.admin.kubeconfig
        cluster = stack.enter_context(seen_by(foreign, foreign.admin.kubeconfig, space_))
        kept = config(tmp_path, namespace=space_, keep=Keep.ALWAYS)
        record(cluster, [SCENARIOS["create"]], kept, said.append)
        assert sum(p["metadata"]["namespace"] == kept.home for p in api.list("Pod")) == (2 if prepared_home else 0)

        existing.leave(cluster, kept.home, None, True, Waits(), said.append)
        (remains,) = cluster.remains
        assert f"--selector={RUN}={kept.run_id}" in remains
        assert f"stsconf clean --kubeconfig={foreign.admin.kubeconfig}" in remains
        assert f"--run={kept.run_id} --yes" in remains
        assert said[-1] == f"keeping: {remains}"
        cluster.remains.clear()

        existing.leave(cluster, kept.home, None, False, Waits(), said.append)
        assert cluster.remains == []
        assert not [n for n in api.list("Namespace") if kept.short in n["metadata"]["name"]]
        assert not list(api.list("Pod", kept.home))
        existing.leave(cluster, kept.home, None, True, Waits(), said.append)
        assert cluster.remains == [], "nothing is left that could be kept"


# What a killed run leaves.


def test_what_a_killed_run_left_in_a_prepared_namespace_is_listed_named_and_removed(
    prepared: Look, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stsconf.clusters.existing.remove", lambda *_: None)
    with there(prepared.api, POD), seen_by(prepared.foreign, prepared.kubeconfig) as cluster:
        record(cluster, [SCENARIOS["orphan_delete"]], config(tmp_path, allow_foreign=True), say)
        (found,) = prepared()
        assert (found.stage, found.refuses) == ("another run", True)
        assert f"stsconf clean --namespace {SPACE}" in found.next_step
        request = Request(namespace=SPACE, force=True)
        assert clean_cluster(cluster.api, request, Waits(), say) is ExitCode.INCONCLUSIVE
        assert "persistentvolumeclaim www-orphandelete-web-orphandelete-0" in capsys.readouterr().out
        assert clean_cluster(cluster.api, replace(request, yes=True), Waits(), say) is ExitCode.HOLDS
        names = [
            o["metadata"]["name"] for kind in ("Pod", "PersistentVolumeClaim") for o in prepared.api.list(kind, SPACE)
        ]
        assert names == ["theirs"]
        assert not list(prepared.api.list("ConfigMap", SPACE, f"?labelSelector={RUN}"))
