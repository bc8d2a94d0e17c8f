"""The plan: what a run may cost and can decide, from files alone."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from slochaos.errors import Refused
from slochaos.measurement.samples import Count, NoData
from slochaos.record import Plan
from slochaos.runner import budgeting, plan
from slochaos.runner.power import refuse_underpowered
from slochaos.spec.environment import Environment
from slochaos.spec.experiment import Experiment, PlannedFault, Rule
from slochaos.spec.objectives import Objective
from slochaos.spec.sources import ScrapeSource
from tests.unit.runner.test_watch import OBJECTIVE

ENVIRONMENT = Environment(
    "shop",
    Path("shop.yaml"),
    objectives=(OBJECTIVE,),
    sources=(ScrapeSource("api", "http://127.0.0.1:1/metrics", 0.25),),
)
OUTAGE = PlannedFault("down", "toxiproxy", "shop", {"proxy": "shop", "enabled": False}, 20.0, False, "x:1")


def experiment(
    *faults: PlannedFault, rules: tuple[Rule, ...] = (), foreign: tuple[str, ...] = ()
) -> Experiment:
    """An experiment with these faults and rules; recovery takes up to 10 s."""
    method_s = sum(fault.duration_s for fault in faults)
    return Experiment("down", Path("down.json"), "Down", {}, rules, faults, foreign, 5.0, 10.0, method_s)


def made(given: Experiment, baseline: Count | None = None, *, placebo: bool = False) -> Plan:
    """Its plan; `baseline` is what `orders` counted in ten seconds before."""
    counts = None if baseline is None else {"orders": baseline}
    return plan.make_plan(given, ENVIRONMENT, counts, 10.0, placebo=placebo)


def test_the_worst_case_is_a_full_outage_until_recovered() -> None:
    """Twenty seconds of fault and ten of recovery are 30 of the day's 86.4."""
    (forecast,) = made(experiment(OUTAGE)).forecast
    assert forecast.worst_percent == pytest.approx(100 * 30 / 86.4)
    assert forecast.expected_percent is None  # how much a fault takes down is what the run is to show


def test_a_cost_rule_bounds_the_worst_case() -> None:
    """It aborts at 10 %, plus what detection and undo add."""
    (forecast,) = made(experiment(OUTAGE, rules=(Rule("orders", cost=Fraction("0.1")),))).forecast
    assert 10 < forecast.worst_percent < 11
    assert forecast.abort_at_seconds is not None


def test_detection_takes_as_long_as_the_sources_were_seen_to_take() -> None:
    """Assumed before, known after the baseline."""
    found = plan.make_plan(experiment(OUTAGE), ENVIRONMENT, detection_s=1.25)
    assert (made(experiment(OUTAGE)).detection_seconds, found.detection_seconds) == (0.35, 1.25)


def test_nothing_costs_nothing() -> None:
    """The fault `nothing`, and every placebo, break nothing."""
    nothing = replace(OUTAGE, kind="nothing", parameters={})
    assert made(experiment(nothing)).forecast[0].worst_percent == 0
    assert made(experiment(nothing)).forecast[0].expected_percent == 0
    assert made(experiment(OUTAGE), placebo=True).forecast[0].worst_percent == 0


def test_faults_that_overlap_last_as_long_as_their_union() -> None:
    """From the first start to the last end."""
    second = replace(OUTAGE, starts_s=10.0, background=True)
    assert plan.fault_seconds(experiment(OUTAGE, second)) == 30.0


def test_foreign_actions_are_outside_the_promise_and_said_so() -> None:
    """The plan lists them with what becomes of them: nobody knows."""
    outcomes = {each.fault: each.outcome for each in made(experiment(foreign=("theirs.break",))).if_host_dies}
    assert "foreign" in outcomes["theirs.break"]


def test_power_is_judged_once_traffic_is_known() -> None:
    """Without a baseline nothing is said; with too little traffic the floor is refused, with the ways out."""
    given = experiment(OUTAGE, rules=(Rule("orders", hold=Fraction("0.999")),))
    assert made(given).power == ()

    weak = made(given, count(100))
    assert not weak.power[0].decidable
    with pytest.raises(Refused) as refused:
        refuse_underpowered(weak, allowed=False)
    assert refused.value.reason == "underpowered"
    assert "--allow-underpowered" in refused.value.hint

    refuse_underpowered(weak, allowed=True)
    refuse_underpowered(made(given, count(10_000)), allowed=False)


def test_failures_of_the_baseline_go_on_during_the_fault() -> None:
    """6,000 events show 99.9 % when none fails, and not when one in 3,000 does anyway: then two are expected."""
    given = experiment(OUTAGE, rules=(Rule("orders", hold=Fraction("0.999")),))
    assert made(given, count(3000)).power[0].decidable

    (record,) = made(given, count(3000, bad=1)).power
    assert (record.decidable, record.expected_events, record.expected_bad) == (False, 6000, 2)
    assert any(way.endswith("longer") for way in record.ways_out)
    with pytest.raises(Refused, match="2 of them bad as in the baseline"):
        refuse_underpowered(made(given, count(3000, bad=1)), allowed=False)


def test_a_floor_that_the_baseline_breaks_is_not_a_matter_of_traffic() -> None:
    """No duration and no load show it: the only way out is to ask for less."""
    given = experiment(OUTAGE, rules=(Rule("orders", hold=Fraction("0.999")),))
    (record,) = made(given, count(100_000, bad=500)).power
    assert (record.needed_clean, record.ways_out) == (0, ("hold 99 %",))
    with pytest.raises(Refused, match="no number of such events"):
        refuse_underpowered(made(given, count(100_000, bad=500)), allowed=False)


def test_a_plan_says_on_what_it_rests() -> None:
    """Before a baseline, how much traffic the floor needs; after it, that things go on as they were."""
    given = experiment(OUTAGE, rules=(Rule("orders", hold=Fraction("0.999")),))
    before = " ".join(made(given).assumptions)
    assert "orders: the fault sees 2,995 events or more (150 per second)" in before
    assert "the baseline will tell" in before
    assert "everything fails" in before

    after = " ".join(made(given, count(10_000)).assumptions)
    assert "as in the baseline" in after
    assert "the baseline will tell" not in after


def count(total: int, bad: int = 0) -> Count:
    """An exact count."""
    return Count(total, bad, total, total, bad, bad)


def before(orders: Count | NoData) -> budgeting.Traffic:
    """Ten seconds of baseline."""
    return budgeting.Traffic({"orders": orders}, 10.0)


def test_budgets_are_projected_from_the_baseline() -> None:
    """100 events a second are 8.64 million a day, of which 0.1 % may be bad."""
    budgets = budgeting.known(budgeting.budgets(ENVIRONMENT, before(count(1000)), {}))
    assert budgets["orders"].size == 8640


def test_without_a_baseline_the_run_itself_is_projected() -> None:
    """And where neither is known, there is no budget to speak of."""
    down = NoData("source-down")
    assert budgeting.budgets(ENVIRONMENT, before(down), {}) == {"orders": down}
    own = budgeting.Traffic({"orders": count(500)}, 5.0)
    assert budgeting.known(budgeting.budgets(ENVIRONMENT, before(down), {}, own))["orders"].size == 8640


def test_slices_need_no_traffic() -> None:
    """A week has its minutes, whatever happens in them."""
    slices = Objective(**{**vars(OBJECTIVE), "method": "Timeslices", "window_s": 604800})
    environment = replace(ENVIRONMENT, objectives=(slices,))
    assert budgeting.known(budgeting.budgets(environment, budgeting.NO_TRAFFIC, {}))[
        "orders"
    ].size == Fraction("10.08")


def test_the_policy_sees_what_is_consumed() -> None:
    """Half of the budget consumed, and the worst case of the plan."""
    budgets = budgeting.known(budgeting.budgets(ENVIRONMENT, before(count(1000)), {"orders": 4320}))
    (outlook,) = budgeting.outlooks(ENVIRONMENT, made(experiment(OUTAGE)), budgets)
    assert outlook.consumed == 0.5
    assert outlook.worst == pytest.approx(30 / 86.4)


def test_a_baseline_in_doubt_gives_the_budget_that_is_certain() -> None:
    """A series that appeared at 4,000 may have counted them meanwhile: 1,000 are certain, 5,000 possible."""
    born = Count(5000, 0, 1000, 5000, 0, 0, reasons=("series-born: a series appeared at 4000",))
    (budget,) = budgeting.known(budgeting.budgets(ENVIRONMENT, before(born), {})).values()
    assert [budget.size, *budget.events_interval] == [8640, 8_640_000, 5 * 8_640_000]
    assert budget.reasons == born.reasons


def test_a_leap_of_the_baseline_is_not_projected_over_the_window() -> None:
    """What came in one step of a second is no usual rate, burst or broken counter: at least the rest is."""
    leapt = budgeting.Traffic({"orders": count(1_001_000)}, 10.0, leaps={"orders": 1_000_000})
    (budget,) = budgeting.known(budgeting.budgets(ENVIRONMENT, leapt, {})).values()
    assert [budget.size, budget.events_interval[1]] == [8640, 1001 * 8_640_000]


def test_a_baseline_without_upper_end_is_filled_in_by_the_run_itself() -> None:
    """After a restart in the baseline the run's own traffic says how much it may have been."""
    restarted = Count(900, 0, 900, math.inf, 0, math.inf, reasons=("reset: ...",))
    own = budgeting.Traffic({"orders": count(500)}, 5.0)
    (budget,) = budgeting.known(budgeting.budgets(ENVIRONMENT, before(restarted), {}, own)).values()
    assert list(budget.events_interval) == [90 * 86400, 100 * 86400]


def test_without_anything_certain_there_is_no_budget_but_a_reason() -> None:
    """All of the baseline is in doubt, and the run had no traffic."""
    vague = Count(4000, 0, 0, 4000, 0, 0, reasons=("series-born: a series appeared at 4000",))
    (found,) = budgeting.budgets(ENVIRONMENT, before(vague), {}).values()
    assert isinstance(found, NoData)
    assert found.detail.endswith("is not certain: series-born: a series appeared at 4000")
    assert budgeting.not_charged(found).startswith("; nothing was charged: how many events")


def test_events_of_the_run_that_are_in_doubt_do_not_make_the_window_larger() -> None:
    """A counter that jumps during the fault leaves the budget as the baseline made it."""
    jumped = Count(10**9, 0, 500, 10**9, 0, 0)
    found = budgeting.budgets(
        ENVIRONMENT, before(count(1000)), {}, budgeting.Traffic({"orders": jumped}, 5.0)
    )
    assert budgeting.known(found)["orders"].window_events == 8_640_000
