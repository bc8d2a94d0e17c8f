"""How soon the abort watch is sure: requests until it acts, beside Wald's sequential test, which knows the rate.

A simulation, so that the figures are the same on every machine. Ours holds at any look and for any rate.
"""

from __future__ import annotations

from pathlib import Path

from benchmarks.figures import Figure
from slochaos.verdict.bounds import is_above
from tests.sequential_simulation import false_aborts, mean_events_to_act, wald_events

ALLOWED = 0.001
LOOKS = 240
PER_LOOK = 75


def measure(_: Path) -> list[Figure]:
    """One row per rate, and the share of false aborts at exactly what is allowed."""
    return [*map(_beside_wald, (2, 5, 10)), _false_aborts()]


def _beside_wald(multiple: int) -> Figure:
    ours = mean_events_to_act(ALLOWED, multiple * ALLOWED)
    wald = wald_events(ALLOWED, multiple * ALLOWED)
    return Figure(
        name=f"requests to abort at {multiple} times 0.1 %, over Wald's",
        ours=f"{ours:,.0f} requests",
        theirs=f"{wald:,.0f} (Wald's, who knows the rate)",
        value=ours / wald,
        goal=1.6,
        unit="x",
    )


def _false_aborts() -> Figure:
    share = false_aborts(ALLOWED, PER_LOOK, LOOKS)
    fixed = false_aborts(ALLOWED, PER_LOOK, LOOKS, acts=is_above)
    return Figure(
        name=f"false aborts at exactly 0.1 %, over {LOOKS} looks",
        ours=f"{100 * share:.2f} %",
        theirs=f"{100 * fixed:.0f} % (the 95 % bound asked at each look)",
        value=100 * share,
        goal=1,
        unit="%",
    )
