"""One run while it is going on: what the steps have found out so far. Only the supervisor's thread writes it."""

from __future__ import annotations

import secrets
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from slochaos import clock
from slochaos.errors import GuardError, InvalidInput, Refused, SlochaosError, UndoFailed
from slochaos.guard.client import Guard
from slochaos.guard.connection import InjectionState
from slochaos.runner.bookkeeping import Bookkeeper
from slochaos.runner.command import CommandProcess
from slochaos.runner.executor import Executor
from slochaos.runner.folder import RunFolder, repeat_id
from slochaos.runner.interrupts import Interrupted, Interrupts
from slochaos.runner.loading import Loaded
from slochaos.runner.request import RunRequest
from slochaos.runner.stream import EventStream
from slochaos.runner.timeline import Injections, Toolkit
from slochaos.spec.environment import Environment
from slochaos.spec.experiment import Experiment

if TYPE_CHECKING:  # imported while the other processes start
    from slochaos.budget.policy import PolicyDecision
    from slochaos.measurement.phases import Cut
    from slochaos.measurement.sampler import Sampler
    from slochaos.measurement.samples import Count, NoData
    from slochaos.measurement.watch import Watch
    from slochaos.record import Plan
    from slochaos.runner.budgeting import Passed
    from slochaos.runner.watch import Condition
    from slochaos.verdict.recovery import Recovered

_STOPPED_S = 0.1
"""A pause of the loop that its own turns do not explain: a SIGCONT alone stopped nothing."""


@dataclass
class Findings:
    """What speaks against `passed`, as sentences; `hint` is what to do next."""

    signal: int | None = None
    invalid: str = ""
    refused: str = ""
    undo_failed: list[str] = field(default_factory=list)
    aborted: list[str] = field(default_factory=list)
    aborted_by_rule: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    not_in_force: list[str] = field(default_factory=list)
    host_suspended: bool = False
    hint: str = ""

    def add(self, error: BaseException) -> None:
        """Remember why a step ended early."""
        match error:
            case Interrupted():
                self.signal = error.number
            case UndoFailed():
                self.undo_failed.append(error.message)
            case InvalidInput():
                self.invalid = self.invalid or error.message
            case Refused():
                self.refused = self.refused or error.message
            case SlochaosError():
                self.errors.append(error.message)
            case _:
                self.errors.append(f"an unexpected {type(error).__name__}: {error}")
        # What to do about a fault in force outranks every other advice.
        if isinstance(error, SlochaosError) and (not self.hint or isinstance(error, UndoFailed)):
            self.hint = error.hint

    def abort(self, condition: Condition) -> None:
        """Remember why the run was cut short."""
        (self.aborted_by_rule if condition.by_rule else self.aborted).append(condition.text)

    @property
    def any(self) -> bool:
        """Whether something ended the run early."""
        return bool(self.signal or self.invalid or self.refused or self.undo_failed or self.errors)


@dataclass
class AbortFacts:
    """Why and when the run was cut short: (instant, epoch second)."""

    condition: Condition
    detected: tuple[float, float]


@dataclass
class System:
    """What the repeats of a run share: the environment with its guard and services, sampled all the time."""

    loaded: Loaded
    environment: Environment
    experiment: Experiment
    guard: Guard
    started: bool = False
    sampler: Sampler | None = None
    guard_lost: bool = False
    closed: bool = False


@dataclass
class RunState:
    """One run. Instants are of `clock.now()`; cuts are None until their phase ended, or without sources.

    `consumed`: bad events that earlier runs caused; `passed`: all of the budget's window, where a source knows it.
    `stopped_s`: for how long somebody stopped this process. `unmeasured`: no sample came after the recovery, so that
    nobody knows what it cost.
    """

    request: RunRequest
    stream: EventStream
    interrupts: Interrupts
    bookkeeper: Bookkeeper
    id: str
    secret: str = field(default_factory=lambda: secrets.token_urlsafe(18), repr=False)
    first_id: str = ""
    title: str = ""
    environment_name: str = ""
    started: tuple[float, float] = field(default_factory=lambda: (clock.now(), clock.wall()))
    loaded: Loaded | None = None
    folder: RunFolder | None = None
    system_: System | None = None
    executor: Executor | CommandProcess | None = None
    injections: Injections = field(default_factory=Injections)
    toolkit: Toolkit = field(default_factory=Toolkit)
    findings: Findings = field(default_factory=Findings)
    recorded: Future[None] | None = None
    consumed: dict[str, float] = field(default_factory=dict)
    passed: dict[str, Passed] = field(default_factory=dict)
    held_before: dict[str, tuple[int, int]] = field(default_factory=dict)
    judged: dict[str, tuple[int, int]] = field(default_factory=dict)
    plan: Plan | None = None
    policy: PolicyDecision | None = None
    baseline_start: Cut | None = None
    baseline_end: Cut | None = None
    baseline: dict[str, Count | NoData] = field(default_factory=dict)
    baseline_s: float = 0.0
    leaps: dict[str, int] = field(default_factory=dict)
    undone: tuple[float, float] | None = None
    s0: Cut | None = None
    s1: Cut | None = None
    drained: Cut | None = None
    s2: Cut | None = None
    unmeasured: bool = False
    recovered: dict[str, Recovered | None] = field(default_factory=dict)
    abort: AbortFacts | None = None
    final_injections: tuple[InjectionState, ...] = ()
    injections_before: frozenset[str] = frozenset()
    notes: list[str] = field(default_factory=list)
    phase: str = ""
    phase_started: float = 0.0
    live: Watch | None = None
    last_progress: float = 0.0
    next_look_at_child: float = 0.0
    ending_told: bool = False
    last_turn: float = field(default_factory=clock.now)
    stopped_s: float = 0.0

    @property
    def system(self) -> System:
        """The started system. Only steps after `start_system` ask for it."""
        assert self.system_ is not None
        return self.system_

    @property
    def sampler(self) -> Sampler | None:
        """The sampler; None without sources."""
        return self.system_.sampler if self.system_ is not None else None

    @property
    def has_guard(self) -> bool:
        """Whether there is a guard to show signs of life to."""
        return self.system_ is not None and not self.system_.guard_lost and not self.system_.closed

    @property
    def can_be_repeated(self) -> bool:
        """Whether it went to its end, so that a repeat finds the same system."""
        return (
            self.system_ is not None and not self.system_.closed and not self.findings.any and not self.abort
        )

    @property
    def foreign(self) -> bool:
        """Whether others' actions run too, outside the undo promise."""
        return bool(self.loaded and self.loaded.experiment.foreign_actions)

    def lose_guard(self, error: GuardError) -> None:
        """The guard is dead or silent: what is left to do, this process does."""
        self.note_turn()
        if self.stopped_s:
            error = GuardError(
                f"this process was stopped for {self.stopped_s:.1f} s, so its guard undid the faults and ended the run",
                hint="run it again; Ctrl-Z and SIGSTOP stop what watches the fault",
            )
        self.findings.add(error)
        if self.system_ is not None:
            self.system_.guard_lost = True

    def note_turn(self) -> None:
        """The supervisor's loop is alive now; after a SIGCONT, for how long it was not."""
        now = clock.now()
        if self.interrupts.continued:
            self.interrupts.continued = False
            gap_s = now - self.last_turn
            self.stopped_s = gap_s if gap_s > _STOPPED_S else self.stopped_s
        self.last_turn = now

    def next_repeat(self, number: int) -> RunState:
        """The state of the `number`-th repeat: a run of its own on the same system."""
        first = self.first_id or self.id
        following = RunState(
            self.request,
            self.stream,
            self.interrupts,
            self.bookkeeper,
            repeat_id(first, number),
            self.secret,
            first,
        )
        following.system_ = self.system_
        following.held_before = {**self.held_before, **self.judged}
        following.injections_before = self.injections_before | {each.id for each in self.final_injections}
        return following
