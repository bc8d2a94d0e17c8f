"""A composite's record is the mean of its parts' counts and charges, or says which part is missing."""

from __future__ import annotations

from fractions import Fraction

from slochaos.budget import account
from slochaos.budget.account import Charge
from slochaos.budget.traffic import Seen
from slochaos.measurement.composing import compose
from slochaos.measurement.samples import Count, NoData
from tests.unit.spec.test_composites import composite

WHOLE = composite(("0.99", Fraction(3, 4)), ("0.9", Fraction(1, 4)))


def count(bad: int, total: int) -> Count:
    return Count(total, bad, total, total, bad, bad)


def charge(allowed: str, bad: int) -> Charge:
    budget = account.observed(Fraction(allowed), 86_400, Seen(10_000, 86_400), consumed=0)
    return account.charge(
        budget,
        bad=bad,
        bad_interval=(bad, bad),
        attributed=bad,
        attributed_interval=(bad, bad),
        refunded_epoch=0,
    )


def test_the_mean_of_counts_and_charges() -> None:
    """1 % and 10 % bad, each a tenth of its own budget: 3.25 % bad, a tenth of the whole's budget."""
    counts = {"part-0": count(1, 100), "part-1": count(10, 100)}
    found = compose(WHOLE, counts, {"part-0": charge("0.01", 10), "part-1": charge("0.1", 100)})
    assert (found.target, found.sli, found.reason) == ("96.75%", 0.9675, "")
    assert (found.cost_percent, found.attributed_percent) == (10.0, 10.0)
    assert found.parts == {"part-0": 0.75, "part-1": 0.25}


def test_what_a_part_lacks_the_whole_lacks() -> None:
    """No data, no events, no charge: each is said, and no number stands in for it."""
    counts: dict[str, Count | NoData] = {
        "part-0": NoData("no-series", "no series matches x"),
        "part-1": count(0, 0),
    }
    found = compose(WHOLE, counts, {"part-0": None, "part-1": charge("0.1", 1)})
    assert (found.sli, found.cost_percent, found.attributed_percent) == (None, None, None)
    assert found.reason == "part-0: no series matches x; part-1: no events"
