"""The few verbs of the Docker client that are used here."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from progress import Failure, die_with_parent

REMOVE = 60.0
"""Seconds the engine may take to remove all containers."""


@dataclass(frozen=True)
class Docker:
    """A client program and the engine it talks to."""

    client: Path
    host: str

    def popen(
        self,
        *argv: str | Path,
        stdin: int | None = subprocess.DEVNULL,
        stdout: int | None = subprocess.PIPE,
        stderr: int | None = subprocess.STDOUT,
    ) -> subprocess.Popen[str]:
        """Start a command; it dies with this process."""
        env = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "DOCKER_HOST": self.host, "DOCKER_BUILDKIT": "0"}
        return subprocess.Popen(
            [self.client, *argv],
            env=env,
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            text=True,
            errors="replace",
            preexec_fn=die_with_parent,
        )

    def run(self, *argv: str | Path, seconds: float | None = None) -> str:
        """Run a command; returns what it printed, raises Failure with its end when it fails or takes over *seconds*."""
        with self.popen(*argv) as process:
            try:
                output, _ = process.communicate(timeout=seconds)
            except subprocess.TimeoutExpired:
                process.kill()
                raise Failure(
                    f"docker {argv[0]} did not end within {seconds:.0f} s. See `python3 airgap status`."
                ) from None
            except BaseException:
                process.kill()
                raise
        if process.returncode:
            raise Failure(
                f"docker {argv[0]} failed:\n  " + "\n  ".join(output.splitlines()[-10:]) + "\n"
                "Correct the cause and run the same command again: it goes on where it stopped."
            )
        return output.strip()

    def images(self) -> set[str]:
        """References of all images the engine has."""
        return set(self.run("images", "--format", "{{.Repository}}:{{.Tag}}").split())

    def remove_containers(self) -> None:
        """Remove every container with its volumes."""
        if containers := self.run("ps", "--all", "--quiet", "--no-trunc", seconds=REMOVE).split():
            self.run("rm", "--force", "--volumes", *containers, seconds=REMOVE)
