"""Provider ``local``: a control plane of processes on loopback, with hollow nodes. No engine, no root, no images.

etcd listens on a socket in a folder closed to others; the API server on a port that is held for it from the start.
Nodes and pods are hollow: kwok reports what a kubelet would, as ``manifests/kwok/stages.yaml`` says.
"""

import json
import re
import socket
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from hashlib import file_digest
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Self

from stsconf import suite_files
from stsconf.clusters import Cluster, Provider
from stsconf.clusters.engine import airgap_call, airgap_command
from stsconf.clusters.keeping import KEEP_NOTHING, KeepPolicy
from stsconf.clusters.notes import note_keeper
from stsconf.clusters.processes import Processes
from stsconf.clusters.provisioner import FolderProvisioner
from stsconf.errors import ClusterError, PreflightRefused, UsageError
from stsconf.kube.api import Api, ApiError, Object, identify
from stsconf.options import spelled
from stsconf.waits import Say, Waits, until

KUBERNETES = "v1.37.2"
"""The version that runs unless another is asked for."""
CONTROL_PLANE = ("kube-apiserver", "kube-controller-manager", "kube-scheduler")
PROGRAMS = ("etcd", *CONTROL_PLANE, "kwok")
CAPABILITIES = frozenset({"nodes", "storage"})
"""No kubelet and no exec: nothing runs, so nothing writes to a volume."""
STAND_INS = (
    "Pods and nodes are simulated: kwok reports what a kubelet would",
    "volumes are folders that nothing mounts, from a provisioner of our own",
)
AUDIT_BACKUPS = 4
"""Parts of the audit log, of 100 MB each (the server's default), that are kept beside the newest."""
POLL = 0.05
"""Seconds between two looks at what starts."""
ANY_ADDRESS = "192.0.2.1"
"""What the API server says its address is (RFC 5737, leads nowhere): it refuses to say a loopback one."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What runs. ``arguments`` adds to a component's command line.

    A program in ``bin_dir`` replaces the one of its name. One named after a controller, such as
    ``statefulset-controller``, replaces that controller of the controller manager: it is started with ``--kubeconfig``
    and the controller's own rights. ``feature_gates``, as in ``A=true,B=false``, go to all three Kubernetes components.
    """

    bin_dir: Path | None = None
    feature_gates: str = ""
    kubernetes: str = KUBERNETES
    arguments: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, bin_dir: Path | None, feature_gates: str | None, kubernetes: str | None = None) -> Self:
        """What the options ask for. Raises ``ValueError`` for gates that are not ``GATE=true|false``."""
        gates = feature_gates or ""
        if gates and not re.fullmatch(r"\w+=(true|false)(,\w+=(true|false))*", gates):
            raise ValueError(f"'{gates}' is not GATE=true,GATE=false")
        return cls(bin_dir, gates).other(kubernetes or KUBERNETES)

    def other(self, kubernetes: str) -> Self:
        """The same for another version, ``v1.34.0``, or the programs in a folder, which a slash tells."""
        if "/" in kubernetes:
            return replace(self, bin_dir=Path(kubernetes).expanduser())
        return replace(self, kubernetes=kubernetes)


@contextmanager
def cluster(
    run_id: str,
    folder: Path,
    settings: Settings,
    images: Mapping[str, str],
    waits: Waits,
    say: Say,
    staying: KeepPolicy = KEEP_NOTHING,
) -> Iterator[Cluster]:
    """Start a control plane and end it afterwards, however the block or this process ends.

    Where the block ends by itself and ``staying`` says so then, all of it but the provisioner goes on.
    ``folder`` receives the components' logs. Raises ``PreflightRefused`` without programs, ``ClusterError`` naming the
    stage that failed: certificates, a component, nodes, or accounts.
    """
    programs, facts = find_programs(settings, say)
    folder.mkdir(parents=True, exist_ok=True)
    data = Path(tempfile.mkdtemp(prefix="stsconf-"))
    with ExitStack() as afterwards, ExitStack() as stack:
        processes = stack.enter_context(Processes(folder.resolve(), data))
        port = stack.enter_context(_held_port())
        plane = _Plane(data, folder, f"https://127.0.0.1:{port}", programs, settings, processes, waits)
        api = plane.start(port, say)
        stack.callback(api.close)
        provisioner = plane.install()
        afterwards.callback(provisioner.join)
        stack.callback(provisioner.end)
        plane.start_controllers(say)
        api.processes = processes

        def alive() -> None:
            processes.check()
            provisioner.check()

        def exchange(other: str) -> Callable[[], None]:
            found, _ = find_programs(settings.other(other), say)
            return lambda: plane.exchange(found, say)

        version, uid = identify(api)
        ready = Cluster(
            provider=Provider.LOCAL,
            name=f"stsconf-{run_id}",
            kubeconfig=data / "admin.kubeconfig",
            context=None,
            api=api,
            ours=True,
            storage_class="managed-nfs-storage",
            images={**suite_files.workload_images(), **images},
            version=version,
            uid=uid,
            capabilities=CAPABILITIES,
            stand_ins=(
                *STAND_INS,
                *(f"{name} built from Go modules" for name in facts.get("gosum", ())),
                *(f"{name} given by --local-bin" for name in facts.get("exchanged_programs", ())),
            ),
            kubectl=programs.get("kubectl", "kubectl"),
            facts=facts,
            alive=alive,
            exchange=exchange,
            audit_log=partial(_audit_log, data),
        )
        yield ready
        try:
            alive()
        except ClusterError as ended:  # also where the run noticed nothing but its consequences
            say(f"local: {ended}")
        else:
            if staying.holds(ready):
                note_keeper(ready.name, staying.run, data, processes.stay())
                afterwards.pop_all()  # the provisioner's watch ends with the server, or with this process
                say("local: the control plane keeps running; new PersistentVolumeClaims get no volume any more")
                return
        say("local: ending the control plane")


def _audit_log(data: Path) -> Iterator[bytes]:
    """The lines of the API server's audit log, parts that were put aside first."""
    for part in sorted(data.glob("audit*.log")):  # audit-<time>.log stands before audit.log
        with part.open("rb") as lines:
            yield from lines


def find_programs(settings: Settings, say: Say) -> tuple[dict[str, str], dict[str, Any]]:
    """Where each program stands, by name, and what the report tells about them.

    Raises ``UsageError`` without the extra or for a folder that is none, ``PreflightRefused`` when a program is missing
    and cannot be built.
    """
    if find_spec("cryptography") is None:
        raise UsageError(
            "Provider local needs the optional extra: cryptography is not installed.",
            "Install it with `pip install 'statefulset-conformance[local]'`.",
        )
    own: dict[str, str] = {}
    if settings.bin_dir:
        if not settings.bin_dir.is_dir():
            raise UsageError(f"{settings.bin_dir} is not a folder.", "Name one that holds programs.")
        own = {path.name: str(path.resolve()) for path in settings.bin_dir.iterdir() if path.is_file()}
    command = airgap_command()
    folders = ("etcd", "kwok", f"kubernetes-{settings.kubernetes}")
    built = {} if set(PROGRAMS) <= set(own) else _built(settings.kubernetes, folders, say)
    facts: dict[str, Any] = {"feature_gates": settings.feature_gates}
    if used := {name: path for name, path in own.items() if name in PROGRAMS or name.endswith("-controller")}:
        facts["exchanged_programs"] = {name: f"sha256:{_sha256(Path(path))}" for name, path in sorted(used.items())}
    if built and command:
        facts["gosum"] = {name: f"sha256:{_sha256(Path(command[-1], 'go', name, 'go.sum'))}" for name in folders}
    return {**built, **own}, facts


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def _built(version: str, folders: Sequence[str], say: Say) -> dict[str, str]:
    try:
        answer = airgap_call(lambda line: say(f"local: {line}"), "programs", *folders)
    except UsageError as error:
        raise UsageError(f"Kubernetes {version}: {error.what}") from None
    except PreflightRefused as refused:
        raise PreflightRefused(
            f"Provider local needs the programs {', '.join(PROGRAMS)}. {refused.what}",
            f"Name a folder that holds them with {spelled('local-bin')}.",
        ) from None
    found: dict[str, str] = json.loads(answer)
    return found


@contextmanager
def _held_port() -> Iterator[int]:
    """A port of loopback that stays ours: bound and never listened on, so that only SO_REUSEPORT can share it."""
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        holder.bind(("127.0.0.1", 0))
        yield holder.getsockname()[1]


class _Api(Api):
    """An API server that we run: when it gives no answer, or none of use, a component that has ended is the reason."""

    processes: Processes | None = None

    def request(
        self, method: str, path: str, body: object | None = None, content_type: str = "application/json"
    ) -> Object:
        """As ``Api.request``; raises ``ClusterError`` naming the component."""
        try:
            return super().request(method, path, body, content_type)
        except (ApiError, ClusterError) as error:
            if self.processes and not (isinstance(error, ApiError) and error.status < 500):
                self.processes.blame()
            raise


class _Plane:
    """The parts of one control plane, in the order they start."""

    def __init__(
        self,
        data: Path,
        logs: Path,
        server: str,
        programs: Mapping[str, str],
        settings: Settings,
        processes: Processes,
        waits: Waits,
    ) -> None:
        from stsconf.clusters.certificates import Authority

        self._data = data
        self._logs = logs
        self._server = server
        self._programs = programs
        self._settings = settings
        self._processes = processes
        self._waits = waits
        self._authority = Authority(data)
        self._etcd = f"unix://{data}/etcd.sock"
        self._server_arguments: tuple[str, ...] = ()
        self._api: _Api

    def start(self, port: int, say: Say) -> _Api:
        """Start etcd and the API server; return a connection with all rights once it is ready."""
        say("local: starting etcd and kube-apiserver")
        data, authority = self._data, self._authority
        self._start(
            "etcd",
            f"--data-dir={data / 'etcd'}",
            f"--listen-client-urls={self._etcd}",
            f"--advertise-client-urls={self._etcd}",
            f"--listen-peer-urls=unix://{data}/peer.sock",
            "--unsafe-no-fsync",
            "--log-level=warn",
        )
        accounts = authority.signing_keys()
        serving = authority.issue("apiserver", "kube-apiserver", hosts=("127.0.0.1", "localhost", "kubernetes"))
        self._server_arguments = (
            f"--etcd-servers={self._etcd}",
            "--bind-address=127.0.0.1",
            f"--secure-port={port}",
            "--permit-port-sharing",
            f"--advertise-address={ANY_ADDRESS}",
            "--endpoint-reconciler-type=none",
            f"--client-ca-file={authority.certificate}",
            f"--tls-cert-file={serving.certificate}",
            f"--tls-private-key-file={serving.key}",
            "--anonymous-auth=false",
            "--authorization-mode=RBAC",
            f"--service-account-key-file={accounts.certificate}",
            f"--service-account-signing-key-file={accounts.key}",
            "--service-account-issuer=https://kubernetes.default.svc",
            "--service-cluster-ip-range=10.96.0.0/16",
            "--profiling=false",
            f"--audit-policy-file={suite_files.root() / 'manifests' / 'audit-policy.yaml'}",
            f"--audit-log-path={data / 'audit.log'}",
            "--audit-log-mode=blocking",
            f"--audit-log-maxbackup={AUDIT_BACKUPS}",
        )
        self._start("kube-apiserver", *self._server_arguments)
        admin = authority.kubeconfig(self._server, "admin", "stsconf:admin", "system:masters")
        self._api = _Api.from_kubeconfig(admin, None, self._waits.request)
        self._await("kube-apiserver", lambda: bool(self._api.request("GET", "readyz")))
        return self._api

    def exchange(self, programs: Mapping[str, str], say: Say) -> None:
        """Stop API server, controllers and scheduler, and start those of another version on the same data."""
        say("local: ending kube-apiserver, controllers and scheduler; etcd and nodes keep running")
        exchanged = (name for name in self._programs if name.endswith("-controller"))
        self._processes.end(*reversed(CONTROL_PLANE), *exchanged)
        self._programs = programs
        say("local: starting kube-apiserver on the same data")
        self._start("kube-apiserver", *self._server_arguments)
        self._api.close()
        self._await("kube-apiserver", lambda: bool(self._api.request("GET", "readyz")))
        self._start_managers(say)

    def install(self) -> FolderProvisioner:
        """Create rights, nodes and class, and start the provisioner."""
        for name in ("rbac", "nodes"):
            for manifest in suite_files.manifest(f"kwok/{name}.yaml"):
                self._api.create(manifest)
        storage_class = self._api.create(suite_files.manifest("kwok/class.yaml")[0])
        volumes = self._data / "volumes"
        volumes.mkdir()
        kubeconfig = self._authority.kubeconfig(self._server, "provisioner", "stsconf:provisioner")
        provisioner = FolderProvisioner(Api.from_kubeconfig(kubeconfig, None), storage_class, volumes)
        provisioner.start()
        return provisioner

    def start_controllers(self, say: Say) -> None:
        """Start all that works through the API, and wait until pods can be made and scheduled."""
        self._start_managers(say)
        self._start(
            "kwok",
            f"--kubeconfig={self._kubeconfig('kwok', 'stsconf:kwok')}",
            f"--config={suite_files.root() / 'manifests' / 'kwok' / 'stages.yaml'}",
            "--manage-all-nodes",
            "--node-lease-duration-seconds=40",
        )
        self._await("nodes", self._nodes_ready)
        self._await("accounts", lambda: self._api.get("ServiceAccount", "default", "default") is not None)

    def _start_managers(self, say: Say) -> None:
        say("local: starting controllers and scheduler")
        exchanged = sorted(name for name in self._programs if name.endswith("-controller"))
        self._start(
            "kube-controller-manager",
            f"--kubeconfig={self._kubeconfig('kube-controller-manager', 'system:kube-controller-manager')}",
            f"--controllers={','.join(['*', *(f'-{name}' for name in exchanged)])}",
            "--use-service-account-credentials",
            *(f"--kube-api-{limit}=500" for limit in ("qps", "burst")),  # at the default 20 it takes 5 s to start
            f"--service-account-private-key-file={self._data / 'accounts.key'}",
            f"--root-ca-file={self._authority.certificate}",
            "--leader-elect=false",
            "--secure-port=0",
            "--profiling=false",
        )
        self._start(
            "kube-scheduler",
            f"--kubeconfig={self._kubeconfig('kube-scheduler', 'system:kube-scheduler')}",
            "--leader-elect=false",
            "--secure-port=0",
            "--profiling=false",
        )
        for name in exchanged:
            account = f"system:serviceaccount:kube-system:{name}"
            self._start(name, f"--kubeconfig={self._kubeconfig(name, account)}")

    def _nodes_ready(self) -> bool:
        nodes = list(self._api.list("Node"))
        return bool(nodes) and not any(node["spec"].get("taints") for node in nodes)

    def _kubeconfig(self, name: str, user: str) -> Path:
        return self._authority.kubeconfig(self._server, name, user)

    def _start(self, name: str, *arguments: str) -> None:
        gates = self._settings.feature_gates
        more = [f"--feature-gates={gates}"] if gates and name in CONTROL_PLANE else []
        command = [self._programs[name], *arguments, *more, *self._settings.arguments.get(name, ())]
        self._processes.start(name, command)

    def _await(self, stage: str, ready: Callable[[], bool]) -> None:
        """Wait for a stage; a component that ends is the end of waiting."""
        said = ""

        def look() -> bool:
            nonlocal said
            self._processes.check()
            try:
                return ready()
            except (ApiError, ClusterError) as error:
                said = f" {error.what}"
                return False

        seconds = self._waits.cluster_ready
        if not until(look, seconds, every=POLL):
            raise ClusterError(stage, f"it was not ready within {seconds:.0f} s.{said}", f"See {self._logs}.")
