"""What was asked for, from when to when: versions of a set's spec, and what follows from their order."""

from dataclasses import dataclass

from stsconf.timeline import facts
from stsconf.timeline.events import END, Event


@dataclass(frozen=True, slots=True)
class Epoch:
    """One version of the set's spec: in force from ``began`` until ``until_rv``, as far as was seen."""

    began: Event[facts.StatefulSet]
    until_rv: int

    @property
    def spec(self) -> facts.StatefulSet:
        """The set as it was asked for."""
        return self.began.fact

    @property
    def is_last(self) -> bool:
        """Whether nothing else was asked for until the window ended."""
        return self.until_rv >= END


@dataclass(frozen=True, slots=True)
class Rollout:
    """A change of the pod template. ``target`` is the name of the revision that stores it, as far as one was seen.

    ``returns``: the revision was there before, so this is a rollback.
    """

    before: facts.StatefulSet
    epoch: Epoch
    target: str | None
    returns: bool


@dataclass(frozen=True, slots=True)
class UpdateStop:
    """A pod that the set still wants, asked to stop by its controller, and the spec and revision that explain it."""

    stop: Event[facts.Pod]
    epoch: Epoch
    target: str | None

    @property
    def explained(self) -> bool:
        """Whether the pod is of another revision, and is not kept back by the partition or by OnDelete."""
        pod, spec = self.stop.fact, self.epoch.spec
        return pod.revision != self.target and pod.ordinal not in spec.held_by_partition and spec.strategy != "OnDelete"
