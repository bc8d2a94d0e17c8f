"""What happens during a run, as values: for live progress, for `--events`, for events.ndjson.

Each event is one NDJSON line `{"type", "timestamp", ...}`. Types that Chaos Toolkit's `--events-file` has
(`run-started`, `hypothesis-completed`, `activity-started`, `method-completed`, ...) keep its shapes and
come from the child as `ToolkitEvent`; the others are ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, ClassVar

from slochaos import clock
from slochaos.clock import timestamp

if TYPE_CHECKING:  # pydantic is not needed to emit the first events
    from slochaos.record import Plan, Result


@dataclass(frozen=True, kw_only=True)
class Event:
    """The base of all: `at` is the epoch second at which it happened."""

    type: ClassVar[str] = "event"
    at: float = field(default_factory=clock.wall)

    def as_line(self) -> dict[str, Any]:
        """The NDJSON line as a dict."""
        own = {item.name: getattr(self, item.name) for item in fields(self) if item.name != "at"}
        return {"type": self.type, "timestamp": timestamp(self.at), **own}


@dataclass(frozen=True)
class RunStarted(Event):
    """A run began."""

    type: ClassVar[str] = "run-started"
    run: str
    title: str
    environment: str
    folder: str


@dataclass(frozen=True)
class StepStarted(Event):
    """The supervisor entered one of its steps: load, environment, replay, budget, plan, baseline, fault,
    undo, recovery, decide, record, report. `seconds` is how long it is planned to take, 0 if unknown."""

    type: ClassVar[str] = "step-started"
    step: str
    seconds: float = 0.0


@dataclass(frozen=True)
class ServiceProgress(Event):
    """One line about the environment's services while they start."""

    type: ClassVar[str] = "service-progress"
    text: str


@dataclass(frozen=True)
class Replayed(Event):
    """An injection that an earlier run left was undone (or could not be)."""

    type: ClassVar[str] = "replayed"
    run: str
    injection: str
    target: str
    state: str


@dataclass(frozen=True)
class Planned(Event):
    """The plan stands; nothing was injected yet."""

    type: ClassVar[str] = "planned"
    plan: Plan

    def as_line(self) -> dict[str, Any]:
        """The NDJSON line as a dict."""
        return {**super().as_line(), "plan": self.plan.model_dump(mode="json", by_alias=True)}


@dataclass(frozen=True)
class Reading:
    """One objective right now: counts since S0 (since the phase began, in the baseline).

    `good` is whole, but for slices of ratios.
    `cost_percent` is the gross charge so far as a share of the budget; `limit_percent` the rule's.
    `reason` says why there are no counts.
    """

    objective: str
    good: int | float | None
    total: int | None
    cost_percent: float | None = None
    limit_percent: float | None = None
    reason: str = ""


@dataclass(frozen=True)
class Measured(Event):
    """Live progress, about four times a second: phase, time left, each objective, the faults in force.

    `left_s` is that of the phase, and while a fault is in force the time until it is undone; None when not known.
    """

    type: ClassVar[str] = "measured"
    phase: str
    elapsed_s: float
    left_s: float | None
    readings: tuple[Reading, ...] = ()
    in_force: tuple[str, ...] = ()

    def as_line(self) -> dict[str, Any]:
        """The NDJSON line as a dict."""
        return {**super().as_line(), "readings": [vars(reading) for reading in self.readings]}


@dataclass(frozen=True)
class InjectionChanged(Event):
    """One injection reached a state of the undo log (intended, sent, applied, undone, failed, ...)."""

    type: ClassVar[str] = "injection-changed"
    injection: str
    state: str
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class AbortDecided(Event):
    """The run is cut short: the gate closes and everything is undone."""

    type: ClassVar[str] = "abort-decided"
    condition: str


@dataclass(frozen=True)
class UndoProgress(Event):
    """How far the undo is: said when a signal arrives, and when a target does not let go of its fault.

    `open` are the faults that are waited for, `on` their targets, for `tries_s` seconds more at most; `by_hand` the
    commands that remove them without slochaos. `doing` is what else is waited for, `by` the signal that is answered.
    """

    type: ClassVar[str] = "undo-progress"
    undone: int
    of: int
    open: tuple[str, ...] = ()
    on: tuple[str, ...] = ()
    tries_s: float = 0.0
    by_hand: tuple[str, ...] = ()
    doing: str = ""
    by: str = ""


@dataclass(frozen=True)
class Notice(Event):
    """A sentence for the person who watches."""

    type: ClassVar[str] = "notice"
    text: str


@dataclass(frozen=True)
class ToolkitEvent(Event):
    """An event of Chaos Toolkit's executor, in its own shape: `name` is its type, `payload` the rest."""

    name: str
    payload: Mapping[str, Any] = field(default_factory=dict)

    def as_line(self) -> dict[str, Any]:
        """The NDJSON line as Chaos Toolkit's `--events-file` writes it."""
        return {"type": self.name, "timestamp": timestamp(self.at), **self.payload}


@dataclass(frozen=True)
class RunFinished(Event):
    """A run ended. `result` is what result.json holds."""

    type: ClassVar[str] = "run-finished"
    result: Result

    def as_line(self) -> dict[str, Any]:
        """The NDJSON line: Chaos Toolkit's fields, then ours; the whole result stays in result.json."""
        run, toolkit = self.result.run, self.result.chaos_toolkit
        line = {name: value for name, value in super().as_line().items() if name != "result"}
        verdict = {"status": toolkit.status, "deviated": toolkit.deviated} if toolkit else {"status": None}
        return {
            **line,
            **verdict,
            "run": run.id,
            "verdict": run.status,
            "exit_code": run.exit_code,
            "reason": run.reason,
        }
