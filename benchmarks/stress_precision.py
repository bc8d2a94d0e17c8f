"""CPU at 80 % and 512 MiB of memory, asked of the host's faults: what the kernel counts, beside what was asked."""

from __future__ import annotations

import os
import statistics
import time
from pathlib import Path

from benchmarks.figures import Figure
from slochaos import clock
from slochaos.faults.host.cpu import Burn
from slochaos.faults.host.memory import Hold, oom_kills

PERCENT = 80.0
MEMORY = 512 * 1024 * 1024
LOOKS = 8


def measure(_: Path) -> list[Figure]:
    """Both on this machine as it is, however busy: the CPU one on one worker, so that others have room."""
    expires = clock.wall() + 60
    burn = Burn(f"slochaos-bench-{os.getpid()}-cpu", expires, percent=PERCENT, workers=1)
    hold = Hold(f"slochaos-bench-{os.getpid()}-memory", expires, amount=MEMORY, oom_kills=oom_kills())
    burned, held = _sizes(burn), _sizes(hold)
    load = os.getloadavg()[0] / (os.cpu_count() or 1)
    return [
        Figure(
            f"host.cpu at {PERCENT:g} % of a CPU: median error",
            f"{burned:.1f} % of a CPU ({burned / PERCENT:.3f}x)",
            f"{PERCENT:g} % asked, {load:.1f} runnable per CPU",
            value=abs(burned - PERCENT),
            goal=5.0,
            unit=" points",
            note="" if os.geteuid() == 0 else "without privileges it cannot come before others",
        ),
        Figure(
            "host.memory of 512 MiB: error of what is resident",
            f"{held / 2**20:.1f} MiB ({held / MEMORY:.3f}x)",
            "512 MiB asked",
            value=abs(held - MEMORY) / MEMORY * 100,
            goal=5.0,
            unit=" %",
        ),
    ]


def _sizes(stress: Burn | Hold) -> float:
    """The median of what is seen of it while it is in force, once it has settled."""
    stress.perform()
    try:
        time.sleep(1.0)
        seen = [look.size for look in (stress.look() for _ in range(LOOKS)) if look and look.size is not None]
        return statistics.median(seen)
    finally:
        stress.undo(applied=True, last=True)
