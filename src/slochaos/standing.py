"""How objectives stand at one time: the document of `slochaos slo check`.

Times are RFC 3339 UTC, durations seconds, percentages 0-100, fractions 0-1. What is not known is null, never 0.
"""

from __future__ import annotations

from typing import Literal

from slochaos.incident import BackAbove, Exactness
from slochaos.record import ContributorRecord, Phase, Promised, Record

Status = Literal["used-up", "no-data", "inconclusive", "restricted", "notify", "within"]
"""Worst first. used-up: no budget is left. restricted, notify: 80 and 50 % of it are spent, as the budget policy
has it. inconclusive: the count's interval has both more and less than the budget in it, or is not the whole truth."""


class QuantileRecord(Record):
    """Between which of the histogram's bounds a quantile (0-1) lies. Above the last finite one `at_most` is null."""

    quantile: float
    at_least_seconds: float
    at_most_seconds: float | None


class OverWindow(Phase):
    """One window of one objective: from `from` to `to` the samples reach, `observed_seconds` of what was asked.

    `bad_interval` holds the truth about `total - good`; its upper end is null where it is unknown. A burn rate is the
    bad share over the allowed one; its bounds are those of the share.
    """

    window: str
    asked_seconds: float
    observed_seconds: float
    bad_interval: tuple[float, float | None] | None = None
    burn_rate: float | None = None
    burn_rate_at_least: float | None = None
    burn_rate_at_most: float | None = None
    quantiles: tuple[QuantileRecord, ...] = ()
    exactness: Exactness | None = None


class BudgetLeft(Record):
    """The budget of an objective's own window, in events (slices for slice methods).

    `window_events` is how many the window holds, `projected` where it was not seen whole. `left_outage_seconds` is
    the time of full outage that would spend what is left. `runs_out` is when that will be at the burn rate of
    the window `burning_over`, null if not before what is spent now has come back. `back_above` has the steps of
    the budget policy that are not reached, and when each will be if nothing else fails.
    """

    starts: str
    ends: str
    basis: Literal["observed", "projected"]
    window_events: float
    size: float
    spent: float
    spent_interval: tuple[float, float | None]
    spent_percent: float
    left: float
    left_percent: float
    left_outage_seconds: float
    burning_over: str = ""
    runs_out: str | None = None
    back_above: tuple[BackAbove, ...] = ()


class CheckedObjective(Promised):
    """One objective. Without a budget, `reasons` say why; else what may be wrong with it."""

    status: Status
    windows: tuple[OverWindow, ...]
    budget: BudgetLeft | None = None
    top_contributors: tuple[ContributorRecord, ...] = ()
    reasons: tuple[str, ...] = ()


class CompositeWindow(Record):
    """A composite's mean over one window; null where a part has none."""

    window: str
    sli: float | None
    burn_rate: float | None


class CheckedComposite(Record):
    """The weighted mean of some objectives: `parts` are weights by objective name."""

    name: str
    display_name: str
    target: str
    target_fraction: float
    window: str
    parts: dict[str, float]
    status: Status
    windows: tuple[CompositeWindow, ...]
    spent_percent: float | None
    left_percent: float | None


class Asked(Record):
    """What was asked, of which server, as of when; and the exit code that says how it stands."""

    at: str
    windows: tuple[str, ...]
    environment: str = ""
    server: str
    exit_code: int


class Standing(Record):
    """The whole document; objectives worst first."""

    check: Asked
    objectives: tuple[CheckedObjective, ...] = ()
    composites: tuple[CheckedComposite, ...] = ()
    notes: tuple[str, ...] = ()
    confidence_per_side: float = 0.95
