"""The always-valid test: never on clean traffic, seldom on allowed traffic, soon on bad traffic."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import betaln
from scipy.stats import beta

from slochaos.verdict.sequential import ALPHA, exceeds, log_evidence
from tests.sequential_simulation import false_aborts, mean_events_to_act, wald_events

ALLOWED = [0.0005, 0.001, 0.01, 0.05]


@given(st.floats(1e-7, 0.9999), st.integers(0, 10_000_000))
def test_clean_traffic_never_acts(allowed: float, total: int) -> None:
    """Without a failure there is no evidence, whatever is allowed and however long one looks."""
    assert log_evidence(0, total, allowed) <= 0
    assert not exceeds(0, total, allowed)


@pytest.mark.parametrize("allowed", ALLOWED)
@pytest.mark.parametrize(("bad", "total"), [(1, 1), (1, 75), (3, 750), (12, 900), (40, 2_000), (900, 6_000)])
def test_evidence_is_the_truncated_mixture(allowed: float, bad: int, total: int) -> None:
    """The evidence is that of a Beta prior cut off below the allowed share, as SciPy computes its parts."""
    a, b = 1.0, 1 / (5 * allowed) - 1
    b = max(b, 1.0)
    expected = (
        betaln(a + bad, b + total - bad)
        - betaln(a, b)
        - bad * math.log(allowed)
        - (total - bad) * math.log1p(-allowed)
        + beta.logsf(allowed, a + bad, b + total - bad)
        - beta.logsf(allowed, a, b)
    )
    assert log_evidence(bad, total, allowed) == pytest.approx(float(expected), rel=1e-7, abs=1e-7)


def test_evidence_survives_where_the_tail_underflows() -> None:
    """One failure in ten million is no reason to act, though SciPy's tail is 0 there."""
    assert beta.sf(0.05, 2, 1e7) == 0
    assert -math.inf < log_evidence(1, 10_000_000, 0.05) < 0


@given(st.integers(1, 3_000).flatmap(lambda n: st.tuples(st.integers(1, n), st.just(n))))
def test_a_failure_adds_evidence_and_a_success_takes_it(seen: tuple[int, int]) -> None:
    """Evidence grows with each bad event and falls with each good one."""
    bad, total = seen
    now = log_evidence(bad, total, 0.01)
    assert log_evidence(bad + 1, total + 1, 0.01) > now > log_evidence(bad, total + 1, 0.01)


@pytest.mark.parametrize("allowed", ALLOWED)
def test_no_failure_never_acts_up_to_ten_million_requests(allowed: float) -> None:
    """At every size from one request to ten million, in steps of at most a tenth."""
    total = 1
    while total <= 10_000_000:
        assert not exceeds(0, total, allowed)
        total += max(1, total // 10)
    assert not exceeds(0, 10_000_000, allowed)


@pytest.mark.parametrize("per_look", [5, 75, 1_500])
@pytest.mark.parametrize("allowed", ALLOWED)
def test_false_aborts_stay_below_one_per_cent(allowed: float, per_look: int) -> None:
    """A system exactly at what is allowed is aborted in at most 1 % of runs of 240 looks."""
    assert false_aborts(allowed, per_look, looks=240) <= ALPHA


@pytest.mark.parametrize("multiple", [2, 5, 10])
@pytest.mark.parametrize("allowed", ALLOWED)
def test_bad_traffic_is_noticed_nearly_as_soon_as_can_be(allowed: float, multiple: int) -> None:
    """At 2, 5 and 10 times the allowed rate it takes at most 1.6 times the events of Wald's test."""
    share = multiple * allowed
    assert mean_events_to_act(allowed, share) <= 1.6 * wald_events(allowed, share)


def test_a_full_outage_acts_within_a_handful_of_events() -> None:
    """When everything fails, a few events are enough, and a million do not overflow."""
    assert exceeds(3, 3, Fraction(1, 1000))
    assert exceeds(1_000_000, 1_000_000, Fraction(1, 1000))


@pytest.mark.parametrize(("allowed", "acts"), [(Fraction(0), True), (Fraction(1), False)])
def test_the_ends_of_what_can_be_allowed(allowed: Fraction, acts: bool) -> None:
    """One failure exceeds an allowed share of 0; nothing exceeds 1."""
    assert exceeds(1, 1_000, allowed) is acts


def test_an_impossible_count_is_a_programming_error() -> None:
    """More bad events than events raise."""
    with pytest.raises(ValueError, match="no count"):
        log_evidence(5, 4, 0.01)
