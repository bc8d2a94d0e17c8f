"""When a run is cut short: the cost with what is still to come, the floor by the always-valid test."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from slochaos.budget.account import Budget, projected
from slochaos.budget.traffic import Seen
from slochaos.measurement.samples import Count, NoData
from slochaos.runner.watch import AbortWatch, Condition, Guarded
from slochaos.spec.experiment import Rule
from slochaos.spec.objectives import Counter, Indicator, Objective
from slochaos.spec.selectors import parse

OBJECTIVE = Objective(
    name="orders",
    display_name="Orders",
    service="shop",
    target=Fraction("0.999"),
    operator="lte",
    window_s=86400,
    window="24h",
    method="Occurrences",
    indicator=Indicator(total=Counter(parse("orders_total")), good=Counter(parse('orders_total{ok="1"}'))),
)
BUDGET = projected(OBJECTIVE.allowed, OBJECTIVE.window_s, Seen(1000, 10))  # 8,640 bad in a day


def count(bad: int, total: int) -> Count:
    """An exact count."""
    return Count(total, bad, total, total, bad, bad)


def looks(
    rule: Rule, counts: Sequence[Count | NoData], every_s: float = 0.25, budget: Budget | None = BUDGET
) -> Condition | None:
    """The condition after looking at one count after another."""
    watch = AbortWatch([Guarded(OBJECTIVE, rule)], detection_s=0.35)
    budgets = {} if budget is None else {"orders": budget}
    found = None
    for number, each in enumerate(counts):
        found = watch.look({"orders": each}, budgets, at=100 + number * every_s)
    return found


def test_a_charge_within_the_rule_is_no_reason() -> None:
    """Nothing happens as long as the charge and what the undo will add are within the cost."""
    assert looks(Rule("orders", cost=Fraction("0.1")), [count(0, 25), count(3, 50)]) is None


def test_a_charge_above_the_rule_is() -> None:
    """The condition names objective and rule, and counts as the rule's."""
    found = looks(Rule("orders", cost=Fraction("0.1")), [count(0, 25), count(900, 925)])
    assert found is not None
    assert found.by_rule
    assert "orders" in found.text
    assert "10 %" in found.text


def test_what_the_undo_will_add_counts_already() -> None:
    """At 100 bad a second and 0.55 s until the fault is gone, the rule acts 55 events early."""
    rule = Rule("orders", cost=Fraction(100, 8640))
    steady = [count(bad, bad) for bad in range(0, 45, 25)]
    assert looks(rule, steady) is None
    assert looks(rule, [*steady, count(50, 50)]) is not None


def test_a_second_source_read_a_moment_later_is_no_burst() -> None:
    """A sample shows what happened since the one before of its source, not since another source's."""
    rule = Rule("orders", cost=Fraction("0.1"))
    assert looks(rule, [count(0, 25), count(100, 125)], every_s=0.005) is None


def test_slices_are_not_extrapolated() -> None:
    """A slice is bad or not: what is still to come lies in the running one."""
    rule = Rule("orders", cost=Fraction(3, 8640))
    assert looks(rule, [count(0, 1), count(2, 2)]) is not None
    watch = AbortWatch([Guarded(_in_slices(), rule)], detection_s=0.35)
    watch.look({"orders": count(0, 1)}, {"orders": BUDGET}, at=1.0)
    assert watch.look({"orders": count(2, 2)}, {"orders": BUDGET}, at=1.25) is None


def test_a_floor_acts_when_it_is_shown_to_be_broken() -> None:
    """All of a hundred failing against a floor of 99 % is shown; one of ten is not."""
    rule = Rule("orders", hold=Fraction("0.99"))
    assert looks(rule, [count(1, 10)]) is None
    found = looks(rule, [count(100, 100)])
    assert found is not None
    assert found.by_rule


def test_a_clean_system_is_never_stopped() -> None:
    """However often one looks, no failure at all is no reason."""
    assert looks(Rule("orders", hold=Fraction("0.999")), [count(0, n * 500) for n in range(200)]) is None


def test_no_data_is_no_reason() -> None:
    """Missing data neither acts nor raises; the blind watch is another rule's business."""
    rule = Rule("orders", hold=Fraction("0.99"), cost=Fraction("0.01"))
    assert looks(rule, [NoData("source-down")]) is None


def test_a_cost_that_is_exceeded_at_one_end_stops_and_blames_nobody() -> None:
    """Where the window's events are in doubt, the largest cost ends the fault, but only the least breaks the rule."""
    doubtful = projected(OBJECTIVE.allowed, OBJECTIVE.window_s, Seen(1000, 10, 100_000))
    rule, counts = Rule("orders", cost=Fraction("0.1")), [count(0, 25), count(900, 925)]
    found = looks(rule, counts, budget=doubtful)
    assert found is not None
    assert not found.by_rule
    assert "or as little as" in found.text

    surely = looks(Rule("orders", cost=Fraction("0.0001")), counts, budget=doubtful)
    assert surely is not None
    assert surely.by_rule


def test_without_a_budget_there_is_no_cost() -> None:
    """A share of nothing cannot be exceeded."""
    assert looks(Rule("orders", cost=Fraction("0.01")), [count(50, 50)], budget=None) is None


def _in_slices() -> Objective:
    fields = {**vars(OBJECTIVE), "method": "Timeslices"}
    return Objective(**fields)
