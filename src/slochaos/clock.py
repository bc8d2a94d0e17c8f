"""The two clocks. Instants, deadlines and expiries use the one that goes on while the host is suspended."""

from __future__ import annotations

import sys
import time

# Linux's CLOCK_MONOTONIC stands still during suspend; macOS's own does not.
_COUNTS_SUSPEND = time.CLOCK_MONOTONIC if sys.platform == "darwin" else time.CLOCK_BOOTTIME


def now() -> float:
    """Seconds of a clock that counts suspend and that all processes of this host share."""
    return time.clock_gettime(_COUNTS_SUSPEND)


def wall() -> float:
    """Seconds since the epoch: for display, minute slices and expiries that another host reads."""
    return time.time()
