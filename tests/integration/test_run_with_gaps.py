"""Whole runs whose metrics page cannot be read around the fault: what may still be said of the fault itself."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from slochaos.record import Phase, Result
from slochaos.reports.story import recovered
from slochaos.runner.events import Event, InjectionChanged, StepStarted
from slochaos.runner.request import RunRequest
from slochaos.runner.run import run_experiment
from tests.integration.loaded_shop import RATE_PER_S, LoadedShop


@dataclass
class Outage:
    """The page fails from `begins` on until `after_undo_s` after the undo, as the run's own events tell."""

    shop: LoadedShop
    begins: Callable[[Event], bool]
    after_undo_s: float
    timers: list[threading.Timer] = field(default_factory=list)

    def watch(self, event: Event) -> None:
        if self.begins(event):
            self.shop.load.page_fails = True
        if isinstance(event, InjectionChanged) and event.state == "undone":
            self.timers.append(threading.Timer(self.after_undo_s, self._end))
            self.timers[-1].start()

    def _end(self) -> None:
        self.shop.load.page_fails = False


@contextmanager
def outage(shop: LoadedShop, begins: Callable[[Event], bool], after_undo_s: float) -> Iterator[Outage]:
    """An outage of the page; its timers are over when the block ends."""
    found = Outage(shop, begins, after_undo_s)
    try:
        yield found
    finally:
        for timer in found.timers:
            timer.cancel()
            timer.join()


def before_the_fault(event: Event) -> bool:
    return isinstance(event, StepStarted) and event.step == "fault"


def run(shop: LoadedShop, on_event: Callable[[Event], None], rule: dict[str, str]) -> Result:
    experiment = shop.experiment(duration="1.5s", objectives={"orders": rule})
    return run_experiment(RunRequest(experiment, environment="shop"), on_event)


def fault(result: Result) -> Phase:
    return result.objectives[0].phases["fault"]


def test_a_floor_is_not_held_by_traffic_that_was_counted_after_the_fault(shop: LoadedShop) -> None:
    """All orders of the fault failed, but the page was back 3 s later only: whether 20 % held is not shown."""
    with outage(shop, before_the_fault, after_undo_s=3.0) as page:
        result = run(shop, page.watch, {"hold": "20%"})

    orders = result.objectives[0]
    assert (result.run.status, orders.verdict) == ("inconclusive", "unproven")
    assert "diluted: up to" in orders.reason
    assert result.run.hint.startswith("see to it that the source can be read all the time")
    counted = fault(result)
    assert counted.sli is not None
    assert counted.sli > 0.5  # most of what was counted came after the undo
    assert counted.bad_at_most == 1.0
    assert shop.untouched()


def test_the_cost_of_a_run_with_a_gap_is_what_the_clients_saw(shop: LoadedShop) -> None:
    """Counters go on while nobody reads them, so the charge is exact, and says nothing of when things failed."""
    before = shop.load.bad()
    with outage(shop, before_the_fault, after_undo_s=3.0) as page:
        result = run(shop, page.watch, {"cost": "60%"})

    charge = result.objectives[0].charge
    assert charge is not None
    assert charge.bad_gross == shop.load.bad() - before > 100
    assert set(charge.bad_gross_interval) == {charge.bad_gross}
    assert result.run.status == "passed"
    assert "the cost includes them" in fault(result).reason


def test_a_floor_that_is_broken_even_so_stays_broken(shop: LoadedShop) -> None:
    """With healthy traffic added, too much failed still: a gap takes nothing from what it cannot hide."""
    with outage(shop, before_the_fault, after_undo_s=0.5) as page:
        result = run(shop, page.watch, {"hold": "90%"})

    assert (result.run.status, result.objectives[0].verdict) == ("failed", "breached")


def test_readings_a_fraction_of_a_second_away_decide_as_before(shop: LoadedShop) -> None:
    """Ten readings a second leave a fault that harms nobody shown to hold, and nothing is said of dilution."""
    shop.write(
        "toxics/down.json", {"proxy": "shop", "toxics": [{"type": "latency", "attributes": {"latency": 1}}]}
    )
    result = run(shop, lambda _: None, {"hold": "90%"})

    assert (result.run.status, result.objectives[0].verdict) == ("passed", "kept"), result.run
    assert "diluted" not in fault(result).reason
    assert result.notes == ()


def test_what_cannot_be_counted_after_the_undo_is_no_missing_traffic(shop: LoadedShop) -> None:
    """Two processes that answer in turns leave the recovery unknown, and more traffic would not help."""

    def watch(event: Event) -> None:
        shop.load.page_of_two = shop.load.page_of_two or (
            isinstance(event, StepStarted) and event.step == "recovery"
        )

    result = run(shop, watch, {"cost": "60%"})

    assert result.run.status == "inconclusive"
    assert "what came after the undo could not be counted" in result.run.reason
    assert "no traffic" not in result.run.reason
    assert result.run.hint.startswith("scrape each process by its own address")
    assert recovered(result) == "whether it recovered is not known"


def test_an_experiment_without_a_fault_is_told_so(shop: LoadedShop) -> None:
    """An empty method injects nothing: there is nothing to judge, and neither time nor traffic would change that."""
    experiment = shop.experiment(objectives={"orders": {"cost": "60%"}})
    empty = {**json.loads(experiment.read_text()), "method": []}
    result = run_experiment(
        RunRequest(shop.write("experiments/empty.json", empty), environment="shop"), lambda _: None
    )

    assert result.run.status == "inconclusive"
    assert "nothing was injected" in result.run.reason
    assert "a fault" in result.run.hint


def test_a_page_that_becomes_slow_leaves_the_price_right(shop: LoadedShop) -> None:
    """Pages tell what was counted when they were asked: half a second on the way makes a day of orders no smaller."""
    slower = threading.Timer(0.5, lambda: setattr(shop.load, "page_takes_s", 0.5))

    def watch(event: Event) -> None:
        if isinstance(event, StepStarted) and event.step == "baseline":
            slower.start()

    result = run(shop, watch, {"cost": "60%"})
    slower.join()

    charge = result.objectives[0].charge
    assert charge is not None
    a_day = 86_400 * RATE_PER_S
    assert 0.9 * a_day < charge.window_events < 1.1 * a_day
    low, high = charge.attributed_percent_interval
    true_percent = 100 * charge.bad_gross / (0.01 * a_day)
    assert high is not None
    assert low < true_percent < high
