"""What one run, or several, let one expect of the next. Never more than that, and with its assumption."""

from __future__ import annotations

from slochaos.verdict.bounds import CONFIDENCE, at_most, bad_at_most
from slochaos.verdict.counts import Counted, Missing
from slochaos.wording import count, percent


def would_hold_again(fault: Counted | Missing, held: int = 0, runs: int = 0) -> str:
    """A sentence for the report; empty where nothing can be said. For Occurrences: slices are only counted.

    `held` of `runs` repeats, this one included, kept the objective's rule. Failures come in bursts, so the
    bound from one run's events stands on an independence that repeats do not need.
    """
    parts = []
    if not isinstance(fault, Missing) and fault.total and (most := at_most(fault)) < 1:
        parts.append(f"at most {percent(most)} bad at {percent(CONFIDENCE)}, if failures are independent")
    if runs > 1:
        least = 1 - bad_at_most(runs - held, runs)
        chance = f", so at least {percent(least)} of such runs do" if least > 0 else ""
        parts.append(f"held in {count(held)} of {count(runs)} runs{chance}")
    return "; ".join(parts)
