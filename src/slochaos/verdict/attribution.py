"""What the fault caused, net of what the baseline predicts."""

from __future__ import annotations

from dataclasses import dataclass

from slochaos.verdict.bounds import CONFIDENCE
from slochaos.verdict.counts import Counted


@dataclass(frozen=True)
class Attribution:
    """Bad events that the fault caused: the estimate, and (at least, at most) with 95 % on each side."""

    bad: float
    interval: tuple[float, float]


def attribute(
    charged: Counted,
    baseline: Counted | None,
    charged_exposure: float,
    baseline_exposure: float,
    confidence: float = CONFIDENCE,
) -> Attribution:
    """Split the charge's bad events into the fault's and the baseline's.

    Exposures are seconds, or events (totals), the same for both. Without a baseline the least is 0.
    """
    raise NotImplementedError


def census(charged: Counted) -> Attribution:
    """For slices, which are counted and never inferred: everything counted is attributed."""
    raise NotImplementedError
