"""The foreign client: an account of its own, a plan that a seed gives, and what became of each act."""

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from stsconf.clusters import Cluster
from stsconf.errors import StsconfError
from stsconf.kube.api import Api, ApiError
from tests.noise.acts import ACTS, Act, chance_of, look

NAME = "noise"
"""Of the account, of its rights, and of the field manager of its writes."""
POLL = 0.2
"""Seconds between two looks for something to act on."""
LONGEST = 5.0
"""Seconds that the only act of a run may come after there is something to act on."""


@dataclass(frozen=True, slots=True)
class Planned:
    """One act to come: seconds after the scenarios began, the scenarios to try in turn, and what decides the rest."""

    at: float
    scenarios: tuple[str, ...]
    chance: str


@dataclass(frozen=True, slots=True)
class Done:
    """One act as it went. ``answer`` is ``ok`` or the server's refusal."""

    at: float
    scenario: str
    what: str
    answer: str


def plan(kind: str, seed: int, scenarios: Sequence[str], count: int, seconds: float) -> list[Planned]:
    """So many acts, spread over so many seconds and all scenarios. The same arguments give the same plan."""
    chance = chance_of(kind, seed)
    times = sorted(chance.uniform(0, seconds) for _ in range(count))
    return [
        Planned(at, tuple(chance.sample(scenarios, len(scenarios))), f"{kind} {seed} {number}")
        for number, at in enumerate(times)
    ]


def plan_one(kind: str, seed: int, scenario: str) -> list[Planned]:
    """One act in one scenario, a moment after there is something to act on."""
    chance = chance_of(kind, seed)
    return [Planned(chance.uniform(0, LONGEST), (scenario,), f"{kind} {seed} 0")]


@contextmanager
def same_user(cluster: Cluster) -> Iterator[Api]:
    """A connection of another program with the credentials that the run has: only its name tells it from the run."""
    with closing(Api.from_kubeconfig(cluster.kubeconfig, cluster.context)) as api:
        api.client.user_agent = NAME
        yield api


@contextmanager
def account(cluster: Cluster, folder: Path) -> Iterator[Api]:
    """A connection with all rights as somebody else: a service account in namespace ``default``."""
    api, subject = cluster.api, {"kind": "ServiceAccount", "name": NAME, "namespace": "default"}
    api.create({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": NAME}}, "default")
    api.create(
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": NAME},
            "subjects": [subject],
            "roleRef": {"kind": "ClusterRole", "name": "cluster-admin", "apiGroup": "rbac.authorization.k8s.io"},
        }
    )
    request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": 7200}}
    answer = api.request("POST", f"api/v1/namespaces/default/serviceaccounts/{NAME}/token", request)
    assert cluster.kubeconfig
    config = yaml.safe_load(cluster.kubeconfig.read_text())
    for user in config["users"]:
        user["user"] = {"token": answer["status"]["token"]}
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{NAME}.kubeconfig"
    path.write_text(yaml.safe_dump(config))
    with closing(Api.from_kubeconfig(path, None)) as other:
        other.client.user_agent = NAME
        yield other


@dataclass
class Foreigner:
    """Carries out a plan between ``begin`` and ``end``. ``namespaces``: where each scenario's set is."""

    api: Api
    kind: str
    plan: Sequence[Planned]
    namespaces: Mapping[str, str]
    patient: bool = False
    """Whether an act waits until there is something to act on, and only then for its time."""
    done: list[Done] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._began = 0.0

    def begin(self) -> None:
        """The scenarios have begun."""
        self._began = time.monotonic()
        self._thread.start()

    def wait(self, seconds: float) -> None:
        """Wait until the plan is over, no longer than this."""
        self._thread.join(seconds)

    def end(self) -> None:
        """Do no more, and wait until what is under way is answered."""
        self._over.set()
        if self._thread.ident:
            self._thread.join()

    def _work(self) -> None:
        for planned in self.plan:
            while self.patient and not self._target(planned):
                if self._over.wait(POLL):
                    return
            late = 0.0 if self.patient else self._began - time.monotonic()
            if self._over.wait(max(0.0, planned.at + late)):
                return
            found = self._target(planned)
            if found and not self._over.is_set():
                self._send(*found)

    def _target(self, planned: Planned) -> tuple[str, Act] | None:
        """The first scenario that has something to act on, and the act."""
        for scenario in planned.scenarios:
            with suppress(StsconfError):
                seen = look(self.api, self.namespaces[scenario])
                if act := ACTS[self.kind](chance_of(planned.chance), seen):
                    return scenario, act
        return None

    def _send(self, scenario: str, act: Act) -> None:
        answer = "ok"
        try:
            self.api.request(act.method, act.path, act.body, act.content_type)
        except ApiError as refused:
            answer = str(refused.status)
        except StsconfError as error:
            answer = str(error)
        self.done.append(Done(time.monotonic() - self._began, scenario, act.what, answer))
