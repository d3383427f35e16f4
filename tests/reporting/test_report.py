from collections.abc import Callable

import pytest
import yaml
from reporting_story import IMPLEMENTATION, PROMISES, RUN, verdicts_of

from stsconf.judging.verdict import Outcome, Verdict
from stsconf.report.report import report
from stsconf.timeline.recording import Recording


def test_profiles_list_by_name_what_does_not_hold(broken: Recording) -> None:
    found = yaml.safe_load(report(RUN, verdicts_of(broken, *PROMISES, IMPLEMENTATION)))
    profiles = {profile["name"]: profile for profile in found["profiles"]}
    assert profiles["PRT"]["documented"] == {
        "result": "failure",
        "statistics": {"violated": 1},
        "violated": ["PRT-02"],
    }
    assert profiles["PRT"]["implementation"]["differs"] == ["PRT-09"]
    assert profiles["REC"]["documented"]["notJudged"] == ["REC-08"]
    assert profiles["STO"]["documented"] == {"result": "success", "statistics": {"holds": 1}}
    assert (found["kind"], found["result"], found["kubernetesVersion"]) == ("ConformanceReport", "failure", "v1.37.2")


@pytest.mark.parametrize(
    ("outcomes", "result"),
    [
        ([Outcome.HOLDS, Outcome.NOT_APPLICABLE], "success"),
        ([Outcome.HOLDS, Outcome.NOT_JUDGED], "partial"),
        ([Outcome.HOLDS, Outcome.INCONCLUSIVE], "partial"),
        ([Outcome.NOT_APPLICABLE], "partial"),
        ([Outcome.VIOLATED, Outcome.ERROR], "failure"),
        ([], "partial"),
    ],
)
def test_only_what_was_judged_and_holds_is_a_success(
    outcomes: list[Outcome], result: str, verdict: Callable[..., Verdict]
) -> None:
    verdicts = [verdict(outcome, f"ORD-{n:02}") for n, outcome in enumerate(outcomes)]
    assert yaml.safe_load(report(RUN, verdicts))["result"] == result
