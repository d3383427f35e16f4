"""One scenario of a run: its window, its act, and how it ended. Nothing that goes wrong in it touches another."""

import time
import traceback

from msgspec import structs, to_builtins

from stsconf.act.scenarios import Scenario
from stsconf.act.workload import Workload
from stsconf.deadline import Deadline
from stsconf.errors import NotCarriedOut, StsconfError
from stsconf.kube.api import ApiError
from stsconf.record.recorder import RecorderError, WaitTimeout
from stsconf.timeline.window import ScenarioEnd, ScenarioPlan
from stsconf.waits import Say


def act(scenario: Scenario, workload: Workload, deadline: Deadline, say: Say) -> None:
    """Act one scenario in a window of its own, and record how it ended.

    Raises ``RecorderError`` alone: without a recording no other scenario is worth anything either.
    """
    recorder, names = workload.setting.recorder, workload.names
    markers = scenario.markers and workload.setting.kubelet
    plan = ScenarioPlan(scenario.summary, markers, scenario.hasty, tuple(sorted(scenario.managers)))
    window = recorder.open_window(scenario.name, names.namespace, names.set_name, **to_builtins(plan))
    began = time.monotonic()
    end, said = _ended(scenario, workload, deadline)
    if deadline.passed:
        end = ScenarioEnd(stopped=f"{deadline} before scenario {scenario.name} ended")
        said = f"stopped: {deadline}"
    recorder.close_window(window, **to_builtins(structs.replace(end, lacks=workload.lacks)))
    say(f"{scenario.name}: {said or f'done in {time.monotonic() - began:.1f} s'}")


def _ended(scenario: Scenario, workload: Workload, deadline: Deadline) -> tuple[ScenarioEnd, str]:
    """How it ended, for the recording and in words; "" for as it should."""
    try:
        try:
            if not deadline.passed:
                scenario.act(workload)
            return ScenarioEnd(settled=True, published=workload.wait.published()), ""
        except WaitTimeout as late:
            end = ScenarioEnd(settled=False, waited_for=str(late), environment=workload.blocker() or "")
            return end, end.environment or end.waited_for
    except RecorderError:
        raise
    except (NotCarriedOut, ApiError) as refused:
        return ScenarioEnd(not_carried_out=str(refused)), f"not carried out: {refused}"
    except StsconfError as broken:
        return ScenarioEnd(failed=str(broken)), f"given up: {broken}"
    except Exception as fault:  # one of ours: told as such, and the other scenarios go on
        where = traceback.extract_tb(fault.__traceback__)[-1]
        what = f"a fault of stsconf: {type(fault).__name__}: {fault} ({where.name}, line {where.lineno})"
        return ScenarioEnd(failed=what), f"given up: {what}"
