"""The record of a run: result.json, the document that machines read.

One typed tree, written by the runner, read by the ledger, the reports and the CLI. Times are RFC 3339
UTC, durations seconds, percentages 0-100, fractions 0-1.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

Status = Literal[
    "undo-failed", "invalid", "refused", "interrupted", "failed", "aborted", "error", "inconclusive", "passed"
]
Verdict = Literal["kept", "exceeded", "breached", "unproven", "observed"]
UndoState = Literal["verified", "failed", "expired", "gone", "superseded", "waived", "open"]


class Record(BaseModel):
    """The base of all: never changed, and nothing in it that is not named."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Run(Record):
    """Who, when, and how it ended. `also` lists lower-ranked statuses that applied too.

    `seed` is what random failures were drawn by; None for an experiment without any.
    `provisional`: written while the run was ending, and replaced when it has ended; where it stays, the run's process
    was killed in between.
    """

    id: str
    experiment: str
    environment: str
    started: str
    ended: str
    status: Status
    exit_code: int
    reason: str = ""
    hint: str = ""
    also: tuple[Status, ...] = ()
    placebo: bool = False
    provisional: bool = False
    host: str = ""
    seed: int | None = None
    chaos_toolkit: dict[str, Any] = {}


class RuleRecord(Record):
    """The experiment's rule as fractions 0-1; None where it has none."""

    hold: float | None = None
    cost: float | None = None


class Phase(Record):
    """One phase of one objective. Without data, the counts are None and `reason` says why."""

    from_: str
    to: str
    good: int | float | None = None
    total: int | None = None
    sli: float | None = None
    bad_at_least: float | None = None
    bad_at_most: float | None = None
    reason: str = ""

    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=lambda n: n.rstrip("_"), populate_by_name=True
    )


class Charge(Record):
    """What the run spent, in events (slices for Timeslices), and as a share of the window's budget.

    Intervals are (at least, at most), None where nobody knows at most what. `window_events` is what is certain of the
    window, so that percentages are rather too high; a record of an older version lacks some intervals.
    """

    bad_gross: int | float
    bad_gross_interval: tuple[float, float | None]
    bad_attributed: float
    attributed_interval: tuple[float, float | None]
    window_events: float
    window_events_interval: tuple[float, float | None] | None = None
    basis: Literal["observed", "projected"]
    cost_percent: float
    cost_percent_interval: tuple[float, float | None] | None = None
    attributed_percent: float
    attributed_percent_interval: tuple[float, float | None]
    consumed_before_percent: float
    consumed_after_percent: float
    consumed_after_percent_interval: tuple[float, float | None] | None = None
    equivalent_outage_seconds: float
    refund_complete: str


class ContributorRecord(Record):
    """Bad events by label."""

    labels: dict[str, str]
    bad: int


class Promised(Record):
    """One objective: what it promises."""

    name: str
    display_name: str
    target: str
    target_fraction: float
    operator: str
    window: str
    budgeting_method: str
    threshold_seconds: float | None = None


class Priced(Promised):
    """One objective and what was charged to it, whoever caused it."""

    charge: Charge | None = None
    top_contributors: tuple[ContributorRecord, ...] = ()


class ObjectiveResult(Priced):
    """One objective of a run: its phases, its charge, what was decided and why."""

    rule: RuleRecord
    phases: dict[Literal["baseline", "fault", "recovery"], Phase]
    verdict: Verdict
    reason: str = ""
    would_hold_again: str = ""


class CompositeResult(Record):
    """The weighted mean of some objectives: `parts` are weights by objective name, and sum to 1.

    `sli` is the mean good share (of a run: during the fault), costs are in per cent of the mean's budget; None
    where a part has none, and `reason` says which.
    """

    name: str
    display_name: str
    target: str
    target_fraction: float
    window: str
    parts: dict[str, float]
    sli: float | None = None
    cost_percent: float | None = None
    attributed_percent: float | None = None
    reason: str = ""


class ForecastRecord(Record):
    """What one objective may cost, in per cent of its budget.

    `expected_percent` is 0 where nothing is going to be broken, and else None: how much a fault takes down nobody knows
    before, and what it did cost is in the objective's charge.
    """

    objective: str
    worst_percent: float
    expected_percent: float | None = None
    abort_at_seconds: float | None = None
    reason: str = ""


class PowerRecord(Record):
    """Whether the traffic can decide a `hold`, and the ways out where it cannot.

    As in the baseline, `expected_bad` of the `expected_events` fail; `needed_clean` events show the floor if no
    other does (0: no number can).
    """

    objective: str
    needed_clean: int
    expected_events: float
    expected_bad: int = 0
    decidable: bool
    ways_out: tuple[str, ...] = ()


class HostDiesRecord(Record):
    """What becomes of one planned fault if this host dies while it is in force."""

    fault: str
    target: str
    outcome: str


class BudgetRecord(Record):
    """What of an objective's budget was consumed before the run, as its source counted it, in per cent.

    `chaos_percent` is what runs caused and is still in the window, `organic_percent` the rest.
    """

    objective: str
    consumed_percent: float
    chaos_percent: float
    organic_percent: float
    basis: Literal["observed", "projected"]


class PermissionRecord(Record):
    """What the run would do, to which target, and the allow-list entry that lets it; an empty entry is none."""

    what: str
    target: str
    entry: str


class LockRecord(Record):
    """A lock that is held at a target while the run lasts; `where` is empty as long as nobody has chosen the port."""

    target: str
    lock: str
    where: str = ""


class Plan(Record):
    """What was foreseen before anything was injected. `assumptions` are sentences: on what it rests.

    `limits` and `watch` are sentences too: what bounds the blast radius, and what the abort watch looks at.
    """

    assumptions: tuple[str, ...] = ()
    forecast: tuple[ForecastRecord, ...] = ()
    budget: tuple[BudgetRecord, ...] = ()
    detection_seconds: float = 0.0
    detection_cost_percent: dict[str, float] = {}
    power: tuple[PowerRecord, ...] = ()
    if_host_dies: tuple[HostDiesRecord, ...] = ()
    permissions: tuple[PermissionRecord, ...] = ()
    limits: tuple[str, ...] = ()
    locks: tuple[LockRecord, ...] = ()
    watch: tuple[str, ...] = ()
    faults: tuple[dict[str, Any], ...] = ()


class OverrideRecord(Record):
    """An objection of the budget policy that somebody overrode: who, why, and until when (RFC 3339)."""

    objective: str
    objection: str
    by: str
    reason: str
    until: str


class PolicyRecord(Record):
    """What the budget policy decided before anything was injected. `reason` stands in mode `advise` too."""

    step: str
    allowed: bool
    reason: str = ""
    overrides: tuple[OverrideRecord, ...] = ()


class InjectionRecord(Record):
    """One injection, from intent to verified undo."""

    id: str
    name: str = ""
    kind: str
    target: str
    applied: str | None = None
    undone: str | None = None
    expires: str
    evidence: str = ""
    undo: UndoState
    undo_milliseconds: float | None = None
    by_hand: str = ""
    detail: str = ""


class Recovery(Record):
    """Time from the verified undo until the indicators held again; None unless all did.

    `not_recovered` names the objectives that were seen not to hold, `unknown` those of which nothing was seen that
    could have shown it.
    """

    seconds: float | None
    resolution_seconds: float
    not_recovered: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()


class Abort(Record):
    """Why and when the run was cut short. Instants are RFC 3339; latency from detection to verified undo."""

    condition: str
    detected: str
    undone: str | None
    latency_ms: float | None


class ToolkitVerdict(Record):
    """What Chaos Toolkit itself said of the same experiment."""

    status: str
    deviated: bool
    journal: str


class MeasuredCommand(Record):
    """What `slochaos measure` ran; `exit_status` is negative for the signal that ended it, None if it never began."""

    arguments: tuple[str, ...]
    exit_status: int | None = None
    seconds: float | None = None


class TimelinePoint(Record):
    """Bad and total events of one objective between two consecutive samples, for charts."""

    at: float
    good: int
    total: int


class Timeline(Record):
    """Seconds since the run's start at which things happened, and each objective's counts over time."""

    marks: dict[str, float] = {}
    points: dict[str, tuple[TimelinePoint, ...]] = {}


class Result(Record):
    """result.json."""

    run: Run
    objectives: tuple[ObjectiveResult, ...] = ()
    composites: tuple[CompositeResult, ...] = ()
    plan: Plan = Plan()
    policy: PolicyRecord | None = None
    injections: tuple[InjectionRecord, ...] = ()
    recovery: Recovery | None = None
    abort: Abort | None = None
    chaos_toolkit: ToolkitVerdict | None = None
    measured: MeasuredCommand | None = None
    timeline: Timeline = Timeline()
    notes: tuple[str, ...] = ()
    command: str = ""
    confidence_per_side: float = 0.95
