"""Add a Kubernetes version to go/: `python3 airgap/kubernetes_module.py v1.36.3 [PROGRAM ...]`.

Writes go/kubernetes-VERSION/go.mod and go.sum for the named programs, or for those of a control plane without nodes.
`k8s.io/kubernetes` requires its staging modules at v0.0.0 and replaces them by folders of its own repository; here they
are replaced by the modules published for that version.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

from programs import SOURCES

CONTROL_PLANE = ("kube-apiserver", "kube-controller-manager", "kube-scheduler")


def module(version: str, programs: tuple[str, ...], upstream: str, go: str) -> str:
    """The go.mod; ``upstream`` is the text of the version's own."""
    staging = sorted(set(re.findall(r"^\s+(k8s\.io/\S+) v0\.0\.0(?!-)", upstream, re.MULTILINE)))
    published = f"v0.{version.partition('.')[2]}"
    return "\n".join(
        [
            f"module stsconf.dev/airgap/kubernetes\n\ngo {go}\n",
            *(f"tool k8s.io/kubernetes/cmd/{name}" for name in programs),
            f"\nrequire k8s.io/kubernetes {version}\n",
            *(f"replace {name} => {name} {published}" for name in staging),
            "",
        ]
    )


def main(version: str, *programs: str) -> None:
    """Write both files; Go's own error ends it, with what it wrote left to be mended by hand."""
    folder = SOURCES / f"kubernetes-{version}"
    told = subprocess.run(
        ["go", "mod", "download", "-json", f"k8s.io/kubernetes@{version}"], check=True, capture_output=True, text=True
    )
    upstream = Path(json.loads(told.stdout)["GoMod"]).read_text(encoding="utf-8")
    folder.mkdir(exist_ok=True)
    (folder / "go.mod").write_text(module(version, programs or CONTROL_PLANE, upstream, "1.26.0"), encoding="utf-8")
    subprocess.run(["go", "mod", "tidy"], check=True, cwd=folder)


if __name__ == "__main__":
    main(*sys.argv[1:])
