"""The two clocks. Instants, deadlines and expiries use the one that goes on while the host is suspended."""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime

# Linux's CLOCK_MONOTONIC stands still during suspend; macOS's own does not.
_COUNTS_SUSPEND = time.CLOCK_MONOTONIC if sys.platform == "darwin" else time.CLOCK_BOOTTIME


def now() -> float:
    """Seconds of a clock that counts suspend and that all processes of this host share."""
    return time.clock_gettime(_COUNTS_SUSPEND)


def wall() -> float:
    """Seconds since the epoch: for display, minute slices and expiries that another host reads."""
    return time.time()


def timestamp(epoch_s: float) -> str:
    """An epoch second as records have it: RFC 3339 UTC, to the millisecond."""
    return datetime.fromtimestamp(epoch_s, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
