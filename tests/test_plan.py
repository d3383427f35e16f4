"""The plan of a run: the same scenarios as the run, nothing made, exit code 0 both ways."""

import subprocess
import sys
from pathlib import Path

import pytest

from stsconf import suite_files
from stsconf.act.scenarios import ORDINARY, SCENARIOS, Scenario
from stsconf.clusters import Provider
from stsconf.clusters.keeping import Keep
from stsconf.judging.catalogue import rows
from stsconf.judging.promise import Level, Profile, import_promises
from stsconf.record.file import read_records
from stsconf.run.config import Config
from stsconf.run.plan import MEASURED, plan, seconds
from stsconf.run.run import NODE_PODS
from tests import forked

ROOT = Path(__file__).parents[1]
WAYS = {
    "run": ["stsconf", "run", "--"],
    "gate": ["stsconf", "gate", "--save-baseline=new.json", "--"],
    "pytest": ["pytest", str(suite_files.conformance()), "--sts-"],
}


def scenario(name: str, pods: int) -> Scenario:
    return Scenario(name, "", lambda workload: None, pods, markers=False, hasty=False)  # noqa: ARG005 - never called


@pytest.mark.parametrize("way", WAYS)
def test_a_dry_run_says_the_plan_and_makes_nothing(way: str, tmp_path: Path) -> None:
    *start, prefix = WAYS[way]
    options = ("cluster=existing", "kubeconfig=absent", "namespace=mine", "scenario=create", "dry-run")
    done = forked.run(*start, *(prefix + option for option in options), "-p", "no:cacheprovider", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "from 1 scenarios on provider existing, profile full" in done.stdout
    assert "Touches: namespace mine" in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_a_run_goes_on_as_pytest_in_an_interpreter_of_its_own(tmp_path: Path) -> None:
    command = [sys.executable, "-P", "-m", "stsconf", "run", "--settle=soon"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 4, done.stdout
    assert "--settle: 'soon' is not a duration" in done.stderr


def test_scenarios_wait_for_room_and_the_longest_way_counts() -> None:
    create, scale = MEASURED["create"], MEASURED["scale_up"]
    both = [scenario("create", NODE_PODS), scenario("scale_up", 1)]
    assert seconds(both) == create + scale
    assert seconds([scenario("create", 1), scenario("scale_up", 1)]) == max(create, scale)
    assert seconds([]) == 0


def test_what_was_not_measured_is_said() -> None:
    text = "\n".join(plan(Config(), [scenario("create", 1), scenario("new", 1)], 2))
    assert "1 scenarios were not measured" in text


def test_only_an_existing_cluster_is_touched() -> None:
    plans = {p: "\n".join(plan(Config(cluster=p, run_id="a-b1"), [SCENARIOS["create"]], 1)) for p in Provider}
    assert "2 namespaces stsconf-b1-*" in plans[Provider.EXISTING]
    assert all("no other cluster" in text for p, text in plans.items() if p is not Provider.EXISTING)


def test_the_core_is_what_the_tutorial_promises_and_the_readme_says_how_much() -> None:
    promises = import_promises(suite_files.conformance()).values()
    core, full = Config(profile=Profile.CORE), Config()
    asked = [promise for promise in promises if core.wants(promise)]
    stated = {row.id for row in rows() if "tutorial" in row.documents}
    assert {promise.id for promise in asked} == {
        promise.id for promise in promises if promise.id in stated and promise.level is Level.DOCUMENTED
    }
    assert {"ORD-02", "UPD-02", "DEL-09"} < {promise.id for promise in asked}
    assert all(full.wants(promise) for promise in asked)
    many = f"in {len(core.scenarios_of(asked))} of {len(ORDINARY)} scenarios"
    assert many in " ".join((ROOT / "README.md").read_text().split())


@pytest.mark.parametrize(("keep", "says"), [(Keep.NEVER, "made and removed"), (Keep.ON_FAILURE, "kept on failure")])
def test_the_plan_says_what_stays(keep: Keep, says: str) -> None:
    assert says in "\n".join(plan(Config(keep=keep, run_id="a-b1"), [SCENARIOS["create"]], 1))


def test_the_measured_seconds_are_those_of_the_accepted_report() -> None:
    opened, took = {}, {}
    for _, record in read_records(ROOT / "reports" / "v1.37.2" / "kind" / "run.ndjson.gz"):
        if record["rec"] == "mark" and record["phase"] == "open":
            opened[record["id"]] = record
        elif record["rec"] == "mark":
            began = opened[record["id"]]
            took[began["scenario"]] = round((record["t"] - began["t"]) / 1e9)
    assert took == MEASURED
