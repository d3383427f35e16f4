"""``python -m tests.faulty --kubeconfig F [--fault NAME]``: run in place of the StatefulSet controller; ``--list``."""

import argparse
import threading
from pathlib import Path

from stsconf.kube.api import Api
from tests.faulty.faults import FAULTS
from tests.faulty.loop import ANNOTATION, Loop


def main() -> None:
    """Run until killed."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.faulty",
        description="A StatefulSet controller that does as documented, except for one fault. Switch the one of "
        f"Kubernetes off. A set's annotation {ANNOTATION} chooses the fault for that set.",
    )
    parser.add_argument("--kubeconfig", type=Path, help="whose cluster, and with what rights")
    parser.add_argument("--fault", choices=sorted(FAULTS), metavar="NAME", help="for sets without the annotation")
    parser.add_argument("--list", action="store_true", help="print the faults and the promises that should name them")
    asked = parser.parse_args()
    if asked.list:
        for fault in FAULTS.values():
            print(f"{fault.name:32} {fault.promise}  {fault.says}")
        return
    if asked.kubeconfig is None:
        parser.error("--kubeconfig is needed")
    Loop(Api.from_kubeconfig(asked.kubeconfig, None), asked.fault).start()
    threading.Event().wait()


if __name__ == "__main__":
    main()
