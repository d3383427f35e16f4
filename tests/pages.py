"""``python -m tests.pages`` writes every page and schema below ``docs`` that is made from this checkout alone.

``--check`` writes nothing and ends with 1 where one of them is not what it would be; names of files limit either. What
takes a control plane is named and left as it is. About 20 seconds, nearly all of them for the edit matrix.
"""

import argparse
import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from stsconf.report.walkthrough import markdown
from tests import bug_table, catalogue_page, edits, matrix, schemas, walkthrough_page

DOCS = Path(__file__).parents[1] / "docs"
PAGES: Mapping[Path, Callable[[], str]] = {
    catalogue_page.PAGE: catalogue_page.page,
    walkthrough_page.PAGE: lambda: markdown(walkthrough_page.read()),
    matrix.PAGE: matrix.committed,
    **{schemas.FOLDER / name: partial(schemas.text, name) for name in schemas.KINDS},
    edits.MATRIX: edits.matrix,
}
MADE_ELSEWHERE = {
    bug_table.PAGE: "python -m tests.bug_table (provider local, 4 minutes)",
    matrix.DATA: "python -m tests.matrix (provider local, an hour)",
}


def stale(path: Path) -> bool:
    """Whether the committed file is not what it would be now."""
    return not path.exists() or path.read_text(encoding="utf-8") != PAGES[path]()


def main() -> bool:
    """Write the pages, or check them; whether each is as it should be afterwards."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="only these files, such as catalogue.md")
    parser.add_argument("--check", action="store_true", help="write nothing; end with 1 where a page is stale")
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - {path.name for path in PAGES}:
        parser.error(f"no generated page is called {', '.join(sorted(unknown))}")
    found = [path for path in PAGES if not arguments.names or path.name in arguments.names]
    wrong = [path for path in found if stale(path)]
    for path in wrong:
        if not arguments.check:
            path.write_text(PAGES[path](), encoding="utf-8")
        print(f"{'stale' if arguments.check else 'written'}: {path.relative_to(DOCS.parent)}")
    print(f"{len(found) - len(wrong)} of {len(found)} were up to date")
    if not arguments.names and not arguments.check:
        for path, command in MADE_ELSEWHERE.items():
            print(f"left as it is: {path.relative_to(DOCS.parent)}, which takes {command}")
    return not (arguments.check and wrong)


if __name__ == "__main__":
    sys.exit(not main())
