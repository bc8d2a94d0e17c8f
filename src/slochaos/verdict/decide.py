"""The decisions: per objective, for the baseline, and for the run as a whole."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, NamedTuple

from slochaos.verdict.bounds import CONFIDENCE
from slochaos.verdict.counts import Counted, Missing, Promise, Spent

Verdict = Literal["kept", "exceeded", "breached", "unproven", "observed"]
Status = Literal[
    "undo-failed", "invalid", "refused", "interrupted", "failed", "aborted", "error", "inconclusive", "passed"
]


@dataclass(frozen=True)
class Decision:
    """What is established about one objective. `word` is stable, for machines; `reason` is a sentence."""

    verdict: Verdict
    word: str
    reason: str


def decide_objective(
    objective: Promise,
    *,
    fault: Counted | Missing,
    with_drain: Counted | Missing,
    spent: Spent | Missing | None = None,
    hold: Fraction | None = None,
    cost: Fraction | None = None,
    objectives: int = 1,
    rate_per_s: float = 0.0,
    confidence: float = CONFIDENCE,
) -> Decision:
    """Judge one objective by its rule: `hold` (floor of the good share) and `cost` (share of the budget).

    `fault` is [S0, S1), `with_drain` the fault plus the clients' timeouts; `objectives` is how many are judged
    in this run; `rate_per_s` turns missing evidence into seconds. Without a rule: "observed".
    """
    raise NotImplementedError


def baseline_refusal(
    objective: Promise, baseline: Counted | Missing, *, required: bool, objectives: int = 1
) -> str | None:
    """Why nothing may be injected, or None. Refuses only on a breach, or on no data where a rule needs it."""
    raise NotImplementedError


@dataclass(frozen=True)
class RunFacts:
    """Everything that decides a run's status, each as sentences for people; empty where it did not happen.

    `aborted_by_rule`: the abort watch stopped the run for a cost or a rate. `aborted`: an operator, a deadline
    or a guard rail did. `signal`: the number that interrupted us. `errors`: our processes or a source.
    `unproven`: reasons of required objectives. `not_in_force`: the fault was never seen to be in force.
    """

    undo_failed: tuple[str, ...] = ()
    invalid: str = ""
    refused: str = ""
    signal: int | None = None
    breached: tuple[str, ...] = ()
    exceeded: tuple[str, ...] = ()
    slow_recovery: tuple[str, ...] = ()
    aborted_by_rule: tuple[str, ...] = ()
    aborted: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()
    unproven: tuple[str, ...] = ()
    not_in_force: tuple[str, ...] = ()
    host_suspended: bool = False


class RunStatus(NamedTuple):
    """The first status that applies, top down, and the lower ones that applied too."""

    status: Status
    exit_code: int
    reason: str
    also: tuple[Status, ...]


def run_status(facts: RunFacts) -> RunStatus:
    """The run's status by the exit-code table."""
    raise NotImplementedError


def would_hold_again(fault: Counted | Missing, held: int = 1, runs: int = 1) -> str:
    """What this run, or `runs` repeats of it, lets one expect of the next: a sentence, with its assumption."""
    raise NotImplementedError
