"""``judge(promise, timelines)``: a pure function from evidence to a verdict that is never kinder than the evidence."""

import re
import traceback
from collections.abc import Iterable, Sequence, Set
from dataclasses import replace
from itertools import takewhile

from msgspec import structs

from stsconf.errors import NotApplicable, UnknownFact
from stsconf.judging.catalogue import quote
from stsconf.judging.expect import judged, obligations
from stsconf.judging.promise import Level, Promise
from stsconf.judging.verdict import UNTRIGGERED, WORST_FIRST, Obligation, Outcome, TimelineVerdict, Verdict, worst
from stsconf.timeline.events import Problem, Reason, reason_of
from stsconf.timeline.timeline import Timeline, kinds_read
from stsconf.timeline.window import PASSIVE


def judge(promise: Promise, timelines: Sequence[Timeline], *, required: bool = True) -> Verdict:
    """Judge one promise on every timeline where it applies; the worst decides. No cluster, no clock, no randomness."""
    judged_on = [judge_timeline(promise, t) for t in timelines if promise.wants(t)]
    verdict = decide(promise, {t.window.scenario for t in timelines}, judged_on, required=required)
    missing = sorted({name for t in timelines for name in t.unrecorded} & set(promise.scenarios))
    if missing and verdict.outcome in _PRAISE:
        note = f"scenario {missing[0]} was planned and did not begin"
        return replace(verdict, outcome=Outcome.INCONCLUSIVE, cause=Reason.NOT_REACHED, note=note)
    return verdict


def decide(
    promise: Promise, recorded: Set[str], judged_on: Iterable[TimelineVerdict | None], *, required: bool = True
) -> Verdict:
    """The verdict from what ``judge_timeline`` found; ``recorded`` are the scenarios there was a timeline of."""
    triggered = tuple(v for v in judged_on if v is not None)
    void = [v for v in triggered if v.scenario not in promise.scenarios and v.cause in _VOID]
    told = [v for v in triggered if v not in void] or triggered
    outcome = worst((v.outcome for v in told), Outcome.NOT_JUDGED)
    note, cause = "", next((v.cause for v in told if v.outcome is outcome), None)
    if len(told) < len(triggered) and outcome in _PRAISE:
        note = f"{len(told)} of {len(triggered)} windows judged"
    if not triggered:
        if recorded and recorded <= {PASSIVE}:
            note, required = UNTRIGGERED, False
        elif recorded.isdisjoint(promise.scenarios):
            note = f"needs scenario {' or '.join(promise.scenarios)}, which was not recorded"
        else:
            outcome, cause = Outcome.INCONCLUSIVE, Reason.VACUOUS
            note = "nothing to check: what the promise speaks about did not happen on any timeline"
    return Verdict(
        id=promise.id,
        title=promise.title,
        level=promise.level,
        revision=promise.revision,
        source=promise.source,
        outcome=outcome,
        required=required and promise.level is Level.DOCUMENTED,
        timelines=triggered,
        cause=cause,
        note=note,
        quote=str(quote(promise.id) or ""),
    )


def judge_timeline(promise: Promise, timeline: Timeline) -> TimelineVerdict | None:
    """One promise on one timeline; ``None`` where nothing triggers it."""
    found: list[Obligation] = []
    kinds: set[str] = set()
    tokens = obligations.set(found), judged.set(timeline), kinds_read.set(kinds)
    note = ""
    excuse = _excuse(promise, timeline)
    try:
        if not excuse:
            promise.check(timeline)
    except NotApplicable as lack:
        excuse = str(lack)
    except UnknownFact as unknown:
        found.append(Obligation(Outcome.INCONCLUSIVE, promise.title, str(unknown), cause=reason_of(unknown)))
    except Exception as error:  # a fault of ours must never look like one of the cluster
        where = traceback.extract_tb(error.__traceback__)[-1]
        note = f"our own check failed: {type(error).__name__}: {error} ({where.name}, line {where.lineno})"
        found.append(Obligation(Outcome.ERROR, promise.title, note))
    finally:
        obligations.reset(tokens[0])
        judged.reset(tokens[1])
        kinds_read.reset(tokens[2])

    found = [_undisputed(obligation, timeline) for obligation in found]
    if timeline.window.plan.hasty:  # only what never un-happens counts there
        found = [obligation for obligation in found if obligation.cause is not Reason.RACED]
    if excuse:
        return _result(timeline, Outcome.NOT_APPLICABLE, [], None, excuse)
    holes = [p for p in timeline.problems if p.kind is None or p.kind in kinds]
    if found and not promise.survives_gaps and len(kinds) > 1 and (loose := kinds - timeline.domain):
        what = f"revisions of {', '.join(sorted(loose))} were not shown comparable"
        holes.append(Problem(Reason.UNORDERED_KINDS, None, what))
    window = timeline.window
    stopped = window.end.stopped
    stuck = window.settled is False and window.scenario in promise.scenarios
    if not found and not holes and not stopped and not stuck:
        return None
    hole = min(holes, key=lambda problem: problem.cause not in _VOIDING, default=None)
    outcome = worst((o.outcome for o in found), Outcome.HOLDS)
    cause = next((o.cause for o in found if o.outcome is outcome), None)
    unseen = outcome is Outcome.INCONCLUSIVE and cause is Reason.GAP
    blind = not promise.survives_gaps and any(map(_hides, holes))
    frail = blind or outcome in _PRAISE
    if hole and (frail or unseen or hole.cause in _VOIDING) and outcome is not Outcome.ERROR:
        outcome, cause, note = Outcome.INCONCLUSIVE, hole.cause, hole.what
    if stuck and outcome in _PRAISE:
        outcome, cause = Outcome.INCONCLUSIVE, Reason.NOT_REACHED
        note = f"scenario {window.scenario} did not reach its end: {window.waited_for}"
    if outcome is Outcome.VIOLATED and promise.level is Level.IMPLEMENTATION:
        outcome = Outcome.DIFFERS
    blamed = outcome in (Outcome.VIOLATED, Outcome.ERROR, Outcome.DIFFERS)
    cut_short = stopped or any(hole.what == timeline.window.unfinished for hole in holes)
    if cut_short and not blamed and timeline.window.scenario not in promise.scenarios:
        return None  # it was to be judged on other scenarios, which did end
    if stopped and not blamed:
        outcome, found, cause, note = Outcome.NOT_JUDGED, [], None, stopped
    return _result(timeline, outcome, found, cause, note)


def _undisputed(obligation: Obligation, timeline: Timeline) -> Obligation:
    """An obligation as it is, or in doubt: where an act did not take, nothing from its first try on is a violation."""
    refused, actions = timeline.window.end.not_carried_out, timeline.actions
    if not refused or obligation.outcome is not Outcome.VIOLATED:
        return obligation
    tries = takewhile(lambda a: (a.verb, a.name) == (actions[-1].verb, actions[-1].name), reversed(actions))
    since = min((action.seconds for action in tries), default=0.0)
    if obligation.witness and all(witness.seconds < since for witness in obligation.witness):
        return obligation
    return structs.replace(
        obligation, outcome=Outcome.INCONCLUSIVE, seen=timeline.window.unfinished, cause=Reason.NOT_REACHED
    )


def _excuse(promise: Promise, timeline: Timeline) -> str:
    """Why this cluster cannot be asked: what it lacks, or its age. What is not known excuses nothing."""
    capabilities = timeline.header.get("capabilities")
    if lacking := promise.needs - set(capabilities if capabilities is not None else promise.needs):
        return f"this cluster has no {', '.join(sorted(lacking))}"
    server = str((timeline.header.get("server") or {}).get("gitVersion", ""))
    version = re.match(r"v(\d+)\.(\d+)", server)
    if version and tuple(map(int, version.groups())) < tuple(map(int, promise.since.split("."))):
        return f"promised since Kubernetes {promise.since}; this server is {server}"
    return ""


def _result(
    timeline: Timeline, outcome: Outcome, found: Sequence[Obligation], cause: Reason | None, note: str
) -> TimelineVerdict:
    failing = sorted((o for o in found if o.outcome is not Outcome.HOLDS), key=lambda o: WORST_FIRST.index(o.outcome))
    window = timeline.window
    return TimelineVerdict(
        scenario=window.scenario,
        namespace=window.namespace,
        set_name=window.set_name,
        outcome=outcome,
        cause=cause,
        note=note,
        obligations=len(found),
        failing=tuple(failing),
    )


_PRAISE = (Outcome.HOLDS, Outcome.CHARACTERISED)
_VOIDING = (Reason.INTEGRITY,)
"""Holes that take away the ground for blame as well as for praise."""
_VOID = (
    Reason.GAP,
    Reason.TRUNCATED,
    Reason.NOT_REACHED,
    Reason.UNORDERED_KINDS,
    Reason.FORBIDDEN,
    Reason.ENVIRONMENT,
    Reason.INTERFERENCE,
    Reason.UNATTRIBUTED,
)
"""Why a window says nothing of a promise. It matters to those that name its scenario; the others have more windows."""


def _hides(problem: Problem) -> bool:
    """Whether something was not seen; that some scenario did not end takes nothing from what was."""
    return problem.cause is not Reason.NOT_REACHED or problem.kind is not None
