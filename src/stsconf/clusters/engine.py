"""The container engine behind provider ``kind``: the machine's own, or the air-gapped one of a checkout."""

import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any, TextIO

from stsconf import suite_files
from stsconf.errors import ClusterError, ExitCode, PreflightRefused, UsageError
from stsconf.options import spelled
from stsconf.waits import Say

CALL = 60.0
"""Seconds for one command on a node."""
PULL = 600.0
"""Seconds for the pull of a node image."""


class EngineChoice(StrEnum):
    """Which engine to use."""

    AUTO = "auto"
    DOCKER = "docker"
    AIRGAP = "airgap"


@dataclass(frozen=True, slots=True)
class Engine:
    """An engine that answers, and the programs that go with it.

    ``node_image`` is that of the version asked for; ``node_image_of`` gets another version's, built or pulled where it
    is not there. It raises ``UsageError`` for a version that cannot be had.
    """

    kind: Path
    kubectl: Path
    environment: Mapping[str, str]
    node_image: str
    node_image_of: Callable[[str], str]
    images: Mapping[str, str]
    kind_config: Mapping[str, Any]
    nfs_server: str
    mount_options: tuple[str, ...]
    stand_ins: tuple[str, ...] = ()
    api_server_address: str | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)

    def stay(self) -> tuple[str, ...]:
        """Let an air-gapped engine outlive its last user; a sentence about it, where there is one to end."""
        if self.api_server_address is None:
            return ()
        airgap_call(lambda _: None, *_version(self.facts.get("kubernetes")), "up", "--detach")
        return ("its air-gapped engine; when the cluster is removed, end it with `python3 airgap down`",)

    def docker(self, stage: str, *arguments: str, given: str | None = None, seconds: float = CALL) -> str:
        """What a command of Docker's client prints; ``given`` is its standard input.

        Raises ``ClusterError`` of the stage, with the end of what it said, also when it takes longer.
        """
        try:
            done = subprocess.run(
                ["docker", *arguments],
                **({"stdin": subprocess.DEVNULL} if given is None else {"input": given}),
                env={**os.environ, **self.environment},
                capture_output=True,
                text=True,
                timeout=seconds,
                check=True,
            )
        except (OSError, subprocess.SubprocessError) as error:
            said = " ".join(str(getattr(error, "stderr", None) or error).split())
            raise ClusterError(stage, f"`docker {' '.join(arguments)}` failed: {said[-600:]}") from None
        return done.stdout


def airgap_command() -> list[str] | None:
    """How to call the air-gapped engine of this checkout; ``None`` outside of one."""
    checkout = suite_files.checkout()
    return [sys.executable, str(checkout / "airgap")] if checkout else None


def docker_answers() -> bool:
    """Whether a Docker engine answers."""
    docker = shutil.which("docker")
    if docker is None:
        return False
    try:
        return subprocess.run([docker, "info"], capture_output=True, timeout=10, check=False).returncode == 0
    except subprocess.TimeoutExpired:
        return False


def resolve(choice: EngineChoice) -> EngineChoice:
    """Turn ``auto`` into the engine that will be used.

    Raises ``PreflightRefused`` with everything that is missing when there is none.
    """
    if choice is EngineChoice.AUTO:
        choice = EngineChoice.DOCKER if docker_answers() else EngineChoice.AIRGAP
    if choice is EngineChoice.DOCKER:
        missing = [name for name in ("docker", "kind", "kubectl") if shutil.which(name) is None]
        if missing or not docker_answers():
            raise PreflightRefused(
                "Provider kind needs a Docker engine that answers, kind and kubectl; "
                f"{', '.join(missing) or 'docker info'} failed.",
                f"Start Docker, install what is missing, or use {spelled('cluster', 'existing')} for one you have.",
            )
        return choice
    command = airgap_command()
    if command is None:
        raise PreflightRefused(
            "No Docker engine answers, and the air-gapped one is only part of a source checkout.",
            f"Start Docker, run from a checkout, or test a cluster you have with {spelled('cluster', 'existing')}.",
        )
    check = subprocess.run([*command, "check"], capture_output=True, text=True, check=False)
    if check.returncode != 0:
        raise PreflightRefused(
            "No Docker engine answers, and the air-gapped one cannot be built here. "
            + " ".join((check.stdout + check.stderr).split()),
            f"Or test a cluster you have with {spelled('cluster', 'existing')}.",
        )
    return choice


def agree_to_build(choice: EngineChoice, kubernetes: Iterable[str | None], *, asks: bool) -> None:
    """Say what a cold air-gapped build of these versions will do, how long and how much disk; on a terminal ask.

    What two versions share is counted for each. Raises ``UsageError`` for a no.
    """
    if resolve(choice) is not EngineChoice.AIRGAP or (command := airgap_command()) is None:
        return
    asked = [[*command, *_version(version), "plan"] for version in dict.fromkeys(kubernetes)]
    plans = [subprocess.run(plan, capture_output=True, text=True, check=False) for plan in asked]
    told = "\n".join(plan.stdout.strip() for plan in plans if plan.returncode == 0).strip()
    if not told:
        return
    print(told, file=sys.stderr)
    if asks and sys.stdin.isatty() and input("Continue? [y/N] ").strip().lower() not in ("y", "yes"):
        raise UsageError("Nothing was done.", f"Use {spelled('cluster', 'existing')} for a cluster you have.")


def airgap_call(say: Say, *arguments: str) -> str:
    """What a verb of the air-gapped engine of this checkout prints; what it says meanwhile is passed on.

    Raises ``UsageError`` for what it does not know, ``PreflightRefused`` when it fails.
    """
    command = airgap_command()
    if command is None:
        raise PreflightRefused("Only a source checkout can build programs and node images.")
    with subprocess.Popen(
        [*command, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as building:
        said: list[str] = []
        for line in building.stderr or ():
            said.append(line.strip())
            say(line.rstrip())
        answer = building.stdout.read() if building.stdout else ""
    if building.returncode == ExitCode.USAGE:
        raise UsageError(" ".join(said))
    if building.returncode != 0:
        raise PreflightRefused(f"What is needed cannot be built here. {' '.join(said[-3:])}")
    return answer


def _version(kubernetes: str | None) -> list[str]:
    return [f"--kubernetes={kubernetes}"] if kubernetes else []


@contextmanager
def engine(choice: EngineChoice, kubernetes: str | None, say: Say) -> Iterator[Engine]:
    """Yield an engine that answers; an air-gapped one that was started here ends with the block.

    ``kubernetes`` is the version of its node image, ``None`` the engine's own choice. Raises ``UsageError`` for one
    that cannot be had.
    """
    if resolve(choice) is EngineChoice.DOCKER:
        yield _docker(kubernetes, say)
    else:
        with _airgap(kubernetes, say) as found:
            yield found


def _docker(kubernetes: str | None, say: Say) -> Engine:
    public = suite_files.public_images()

    def published(version: str) -> str:
        if not re.fullmatch(r"v\d+\.\d+\.\d+", version):
            raise UsageError(f"Kubernetes {version} is not a version such as v1.36.3.")
        image = f"kindest/node:{version}"
        say(f"engine: pulling {image}")
        try:
            found.docker("pull", "pull", "--quiet", image, seconds=PULL)
        except ClusterError as error:
            raise UsageError(
                f"Kubernetes {version}: {error.what}.",
                "https://github.com/kubernetes-sigs/kind/releases lists the node images there are; "
                f"{spelled('image', 'node=REFERENCE')} takes any other.",
            ) from None
        return image

    found = Engine(
        kind=Path(shutil.which("kind") or "kind"),
        kubectl=Path(shutil.which("kubectl") or "kubectl"),
        environment={},
        node_image=public["node"],
        node_image_of=published,
        images=public,
        kind_config={},
        nfs_server="kernel",
        mount_options=("nfsvers=4.1", "hard"),
    )
    return replace(found, node_image=published(kubernetes)) if kubernetes else found


@contextmanager
def _airgap(kubernetes: str | None, say: Say) -> Iterator[Engine]:
    command = airgap_command()
    assert command is not None  # noqa: S101 - resolve() has refused otherwise
    say("engine: starting the air-gapped engine")
    process = subprocess.Popen(
        [*command, *_version(kubernetes), "up", "--until-stdin-closes"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    stdin, stdout, stderr = process.stdin, process.stdout, process.stderr
    assert stdin is not None  # noqa: S101 - all three were asked for
    assert stdout is not None  # noqa: S101
    assert stderr is not None  # noqa: S101
    tail: list[str] = []
    forward = threading.Thread(target=_forward, args=(stderr, say, tail), daemon=True)
    forward.start()
    try:
        line = stdout.readline()
        if not line.strip():
            process.wait()
            forward.join()
            if process.returncode == ExitCode.USAGE:
                raise UsageError(f"Kubernetes {kubernetes}: {' '.join(tail)}")
            raise PreflightRefused(
                f"The air-gapped engine did not start: {' '.join(tail[-3:])}",
                "Run `python3 airgap up` to see all it says; `python3 airgap check` names what is missing.",
            )
        yield _from_json(json.loads(line), say)
    finally:
        stdin.close()
        process.terminate()
        process.wait()
        forward.join()
        stdout.close()
        stderr.close()


def _forward(stream: TextIO, say: Say, tail: list[str]) -> None:
    for line in stream:
        tail.append(line.strip())
        say(f"engine: {line.rstrip()}")


def _from_json(found: dict[str, Any], say: Say) -> Engine:
    docker = Path(found["programs"]["docker"])

    def built(version: str) -> str:
        airgap_call(lambda line: say(f"engine: {line}"), *_version(version), "build")
        status = json.loads(airgap_call(say, *_version(version), "status"))
        return str(status["engine"]["node_image"])

    return Engine(
        kind=Path(found["programs"]["kind"]),
        kubectl=Path(found["programs"]["kubectl"]),
        environment={
            "DOCKER_HOST": found["docker_host"],
            "PATH": f"{docker.parent}{os.pathsep}{os.environ.get('PATH', '')}",
        },
        node_image=found["node_image"],
        node_image_of=built,
        images=found["images"],
        kind_config=found["kind_config"],
        nfs_server="ganesha",
        mount_options=tuple(found["nfs_mount_options"]),
        stand_ins=tuple(found["stand_ins"]),
        api_server_address=found["api_server_address"],
        facts={key: found[key] for key in ("kubernetes", "image_versions", "gosum") if key in found},
    )
