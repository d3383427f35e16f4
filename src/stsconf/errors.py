"""What can stop a run, in the order a run lives, and the exit code of each.

A run is refused before it acts (``UsageError``, ``PreflightRefused``) or fails while a cluster is made
(``ClusterError``). A promise that is broken is no error: it is a verdict.
"""

import errno
from enum import IntEnum


class ExitCode(IntEnum):
    """What ``stsconf`` and pytest end with; the first that applies in the order of ``PRECEDENCE`` wins."""

    HOLDS = 0
    VIOLATED = 1
    INTERRUPTED = 2
    HARNESS = 3
    USAGE = 4
    NOTHING_TO_JUDGE = 5
    INCONCLUSIVE = 10
    REFUSED = 11
    NOT_JUDGED = 12
    REGRESSION = 20


PRECEDENCE = (
    ExitCode.INTERRUPTED,
    ExitCode.HARNESS,
    ExitCode.USAGE,
    ExitCode.REFUSED,
    ExitCode.VIOLATED,
    ExitCode.REGRESSION,
    ExitCode.INCONCLUSIVE,
    ExitCode.NOT_JUDGED,
    ExitCode.NOTHING_TO_JUDGE,
    ExitCode.HOLDS,
)


FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""What the system says where no room is left: no fault of the path that somebody named."""


class StsconfError(Exception):
    """Something the user can act on. ``str()`` is one paragraph: what is wrong, then the next step."""

    exit_code = ExitCode.HARNESS

    def __init__(self, what: str, next_step: str = "") -> None:
        self.what = what
        self.next_step = next_step
        super().__init__(f"{what} {next_step}".strip())


class UsageError(StsconfError):
    """Options that contradict each other or name something that does not exist."""

    exit_code = ExitCode.USAGE


class PreflightRefused(StsconfError):
    """The machine or the cluster cannot carry the run; nothing was changed on it."""

    exit_code = ExitCode.REFUSED


class ClusterError(StsconfError):
    """A cluster we make did not become usable. ``stage`` names the part that failed."""

    def __init__(self, stage: str, what: str, next_step: str = "") -> None:
        self.stage = stage
        super().__init__(f"{stage}: {what}", next_step)


class StorageNotReady(ClusterError):
    """The storage probe failed. Stages, in order: class, provisioner, bind, mount, write."""

    exit_code = ExitCode.REFUSED


class NotCarriedOut(StsconfError):
    """An act of ours did not take: refused, undone by somebody else, or about an object that is not there."""


class TimelineFileError(StsconfError):
    """A recording cannot be read: not a timeline, or of a schema this version does not know."""


class NoSuchRecording(TimelineFileError):
    """The path of a recording is wrong: nothing can be opened, or made, there."""

    exit_code = ExitCode.USAGE


class ResultFileError(StsconfError):
    """A file that a run or a snapshot wrote is missing, cut short, inconsistent, or of another schema or version."""


class NoSuchResult(ResultFileError):
    """The path of such a file is wrong: nothing can be opened there."""

    exit_code = ExitCode.USAGE


class NotApplicable(Exception):
    """A promise found that this server lacks what it speaks about; ``str()`` says what."""


class UnknownFact(Exception):
    """A promise asked for a state that was not seen: it lies in a gap, or before the recording began."""
