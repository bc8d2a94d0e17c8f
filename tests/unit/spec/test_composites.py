"""A composite is the weighted mean of its parts, in exact fractions."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from slochaos.spec.composites import Composite, Part
from slochaos.spec.objectives import Indicator, Objective, Query

INDICATOR = Indicator(total=Query("x"), good=Query("y"))
SHARES = st.fractions(0, 1, max_denominator=1000)


def objective(name: str, target: Fraction) -> Objective:
    return Objective(name, name, "shop", target, "lte", 86_400, "1d", "Occurrences", INDICATOR)


def composite(*parts: tuple[str, Fraction]) -> Composite:
    """Parts by target and weight."""
    return Composite(
        "whole",
        "whole",
        tuple(
            Part(objective(f"part-{i}", Fraction(target)), weight) for i, (target, weight) in enumerate(parts)
        ),
    )


def test_one_part_is_the_whole() -> None:
    """A composite of one part has its target, its bad share and its cost."""
    whole = composite(("0.999", Fraction(1)))
    assert whole.allowed == Fraction(1, 1000)
    assert whole.bad_share({"part-0": Fraction(1, 50)}) == Fraction(1, 50)
    assert whole.spent({"part-0": Fraction(20)}) == 20


def test_an_unknown_part_leaves_the_whole_unknown() -> None:
    """A mean with a term missing is no number."""
    whole = composite(("0.9", Fraction(1, 2)), ("0.9", Fraction(1, 2)))
    assert whole.bad_share({"part-0": Fraction(0)}) is None
    assert whole.spent({"part-1": Fraction(0)}) is None


@given(
    targets=st.lists(st.sampled_from(["0.9", "0.99", "0.999"]), min_size=1, max_size=4),
    bad=st.lists(SHARES, min_size=4, max_size=4),
)
def test_cost_is_the_bad_share_over_the_allowed_one(targets: list[str], bad: list[Fraction]) -> None:
    """Whether costs are taken of the whole, or of the parts' own budgets: it is the same number."""
    whole = composite(*((target, Fraction(1, len(targets))) for target in targets))
    shares = {part.objective.name: share for part, share in zip(whole.parts, bad, strict=False)}
    costs = {
        part.objective.name: shares[part.objective.name] / part.objective.allowed for part in whole.parts
    }
    mean = whole.bad_share(shares)
    assert mean is not None
    assert whole.spent(costs) == mean / whole.allowed
