"""What the marks of a scenario say: what it set out to do, where, and how it ended.

A run writes ``ScenarioPlan`` at the opening mark and ``ScenarioEnd`` at the closing one, each as the mark's ``plan``.
"""

import math
from dataclasses import dataclass

from msgspec import Struct

PASSIVE = "passive"
"""The scenario of a window in which users acted, and this suite did nothing but watch."""


class ScenarioPlan(Struct, frozen=True):
    """What a scenario sets out to do.

    ``markers``: it writes to volumes and reads again. ``hasty``: it does not wait between its acts. ``managers`` are
    field managers (metadata.managedFields) beside the run's own whose writes are the scenario's.
    """

    summary: str = ""
    markers: bool = False
    hasty: bool = False
    managers: tuple[str, ...] = ()


class ScenarioEnd(Struct, frozen=True, omit_defaults=True):
    """How a scenario ended. Nothing of it is there where the run did not get that far.

    ``settled``: whether it reached what it waited for; if not, ``waited_for`` says what that was, with the last state,
    and ``environment`` what outside the controller was in the way. ``published``: whether the Service came to answer
    with its pods, ``None`` where that was not waited for. ``failed`` is the error that ended it, ``not_carried_out``
    the act that did not take, refused or undone by somebody else, ``stopped`` what stopped it before its end: a
    sentence each. ``lacks`` says by name what it wanted to bring about and this cluster cannot, and why.
    """

    settled: bool | None = None
    published: bool | None = None
    waited_for: str = ""
    environment: str = ""
    failed: str = ""
    not_carried_out: str = ""
    stopped: str = ""
    lacks: dict[str, str] = {}


@dataclass(frozen=True, slots=True)
class Window:
    """What the harness did in one namespace with one set.

    ``closed`` is the line of the recording at which it ended, 0 where it did not, and ``ended`` the second of the
    recorder's clock.
    """

    scenario: str
    namespace: str
    set_name: str
    plan: ScenarioPlan = ScenarioPlan()  # noqa: RUF009 - frozen
    end: ScenarioEnd = ScenarioEnd()  # noqa: RUF009 - frozen
    closed: int = 0
    ended: float = math.inf

    @property
    def passive(self) -> bool:
        """Whether users acted in it, and this suite only watched."""
        return self.scenario == PASSIVE

    @property
    def settled(self) -> bool | None:
        """Whether it reached what it waited for; ``None`` where it did not end."""
        return self.end.settled

    @property
    def waited_for(self) -> str:
        """What it waited for last and did not reach, with the last state."""
        return self.end.waited_for

    @property
    def unfinished(self) -> str:
        """In words, that the scenario did not do all that it was to do; "" where it did, or was stopped."""
        if self.settled is not None or self.end.stopped:
            return ""
        if self.end.not_carried_out:
            return f"scenario {self.scenario} was not carried out: {self.end.not_carried_out}"
        why = f": {self.end.failed}" if self.end.failed else ""
        return f"scenario {self.scenario} was planned and did not end{why}"
