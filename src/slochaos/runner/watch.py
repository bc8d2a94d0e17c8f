"""When to cut a run short. Looks at counts only; what to do about it is the supervisor's business."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction

from slochaos.budget.account import Budget
from slochaos.budget.forecast import share_when_undone
from slochaos.measurement.samples import Count, NoData
from slochaos.spec.experiment import Rule
from slochaos.spec.objectives import Objective
from slochaos.verdict import sequential
from slochaos.wording import exact_percent, percent

UNDO_S = 0.2
"""What closing the gate, undoing and verifying takes at most, as seen on Toxiproxy, with room."""
_BURN_OVER_S = 1.0


@dataclass(frozen=True)
class Condition:
    """Why the run is cut short. `by_rule`: a cost or a floor of the experiment; else a guard rail."""

    text: str
    by_rule: bool = False


@dataclass(frozen=True)
class Guarded:
    """One objective with its rule."""

    objective: Objective
    rule: Rule


class AbortWatch:
    """The rules of an experiment against the newest counts since S0.

    `cost` acts on the charge plus what detection and undo will still add at the present rate; `hold` only
    on the always-valid test, so that looking four times a second stops no sound system.
    """

    def __init__(self, guarded: Iterable[Guarded], detection_s: float) -> None:
        self._guarded = tuple(guarded)
        self._detection_s = detection_s
        self._reaction_s = detection_s + UNDO_S
        self._seen: dict[str, deque[tuple[float, int | Fraction]]] = {
            each.objective.name: deque() for each in self._guarded
        }

    def look(
        self, counts: Mapping[str, Count | NoData], budgets: Mapping[str, Budget], at: float
    ) -> Condition | None:
        """The first condition that is met by `counts` (since S0, read at the instant `at`)."""
        for guarded in self._guarded:
            count = counts.get(guarded.objective.name)
            if not isinstance(count, Count):
                continue
            self._remember(guarded.objective.name, at, count.bad)
            budget = budgets.get(guarded.objective.name)
            condition = self._over_cost(guarded, count, budget) or _below_floor(guarded, count)
            if condition is not None:
                return condition
        return None

    def _remember(self, name: str, at: float, bad: int | Fraction) -> None:
        seen = self._seen[name]
        if not seen or seen[-1][1] != bad or at - seen[-1][0] >= _BURN_OVER_S / 4:
            seen.append((at, bad))
        while len(seen) > 2 and at - seen[1][0] >= _BURN_OVER_S:
            seen.popleft()

    def _over_cost(self, guarded: Guarded, count: Count, budget: Budget | None) -> Condition | None:
        objective, limit = guarded.objective, guarded.rule.cost
        if limit is None or budget is None or budget.size <= 0:
            return None
        (first_at, first), (last_at, last) = self._seen[objective.name][0], self._seen[objective.name][-1]
        # Slices are whole: what detection and undo add is in the running one already.
        recent = 0 if objective.in_slices else last - first
        # What a sample shows happened since the one before, however soon after another source's it was read.
        over_s = max(last_at - first_at, self._detection_s)
        share = share_when_undone(budget, Fraction(count.bad_low), recent, over_s, self._reaction_s)
        if share <= limit:
            return None
        # Where the window's events are not certain this is the largest cost: stop for it, and blame nobody.
        certain = budget.share_interval((share * budget.size, math.inf))[0]
        least = "" if certain == share else f", or as little as {percent(certain)}"
        return Condition(
            f"{objective.name}: the cost reaches {percent(share, unlike=limit)} of the budget"
            f" (with what the undo will still add{least}), allowed are {exact_percent(limit)}",
            by_rule=certain > limit,
        )


def _below_floor(guarded: Guarded, count: Count) -> Condition | None:
    floor, objective = guarded.rule.hold, guarded.objective
    if floor is None or objective.in_slices:
        return None
    # The corner of an uncertain count that speaks for the system.
    if not sequential.exceeds(
        int(count.bad_low), max(count.total, int(min(count.total_high, 1e15))), 1 - floor
    ):
        return None
    good = percent(Fraction(count.good, count.total) if count.total else 0, unlike=floor)
    return Condition(
        f"{objective.name}: shown to be below its floor ({good} good, at least {exact_percent(floor)} asked for)",
        by_rule=True,
    )
