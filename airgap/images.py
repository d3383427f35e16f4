"""Images, built inside the engine: control plane, workloads, storage, and the kind node that carries them all."""

import contextlib
import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from cache import Cache, Step, key, remove
from client import Docker
from engine import until
from progress import Failure

SOURCES = Path(__file__).parent / "images"
CONTAINERD = 30.0
"""Seconds containerd may take to answer while a node image is filled."""


@dataclass(frozen=True)
class Image:
    """One image: a Dockerfile folder, the root file system it stands on, and the programs put into it."""

    name: str
    """Its name with a version, such as ``nginx:1.22``."""
    folder: str
    root: Path | None = None
    """Tar file of the root file system, an artefact of the cache."""
    binaries: tuple[Path, ...] = ()
    """Programs of the cache, copied under ``bin/`` of the build context."""
    files: tuple[tuple[str, str], ...] = ()
    """Further small files of the context: name, content."""
    packages: tuple[str, ...] = ()
    """Debian packages whose version the report names."""
    folders: tuple[tuple[str, Path], ...] = ()
    """Further folders of the context: name, artefact of the cache."""

    @property
    def key(self) -> str:
        """Hash of everything the image is made from; artefacts of the cache stand for themselves by name."""
        parts = [str(path.relative_to(path.parents[2])) for path in self.binaries]
        parts += [path.name for _, path in self.folders]
        return key(SOURCES / self.folder, self.root.name if self.root else "", *parts, json.dumps(self.files))

    @property
    def reference(self) -> str:
        """What pods and kind call it."""
        return f"stsconf/{self.name}-{self.key[:8]}"


@contextlib.contextmanager
def context(store: Cache, image: Image) -> Iterator[Path]:
    """A folder with everything the Dockerfile copies; programs are hard links into the cache."""
    folder = store.scratch / "context"
    remove(folder)
    (folder / "bin").mkdir(parents=True)
    for source in filter(Path.is_file, (SOURCES / image.folder).iterdir()):
        copy = folder / source.name
        copy.write_bytes(source.read_bytes())
        copy.chmod(source.stat().st_mode)
    for binary in image.binaries:
        os.link(binary, folder / "bin" / binary.name)
    for name, content in image.files:
        (folder / name).write_text(content)
    for name, source in image.folders:
        shutil.copytree(source, folder / name, copy_function=os.link)
    yield folder
    remove(folder)


def build(docker: Docker, store: Cache, image: Image, reference: str) -> dict[str, str]:
    """Build one image under *reference*; returns the versions of its packages."""
    argv: list[str | Path] = ["build", "--network", "none", "--tag", reference]
    if image.root is not None:
        base = f"stsconf/root:{image.root.name}"
        if base not in docker.images():
            docker.run("import", image.root, base)
        argv += ["--build-arg", f"ROOT={base}"]
    with context(store, image) as folder:
        docker.run(*argv, folder)
    if not image.packages:
        return {}
    asked = docker.run(
        "run",
        "--rm",
        "--network",
        "none",
        "--entrypoint",
        "dpkg-query",
        reference,
        "--show",
        "--showformat",
        "${Package} ${Version}\n",
        *image.packages,
    )
    return dict(line.split() for line in asked.splitlines())


def image_step(docker: Docker, store: Cache, image: Image, seconds: int, megabytes: int) -> Step:
    """The step that builds an image; its artefact notes the package versions, the image itself is in the engine."""

    def make(draft: Path) -> None:
        draft.write_text(json.dumps(build(docker, store, image, image.reference)))

    note = store.artefact("images", image.name.replace(":", "-"), image.key)
    return Step(f"image {image.name}", note, seconds, megabytes, make)


def node_step(
    docker: Docker, store: Cache, node: Image, contents: Mapping[str, Image], wanted: Callable[[], list[str]]
) -> Step:
    """The step that builds the node image with *contents* inside, the control plane as kubeadm names it (*wanted*)."""

    def make(draft: Path) -> None:
        bare = f"stsconf/node-bare:{node.key[:8]}"
        versions = build(docker, store, node, bare)
        references = [image.reference for image in contents.values()]
        for name in wanted():
            program = name.rpartition("/")[2].partition(":")[0]
            docker.run("tag", contents[program].reference, name)
            references.append(name)
        fill(docker, bare, references, node_reference(node, contents))
        draft.write_text(json.dumps(versions))

    note = store.artefact("images", "node", key(node.key, *(image.reference for image in contents.values())))
    return Step(f"kind node image {node.name} with {len(contents)} images inside", note, 50, 1500, make)


def node_reference(node: Image, contents: Mapping[str, Image]) -> str:
    """The name of the filled node image."""
    return f"stsconf/{node.name}-{key(node.key, *(image.reference for image in contents.values()))[:8]}"


def fill(docker: Docker, bare: str, references: list[str], result: str) -> None:
    """Put images into the containerd store of a node image, not unpacked, as kind does, and commit it as *result*."""
    container = docker.run(
        "run", "--detach", "--privileged", "--network", "none", "--entrypoint", "/bin/sleep", bare, "infinity"
    )
    try:
        docker.run("exec", "--detach", container, "containerd")
        if not until(lambda: _succeeds(docker, "exec", container, "ctr", "version"), CONTAINERD):
            raise Failure(
                "containerd does not start in the node image. Run the same command again to see whether it stays so."
            )
        with (
            docker.popen("save", *references, stderr=subprocess.DEVNULL) as save,
            docker.popen(
                "exec",
                "--interactive",
                container,
                "ctr",
                "--namespace",
                "k8s.io",
                "images",
                "import",
                "--no-unpack",
                "--all-platforms",
                "-",
                stdin=save.stdout.fileno() if save.stdout else None,
            ) as load,
        ):
            said, _ = load.communicate()
        if save.returncode or load.returncode:
            raise Failure(f"Images could not be put into the node image: {said[-800:]}\nRun the same command again.")
        docker.run("exec", container, "sh", "-c", (SOURCES / "node" / "seal.sh").read_text())
        docker.run("commit", "--change", 'ENTRYPOINT ["/usr/local/bin/entrypoint", "/sbin/init"]', container, result)
    finally:
        docker.run("rm", "--force", "--volumes", container)


def _succeeds(docker: Docker, *argv: str) -> bool:
    with docker.popen(*argv, stdout=subprocess.DEVNULL) as process:
        return process.wait() == 0


def package_versions(store: Cache, contents: Mapping[str, Image]) -> dict[str, str]:
    """The exact Debian version of the first package of each image that names one, by the part it plays."""
    notes = {
        name: store.artefact("images", image.name.replace(":", "-"), image.key)
        for name, image in contents.items()
        if image.packages
    }
    found = {name: json.loads(note.read_text()) for name, note in notes.items() if note.exists()}
    return {
        name: f"{contents[name].packages[0]} {versions[contents[name].packages[0]]} (Debian)"
        for name, versions in found.items()
    }
