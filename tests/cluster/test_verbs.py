"""Our verbs beside the real kubectl, on the same set: what it says, what it lists, what it does."""

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from secrets import token_hex

import pytest

from stsconf.act.kubectl import history, rollout_status
from stsconf.act.objects import Names, gated
from stsconf.act.setting import Setting
from stsconf.act.workload import Workload
from stsconf.clusters import Cluster
from stsconf.errors import UsageError
from stsconf.kube.api import Object
from stsconf.record.recorder import Recorder
from stsconf.record.streams import Scope
from stsconf.waits import Waits, until

pytestmark = [pytest.mark.cluster, pytest.mark.usefixtures("nothing_left")]

Kubectl = Callable[..., str]


@pytest.fixture
def workload(cluster: Cluster, tmp_path: Path) -> Iterator[Workload]:
    """A workload in a namespace of its own, which is gone afterwards, volumes included."""
    space = f"verbs-{token_hex(2)}"
    cluster.api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": space}})
    try:
        with Recorder(cluster.api.client, tmp_path / "run.ndjson", "verbs", Scope((space,))) as recorder:
            setting = Setting(
                api=cluster.api,
                recorder=recorder,
                names=Names(space),
                images=cluster.images,
                storage_class=cluster.storage_class,
                waits=Waits(settle=90),
            )
            yield Workload(setting)
    finally:
        cluster.api.delete("Namespace", space)

        def gone() -> bool:
            volumes = cluster.api.list("PersistentVolume")
            left = [volume for volume in volumes if volume["spec"]["claimRef"]["namespace"] == space]
            return cluster.api.get("Namespace", space) is None and not left

        assert until(gone, 120)


@pytest.fixture
def kubectl(cluster: Cluster, workload: Workload) -> Kubectl:
    """Run kubectl in the workload's namespace, and return all it prints."""

    def run(*arguments: str) -> str:
        environment = dict(os.environ)
        if cluster.kubeconfig:
            environment["KUBECONFIG"] = str(cluster.kubeconfig)
        where = [
            f"--namespace={workload.names.namespace}",
            *([f"--context={cluster.context}"] if cluster.context else []),
        ]
        done = subprocess.run(
            [cluster.kubectl, *where, *arguments],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return done.stdout.strip()

    return run


def current(workload: Workload) -> Object:
    found = workload.setting.api.get("StatefulSet", workload.names.set_name, workload.names.namespace)
    assert found is not None
    return found


def both(workload: Workload, kubectl: Kubectl) -> tuple[str, str]:
    """What we and kubectl say of the same version of the set."""
    said: list[tuple[str, str]] = []

    def same_version() -> bool:
        before = current(workload)
        theirs = kubectl("rollout", "status", "sts/web", "--watch=false")
        try:
            ours = rollout_status(before)[0]
        except UsageError as error:
            ours = f"error: {error.what}"
        said.append((ours, theirs))
        return current(workload)["metadata"]["resourceVersion"] == before["metadata"]["resourceVersion"]

    assert until(same_version, 60)
    return said[-1]


def test_rollout_status_says_what_kubectl_says(workload: Workload, kubectl: Kubectl) -> None:
    def edit(stateful_set: Object) -> None:
        gated(stateful_set)
        stateful_set["spec"]["minReadySeconds"] = 1

    workload.act.create(2, edit)
    workload.wait.pods(0)
    heard = []

    def compare() -> None:
        ours, theirs = both(workload, kubectl)
        assert ours == theirs
        heard.append(ours)

    compare()
    for ordinal in range(2):
        workload.wait.pods(*range(ordinal + 1))
        workload.act.release(ordinal)
    workload.wait.settled()
    workload.wait.available(2)
    compare()
    workload.act.set_strategy(partition=1)
    held = workload.state.uids(1)
    workload.act.set_image("nginx_new")
    workload.wait.replaced(held)
    compare()
    workload.act.release(1)
    workload.wait.ready(2)
    compare()
    workload.act.patch({"spec": {"minReadySeconds": 3600}})  # the pod that is updated now holds the update up
    workload.act.set_strategy(partition=0)
    workload.nudge()
    compare()
    workload.act.set_strategy("OnDelete")
    compare()
    assert heard == [
        "Waiting for 2 pods to be ready...",
        "partitioned roll out complete: 2 new pods have been updated...",
        "Waiting for 1 pods to be ready...",
        "partitioned roll out complete: 1 new pods have been updated...",
        "Waiting for partitioned roll out to finish: 1 out of 2 new pods have been updated...",
        "error: rollout status is only available for RollingUpdate strategy type",
    ]


def revisions(workload: Workload, kubectl: Kubectl) -> list[int]:
    """The numbers that kubectl lists, which are also ours."""
    listed = kubectl("rollout", "history", "sts/web").splitlines()
    numbers = [int(line.split()[0]) for line in listed if line[:1].isdigit()]
    ours = history(workload.setting.api, workload.names.namespace, workload.state.uid)
    assert [revision["revision"] for revision in ours] == numbers
    return numbers


def test_history_and_undo_are_those_of_kubectl(workload: Workload, kubectl: Kubectl) -> None:
    def ours(to_revision: int = 0) -> str:
        try:
            return workload.act.undo(to_revision)
        except UsageError as error:
            return f"error: {error.what}"

    def theirs(to_revision: int = 0) -> str:
        said = kubectl("rollout", "undo", "sts/web", *([f"--to-revision={to_revision}"] if to_revision else []))
        workload.catch_up()
        return said

    def template() -> object:
        workload.wait.settled()
        return current(workload)["spec"]["template"]

    workload.act.create(1)
    first = template()
    assert revisions(workload, kubectl) == [1]
    assert ours() == theirs()
    workload.act.set_image("nginx_new")
    second = template()
    assert revisions(workload, kubectl) == [1, 2]

    assert ours(99) == theirs(99)
    assert ours(2) == theirs(2)  # kubectl v1.32, which is older than its server, says that it rolled back
    assert template() == second
    assert revisions(workload, kubectl) == [1, 2]

    said = theirs(1)
    assert template() == first
    assert revisions(workload, kubectl) == [2, 3]
    assert theirs(2) == said
    assert template() == second
    assert ours(3) == said
    assert template() == first
    assert ours() == said
    assert template() == second
    assert theirs() == said
    assert template() == first
    assert revisions(workload, kubectl) == [6, 7]
