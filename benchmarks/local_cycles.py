"""How long a control plane of processes takes to be ready and gone, and that nothing of it stays.

`python -m benchmarks.local_cycles [CYCLES]`, 20 unless told. Prints seconds; exits with 1 when a cycle left something
behind.
"""

import socket
import statistics
import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.machine import describe
from stsconf.clusters import local
from stsconf.waits import Waits


def processes_naming(text: str) -> list[str]:
    """Command lines that contain a text."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if text in line:
            found.append(line[:200])
    return found


def mounts_and_cgroups() -> tuple[str, ...]:
    """What a container engine would have left traces in."""
    return tuple(Path(f"/proc/self/{name}").read_text(encoding="utf-8") for name in ("mounts", "cgroup"))


def cycle(folder: Path) -> tuple[float, float, list[str]]:
    """One start and end: seconds to ready, seconds to gone, and what was left."""
    before, began = mounts_and_cgroups(), time.monotonic()
    with local.cluster("cycle", folder, local.Settings(), {}, Waits(), lambda _: None) as cluster:
        ready = time.monotonic()
        data = Path(str(cluster.kubeconfig)).parent
        address = urlsplit(cluster.api.client.configuration.host)
        ending = time.monotonic()
    gone = time.monotonic()
    left = processes_naming(str(data))
    left += [f"folder {data}"] if data.exists() else []
    left += ["a mount or a cgroup"] if mounts_and_cgroups() != before else []
    with socket.socket() as one:
        if one.connect_ex((str(address.hostname), int(address.port or 443))) == 0:
            left.append(f"port {address.port}")
    return ready - began, gone - ending, left


def main() -> int:
    """Run the cycles."""
    print(describe(local.KUBERNETES))
    readies, gones, dirty = [], [], False
    with tempfile.TemporaryDirectory() as folder:
        for number in range(int(sys.argv[1]) if len(sys.argv) > 1 else 20):
            ready, gone, left = cycle(Path(folder))
            print(f"{number + 1:3}  ready {ready:5.2f} s  gone {gone:5.2f} s  {'; '.join(left) or 'nothing left'}")
            readies.append(ready)
            gones.append(gone)
            dirty |= bool(left)
    for name, seconds in (("ready", readies), ("gone", gones)):
        print(f"{name}: median {statistics.median(seconds):.2f} s, most {max(seconds):.2f} s, of {len(seconds)}")
    return dirty


if __name__ == "__main__":
    sys.exit(main())
