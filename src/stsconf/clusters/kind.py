"""Provider ``kind``: a cluster of our own, with NFS volumes, gone when the run ends."""

import contextlib
import functools
import random
import shlex
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from stsconf.clusters import CAPABILITIES, Cluster, Provider, kubeadm, mirror, nodes, storage
from stsconf.clusters.engine import Engine, EngineChoice, engine
from stsconf.clusters.keeping import KEEP_NOTHING, KeepPolicy
from stsconf.clusters.shield import run_apart, uninterruptible
from stsconf.errors import ClusterError, UsageError
from stsconf.kube.api import Api, ApiError, identify
from stsconf.options import spelled
from stsconf.waits import Say, Waits, until

ROOM = "kind: KubeletConfiguration\nmaxPods: 200\n"
"""The pods of a scenario stay until the run ends: 137 of 44 scenarios, while a kubelet takes 110 by default."""

SPARE = 2
"""With more nodes than this, the pods of any one find place on another: none is on the control plane's."""


@contextmanager
def cluster(
    run_id: str,
    folder: Path,
    choice: EngineChoice,
    kubernetes: str | None,
    images: Mapping[str, str],
    waits: Waits,
    say: Say,
    patches: Sequence[str] = (),
    registry_mirror: str | None = None,
    staying: KeepPolicy = KEEP_NOTHING,
    count: int = 1,
) -> Iterator[Cluster]:
    """Make a kind cluster with ``managed-nfs-storage`` and delete it afterwards, however the block ends.

    Where the block ends by itself and ``staying`` says so then, cluster and engine stay.
    ``folder`` receives the kubeconfig, kind's configuration and its log; ``patches`` are more ``kubeadmConfigPatches``
    of that configuration; ``kubernetes`` is the version of the node image, ``images["node"]`` one of another origin.
    ``count`` is how many nodes there are; the first one holds control plane and storage, and where there are others,
    the pods are on those.
    Raises ``PreflightRefused`` without an engine, ``UsageError`` for a version that cannot be had, ``ClusterError``
    naming the stage that failed.
    """
    try:
        from pytest_kind import KindCluster
    except ImportError:
        raise UsageError(
            "Provider kind needs the optional extra: pytest-kind is not installed.",
            "Install it with `pip install 'statefulset-conformance[kind]'`, or use "
            f"{spelled('cluster', 'existing')} with a cluster you have.",
        ) from None
    folder.mkdir(parents=True, exist_ok=True)
    with engine(choice, kubernetes, say) as found, contextlib.ExitStack() as stack:
        kubeconfig = folder.resolve() / "kubeconfig"
        all_images = {"node": found.node_image, **found.images, **images}
        with contextlib.chdir(folder):  # KindCluster makes a folder of its own where it is built
            made = KindCluster(
                f"stsconf-{run_id}",
                kubeconfig=kubeconfig,
                image=all_images["node"],
                kind_path=_wrapper(folder.resolve(), found),
                kubectl_path=found.kubectl,
            )
        config = folder / "kind.yaml"
        config.write_text(yaml.safe_dump(_config(found, patches, count)), encoding="utf-8")
        stay = False
        say(f"kind: creating cluster {made.name} from {all_images['node']}")
        try:
            try:
                made.create(config)
            except subprocess.CalledProcessError:
                raise ClusterError(
                    "kind", f"kind create cluster failed. {_tail(folder / 'kind.log')}", f"See {folder / 'kind.log'}."
                ) from None
            api = Api.from_kubeconfig(kubeconfig, None, waits.request)
            stack.callback(api.close)
            _wait_ready(api, waits, say)
            if count > 1 and found.kind_config.get("networking", {}).get("disableDefaultCNI"):
                nodes.connect(api, found)
            if registry_mirror:
                say(f"kind: nodes pull {' and '.join(mirror.MIRRORED)} through {registry_mirror}")
                mirror.use(registry_mirror, [node["metadata"]["name"] for node in api.list("Node")], found)
            storage.install(api, all_images, found.nfs_server, found.mount_options, waits, say)
            version, uid = identify(api)

            def exchange(other: str) -> Callable[[], None]:
                apply = kubeadm.prepare(made.name, other, found, folder, say)

                def upgrade() -> None:
                    apply()
                    api.close()
                    _wait_ready(api, waits, say)

                return upgrade

            ready = Cluster(
                provider=Provider.KIND,
                name=made.name,
                kubeconfig=kubeconfig,
                context=None,
                api=api,
                ours=True,
                storage_class="managed-nfs-storage",
                images=all_images,
                version=version,
                uid=uid,
                capabilities=CAPABILITIES | ({"nodes"} if count > SPARE else set()),
                stand_ins=found.stand_ins,
                kubectl=str(found.kubectl),
                nfs_reader=storage.READER,
                facts={**found.facts, **({"registry_mirror": registry_mirror} if registry_mirror else {})},
                exchange=exchange,
                lose=functools.partial(nodes.lost, found) if count > SPARE else None,
            )
            yield ready
            if stay := staying.holds(ready):
                ready.remains.extend(found.stay())
        finally:
            if not stay:
                with uninterruptible(say):
                    say(f"kind: deleting cluster {made.name}")
                    _delete(made.name, made.kind_path, kubeconfig)


def _delete(name: str, program: Path, kubeconfig: Path) -> None:
    """What ``KindCluster.delete`` does, out of reach of the terminal's Ctrl-C, which would leave half a cluster."""
    run_apart([str(program), "delete", "cluster", f"--name={name}", f"--kubeconfig={kubeconfig}"])


def _wrapper(folder: Path, found: Engine) -> Path:
    """A ``kind`` that talks to our engine and keeps what it says; pytest-kind passes neither through."""
    script = folder / "kind"
    exports = [f"export {name}={shlex.quote(value)}" for name, value in found.environment.items()]
    lines = [
        "#!/bin/sh",
        *exports,
        "unset HTTP_PROXY HTTPS_PROXY NO_PROXY http_proxy https_proxy no_proxy",
        f'exec {shlex.quote(str(found.kind))} "$@" 2>>{shlex.quote(str(folder / "kind.log"))}',
    ]
    script.write_text("\n".join(lines) + "\n", encoding="utf-8")
    script.chmod(0o755)
    return script


def _config(found: Engine, patches: Sequence[str], count: int) -> dict[str, Any]:
    """kind's configuration; a remote engine needs the API server on its own address and a port chosen here."""
    config: dict[str, Any] = {
        "kind": "Cluster",
        "apiVersion": "kind.x-k8s.io/v1alpha4",
        "nodes": [{"role": "control-plane"}, *({"role": "worker"} for _ in range(count - 1))],
        **found.kind_config,
    }
    config["kubeadmConfigPatches"] = [*config.get("kubeadmConfigPatches", ()), ROOM, *patches]
    if found.api_server_address:
        port = random.SystemRandom().randrange(20000, 32000)
        config["networking"] = {
            **config.get("networking", {}),
            "apiServerAddress": found.api_server_address,
            "apiServerPort": port,
        }
    return config


def _wait_ready(api: Api, waits: Waits, say: Say) -> None:
    """All nodes, kube-proxy, CoreDNS and the default service account; kind itself waits for none of them."""
    missing = ""

    def ready() -> bool:
        nonlocal missing
        missing = _missing(api)
        return not missing

    say("kind: waiting for nodes, kube-proxy, CoreDNS and the default service account")
    if not until(ready, waits.cluster_ready):
        raise ClusterError("ready", f"the cluster was not usable within {waits.cluster_ready:.0f} s: {missing}.")


def _missing(api: Api) -> str:
    try:
        for node in api.list("Node"):
            if not _true(node, "Ready"):
                return f"node {node['metadata']['name']} is not Ready"
        for label, name in (("kube-proxy", "kube-proxy"), ("kube-dns", "CoreDNS")):
            pods = list(api.list("Pod", "kube-system", f"?labelSelector=k8s-app={label}"))
            if not any(_true(pod, "Ready") for pod in pods):
                return f"{name} is not Ready"
        if api.get("ServiceAccount", "default", "default") is None:
            return "the default service account does not exist"
    except (ApiError, ClusterError) as error:
        return error.what
    return ""


def _true(found: Mapping[str, Any], condition: str) -> bool:
    conditions = (found.get("status") or {}).get("conditions") or ()
    return any(c["type"] == condition and c["status"] == "True" for c in conditions)


def _tail(log: Path) -> str:
    """What kind complains of, which stands above a stack trace, or the end of what it says where it names no error."""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines() if log.exists() else []
    told = [line for line in lines if line.lstrip().lower().startswith(("error", "[error"))]
    return " ".join((told or lines)[-4:])[-800:].strip()
