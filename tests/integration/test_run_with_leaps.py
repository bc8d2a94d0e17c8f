"""Whole runs whose page shows orders in the baseline that nobody placed: a counter jumps, or a series is born old."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from slochaos.record import Charge, Result
from slochaos.runner.events import Event, StepStarted
from slochaos.runner.request import RunRequest
from slochaos.runner.run import run_experiment
from tests.integration.loaded_shop import RATE_PER_S, LoadedShop

LEAP = 4_000_000
PAGES_LATER = 4


def leaping(shop: LoadedShop, *, born: bool) -> Callable[[Event], None]:
    """From some pages after the baseline's begin on, the page shows orders that were never placed."""

    def watch(event: Event) -> None:
        if isinstance(event, StepStarted) and event.step == "baseline":
            shop.load.leaps_at = shop.load.pages + PAGES_LATER
            shop.load.page_born, shop.load.page_leaps = born, LEAP

    return watch


def run(shop: LoadedShop, cost: str, *, born: bool) -> tuple[Result, Charge]:
    experiment = shop.experiment(objectives={"orders": {"cost": cost}}, baseline="2s")
    result = run_experiment(RunRequest(experiment, environment="shop"), leaping(shop, born=born))
    charge = result.objectives[0].charge
    assert charge is not None
    return result, charge


@pytest.mark.parametrize("born", [False, True])
def test_orders_that_nobody_placed_do_not_make_the_cost_small(shop: LoadedShop, *, born: bool) -> None:
    """The window is filled at the rate of the rest of the baseline, and the range says what it may be otherwise."""
    result, charge = run(shop, "60%", born=born)

    a_day = RATE_PER_S * 86_400
    assert 0.5 * a_day < charge.window_events < 2 * a_day
    assert charge.window_events_interval is not None
    assert charge.cost_percent_interval is not None
    assert (charge.window_events_interval[1] or 0) > 1_000 * a_day
    assert 0 < charge.cost_percent_interval[0] < charge.cost_percent / 1_000
    assert charge.attributed_percent == pytest.approx(charge.cost_percent, rel=0.1)
    assert result.run.status == "passed"  # 60 % is more than the largest cost
    assert any("is no usual rate" in note for note in result.notes)


@pytest.mark.parametrize("born", [False, True])
def test_a_cost_rule_that_holds_at_one_end_only_is_not_decided(shop: LoadedShop, *, born: bool) -> None:
    """The fault is ended for the largest cost, yet nobody says that the rule was broken."""
    result, _ = run(shop, "0.01%", born=born)

    orders = result.objectives[0]
    assert (result.run.status, orders.verdict) == ("aborted", "unproven")
    assert "how many events the window has is not certain" in orders.reason
    assert result.abort is not None
    assert "or as little as" in result.abort.condition
    assert shop.untouched()
