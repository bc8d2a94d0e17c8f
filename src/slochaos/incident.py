"""What an interval of time cost: the document of `slochaos charge`, printed and kept by the ledger.

Nothing was injected by us in it. Times are RFC 3339 UTC, durations seconds, percentages 0-100, fractions 0-1.
"""

from __future__ import annotations

from typing import Literal

from slochaos.record import Phase, Priced, Record

Exactness = Literal["exact", "bounded", "aggregated", "extrapolated"]


class BackAbove(Record):
    """The earliest time at which this much of the budget is left again, if nothing else fails until then."""

    left_percent: float
    at: str


class Refund(Record):
    """When the interval's charge leaves the window: its first events, and its last.

    `back_above` has the steps of the budget policy that are not reached now, the next one first.
    """

    starts: str
    completes: str
    back_above: tuple[BackAbove, ...] = ()


class PricedObjective(Priced):
    """What the interval cost one objective. Without a charge, `reasons` say why.

    `interval` and `baseline` are what samples cover of what was asked. `exactness` is the count's in the
    interval, `reasons` what makes it, its budget or its share of the blame uncertain.
    """

    interval: Phase
    baseline: Phase
    exactness: Exactness | None = None
    refund: Refund | None = None
    reasons: tuple[str, ...] = ()


class Asked(Record):
    """What was asked: which interval, of which server. `id` is empty unless the ledger keeps it."""

    id: str = ""
    from_: str
    to: str
    baseline_from: str
    environment: str = ""
    server: str
    priced: str

    model_config = Phase.model_config


class PricedComposite(Record):
    """A composite's share of what the interval cost its parts; None where one of them could not be priced."""

    name: str
    display_name: str
    parts: tuple[str, ...]
    cost_percent: float | None
    consumed_after_percent: float | None


class Incident(Record):
    """The whole document."""

    incident: Asked
    objectives: tuple[PricedObjective, ...] = ()
    composites: tuple[PricedComposite, ...] = ()
    notes: tuple[str, ...] = ()
    confidence_per_side: float = 0.95
