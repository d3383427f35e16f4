import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

from reporting_story import CRASH, IMPLEMENTATION, PROMISES, RUN, verdicts_of

from stsconf.judging.verdict import Outcome, Verdict
from stsconf.report.junit import junit, write
from stsconf.timeline.recording import Recording


def test_each_promise_is_one_test_case_with_the_finding_as_its_text(broken: Recording, tmp_path: Path) -> None:
    verdicts = verdicts_of(broken, *PROMISES, IMPLEMENTATION, CRASH)
    write(tmp_path / "junit.xml", RUN, verdicts)
    suite = ET.parse(tmp_path / "junit.xml").getroot()[0]  # noqa: S314 - our own file
    cases = {case.attrib["name"].split()[0]: case for case in suite.iter("testcase")}
    assert {name: [child.tag for child in case][1:] for name, case in cases.items()} == {
        "API-01": ["error"],
        "PRT-02": ["failure"],
        "PRT-09": ["skipped"],
        "REC-08": ["skipped"],
        "STO-05": [],
    }
    counted = {name: suite.attrib[name] for name in ("tests", "failures", "errors", "skipped")}
    assert counted == {"tests": "5", "failures": "1", "errors": "1", "skipped": "2"}
    failure = cases["PRT-02"].find("failure")
    assert failure is not None
    assert failure.text == next(v for v in verdicts if v.id == "PRT-02").explain()
    assert cases["PRT-02"].attrib["classname"] == "Partition"
    known = {p.attrib["name"]: p.attrib["value"] for p in cases["PRT-02"].iter("property")}
    assert known["stsconf.promise"] == "PRT-02"
    assert known["stsconf.verdict"] == "violated"


def test_inconclusive_and_error_are_told_apart_by_their_type(verdict: Callable[..., Verdict]) -> None:
    for outcome in (Outcome.INCONCLUSIVE, Outcome.ERROR):
        root = ET.fromstring(junit(RUN, [verdict(outcome, note="why")]))  # noqa: S314 - our own text
        error = root.find(".//error")
        assert error is not None
        assert (error.attrib["type"], error.attrib["message"]) == (outcome.value, "why")


def test_text_that_xml_cannot_carry_is_replaced(verdict: Callable[..., Verdict]) -> None:
    root = ET.fromstring(junit(RUN, [verdict(Outcome.VIOLATED, note="\x07 <b> & \ud800")]))  # noqa: S314 - our own text
    failure = root.find(".//failure")
    assert failure is not None
    assert failure.attrib["message"] == "\ufffd <b> & \ufffd"
