"""A pytest plugin that gives the suite a saved recording where a cluster would act: ``-p tests.replay``.

Only the cluster is replaced: fixtures, items, judging and reports are the suite's own. ``REPLAY_RECORDING`` names the
recording, ``REPLAY_LOG`` a file that receives what was made and removed, one line each. ``REPLAY_ACT`` is what goes
wrong: acting ``hangs`` or ``breaks``, or the report is ``unwritable`` by a fault of its own.
"""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kubernetes.client import ApiClient

from stsconf.clusters import Cluster, Provider
from stsconf.kube.api import Api
from stsconf.report import junit
from stsconf.run import provider as chosen
from stsconf.run import run


def _note(line: str) -> None:
    with Path(os.environ["REPLAY_LOG"]).open("a", encoding="utf-8") as log:
        log.write(f"{line}\n")


@contextmanager
def _provide(*_: object) -> Iterator[Cluster]:
    try:
        _note("cluster made")
        yield Cluster(
            provider=Provider.KIND,
            name="replayed",
            kubeconfig=None,
            context=None,
            api=Api(ApiClient()),
            ours=True,
            storage_class="managed-nfs-storage",
            images={},
            version="v1.37.2",
            uid="",
        )
    finally:
        _note("cluster removed")


def _record(*_: object) -> Path:
    try:
        _note("scenarios begun")
        if os.environ.get("REPLAY_ACT") == "hangs":
            threading.Event().wait()
        if os.environ.get("REPLAY_ACT") == "breaks":
            raise RuntimeError("a fault of the suite")
    finally:
        _note("scenarios ended")
    return Path(os.environ["REPLAY_RECORDING"])


def _unwritable(*_: object) -> None:
    raise RuntimeError("a fault of the report")


chosen.provide, run.record = _provide, _record
if os.environ.get("REPLAY_ACT") == "unwritable":
    junit.write = _unwritable
