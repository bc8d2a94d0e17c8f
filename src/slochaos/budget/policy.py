"""May this run spend what it may cost? One policy for runs, schedules and releases."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Step = Literal["normal", "notify", "restricted", "frozen"]


@dataclass(frozen=True)
class Outlook:
    """One objective before the run. Shares of its budget (1 = all of it)."""

    objective: str
    consumed: float
    worst: float
    window_s: int
    affordable_at: str = ""


@dataclass(frozen=True)
class PolicyDecision:
    """What the policy says. `allowed` is False only when it enforces; `notify` names whom to tell about what."""

    allowed: bool
    step: Step
    reason: str = ""
    way_out: str = ""
    advice: tuple[str, ...] = ()


def decide(
    outlooks: Iterable[Outlook],
    *,
    scope: Literal["run", "rolling"],
    mode: Literal["enforce", "advise"],
    random_faults: bool = False,
) -> PolicyDecision:
    """50 % consumed: say so; 80 %: only runs whose worst is within 1 % of what is left, none at random; 100 %: none.

    At any step a run is refused whose worst case exceeds what is left. Scope `run` starts with a full budget.
    """
    raise NotImplementedError


def step_of(consumed: float) -> Step:
    """The policy's step for a consumed share."""
    raise NotImplementedError
