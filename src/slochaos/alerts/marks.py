"""Marks of faults on dashboards: until when each is in force, as a metric.

The value is an instant and not a 1, so that the mark of a run that was killed ends by itself at the fault's expiry.
"""

from __future__ import annotations

UNTIL = "slochaos_fault_until_timestamp_seconds"
"""Labels: environment, experiment, run, fault."""
