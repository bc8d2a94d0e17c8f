"""What was counted of an objective, as records have it."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from slochaos import record
from slochaos.measurement.samples import Count, NoData
from slochaos.spec.objectives import Objective
from slochaos.verdict import bounds


def promise(objective: Objective) -> dict[str, Any]:
    """The fields of `record.Promised`."""
    return {
        "name": objective.name,
        "display_name": objective.display_name,
        "target": f"{float(100 * objective.target):.10g}%",
        "target_fraction": float(objective.target),
        "operator": objective.operator,
        "window": objective.window,
        "budgeting_method": objective.method,
        "threshold_seconds": None if objective.threshold_s is None else float(objective.threshold_s),
    }


def phase(objective: Objective, begin: str, end: str, count: Count | NoData) -> record.Phase:
    """What was counted from `begin` to `end` (RFC 3339), and how bad it may be beyond that."""
    if isinstance(count, NoData):
        reason = f"{count.reason}: {count.detail}" if count.detail else count.reason
        return record.Phase(from_=begin, to=end, reason=reason)
    # Slices are counted, never inferred: they have no bounds.
    inferred = objective.method == "Occurrences" and count.total
    least, most = bounds.interval(count) if inferred else (None, None)
    return record.Phase(
        from_=begin,
        to=end,
        good=number(count.good),
        total=count.total,
        sli=count.sli,
        bad_at_least=least,
        bad_at_most=most,
        reason="; ".join(count.reasons),
    )


def number(events: int | Fraction) -> int | float:
    """Events as JSON has them: whole ones whole, slices of ratios as a float."""
    return int(events) if events.denominator == 1 else float(events)


def contributors(count: Count | NoData) -> tuple[record.ContributorRecord, ...]:
    """Where the bad events were, by label."""
    if isinstance(count, NoData):
        return ()
    return tuple(
        record.ContributorRecord(labels=dict(each.labels), bad=each.bad) for each in count.contributors
    )
