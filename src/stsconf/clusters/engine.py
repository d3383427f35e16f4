"""The container engine behind provider ``kind``: the machine's own, or the air-gapped one of a checkout."""

import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, TextIO

from stsconf import suite_files
from stsconf.errors import PreflightRefused
from stsconf.waits import Say


class EngineChoice(StrEnum):
    """Which engine to use."""

    AUTO = "auto"
    DOCKER = "docker"
    AIRGAP = "airgap"


@dataclass(frozen=True, slots=True)
class Engine:
    """An engine that answers, and the programs that go with it."""

    kind: Path
    kubectl: Path
    environment: Mapping[str, str]
    node_image: str
    images: Mapping[str, str]
    kind_config: Mapping[str, Any]
    nfs_server: str
    mount_options: tuple[str, ...]
    stand_ins: tuple[str, ...] = ()
    api_server_address: str | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)

    def stay(self) -> tuple[str, ...]:
        """Let an air-gapped engine outlive its last user; a sentence about it, where there is one to end."""
        command = airgap_command()
        if self.api_server_address is None or command is None:
            return ()
        subprocess.run([*command, "up", "--detach"], capture_output=True, check=True)
        return ("its air-gapped engine; when the cluster is removed, end it with `python3 airgap down`",)


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
                "Start Docker or install what is missing, or test a cluster you have with --sts-cluster=existing.",
            )
        return choice
    command = airgap_command()
    if command is None:
        raise PreflightRefused(
            "No Docker engine answers, and the air-gapped one is only part of a source checkout.",
            "Start Docker, run from a checkout, or test a cluster you have with --sts-cluster=existing.",
        )
    check = subprocess.run([*command, "check"], capture_output=True, text=True, check=False)
    if check.returncode != 0:
        raise PreflightRefused(
            "No Docker engine answers, and the air-gapped one cannot be built here. "
            + " ".join((check.stdout + check.stderr).split()),
            "Or test a cluster you have with --sts-cluster=existing.",
        )
    return choice


def airgap_plan() -> str | None:
    """What a cold air-gapped build would do, how long and how much disk; ``None`` when everything is built."""
    command = airgap_command()
    if command is None:
        return None
    plan = subprocess.run([*command, "plan"], capture_output=True, text=True, check=False)
    return plan.stdout.strip() if plan.returncode == 0 and plan.stdout.strip() else None


@contextmanager
def engine(choice: EngineChoice, say: Say) -> Iterator[Engine]:
    """Yield an engine that answers; an air-gapped one that was started here ends with the block."""
    if resolve(choice) is EngineChoice.DOCKER:
        yield _docker()
    else:
        with _airgap(say) as found:
            yield found


def _docker() -> Engine:
    public = suite_files.public_images()
    return Engine(
        kind=Path(shutil.which("kind") or "kind"),
        kubectl=Path(shutil.which("kubectl") or "kubectl"),
        environment={},
        node_image=public["node"],
        images=public,
        kind_config={},
        nfs_server="kernel",
        mount_options=("nfsvers=4.1", "hard"),
    )


@contextmanager
def _airgap(say: Say) -> Iterator[Engine]:
    command = airgap_command()
    assert command is not None  # noqa: S101 - resolve() has refused otherwise
    say("engine: starting the air-gapped engine")
    process = subprocess.Popen(
        [*command, "up", "--until-stdin-closes"],
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
            raise PreflightRefused(
                f"The air-gapped engine did not start: {' '.join(tail[-3:])}",
                "Run `python3 airgap up` to see all it says; `python3 airgap check` names what is missing.",
            )
        yield _from_json(json.loads(line))
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


def _from_json(found: dict[str, Any]) -> Engine:
    docker = Path(found["programs"]["docker"])
    return Engine(
        kind=Path(found["programs"]["kind"]),
        kubectl=Path(found["programs"]["kubectl"]),
        environment={
            "DOCKER_HOST": found["docker_host"],
            "PATH": f"{docker.parent}{os.pathsep}{os.environ.get('PATH', '')}",
        },
        node_image=found["node_image"],
        images=found["images"],
        kind_config=found["kind_config"],
        nfs_server="ganesha",
        mount_options=tuple(found["nfs_mount_options"]),
        stand_ins=tuple(found["stand_ins"]),
        api_server_address=found["api_server_address"],
        facts={key: found[key] for key in ("kubernetes", "image_versions", "gosum") if key in found},
    )
