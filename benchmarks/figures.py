"""What a benchmark found: one figure, what it is compared with, and the goal."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """One row. `ours` and `theirs` are text with units; `value` is what `goal` limits from above, or `at_least`."""

    name: str
    ours: str
    theirs: str
    value: float
    goal: float
    unit: str = ""
    note: str = ""
    at_least: bool = False

    @property
    def met(self) -> str:
        """Whether the goal was reached."""
        met = self.value >= self.goal if self.at_least else self.value <= self.goal
        return "yes" if met else "NO"


def seconds(samples: Sequence[float]) -> str:
    """Median and 95th percentile of some durations."""
    return f"{statistics.median(samples):.3f} s (p95 {percentile(samples, 95):.3f}, n={len(samples)})"


def percentile(samples: Sequence[float], share: float) -> float:
    """The nearest-rank percentile."""
    ordered = sorted(samples)
    return ordered[min(len(ordered) - 1, max(0, -(-len(ordered) * int(share) // 100) - 1))]


def table(figures: Sequence[Figure]) -> str:
    """All figures, a line each, with a second line for a note."""
    lines = [f"{'what':58} {'figure':>9} {'goal':>8} {'met':>4}   ours | beside"]
    for figure in figures:
        value = f"{figure.value:.2f}{figure.unit}"
        goal = f"{'>= ' * figure.at_least}{figure.goal:g}{figure.unit}"
        lines.append(
            f"{figure.name:58} {value:>9} {goal:>8} {figure.met:>4}   {figure.ours} | {figure.theirs}"
        )
        if figure.note:
            lines.append(f"    {figure.note}")
    return "\n".join(lines)
