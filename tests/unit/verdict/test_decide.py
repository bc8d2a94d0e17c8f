"""The decision on one objective: rules against counts, and the sentences that say so."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from slochaos.measurement.samples import NoData
from slochaos.verdict.counts import Counted, Missing, Tally
from slochaos.verdict.decide import Decision, baseline_refusal, decide_objective


@dataclass(frozen=True)
class Promise:
    """An objective, as far as verdicts need it."""

    name: str = "api-success-rate"
    allowed: Fraction = Fraction(1, 1000)
    operator: Literal["lte", "lt"] = "lte"
    window_s: int = 604_800
    method: Literal["Occurrences", "Timeslices"] = "Occurrences"


@dataclass(frozen=True)
class Shares:
    """A charge as shares of the budget."""

    gross_share: Fraction
    gross_share_interval: tuple[Fraction, Fraction | float]
    attributed_share_interval: tuple[Fraction, Fraction | float]
    window_doubts: tuple[str, ...] = ()


API = Promise()
DATABASE = Promise("database-error-rate", operator="lt", window_s=86_400)
UPTIME = Promise("availability", Fraction(1, 2000), method="Timeslices")
FLOOR = Fraction("0.99")


@st.composite
def uncertain_counts(draw: st.DrawFn) -> Tally:
    """Whole counts in doubt, some of them without an upper end."""
    total = draw(st.integers(0, 5_000))
    bad = draw(st.integers(0, total))
    open_end = draw(st.booleans())
    more = math.inf if open_end else draw(st.integers(0, 50))
    return Tally(
        bad=bad,
        total=total,
        bad_low=draw(st.integers(0, bad)),
        bad_high=bad + more,
        total_low=draw(st.integers(max(total - 50, 0), total)),
        total_high=total + more,
    )


def hold(
    bad: int,
    total: int,
    floor: Fraction = FLOOR,
    objective: Promise = API,
    objectives: int = 1,
    rate: float = 0.0,
) -> Decision:
    """An exact count against a floor."""
    seen = Tally.exactly(bad, total)
    return decide_objective(
        objective, fault=seen, with_drain=seen, hold=floor, objectives=objectives, rate_per_s=rate
    )


def spent(gross: str, low: str = "", high: str | float = "", caused: str = "") -> Shares:
    """A charge whose parts are the gross share unless said otherwise."""
    most = high if isinstance(high, float) else Fraction(high or gross)
    return Shares(Fraction(gross), (Fraction(low or gross), most), (Fraction(caused or low or gross), most))


def cost(charge: Shares | Missing | None, allowed: str = "0.4", objective: Promise = DATABASE) -> Decision:
    """A charge against a cost rule."""
    seen = Tally.exactly(0, 10)
    return decide_objective(objective, fault=seen, with_drain=seen, spent=charge, cost=Fraction(allowed))


class TestHold:
    """A floor during the fault."""

    def test_a_clean_fault_keeps_it(self) -> None:
        """0 of 6,012 shows 99 %."""
        found = hold(0, 6_012)
        assert (found.verdict, found.word) == ("kept", "held")
        assert found.reason == "api-success-rate held 100 % (0 bad of 6,012), 99 % has to hold"

    @pytest.mark.parametrize(
        ("bad", "total", "verdict"), [(0, 299, "kept"), (0, 298, "unproven"), (12, 2_000, "kept")]
    )
    def test_the_published_limits(self, bad: int, total: int, verdict: str) -> None:
        """99 % needs 299 clean events, and stands 12 failures among 2,000."""
        assert hold(bad, total).verdict == verdict

    def test_a_broken_api_breaches_it(self) -> None:
        """Most requests failed: breached, with the numbers."""
        found = hold(5_279, 6_012)
        assert (found.verdict, found.word) == ("breached", "below-floor")
        assert found.reason == "api-success-rate held 12.2 % (5,279 bad of 6,012), 99 % has to hold"

    def test_too_few_events_say_what_it_would_take(self) -> None:
        """1,200 clean requests are too few for 99.9 %: how many more, and how long that takes."""
        found = hold(0, 1_200, Fraction("0.999"), rate=300.0)
        assert (found.verdict, found.word) == ("unproven", "too-few-events")
        assert found.reason == (
            "api-success-rate held 100 % (0 bad of 1,200), which shows no more than 99.75 %: 99.9 % has to hold; "
            "takes 1,795 more without a failure (about 6 s)"
        )

    def test_no_events_are_unproven(self) -> None:
        """Without traffic nothing is shown."""
        assert hold(0, 0) == Decision(
            "unproven",
            "no-events",
            "api-success-rate saw no events, 99 % has to hold; takes 299 more without a failure",
        )

    def test_a_floor_of_all_is_never_shown_but_can_be_breached(self) -> None:
        """100 %: clean traffic leaves it unproven, one failure breaches it."""
        assert hold(0, 100_000, Fraction(1)).verdict == "unproven"
        assert hold(1, 100_000, Fraction(1)).verdict == "breached"

    def test_several_objectives_make_a_breach_harder_to_claim(self) -> None:
        """What breaches alone at 95 % is not enough when four objectives are watched."""
        assert hold(6, 250, objectives=1).verdict == "breached"
        assert hold(6, 250, objectives=4).verdict == "unproven"

    def test_the_drain_counts_when_it_is_worse(self) -> None:
        """Requests that time out after the undo breach the floor too."""
        found = decide_objective(
            API, fault=Tally.exactly(0, 6_000), with_drain=Tally.exactly(600, 6_900), hold=FLOOR
        )
        assert found.verdict == "breached"
        assert "600 bad of 6,900" in found.reason

    def test_a_long_drain_does_not_dilute_the_fault(self) -> None:
        """A fault that breaches stays breached, however clean the drain."""
        found = decide_objective(
            API, fault=Tally.exactly(60, 600), with_drain=Tally.exactly(60, 60_000), hold=FLOOR
        )
        assert found.verdict == "breached"

    @pytest.mark.parametrize("lost", ["fault", "drain"])
    def test_missing_data_is_unproven_with_its_reason(self, lost: str) -> None:
        """No data decides nothing, and the reason is the source's."""
        seen, nothing = Tally.exactly(0, 6_000), NoData("source-down", "api: connection refused")
        fault: Counted | Missing = nothing if lost == "fault" else seen
        drain: Counted | Missing = nothing if lost == "drain" else seen
        found = decide_objective(API, fault=fault, with_drain=drain, hold=FLOOR)
        assert (found.verdict, found.word) == ("unproven", "source-down")
        assert found.reason == "api-success-rate: api: connection refused"

    def test_a_breach_stands_where_the_drain_is_lost(self) -> None:
        """What was established stays, whatever could not be read after it."""
        found = decide_objective(API, fault=Tally.exactly(900, 6_000), with_drain=NoData("gap"), hold=FLOOR)
        assert found.verdict == "breached"

    def test_a_doubtful_count_is_named_as_such(self) -> None:
        """The point would have held, its doubt does not."""
        seen = Tally(0, 6_000, 0, 400, 6_000, 6_000, ("gap: api missed 4 samples",))
        found = decide_objective(API, fault=seen, with_drain=seen, hold=FLOOR)
        assert (found.verdict, found.word) == ("unproven", "counting-uncertain")
        assert "gap: api missed 4 samples" in found.reason

    def test_a_restart_leaves_it_unproven(self) -> None:
        """Counts without upper end prove nothing and breach nothing."""
        seen = Tally(0, 6_000, 0, math.inf, 6_000, math.inf, ("reset: api restarted",))
        assert decide_objective(API, fault=seen, with_drain=seen, hold=FLOOR).verdict == "unproven"

    @given(st.integers(1, 4_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
    def test_kept_and_breached_agree_with_what_was_seen(self, seen: tuple[int, int]) -> None:
        """Kept only below the allowed share, breached only above it."""
        bad, total = seen
        verdict = hold(bad, total).verdict
        assert verdict != "kept" or bad / total < 0.01
        assert verdict != "breached" or bad / total > 0.01

    @pytest.mark.parametrize("total", [500, 2_000, 6_000])
    def test_a_service_exactly_at_its_floor_is_misjudged_in_at_most_one_run_of_twenty(
        self, total: int
    ) -> None:
        """Each wrong claim, kept and breached, has a chance of at most 5 %, computed exactly."""
        chance = {"kept": 0.0, "breached": 0.0, "unproven": 0.0}
        for bad in range(total // 20):
            chance[hold(bad, total).verdict] += float(binom.pmf(bad, total, 0.01))
        assert chance["kept"] <= 0.05
        assert chance["breached"] <= 0.05

    @given(uncertain_counts())
    def test_doubt_never_decides(self, seen: Tally) -> None:
        """A doubtful count is kept only if its worst corner is, and breached only if its best corner is."""
        verdict = decide_objective(API, fault=seen, with_drain=seen, hold=FLOOR).verdict
        if verdict == "kept":
            assert hold(int(seen.bad_high), int(seen.total_low)).verdict == "kept"
        if verdict == "breached":
            assert hold(int(seen.bad_low), int(seen.total_high)).verdict == "breached"


class TestSlices:
    """Slices are counted, never inferred."""

    @pytest.mark.parametrize(
        ("bad", "total", "floor", "verdict"),
        [
            (0, 2, "0.9995", "kept"),
            (1, 2, "0.5", "kept"),
            (1, 2, "0.9", "breached"),
            (0, 0, "0.9", "unproven"),
        ],
    )
    def test_a_census_decides_exactly(self, bad: int, total: int, floor: str, verdict: str) -> None:
        """Two slices are enough, and exactly the allowed share is allowed."""
        assert hold(bad, total, Fraction(floor), UPTIME).verdict == verdict

    def test_a_strict_target_does_not_allow_its_own_share(self) -> None:
        """With `<` and the objective's own target, exactly the allowed share is a breach."""
        strict = Promise("uptime", Fraction(1, 2), "lt", method="Timeslices")
        assert hold(1, 2, Fraction(1, 2), strict).verdict == "breached"

    def test_a_slice_in_doubt_decides_nothing(self) -> None:
        """One slice that may be bad or not."""
        seen = Tally(1, 2, 0, 1, 2, 2, ("missing-slices: one",))
        found = decide_objective(UPTIME, fault=seen, with_drain=seen, hold=Fraction("0.9995"))
        assert (found.verdict, found.word) == ("unproven", "counting-uncertain")


class TestCost:
    """The largest share of the budget that a run may spend."""

    def test_within_the_rule(self) -> None:
        """23.1 % of the day, 40 % allowed."""
        found = cost(spent("0.231"))
        assert found == Decision(
            "kept", "within-cost", "database-error-rate cost 23.1 % of its day, allowed 40 %"
        )

    def test_above_the_rule(self) -> None:
        """61.2 % of the day, 40 % allowed."""
        found = cost(spent("0.612"))
        assert found == Decision(
            "exceeded", "over-cost", "database-error-rate cost 61.2 % of its day, allowed 40 %"
        )

    def test_exactly_the_rule_is_kept(self) -> None:
        """What may be spent may be spent to the last event."""
        assert cost(spent("0.4")).verdict == "kept"

    def test_a_hair_above_the_rule_reads_so(self) -> None:
        """The sentence never says "40 %, allowed 40 %" of a run that failed."""
        found = cost(spent("0.40002"))
        assert found.verdict == "exceeded"
        assert "cost 40.002 % of its day, allowed 40 %" in found.reason

    def test_a_noisy_baseline_leaves_it_open(self) -> None:
        """Above the rule in all, but not shown to be the fault's doing."""
        found = cost(spent("0.42", caused="0.37"))
        assert (found.verdict, found.word) == ("unproven", "baseline-noise")
        assert "only 37 % is shown to come from the fault" in found.reason

    @pytest.mark.parametrize("high", ["0.55", math.inf])
    def test_a_doubtful_count_leaves_it_open(self, high: str | float) -> None:
        """Between within and above, or without upper end."""
        found = cost(spent("0.35", low="0.3", high=high, caused="0.2"))
        assert (found.verdict, found.word) == ("unproven", "counting-uncertain")

    def test_a_window_in_doubt_leaves_it_open_and_says_so(self) -> None:
        """The rule holds at one end of the window's events and not at the other: the traffic is to blame."""
        charge = replace(
            spent("0.5", low="0.1", high="0.5"), window_doubts=("series-born: it appeared at 4000",)
        )
        found = cost(charge)
        assert (found.verdict, found.word) == ("unproven", "counting-uncertain")
        assert "between 10 % and 50 %" in found.reason
        assert (
            "how many events the window has is not certain (series-born: it appeared at 4000)" in found.reason
        )
        assert found.way_out.startswith("let the source show its series from the start on")

    def test_an_open_end_does_not_hide_what_was_exceeded(self) -> None:
        """What certainly exceeded the rule did, whatever else is unknown."""
        assert cost(spent("0.6", low="0.5", high=math.inf, caused="0.45")).verdict == "exceeded"

    @pytest.mark.parametrize(("charge", "word"), [(None, "no-data"), (NoData("gap", "samples lost"), "gap")])
    def test_without_a_charge_it_is_unproven(self, charge: Missing | None, word: str) -> None:
        """No charge is never a charge of 0."""
        found = cost(charge)
        assert (found.verdict, found.word) == ("unproven", word)


class TestBothRules:
    """An objective with a floor and a cost."""

    def decide(self, bad: int, gross: str) -> Decision:
        """99 % has to hold, 5 % may be spent."""
        seen = Tally.exactly(bad, 6_000)
        return decide_objective(
            API, fault=seen, with_drain=seen, spent=spent(gross), hold=FLOOR, cost=Fraction("0.05")
        )

    def test_the_worse_rule_decides(self) -> None:
        """A breach outranks a kept cost, an exceeded cost a kept floor, a breach both."""
        assert self.decide(6_000, "0.01").verdict == "breached"
        assert self.decide(0, "0.2").verdict == "exceeded"
        assert self.decide(6_000, "0.2").verdict == "breached"

    def test_both_reasons_are_given_when_both_hold(self) -> None:
        """A kept objective says that it held and what it cost."""
        found = self.decide(0, "0.01")
        assert found.verdict == "kept"
        assert found.reason == (
            "api-success-rate held 100 % (0 bad of 6,000), 99 % has to hold; "
            "api-success-rate cost 1 % of its week, allowed 5 %"
        )


class TestObserved:
    """Without a rule nothing is judged."""

    def test_a_broken_objective_without_rule_is_observed(self) -> None:
        """It is counted and charged, and fails nothing."""
        seen = Tally.exactly(5_940, 5_940)
        found = decide_objective(DATABASE, fault=seen, with_drain=seen)
        assert found == Decision("observed", "no-rule", "database-error-rate: 0 % (5,940 bad of 5,940)")

    def test_missing_data_is_said(self) -> None:
        """Also when nothing depends on it."""
        nothing = NoData("no-series")
        found = decide_objective(DATABASE, fault=nothing, with_drain=nothing)
        assert (found.verdict, found.word) == ("observed", "no-series")

    def test_slices_are_named(self) -> None:
        """One slice, many slices."""
        one, two = Tally.exactly(0, 1), Tally.exactly(0, 2)
        assert decide_objective(UPTIME, fault=one, with_drain=one).reason == "availability: 0 bad of 1 slice"
        assert decide_objective(UPTIME, fault=two, with_drain=two).reason == "availability: 0 bad of 2 slices"


class TestBaseline:
    """A baseline refuses only on a breach."""

    def refuse(self, bad: int, total: int, objective: Promise = API, objectives: int = 1) -> str | None:
        """An exact baseline."""
        return baseline_refusal(objective, Tally.exactly(bad, total), required=True, objectives=objectives)

    def test_a_short_clean_baseline_lets_the_run_go_on(self) -> None:
        """75 clean requests prove nothing, and need not."""
        assert self.refuse(0, 75) is None
        assert self.refuse(1, 75) is None

    def test_a_broken_system_is_not_broken_further(self) -> None:
        """21 bad of 750 where 99.9 % is promised."""
        assert self.refuse(21, 750) == (
            "api-success-rate is broken before any fault: 97.2 % (21 bad of 750), its target is 99.9 %"
        )

    def test_several_objectives_make_a_refusal_rarer(self) -> None:
        """One look in twelve would otherwise refuse a healthy system far too often."""
        assert self.refuse(3, 800) is not None
        assert self.refuse(3, 800, objectives=12) is None

    def test_a_bad_slice_refuses(self) -> None:
        """A minute that is bad already."""
        assert self.refuse(1, 1, UPTIME) == (
            "availability is broken before any fault: 1 bad of 1 slice, its target is 99.95 %"
        )

    def test_missing_data_refuses_only_where_a_rule_needs_it(self) -> None:
        """A rule cannot be judged without data; an observed objective can do without."""
        nothing = NoData("no-series", "no series matches http_requests_total")
        assert baseline_refusal(API, nothing, required=True) == (
            "api-success-rate: no series matches http_requests_total"
        )
        assert baseline_refusal(API, nothing, required=False) is None


def test_events_that_may_lie_outside_the_phase_do_not_count_towards_what_it_takes() -> None:
    """What is missing for a floor is told from the events that are known to be the phase's."""
    beside = Tally(bad=0, total=310, bad_low=0, bad_high=0, total_low=250, total_high=310)
    found = decide_objective(API, fault=beside, with_drain=beside, hold=FLOOR)

    assert (found.verdict, found.word) == ("unproven", "too-few-events")
    assert found.reason.endswith("takes 49 more without a failure")


class TestWayOut:
    """What is to be done about evidence that does not decide."""

    def advice(self, fault: Counted | Missing, with_drain: Counted | Missing | None = None) -> str:
        return decide_objective(API, fault=fault, with_drain=with_drain or fault, hold=FLOOR).way_out

    def test_a_source_that_cannot_be_read_is_not_cured_by_traffic(self) -> None:
        """Failed readings in the count, or no count at all, are to be mended where they come from."""
        failed = Tally(10, 6_000, 10, 400, 3_000, 6_000, ("diluted: up to 3,000", "source-down: 3 failed"))

        assert "can be read all the time" in self.advice(failed)
        assert "can be read all the time" in self.advice(NoData("source-down", "api: NaN"))

    def test_several_processes_need_addresses_of_their_own(self) -> None:
        """Also where only the drain could not be counted."""
        lost = NoData("several-processes", "source api: total fell")

        assert self.advice(lost).startswith("scrape each process by its own address")
        assert self.advice(Tally.exactly(0, 6_000), lost).startswith("scrape each process by its own address")

    def test_an_experiment_without_a_fault_needs_one(self) -> None:
        """There is nothing that more time could show."""
        assert "a fault" in self.advice(NoData("no-fault", "nothing was injected"))

    def test_long_scrapes_are_to_be_shorter(self) -> None:
        """Where nothing failed but the readings lie too far from the fault."""
        assert self.advice(Tally(0, 6_000, 0, 0, 100, 6_000, ("diluted: up to 5,900",))).startswith(
            "read the source more often"
        )

    def test_too_few_events_have_none(self) -> None:
        """More of the same is what helps, which the reason says with its number."""
        assert self.advice(Tally.exactly(0, 200)) == ""

    def test_what_is_decided_has_none(self) -> None:
        """A kept floor, and a broken one, need no way out."""
        assert self.advice(Tally.exactly(0, 6_000)) == ""
        assert self.advice(Tally.exactly(3_000, 6_000)) == ""

    def test_one_cause_is_told_once(self) -> None:
        """Floor and cost that lack the same data give one sentence."""
        lost = NoData("several-processes", "source api: total fell")
        found = decide_objective(
            API, fault=lost, with_drain=lost, spent=lost, hold=FLOOR, cost=Fraction("0.1")
        )
        assert found.reason == "api-success-rate: source api: total fell"
