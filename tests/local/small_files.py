"""A pytest plugin, ``-p tests.local.small_files``: once the cluster is up, no file may grow beyond 200 KB.

Set any earlier, the limit would reach the cluster's own processes too, whose database needs more.
"""

import resource
from pathlib import Path
from typing import Any

from stsconf.run import run

ROOM = 200 << 10
_record = run.record


def _limited(*given: Any, **named: Any) -> Path:
    resource.setrlimit(resource.RLIMIT_FSIZE, (ROOM, ROOM))
    return _record(*given, **named)


def pytest_configure() -> None:
    run.record = _limited
