"""What a workload is acted on with: the server, the recorder, and what the run and its cluster give it."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass

from stsconf.act.objects import Edit, Kind, Names
from stsconf.kube.api import Api
from stsconf.record.recorder import Recorder
from stsconf.waits import Waits


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What one workload needs to be made, acted on and observed.

    ``images`` are by key: ``nginx_old``, ``nginx_new``. ``edit`` changes the StatefulSet manifest after the scenario
    did: test equipment. ``nfs_reader`` is namespace and name of a pod that serves the NFS export, where there is one.
    ``kubelet`` says whether pods run; without one they are hollow. ``lose`` gives a context in which the kubelet of the
    node of that name does not run, where nodes can be lost.
    """

    api: Api
    recorder: Recorder
    names: Names
    images: Mapping[str, str]
    storage_class: str
    waits: Waits
    edit: Edit | None = None
    nfs_reader: tuple[str, str] | None = None
    kubelet: bool = True
    kind: Kind = Kind.DOCUMENTED
    lose: Callable[[str], AbstractContextManager[None]] | None = None
