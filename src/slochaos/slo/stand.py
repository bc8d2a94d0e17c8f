"""How one objective stands, from what was counted over each window and over its own. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from slochaos import record
from slochaos.budget.account import WHOLE, Budget
from slochaos.budget.burn import burn_rate
from slochaos.budget.policy import step_of
from slochaos.clock import timestamp
from slochaos.measurement import records
from slochaos.measurement.prometheus.windows import UNSEEN, Buckets, Measured, Window
from slochaos.measurement.samples import Count, NoData
from slochaos.slo.budgets import budget_of
from slochaos.slo.doubts import no_data
from slochaos.spec.objectives import Objective
from slochaos.standing import BudgetLeft, CheckedObjective, OverWindow, QuantileRecord, Status
from slochaos.verdict.quantiles import quantile
from slochaos.wording import seconds

QUANTILES = (Fraction(50, 100), Fraction(95, 100), Fraction(99, 100))

HOUR_S = 3600.0
"""The burn rate of the shortest window of at least this tells when a budget runs out."""

_ENDS_S = 60.0
"""So much may be missing of a window at its ends without a word: scrapes are never where windows end."""


@dataclass(frozen=True)
class Span:
    """A window as it was asked for: `5m`."""

    name: str
    length_s: float

    def before(self, at: float) -> Window:
        """The window of this length that ends at `at`."""
        return Window(at - self.length_s, at)


@dataclass(frozen=True)
class Found:
    """All that was measured of one objective: over each span with its latencies, and over its budget's window.

    `whole` is all of the budget's window, `passed` what was counted in it until `at`.
    """

    at: float
    over: Mapping[Span, Measured]
    latencies: Mapping[Span, Buckets | NoData]
    whole: Window
    passed: Measured


def checked(objective: Objective, found: Found) -> CheckedObjective:
    """Everything but when the budget comes back, which takes further questions."""
    budget = budget_of(objective, found.whole, found.passed)
    return CheckedObjective(
        **records.promise(objective),
        status=_status(budget, found.passed.count),
        windows=tuple(_over(objective, span, found) for span in found.over),
        budget=None if isinstance(budget, NoData) else _left(budget, found),
        top_contributors=records.contributors(found.passed.count),
        reasons=tuple(dict.fromkeys(_reasons(budget, found))),
    )


def _over(objective: Objective, span: Span, found: Found) -> OverWindow:
    measured, asked = found.over[span], span.before(found.at)
    seen = measured.observed or asked
    phase = records.phase(objective, timestamp(seen.start), timestamp(seen.end), measured.count)
    counted = measured.count if isinstance(measured.count, Count) else None
    burn = burn_rate(counted.bad, counted.total, objective.allowed) if counted else None
    reasons = filter(None, (phase.reason, *_short(measured, asked), *measured.warnings))
    return OverWindow(
        **{**dict(phase), "reason": "; ".join(dict.fromkeys(reasons))},
        window=span.name,
        asked_seconds=span.length_s,
        observed_seconds=_seen_s(measured),
        bad_interval=None if counted is None else _interval(counted),
        burn_rate=None if burn is None else float(burn),
        burn_rate_at_least=_burn(phase.bad_at_least, objective),
        burn_rate_at_most=_burn(phase.bad_at_most, objective),
        quantiles=_quantiles(found.latencies.get(span)),
        exactness=measured.exactness if counted else None,
    )


def _interval(counted: Count) -> tuple[float, float | None]:
    high = float(counted.bad_high)
    return float(counted.bad_low), high if math.isfinite(high) else None


def _burn(share: float | None, objective: Objective) -> float | None:
    return None if share is None else float(Fraction(share) / objective.allowed)


def _quantiles(buckets: Buckets | NoData | None) -> tuple[QuantileRecord, ...]:
    """Of the samples that enclose the window, as the rate is."""
    if not isinstance(buckets, Buckets):
        return ()
    between = {share: quantile(buckets.bounds, buckets.points, share) for share in QUANTILES}
    return tuple(
        QuantileRecord(
            quantile=float(share),
            at_least_seconds=bucket[0],
            at_most_seconds=bucket[1] if math.isfinite(bucket[1]) else None,
        )
        for share, bucket in between.items()
        if bucket is not None
    )


def _seen_s(measured: Measured) -> float:
    return measured.observed.length_s if measured.observed else 0.0


def _short(measured: Measured, asked: Window) -> Iterator[str]:
    """A window of which less was observed than asked says so."""
    missing_s = asked.length_s - _seen_s(measured)
    if isinstance(measured.count, Count) and missing_s > max((1 - WHOLE) * asked.length_s, _ENDS_S):
        yield f"short-history: only {seconds(_seen_s(measured))} of the {seconds(asked.length_s)} have samples"


def _status(budget: Budget | NoData, counted: Count | NoData) -> Status:
    """Judged by what was counted; undecided where the truth may be on the other side of the budget.

    What restarts lost has no upper end, and that alone leaves nothing undecided: it is said.
    """
    if isinstance(budget, NoData) or isinstance(counted, NoData):
        return "no-data"
    spent, most = budget.consumed_share, budget.share(counted.bad_high)
    if spent >= 1:
        return "used-up" if budget.share(counted.bad_low) >= 1 else "inconclusive"
    if math.isfinite(most) and most >= 1:
        return "inconclusive"
    if math.isinf(most) and any(reason.startswith(UNSEEN) for reason in counted.reasons):
        return "inconclusive"
    return by_policy(spent)


def by_policy(spent: Fraction) -> Status:
    """What the budget policy calls a spent share."""
    status: dict[str, Status] = {"frozen": "used-up", "restricted": "restricted", "notify": "notify"}
    return status.get(step_of(spent), "within")


def _left(budget: Budget, found: Found) -> BudgetLeft:
    counted = found.passed.count
    assert isinstance(counted, Count)
    left = max(budget.left_share, Fraction(0))
    over, runs_out = _exhaustion(budget, found)
    return BudgetLeft(
        starts=timestamp(found.whole.start),
        ends=timestamp(found.whole.end),
        basis=budget.basis,
        window_events=float(budget.window_events),
        size=float(budget.size),
        spent=float(budget.consumed),
        spent_interval=_interval(counted),
        spent_percent=float(100 * budget.consumed_share),
        left=float(left * budget.size),
        left_percent=float(100 * budget.left_share),
        left_outage_seconds=float(left * budget.allowed * budget.window_s),
        burning_over=over,
        runs_out=runs_out,
    )


def _exhaustion(budget: Budget, found: Found) -> tuple[str, str | None]:
    """Over which span the bad events are counted, and when what is left is spent at their rate.

    None where that is not before all of it has come back: within a rolling window's length, or by the calendar.
    """
    span = _telling(tuple(found.over))
    if span is None or not isinstance(counted := found.over[span].count, Count):
        return "", None
    seen_s = _seen_s(found.over[span])
    if budget.left_share <= 0:
        return span.name, timestamp(found.at)
    if not counted.bad or seen_s <= 0:
        return span.name, None
    rate = Fraction(counted.bad) / Fraction(seen_s)
    in_s = float(budget.left_share * budget.size / rate)
    rolls = found.whole.end <= found.at
    horizon_s = found.whole.length_s if rolls else found.whole.end - found.at
    return span.name, timestamp(found.at + in_s) if in_s < horizon_s else None


def _telling(spans: Sequence[Span]) -> Span | None:
    long = [span for span in spans if span.length_s >= HOUR_S]
    by_length = sorted(long or spans, key=lambda span: span.length_s)
    return (by_length[0] if long else by_length[-1]) if by_length else None


def _reasons(budget: Budget | NoData, found: Found) -> Iterator[str]:
    if isinstance(budget, NoData):
        yield no_data(budget)
        return
    assert isinstance(found.passed.count, Count)
    yield from found.passed.count.reasons
    asked = Window(found.whole.start, min(found.at, found.whole.end))
    for short in _short(found.passed, asked):
        more = "; its events are projected at their rate" if budget.basis == "projected" else ""
        yield f"{short}{more}, and what was spent before that is unknown"
    yield from (f"server-warning: {warning}" for warning in found.passed.warnings)


def only_shares(windows: Mapping[str, record.Phase]) -> dict[str, Fraction]:
    """Bad shares by objective, of those that had events."""
    return {
        name: 1 - Fraction(phase.good) / phase.total
        for name, phase in windows.items()
        if phase.good is not None and phase.total
    }
