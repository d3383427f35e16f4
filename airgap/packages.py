"""Debian packages: root file systems and single programs, signature-checked by apt and unpacked into the cache.

Nothing is installed on the host. The mirror and its proxy are those the machine's own apt configuration names; other
suites are taken from the same mirror, checked by the keyring of the package debian-archive-keyring.
"""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from cache import Cache, Step, key
from progress import Failure, contained

KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
DEBIAN = {"bookworm", "trixie", "forky", "sid", "stable", "oldstable", "testing", "unstable"}
"""Releases by which Debian's own archive is told from others in the machine's sources."""
SETTINGS = ("Acquire::http", "Acquire::https", "Acquire::ftp", "Acquire::Check-", "Acquire::Retries", "Acquire::Max-")
"""Settings taken over from the machine: proxies, clocks, retries; never one that loosens signature checks."""
LEAN = ("/usr/share/doc/*", "/usr/share/man/*", "/usr/share/locale/*", "/usr/share/info/*", "/usr/share/lintian/*")


@dataclass(frozen=True)
class Root:
    """A root file system: what is bootstrapped, as a folder to enter or as one tar file for an image."""

    name: str
    suite: str
    packages: tuple[str, ...]
    seconds: int
    megabytes: int
    folder: bool = False


ENGINE = Root("engine", "trixie", ("docker.io", "iptables", "iproute2", "procps", "kmod", "tini"), 45, 320, folder=True)
NODE = Root(
    "node",
    "bookworm",
    (
        "systemd",
        "dbus",
        "containerd",
        "runc",
        "containernetworking-plugins",
        "conntrack",
        "iptables",
        "nftables",
        "ipset",
        "ethtool",
        "iproute2",
        "kmod",
        "procps",
        "mount",
        "nfs-common",
        "python3",
        "jq",
        "curl",
    ),
    80,
    350,
)
WORKLOADS = Root(
    "workloads",
    "bookworm",
    (
        "nginx-light",
        "nfs-ganesha",
        "nfs-ganesha-vfs",
        "rpcbind",
        "libnfs-utils",  # nginx 1.22, NFS server, its readiness check
        "iptables",
        "nftables",
        "conntrack",
        "ipset",
        "kmod",  # kube-proxy
    ),
    70,
    180,
)
"""One root for all bookworm images: one bootstrap, and one layer that a node unpacks once."""
NGINX_NEW = Root("nginx-new", "trixie", ("nginx-light",), 30, 90)
SUITE = Root("suite", "trixie", ("python3", "python3-venv"), 40, 130)
"""What the suite's own image stands on."""


def mirror() -> tuple[str, str | None]:
    """The machine's Debian mirror and, where configured, its security mirror. Raises Failure when apt has none."""
    listing = subprocess.run(
        [
            "apt-get",
            "indextargets",
            "--no-release-info",
            "--format",
            "$(REPO_URI) $(RELEASE) $(COMPONENT)",
            "Identifier: Packages",
        ],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    main = security = None
    for uri, release, component in map(str.split, listing.splitlines()):
        if component == "main" and release in DEBIAN:
            main = main or uri
        if component == "main" and release.removesuffix("-security") in DEBIAN and release.endswith("-security"):
            security = security or uri
    if main is None:
        raise Failure(
            "apt on this machine knows no Debian archive. Add a line such as "
            "'deb http://MIRROR/debian bookworm main' to /etc/apt/sources.list and run again.",
            11,
        )
    return main, security


def sources(suite: str) -> str:
    """A sources.list of one suite with its updates, on the machine's mirror."""
    main, security = mirror()
    lines = [f"deb [signed-by={KEYRING}] {main} {suite} main", f"deb [signed-by={KEYRING}] {main} {suite}-updates main"]
    if security:
        lines.append(f"deb [signed-by={KEYRING}] {security} {suite}-security main")
    return "\n".join(lines) + "\n"


def machine_settings() -> str:
    """The machine's apt settings for reaching its mirror, as lines of an apt.conf."""
    dump = subprocess.run(["apt-config", "dump"], capture_output=True, text=True, check=True).stdout
    return "".join(f"{line}\n" for line in dump.splitlines() if line.startswith(SETTINGS))


def fetch(store: Cache, work: Path, suite: str, package: str) -> Path:
    """Download one package through an apt configuration of its own and unpack it; returns the folder with its files."""
    work.mkdir()
    (work / "sources.list").write_text(sources(suite))
    for folder in ("lists/partial", "archives/partial", "none", "unpacked"):
        (work / folder).mkdir(parents=True)
    (work / "status").touch()
    (work / "apt.conf").write_text(
        f'Dir::Etc::sourcelist "{work}/sources.list";\nDir::Etc::sourceparts "{work}/none";\n'
        f'Dir::Etc::parts "{work}/none";\nDir::Etc::preferencesparts "{work}/none";\n'
        f'Dir::State::lists "{work}/lists";\nDir::State::status "{work}/status";\n'
        f'Dir::Cache "{work}";\nDir::Log "{work}";\nAPT::Sandbox::User "root";\n' + machine_settings()
    )
    log, env = store.root / "logs" / f"apt-{package}.log", {"APT_CONFIG": str(work / "apt.conf")}
    contained(["apt-get", "update", "--error-on=any"], log=log, env=env)
    contained(["apt-get", "download", package], log=log, env=env, cwd=work)
    contained(["dpkg-deb", "--extract", next(work.glob("*.deb")), work / "unpacked"], log=log)
    return work / "unpacked"


def docker_client(store: Cache) -> Step:
    """The step that puts bookworm's Docker client into the cache, linked against a libc as old as the host's."""

    def make(draft: Path) -> None:
        unpacked = fetch(store, draft.with_suffix(".apt"), "bookworm", "docker.io")
        draft.mkdir()
        shutil.copy2(unpacked / "usr/bin/docker", draft / "docker")

    return Step(
        "Docker client of Debian bookworm",
        store.artefact("programs", "docker", key("bookworm docker.io")),
        15,
        60,
        make,
    )


def bootstrapper(store: Cache) -> Step:
    """The step that puts Debian's mmdebstrap into the cache."""

    def make(draft: Path) -> None:
        fetch(store, draft.with_suffix(".apt"), "bookworm", "mmdebstrap").rename(draft)

    return Step(
        "mmdebstrap of Debian bookworm",
        store.artefact("programs", "mmdebstrap", key("bookworm mmdebstrap")),
        10,
        1,
        make,
    )


def bootstrap(store: Cache, root: Root) -> Step:
    """The step that makes a root file system with mmdebstrap, over the host's network, the host left alone."""
    tool = bootstrapper(store).path
    recipe = [
        "--mode=root",
        "--variant=minbase",
        f"--include={','.join(root.packages)}",
        *(f"--dpkgopt=path-exclude={pattern}" for pattern in LEAN),
    ]

    def make(draft: Path) -> None:
        settings = draft.with_suffix(".conf")
        settings.write_text(machine_settings())
        listing = draft.with_suffix(".list")
        listing.write_text(sources(root.suite))
        forget = 'rm -f "$1/etc/apt/apt.conf.d/99mmdebstrap" "$1/etc/resolv.conf" "$1/etc/hostname"'
        contained(
            [
                "env",
                f"PATH={tool}/usr/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                "TMPDIR=" + str(draft.parent),
                "mmdebstrap",
                *recipe,
                f"--aptopt={settings}",
                f"--customize-hook={forget}",
                f"--format={'directory' if root.folder else 'tar'}",
                root.suite,
                draft,
                listing,
            ],
            log=store.root / "logs" / f"root-{root.name}.log",
        )

    path = store.artefact("roots", root.name, key(root.suite, *recipe))
    return Step(f"root file system '{root.name}' from Debian {root.suite}", path, root.seconds, root.megabytes, make)
