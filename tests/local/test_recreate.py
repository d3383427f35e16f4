"""Strategy Recreate is judged where the server accepts it, and costs next to nothing where it does not."""

from pathlib import Path

import pytest

from stsconf.judging.judge import judge
from stsconf.judging.verdict import Outcome
from stsconf.run.config import Config
from stsconf.run.provider import provide
from stsconf.run.run import record
from stsconf.timeline.recording import load
from tests.bug_table import PROMISES, RECREATE
from tests.local.conftest import say

pytestmark = [pytest.mark.local]
JUDGED = [promise for promise in PROMISES.values() if promise.area == "RCT"]


@pytest.mark.parametrize(
    ("gates", "outcome"), [(RECREATE, Outcome.HOLDS), ("", Outcome.NOT_APPLICABLE)], ids=["accepted", "refused"]
)
def test_recreate_holds_where_the_server_accepts_it(tmp_path: Path, gates: str, outcome: Outcome) -> None:
    options = {"cluster": "local", "feature-gates": gates, "promises": "RCT", "output-dir": tmp_path}
    config = Config.from_options(options)
    with provide(config, say) as cluster:
        path = record(cluster, config.scenarios_of(JUDGED), config, say)
    verdicts = [judge(promise, load(path).timelines) for promise in JUDGED]
    assert {verdict.id: verdict.outcome for verdict in verdicts} == dict.fromkeys((p.id for p in JUDGED), outcome)
