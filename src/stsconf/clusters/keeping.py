"""What stays of a run for a look, and the commands to look at it and to remove it."""

import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from stsconf.clusters import Cluster
from stsconf.waits import Say


class Keep(StrEnum):
    """When a run leaves what it made."""

    NEVER = "never"
    ON_FAILURE = "on-failure"
    """When its exit code is not 0."""
    ALWAYS = "always"


@dataclass(frozen=True, slots=True)
class KeepPolicy:
    """What is asked at the end of a run: whether that which it made stays. ``failed`` tells whether the run did."""

    keep: Keep = Keep.NEVER
    failed: Callable[[], bool] = lambda: True
    run: str = ""
    say: Say = print

    def applies(self) -> bool:
        """Whether it stays."""
        return self.keep is Keep.ALWAYS or (self.keep is Keep.ON_FAILURE and self.failed())

    def holds(self, cluster: Cluster) -> bool:
        """Whether a cluster that the run made stays; if so, say and note how to look at it and how to remove it."""
        if stays := self.applies():
            look = [*kubectl(cluster.kubeconfig, cluster.context, program=cluster.kubectl), "get", "pods", "-A"]
            what = f"{cluster.provider.value} cluster {cluster.name}"
            cluster.remains.append(kept(what, look, ["stsconf", "clean", f"--run={self.run}", "--yes"]))
            self.say(f"keeping: {cluster.remains[-1]}")
        return stays


KEEP_NOTHING = KeepPolicy()


def kubectl(
    kubeconfig: Path | None, context: str | None, impersonate: str | None = None, program: str = "kubectl"
) -> list[str]:
    """The words with which kubectl reaches a cluster as a run does."""
    given = {"kubeconfig": kubeconfig, "context": context, "as": impersonate}
    return [program, *(f"--{name}={value}" for name, value in given.items() if value)]


def kept(what: str, look: Sequence[str], remove: Sequence[str]) -> str:
    """The sentence about something that stays, with the command to look at it and the one to remove it."""
    return f"{what}, kept for debugging: `{shlex.join(look)}`; to remove it: `{shlex.join(remove)}`"
