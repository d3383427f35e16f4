"""Where a number was measured: without that it says nothing."""

import os
import platform
from datetime import UTC, datetime
from pathlib import Path


def describe(server: str = "") -> str:
    """Date, processor, cores, memory, load of the last minute, and Python; ``server`` is a Kubernetes version."""
    facts = Path("/proc/cpuinfo").read_text(encoding="utf-8") if Path("/proc/cpuinfo").exists() else ""
    models = [line.partition(":")[2].strip() for line in facts.splitlines() if line.startswith("model name")]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    parts = [
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        models[0] if models else platform.machine(),
        f"{os.cpu_count()} cores",
        f"{memory:.0f} GiB",
        f"load {os.getloadavg()[0]:.1f}",
        f"Python {platform.python_version()}",
        *([f"Kubernetes {server}"] if server else []),
    ]
    return ", ".join(parts)
