"""May we act now? A test that stays valid however often one looks.

Evidence for "the bad share is above what is allowed" is a likelihood ratio: the average likelihood over
shares above `allowed` (a Beta prior truncated to them) over the likelihood at `allowed`. While the system is
within what is allowed, that ratio exceeds 1 / alpha with a chance of at most alpha, ever (Ville's
inequality), so the abort watch may look four times a second. A fixed 95 % test there is wrong in 30 % of
runs after 240 looks. Without the truncation the test would also act on perfectly clean traffic.
"""

from __future__ import annotations

import math
from fractions import Fraction

from slochaos.verdict.beta import log_upper_ratio

ALPHA = 0.01
"""The chance of ever acting on a system that is within what is allowed, over all looks together."""

_PRIOR_MULTIPLE = 5
"""The prior's mean as a multiple of `allowed`. Within 1.5 times the events that Wald's test needs, though
that one knows the true share, at 2, 5 and 10 times the allowed share, for any of 0.05 % to 5 %."""


def exceeds(bad: int, total: int, allowed: Fraction | float) -> bool:
    """Whether the bad share is shown to be above `allowed`, looking as often as one likes.

    Counts are cumulative since the phase began. For an uncertain count pass its favourable corner:
    `floor(bad_low)` and `ceil(total_high)`.
    """
    return log_evidence(bad, total, allowed) >= -math.log(ALPHA)


def log_evidence(bad: int, total: int, allowed: Fraction | float) -> float:
    """Natural log of the evidence ratio for "above `allowed`" against "at `allowed`".

    Never above 0 without a bad event. Both integrals share their edge terms with the likelihood, so that
    nothing large is subtracted and nothing underflows.
    """
    if not 0 <= bad <= total:
        raise ValueError(f"{bad} bad of {total} is no count")
    x = float(allowed)
    if x <= 0 or x >= 1:
        return math.inf if bad and x <= 0 else -math.inf
    a, b = 1.0, max(1 / (_PRIOR_MULTIPLE * x) - 1, 1.0)
    if bad == 0:
        return math.log(b / (b + total))
    return log_upper_ratio(a + bad, b + total - bad, x, 1 - x) - log_upper_ratio(a, b, x, 1 - x)
