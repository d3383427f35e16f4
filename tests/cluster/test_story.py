"""An SRE's evening: a baseline, a snapshot, the upgrade, the snapshot after it, and the gate; on somebody's cluster."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from stsconf.run.config import Config
from stsconf.run.provider import provide
from stsconf.waits import until
from tests.cluster.test_upgrade import FROM, TO
from tests.local.conftest import say
from tests.local.test_sentry import SPACE, made, reader, settled

pytestmark = [pytest.mark.upgrade]


def test_baseline_upgrade_sentinel_and_gate_are_silent_where_nothing_moved(tmp_path: Path) -> None:
    folder = Path(os.environ.get("ARTIFACTS", tmp_path)) / "story"
    folder.mkdir(parents=True)

    def stsconf(*arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "-P", "-m", "stsconf", *arguments], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    with provide(Config.from_options({"kubernetes": FROM, "output-dir": folder / "cluster"}), say) as cluster:
        images = [f"--image={key}={cluster.images[key]}" for key in ("nginx_old", "nginx_new")]
        admin = ["--cluster=existing", f"--kubeconfig={cluster.kubeconfig}", *images, "--profile=core"]
        made(cluster)
        eyes = reader(cluster, folder, volumes=True)

        def gate(name: str, *options: str) -> None:
            stsconf("gate", *admin, f"--output-dir={folder / name}", *options)

        def snapshot(name: str) -> str:
            stsconf("snapshot", "-n", SPACE, "-o", str(folder / name), "--kubeconfig", str(eyes))
            return str(folder / name)

        gate("before", f"--save-baseline={folder / 'baseline.json'}")
        before = snapshot("before.json")
        assert cluster.exchange
        cluster.exchange(TO)()
        assert until(lambda: settled(cluster), 300)
        assert stsconf("compare", before, snapshot("after.json")) == ""
        gate("after", f"--baseline={folder / 'baseline.json'}")
    documents = [json.loads((folder / name / "verdict.json").read_text()) for name in ("before", "after")]
    assert [one["run"]["cluster"]["version"] for one in documents] == [FROM, TO]
    assert json.loads((folder / "after" / "gate.json").read_text())["changes"] == []
