"""junit.xml, for dashboards that read nothing else.

The format has no word for "not judged" or "differs": both are skipped test cases whose type is the outcome. The exit
code and verdict.json say what JUnit cannot.
"""

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterable
from pathlib import Path

from stsconf.documents import write_text
from stsconf.judging.result import RunInfo
from stsconf.judging.verdict import Outcome, Verdict
from stsconf.report.style import area_name

_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

_TAGS = {
    Outcome.VIOLATED: "failure",
    Outcome.ERROR: "error",
    Outcome.INCONCLUSIVE: "error",
    Outcome.NOT_JUDGED: "skipped",
    Outcome.NOT_APPLICABLE: "skipped",
    Outcome.DIFFERS: "skipped",
    Outcome.CHARACTERISED: "skipped",
}


def junit(run: RunInfo, verdicts: Iterable[Verdict]) -> str:
    """The whole file as text: one test case for each promise, ordered by id."""
    verdicts = sorted(verdicts, key=lambda verdict: verdict.id)
    tags = [_TAGS.get(verdict.outcome) for verdict in verdicts]
    totals = {
        "tests": str(len(verdicts)),
        "failures": str(tags.count("failure")),
        "errors": str(tags.count("error")),
        "skipped": str(tags.count("skipped")),
        "time": f"{run.seconds:.3f}",
    }
    root = ET.Element("testsuites", totals)
    suite = ET.SubElement(root, "testsuite", {"name": "statefulset-conformance", "timestamp": run.started, **totals})
    facts = {"stsconf.run": run.id, "stsconf.suite": run.suite, "stsconf.provider": run.provider}
    facts |= {f"stsconf.cluster.{name}": str(value) for name, value in sorted(run.cluster.items())}
    facts |= {f"stsconf.stand_in.{n}": part for n, part in enumerate(run.stand_ins, 1)}
    _properties(suite, facts)
    for verdict in verdicts:
        suite.append(_case(verdict))
    ET.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def write(path: Path, run: RunInfo, verdicts: Iterable[Verdict]) -> None:
    """Write junit.xml."""
    write_text(path, junit(run, verdicts))


def _case(verdict: Verdict) -> ET.Element:
    case = ET.Element(
        "testcase", {"classname": _clean(area_name(verdict.id)), "name": _clean(f"{verdict.id} {verdict.title}")}
    )
    _properties(
        case,
        {
            "stsconf.promise": verdict.id,
            "stsconf.verdict": verdict.outcome.value,
            "stsconf.level": str(verdict.level),
            "stsconf.revision": str(verdict.revision),
            "stsconf.required": str(verdict.required).lower(),
            "stsconf.obligations": str(verdict.obligations),
            "stsconf.source": verdict.source,
        },
    )
    if tag := _TAGS.get(verdict.outcome):
        found = ET.SubElement(case, tag, {"type": verdict.outcome.value, "message": _clean(verdict.reason)})
        found.text = _clean(verdict.explain())
    return case


def _properties(parent: ET.Element, values: dict[str, str]) -> None:
    properties = ET.SubElement(parent, "properties")
    for name, value in values.items():
        ET.SubElement(properties, "property", {"name": name, "value": _clean(value)})


def _clean(text: str) -> str:
    """XML 1.0 cannot carry control characters, not even escaped."""
    return _NOT_XML.sub("\ufffd", text)
