"""A priced interval, as a document, and ways to change it: shared by the tests of ledger and reports."""

from __future__ import annotations

from typing import Any

from slochaos.incident import Asked, BackAbove, Incident, PricedObjective, Refund
from slochaos.record import ContributorRecord, Phase
from tests.unit.sample_results import DAY_S, WEEK_S, at, charge

SERVER = "http://prometheus.example:9090"


def asked(**changes: Any) -> Asked:
    """Seven minutes from 14:02 on."""
    values: dict[str, Any] = {
        "id": "INC-7",
        "from_": at(0),
        "to": at(420),
        "baseline_from": at(-420),
        "environment": "local",
        "server": SERVER,
        "priced": at(600),
    }
    return Asked(**(values | changes))


def phase(bad: int, total: int, start: float = 0, end: float = 420) -> Phase:
    """What was counted of the interval, or of another time."""
    return Phase(from_=at(start), to=at(end), good=total - bad, total=total, sli=(total - bad) / total)


def database(**changes: Any) -> PricedObjective:
    """Errors took 43 % of the database's day, most of them of one pod."""
    values: dict[str, Any] = {
        "name": "database-error-rate",
        "display_name": "Database errors",
        "target": "99.9%",
        "target_fraction": 0.999,
        "operator": "lt",
        "window": "24h",
        "budgeting_method": "Occurrences",
        "interval": phase(8_000, 42_000),
        "baseline": phase(0, 42_000, -420, 0),
        "exactness": "exact",
        "charge": charge(
            8_000, allowed=0.001, window_events=18_600_000, window_s=DAY_S, refund_complete=at(DAY_S + 420)
        ),
        "refund": Refund(starts=at(DAY_S), completes=at(DAY_S + 420)),
        "top_contributors": (
            ContributorRecord(labels={"pod": "db-0"}, bad=7_000),
            ContributorRecord(labels={"pod": "db-1"}, bad=1_000),
        ),
    }
    return PricedObjective(**(values | changes))


def api(**changes: Any) -> PricedObjective:
    """The API lost nothing."""
    spent = charge(0, allowed=0.001, window_events=60_000_000, window_s=WEEK_S)
    quiet = {"name": "api-success-rate", "display_name": "API", "operator": "lte", "window": "7d"}
    return database(
        **quiet,
        interval=phase(0, 42_000),
        charge=spent,
        refund=Refund(starts=at(WEEK_S), completes=at(WEEK_S + 420)),
        top_contributors=(),
        **changes,
    )


def overspent() -> PricedObjective:
    """More than all of it, with an upper end that nobody knows."""
    whole = charge(30_000, allowed=0.001, window_events=18_600_000, window_s=DAY_S)
    unknown = {
        "bad_gross_interval": (30_000, None),
        "attributed_interval": (29_000, None),
        "attributed_percent_interval": (155.9, None),
        "refund_complete": at(DAY_S + 420),
    }
    return database(
        charge=whole.model_copy(update=unknown),
        interval=phase(30_000, 42_000),
        exactness="bounded",
        reasons=("counter-reset: db-0 restarted and lost what it counted last",),
        refund=Refund(
            starts=at(DAY_S),
            completes=at(DAY_S + 420),
            back_above=(
                BackAbove(left_percent=0, at=at(DAY_S + 300)),
                BackAbove(left_percent=20, at=at(DAY_S + 420)),
            ),
        ),
    )


def unpriced() -> PricedObjective:
    """No data, and why."""
    nothing = Phase(from_=at(0), to=at(420), reason="no-series: no series matches probe_success")
    return database(
        name="probes-up",
        interval=nothing,
        baseline=nothing,
        exactness=None,
        charge=None,
        refund=None,
        top_contributors=(),
        reasons=("no-series: no series matches probe_success",),
    )


def incident(*objectives: PricedObjective, **changes: Any) -> Incident:
    """The whole document."""
    return Incident(incident=asked(**changes), objectives=objectives or (database(), api()))
