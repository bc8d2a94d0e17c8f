"""The one-sided bounds, against SciPy and against the published figures."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import beta, binom

from slochaos.verdict.bounds import at_least, at_most, bad_at_least, bad_at_most, interval, is_above
from slochaos.verdict.counts import Tally

SIZES = (1, 2, 7, 60, 299, 2_995, 6_012, 100_000, 10_000_000, 100_000_000)
COUNTS = sorted(
    {(bad, n) for n in SIZES for bad in (0, 1, 2, n // 1000, n // 10, n // 2, n - 1, n) if bad <= n}
)


def oracle(bad: int, total: int, confidence: float) -> tuple[float, float]:
    """Clopper-Pearson by SciPy."""
    least = 0.0 if bad == 0 else float(beta.ppf(1 - confidence, bad, total - bad + 1))
    most = 1.0 if bad == total else float(beta.ppf(confidence, bad + 1, total - bad))
    return least, most


@pytest.mark.parametrize(("bad", "total"), COUNTS)
@pytest.mark.parametrize("confidence", [0.5, 0.95, 0.9875, 0.999])
def test_bounds_agree_with_scipy(bad: int, total: int, confidence: float) -> None:
    """Both bounds agree with SciPy's to a relative 2e-8, from one event to a hundred million."""
    least, most = oracle(bad, total, confidence)
    assert bad_at_least(bad, total, confidence) == pytest.approx(least, rel=2e-8, abs=1e-300)
    assert bad_at_most(bad, total, confidence) == pytest.approx(most, rel=2e-8)


@given(
    st.integers(1, 20_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), st.floats(0.6, 0.9999)
)
def test_bounds_enclose_what_was_seen(seen: tuple[int, int], confidence: float) -> None:
    """The share that was seen lies between the bounds, and both are shares."""
    bad, total = seen
    least, most = bad_at_least(bad, total, confidence), bad_at_most(bad, total, confidence)
    assert 0 <= least <= bad / total <= most <= 1


@pytest.mark.parametrize(
    ("bad", "total", "allowed"),
    [
        (0, 299, 0.01),
        (0, 2_995, 0.001),
        (0, 5_990, 0.0005),
        (1, 4_742, 0.001),
        (2, 6_294, 0.001),
        (5, 10_511, 0.001),
        (10, 16_959, 0.001),
    ],
)
def test_events_needed_to_bound_a_share(bad: int, total: int, allowed: float) -> None:
    """That many events bound the bad share one-sided at 95 %, and one fewer does not."""
    assert bad_at_most(bad, total) <= allowed < bad_at_most(bad, total - 1)


def test_without_events_nothing_is_known() -> None:
    """No events bound the bad share by 0 and by 1."""
    assert (bad_at_least(0, 0), bad_at_most(0, 0)) == (0.0, 1.0)


@pytest.mark.parametrize(
    ("bad", "total", "confidence"), [(-1, 5, 0.95), (6, 5, 0.95), (1, 5, 1.0), (1, 5, 0.0)]
)
def test_nonsense_counts_are_a_programming_error(bad: int, total: int, confidence: float) -> None:
    """Impossible counts and confidences raise instead of giving a number."""
    with pytest.raises(ValueError, match="no bound"):
        bad_at_most(bad, total, confidence)


@given(
    st.integers(1, 5_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))),
    st.sampled_from([Fraction(1, 1000), Fraction(1, 100), Fraction(1, 20), Fraction(1, 2)]),
)
def test_is_above_is_the_lower_bound_compared(seen: tuple[int, int], allowed: Fraction) -> None:
    """The quick question gives the answer of the lower bound."""
    bad, total = seen
    least = bad_at_least(bad, total)
    if not math.isclose(least, allowed, rel_tol=1e-9):
        assert is_above(bad, total, allowed) == (least > allowed)


@pytest.mark.parametrize(("allowed", "above"), [(Fraction(0), True), (Fraction(1), False)])
def test_is_above_at_the_ends(allowed: Fraction, above: bool) -> None:
    """Any bad event is above an allowed share of 0, none is above 1."""
    assert is_above(5, 5, allowed) is above
    assert not is_above(0, 5, allowed)


def test_an_uncertain_count_widens_both_bounds() -> None:
    """The interval of an uncertain count takes the least favourable corner on each side."""
    seen = Tally(bad=5, total=1_000, bad_low=3.5, bad_high=9.2, total_low=990.5, total_high=1_010.2)
    assert interval(seen) == (bad_at_least(3, 1_011), bad_at_most(10, 990))


def test_an_exact_count_has_the_plain_bounds() -> None:
    """Without doubt about the count, the interval is the plain one."""
    assert interval(Tally.exactly(5, 1_000)) == (bad_at_least(5, 1_000), bad_at_most(5, 1_000))


def test_a_count_without_upper_end_bounds_nothing() -> None:
    """After a reset the truth may be anything: 0 to 1."""
    seen = Tally(bad=5, total=10, bad_low=5, bad_high=math.inf, total_low=10, total_high=math.inf)
    assert (at_least(seen), at_most(seen)) == (0.0, 1.0)


SEEN = st.integers(1, 3_000).flatmap(lambda total: st.tuples(st.integers(0, total), st.just(total)))


@given(SEEN, st.floats(0.6, 0.999))
def test_bounds_move_with_what_was_seen(seen: tuple[int, int], confidence: float) -> None:
    """A bad event raises both bounds, a good one lowers them, and more confidence moves them apart."""
    bad, total = seen
    least, most = bad_at_least(bad, total, confidence), bad_at_most(bad, total, confidence)
    close = 1 - 1e-9
    assert bad_at_least(bad + 1, total + 1, confidence) >= least * close
    assert bad_at_most(bad + 1, total + 1, confidence) >= most * close
    assert bad_at_least(bad, total + 1, confidence) * close <= least
    assert bad_at_most(bad, total + 1, confidence) * close <= most
    surer = (1 + confidence) / 2
    assert bad_at_least(bad, total, surer) * close <= least
    assert bad_at_most(bad, total, surer) >= most * close


@settings(max_examples=40)
@given(st.integers(1, 300), st.floats(1e-4, 0.999), st.sampled_from([0.9, 0.95, 0.99]))
def test_each_bound_holds_as_often_as_it_says(total: int, share: float, confidence: float) -> None:
    """Over all outcomes of the exact binomial, each bound errs at most 1 - confidence of the time."""
    chances = binom.pmf(range(total + 1), total, share)
    low = sum(chances[bad] for bad in range(total + 1) if bad_at_least(bad, total, confidence) > share)
    high = sum(chances[bad] for bad in range(total + 1) if bad_at_most(bad, total, confidence) < share)
    assert low <= 1 - confidence + 1e-9
    assert high <= 1 - confidence + 1e-9


@pytest.mark.parametrize(("total", "coverage"), [(200, 0.983), (1_000, 0.981), (5_000, 0.980)])
def test_the_coverage_is_that_of_clopper_pearson(total: int, coverage: float) -> None:
    """At one bad in a thousand, 97.5 % on each side hold as often as the published figures say."""
    worst = 60
    chances = binom.pmf(range(worst), total, 0.001)
    inside = [
        bad_at_least(k, total, 0.975) <= 0.001 <= bad_at_most(k, total, 0.975)
        for k in range(min(worst, total))
    ]
    assert sum(chances[k] for k, holds in enumerate(inside) if holds) == pytest.approx(coverage, abs=0.0006)
