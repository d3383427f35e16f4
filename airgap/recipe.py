"""What is made: every artefact of an air-gapped cluster, in order, and what its user needs to know about the result."""

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import images
import packages
import programs
from cache import Cache, Step
from client import Docker
from engine import Engine, Running
from images import Image

KUBERNETES = "v1.37.2"
"""The version made unless another is asked for; any other needs go/kubernetes-VERSION."""
KIND_CONFIG: Mapping[str, Any] = {
    "networking": {"disableDefaultCNI": True},  # the node image brings a static CNI file
    "kubeadmConfigPatches": [
        # kubelet refuses cgroup v1 from Kubernetes 1.35 on unless told otherwise (KEP 5573).
        "kind: KubeletConfiguration\napiVersion: kubelet.config.k8s.io/v1beta1\nfailCgroupV1: false\n",
    ],
}
MOUNT_OPTIONS = ("nfsvers=3", "hard", "nolock", "mountport=20048")
"""What a StorageClass gives both clients, the kernel's and the userspace one; nodes run no lock daemon."""


def kernel_has_nfs() -> bool:
    """Whether the kernel has an NFS client, by the rule the node's mount helper uses."""
    return any(line.split()[-1] == "nfs" for line in Path("/proc/filesystems").read_text().splitlines())


@dataclass(frozen=True)
class Recipe:
    """Everything for one Kubernetes version in one cache."""

    store: Cache
    version: str

    @property
    def kubernetes(self) -> programs.Program:
        """The seven Kubernetes programs."""
        return programs.kubernetes(self.version)

    @property
    def built(self) -> tuple[programs.Program, ...]:
        """All programs built from Go modules, the costly one last."""
        return (programs.ETCD, programs.KIND, programs.COREDNS, programs.PAUSE, programs.PROVISIONER, self.kubernetes)

    def binary(self, program: programs.Program, name: str) -> Path:
        """Where an executable stands once it is built."""
        return programs.build(self.store, program).path / name

    @property
    def docker(self) -> Path:
        """The Docker client."""
        return packages.docker_client(self.store).path / "docker"

    @property
    def engine(self) -> Engine:
        """The engine of this cache."""
        return Engine(self.store, packages.bootstrap(self.store, packages.ENGINE).path)

    def files(self) -> list[Step]:
        """The steps that need no engine."""
        roots = (packages.ENGINE, packages.NODE, packages.WORKLOADS, packages.NGINX_NEW)
        return [
            packages.bootstrapper(self.store),
            packages.docker_client(self.store),
            *(packages.bootstrap(self.store, root) for root in roots),
            *(programs.build(self.store, p) for p in self.built),
        ]

    def contents(self) -> dict[str, Image]:
        """The images inside the node, by the part they play."""
        workloads = packages.bootstrap(self.store, packages.WORKLOADS).path
        trixie = packages.bootstrap(self.store, packages.NGINX_NEW).path
        kubernetes = self.kubernetes
        plain = ("kube-apiserver", "kube-controller-manager", "kube-scheduler")
        return {
            **{
                name: Image(f"{name}:{self.version}", "program", None, (self.binary(kubernetes, name),))
                for name in plain
            },
            "kube-proxy": Image(
                f"kube-proxy:{self.version}", "kube-proxy", workloads, (self.binary(kubernetes, "kube-proxy"),)
            ),
            "etcd": Image("etcd:v3.7.0", "program", None, (self.binary(programs.ETCD, "etcd"),)),
            "coredns": Image("coredns:v1.14.6", "coredns", None, (self.binary(programs.COREDNS, "coredns"),)),
            "pause": Image("pause:1", "pause", None, (self.binary(programs.PAUSE, "pause"),)),
            "nginx_old": Image("nginx:1.22", "nginx", workloads, packages=("nginx",)),
            "nginx_new": Image("nginx:1.26", "nginx", trixie, packages=("nginx",)),
            "nfs_server": Image("nfs-server:4.3", "nfs-server", workloads, packages=("nfs-ganesha",)),
            "nfs_provisioner": Image(
                "nfs-subdir-external-provisioner:v13",
                "provisioner",
                None,
                (self.binary(programs.PROVISIONER, "nfs-subdir-external-provisioner"),),
            ),
        }

    def node(self) -> Image:
        """The kind node before images are put into it."""
        root = packages.bootstrap(self.store, packages.NODE).path
        binaries = tuple(self.binary(self.kubernetes, name) for name in ("kubelet", "kubeadm", "kubectl"))
        return Image(
            f"node:{self.version}",
            "node",
            root,
            binaries,
            (("version", f"{self.version}\n"),),
            ("containerd", "runc", "systemd"),
        )

    @property
    def node_reference(self) -> str:
        """The name of the node image with all images inside."""
        return images.node_reference(self.node(), self.contents())

    def images(self) -> list[Step]:
        """The steps that need the engine; the node comes last."""
        docker = Docker(self.docker, self.engine.host)

        def wanted() -> list[str]:
            kubeadm = self.binary(self.kubernetes, "kubeadm")
            listed = subprocess.run(
                [kubeadm, "config", "images", "list", "--kubernetes-version", self.version],
                check=True,
                capture_output=True,
                text=True,
            )
            return listed.stdout.split()

        contents = self.contents()
        return [
            *(images.image_step(docker, self.store, image, 2, 60) for image in contents.values()),
            images.node_step(docker, self.store, self.node(), contents, wanted),
        ]

    def description(self, running: Running, reused: bool) -> dict[str, Any]:
        """What the user of the engine is told, as one JSON line."""
        contents = self.contents()
        versions = {name: image.name.partition(":")[2] for name, image in contents.items()}
        return {
            "docker_host": self.engine.host,
            "programs": {
                "kind": str(self.binary(programs.KIND, "kind")),
                "kubectl": str(self.binary(self.kubernetes, "kubectl")),
                "docker": str(self.docker),
            },
            "kubernetes": self.version,
            "node_image": self.node_reference,
            "api_server_address": running.address,
            "kind_config": KIND_CONFIG,
            "nfs_mount_options": list(MOUNT_OPTIONS),
            "images": {name: image.reference for name, image in contents.items()},
            "image_versions": versions | images.package_versions(self.store, contents),
            "stand_ins": self.stand_ins(),
            "gosum": {program.folder: f"sha256:{program.gosum}" for program in self.built},
            "reused": reused,
        }

    def stand_ins(self) -> list[str]:
        """What is not the part a user would meet, one sentence each."""
        userspace = [] if kernel_has_nfs() else ["userspace NFSv3 client in the node (the kernel has no NFS client)"]
        return [
            f"Kubernetes {self.version} built from Go modules (go.sum sha256:{self.kubernetes.gosum})",
            f"etcd v3.7.0 built from Go modules (go.sum sha256:{programs.ETCD.gosum})",
            f"CoreDNS v1.14.6 built from Go modules (go.sum sha256:{programs.COREDNS.gosum})",
            "kind node image built here on Debian bookworm (containerd 1.6, static CNI file instead of kindnetd)",
            "pause built here",
            "NFS provisioner built here on sig-storage-lib-external-provisioner v13",
            "NFS server: nfs-ganesha 4.3 of Debian bookworm",
            "nginx 1.22 of Debian bookworm and nginx 1.26 of Debian trixie instead of the documented images",
            *userspace,
        ]
