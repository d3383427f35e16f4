"""What an upgrade of the control plane may do to a set, and what it may not: UPD-19 on recordings made by hand."""

import copy
from collections.abc import Callable
from pathlib import Path

import pytest

from stsconf import suite_files
from stsconf.act.scenarios.upgrades import UPGRADED
from stsconf.judging.judge import judge
from stsconf.judging.promise import import_promises
from stsconf.judging.verdict import Outcome, Verdict
from stsconf.report.results import rejudge
from stsconf.run.config import Config
from stsconf.timeline.recording import load
from tests.tape import TEMPLATE, Tape, created

UPD_19 = import_promises(suite_files.conformance())["UPD-19"]

RESTARTED = Path(__file__).parents[1] / "recordings" / "upgrade-1.33.13-1.34.0" / "run.ndjson.gz"


def upgraded(then: Callable[[Tape], object] = lambda _: None) -> Tape:
    """A set at rest, an upgrade, and what comes of it."""
    tape = Tape(replicas=2).open("upgrade_plain").set_created()
    for ordinal in range(2):
        tape.volume(ordinal).pod_created(ordinal).pod_ready(ordinal)
    what = {"verb": "upgrade", "resource": "controlplane", "ns": tape.namespace, "name": tape.set_name}
    tape.seconds += 1
    tape.add(rec="act", id="up", phase="begin", **what, body=None)
    tape.seconds += 1
    tape.add(rec="act", id="up", phase="end", **what, result=None)
    then(tape)
    return tape.close()


def verdict(tape: Tape, tmp_path: Path) -> Verdict:
    return judge(UPD_19, tape.recording(tmp_path / "run.ndjson").timelines)


def test_a_set_that_stays_as_it_is_keeps_the_promise(tmp_path: Path) -> None:
    found = verdict(upgraded(), tmp_path)
    assert found.outcome is Outcome.HOLDS, found.explain()
    assert found.obligations > 10


def test_what_the_set_did_before_the_upgrade_counts_for_nothing(tmp_path: Path) -> None:
    found = verdict(upgraded(lambda tape: tape.set_status(replicas=2)), tmp_path)
    assert found.outcome is Outcome.HOLDS, found.explain()


def replaced(tape: Tape) -> None:
    tape.change("pods", "web-1", {"metadata": {"deletionTimestamp": "2026-11-25T00:00:00Z"}})
    tape.delete("pods", "web-1")
    tape.pod_created(1, uid="another")


def new_revision(tape: Tape) -> None:
    stored = copy.deepcopy(tape.objects["controllerrevisions", "web-1"])
    template = {**TEMPLATE, "metadata": {**TEMPLATE["metadata"], "creationTimestamp": None}}
    del stored["metadata"]["uid"]
    tape.event(
        "controllerrevisions", "ADDED", "web-2", {**stored, "revision": 2, "data": {"spec": {"template": template}}}
    )


@pytest.mark.parametrize(
    ("then", "seen"),
    [
        (replaced, "its uid is now 'another'"),
        (lambda tape: tape.delete("pods", "web-0"), "Pod web-0 is gone"),
        (new_revision, "['spec.template.$patch was removed', 'spec.template.metadata.creationTimestamp was added']"),
        (lambda tape: tape.change("controllerrevisions", "web-1", {}) and None, None),
        (lambda tape: tape.event("controllerrevisions", "MODIFIED", "web-1", raised(tape)), "its number is now 5"),
        (
            lambda tape: tape.change("persistentvolumeclaims", "www-web-0", {"spec": {"volumeName": "other"}}),
            "its volume name is now 'other'",
        ),
        (lambda tape: tape.change("pods", "web-0", {"metadata": {"ownerReferences": []}}), "its owner uids is now"),
    ],
    ids=["pod replaced", "pod gone", "new revision", "revision written as it was", "number raised", "claim", "owner"],
)
def test_each_thing_that_moves_is_named(then: Callable[[Tape], object], seen: str | None, tmp_path: Path) -> None:
    found = verdict(upgraded(then), tmp_path)
    assert found.outcome is (Outcome.VIOLATED if seen else Outcome.HOLDS), found.explain()
    assert seen is None or seen in found.explain()


def raised(tape: Tape) -> dict[str, object]:
    return {**tape.objects["controllerrevisions", "web-1"], "revision": 5}


MARKER = "stsconf_web-1_uid"


def with_data(read: str | None, elsewhere: str | None = None, *, again: bool = True) -> Tape:
    """A set whose pod 1 wrote to its volume before the upgrade, and what was read there afterwards."""
    tape = upgraded()
    uid = tape.objects["pods", "web-1"]["metadata"]["uid"]
    (mark,) = (r for r in tape.records if r["rec"] == "mark" and r["phase"] == "open")
    mark["plan"] = {"markers": True}
    told = {"rec": "obs", "via": "nfs", "ns": tape.namespace, "pod_uid": uid, "marker": MARKER}
    begin = next(i for i, r in enumerate(tape.records) if r["rec"] == "act")
    before = {**told, "t": tape.records[begin]["t"] - 1, "claim": "www-web-1", "content": MARKER}
    tape.records[begin:begin] = [{**before, "verb": verb} for verb in ("write", "read")]
    end = len(tape.records) - 1
    after = {**told, "t": tape.records[end]["t"]}
    found = [{**after, "verb": "read", "claim": "www-web-1", "content": read}] if again else []
    tape.records[end:end] = [*found, {**after, "verb": "look", "claim": "www-web-0", "content": elsewhere}]
    return tape


@pytest.mark.parametrize(
    ("tape", "seen"),
    [
        (with_data(MARKER), None),
        (with_data(None), "content of www-web-1 read over nfs"),
        (with_data("other"), "content of www-web-1 read over nfs"),
        (with_data(MARKER, elsewhere=MARKER), "content of www-web-0 read over nfs"),
        (with_data(MARKER, again=False), "what web-1 wrote is looked for"),
    ],
    ids=["there", "lost", "changed", "in another volume", "only read before"],
)
def test_what_a_pod_wrote_before_the_upgrade_is_there_after_it_and_nowhere_else(
    tape: Tape, seen: str | None, tmp_path: Path
) -> None:
    found = verdict(tape, tmp_path)
    assert found.outcome is (Outcome.VIOLATED if seen else Outcome.HOLDS), found.explain()
    assert seen is None or seen in found.explain()


def test_what_was_not_seen_is_no_pass(tmp_path: Path) -> None:
    tape = upgraded()
    tape.add(rec="gap", s="controllerrevisions", after_rv="110", until_rv="200", why="410", repaired=False)
    assert verdict(tape, tmp_path).outcome is Outcome.INCONCLUSIVE


def test_an_ordinary_run_does_not_ask_for_it(tmp_path: Path) -> None:
    assert not Config().wants(UPD_19)
    results = rejudge([created().recording(tmp_path / "run.ndjson")], [UPD_19], tmp_path)
    assert results.verdicts == []
    results = rejudge([upgraded().recording(tmp_path / "up.ndjson")], [UPD_19], tmp_path)
    assert [one.id for one in results.verdicts] == ["UPD-19"]


def test_it_is_judged_on_every_kind_of_set() -> None:
    assert set(UPD_19.scenarios) == set(UPGRADED)


def test_a_real_upgrade_that_restarted_every_set_violates_it_and_the_field_is_named() -> None:
    recording = load(RESTARTED)
    assert recording.sealed
    assert recording.problems == ()
    found = judge(UPD_19, recording.timelines)
    assert found.outcome is Outcome.VIOLATED
    outcomes = {one.scenario: one.outcome for one in found.timelines}
    assert outcomes == dict.fromkeys(UPGRADED, Outcome.VIOLATED) | {"upgrade_orphans": Outcome.HOLDS}
    for one in found.timelines:
        if one.outcome is Outcome.VIOLATED:
            assert one.failing[0].seen.endswith("['spec.template.metadata.creationTimestamp was removed']")
