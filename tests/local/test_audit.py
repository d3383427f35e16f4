"""The recorder against the API server's own audit log, under more changes than any scenario makes."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from stsconf import suite_files
from stsconf.clusters import local
from stsconf.kube.api import Object
from stsconf.record.file import read_records
from stsconf.record.recorder import Recorder
from tests.local.conftest import plane
from tests.recorder.audit import compare

pytestmark = [pytest.mark.local]

PODS, CHANGES = 1000, 5000


def flapping(number: int) -> Object:
    """A pod that gets Ready and not Ready about once in four seconds; its neighbours at other times."""
    life = {"life": "flapping", "ready-after": "2s", "ready-for": f"{1500 + number % 1000}ms"}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": f"flapping-{number}",
            "annotations": {f"hollow.stsconf.dev/{key}": value for key, value in life.items()},
        },
        "spec": {"containers": [{"name": "main", "image": "none"}]},
    }


def test_a_thousand_flapping_pods_are_recorded_as_the_audit_log_has_them(tmp_path: Path) -> None:
    checkout = suite_files.checkout()
    assert checkout
    log = tmp_path / "audit.log"
    audit = (
        f"--audit-policy-file={checkout / 'airgap/images/node/audit-policy.yaml'}",
        f"--audit-log-path={log}",
        "--audit-log-mode=blocking",
    )
    settings = local.Settings(arguments={"kube-apiserver": audit})
    with plane(tmp_path / "logs", settings) as cluster:
        path = tmp_path / "run.ndjson"
        with Recorder(cluster.api.client, path, "flapping", sentinel_namespace="default") as recorder:
            with ThreadPoolExecutor(16) as pool:
                list(pool.map(lambda n: cluster.api.create(flapping(n), "default"), range(PODS)))

            with path.open("rb") as written:
                seen = 0

                def enough() -> bool:
                    nonlocal seen
                    seen += sum(b'"rec":"ev","s":"pods"' in line for line in written)
                    return seen >= CHANGES

                recorder.wait_for(enough, 300, f"{CHANGES} changes of pods")
            seal = recorder.close()
        found = compare(seal.path, log.read_text(encoding="utf-8").splitlines())
    changes = sum(r["rec"] == "ev" and r["s"] == "pods" for _, r in read_records(seal.path))
    print(f"{changes} changes of pods; {found.answered} answered writes; hidden by class: {dict(found.hidden)}")
    assert seal.complete, seal.unproven
    assert changes >= CHANGES
    assert found.answered + found.hidden.total() >= CHANGES
    assert not found.missing, found.missing[:5]
    assert not found.unexplained, found.unexplained[:5]
