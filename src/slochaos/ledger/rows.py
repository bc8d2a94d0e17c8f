"""What the ledger answers: plain values, so that readers need not import a database library."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class HistoryRow:
    """One run in a list. `status` is one of the record's, or `running` while no result is known.

    `provisional` as in the record: the run was killed at its very end, or is about to end.
    `costs` are (objective, gross share of its budget in per cent), dearest first. Never add them up.
    """

    id: str
    experiment: str
    environment: str
    started: datetime
    ended: datetime | None
    status: str
    exit_code: int | None
    reason: str
    placebo: bool
    costs: tuple[tuple[str, float], ...] = ()
    provisional: bool = False


@dataclass(frozen=True)
class IncidentRow:
    """One incident in a list. `environment` is empty where the interval was priced without one.

    `provisional` as in the record: the run was killed at its very end, or is about to end.
    `costs` are (objective, gross share of its budget in per cent), dearest first. Never add them up.
    """

    id: str
    environment: str
    server: str
    started: datetime
    ended: datetime
    priced: datetime
    costs: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True)
class RunningRow:
    """A run that began and whose end is not recorded. `run_dir` is empty when it was not told."""

    id: str
    experiment: str
    environment: str
    started: datetime
    host: str
    run_dir: str


@dataclass(frozen=True)
class OverrideRow:
    """What the budget policy had against a run, and who let it go on, why, and until when."""

    run_id: str
    objective: str
    by: str
    reason: str
    objection: str
    until: datetime
    used: datetime


@dataclass(frozen=True)
class Refund:
    """When the charge of a run or an incident leaves the window: what comes back then, in per cent of the budget."""

    by: str
    at: datetime
    percent: float


@dataclass(frozen=True)
class BudgetRow:
    """What runs and incidents took from one objective's budget, in the window that ends now.

    `caused_events` and `caused_percent` count what runs caused, `incidents_percent` what incidents did, each
    beyond what was usual; `left_percent` is what the last of either saw left (`seen_at`, `seen_by`), everything
    together. `refunds` are in order of time.
    """

    objective: str
    target: str
    window: str
    runs: int
    caused_events: float
    caused_percent: float
    left_percent: float
    seen_at: datetime
    seen_by: str
    refunds: tuple[Refund, ...] = ()
    incidents: int = 0
    incidents_percent: float = 0.0
