"""What one objective counts in one step, in PromQL: bad events and all events since the previous evaluation.

Everything else is sums of these over windows, so that a ratio over any window weighs each event the same. (The mean of
ratios that other generators take lets a quiet night outweigh a busy noon.) Summed over time, `rate()` over a range
counts each increment once on average, whatever its phase to the scrapes; `increase()` over one long window does not.

These are Prometheus' extrapolated numbers, for alerts and graphs. What a run is charged is counted from raw samples.
"""

from __future__ import annotations

from dataclasses import dataclass

from slochaos.alerts import promql
from slochaos.alerts.windows import LEAST_SCRAPES
from slochaos.spec.objectives import WINDOW, Counter, Histogram, Indicator, Metric, Objective, Query, Samples

LATE_S = 10
"""How long after its end a slice is judged: a scrape that began in it has arrived by then."""


@dataclass(frozen=True)
class Steps:
    """The two base series of an objective, recorded every `every_s` seconds.

    `counts`: whether they are numbers of events. PromQL of a user's own may be a rate as well, so its values say
    nothing about how many events there were.
    """

    bad: str
    total: str
    every_s: int
    counts: bool = True


def steps_of(objective: Objective, scrape_s: int, recorded: str) -> Steps:
    """Occurrences: the events of one scrape interval. Slices: one slice of the wall clock, good (0) or bad (1).

    `scrape_s`: whole seconds between two scrapes, the longest that the objective's metrics have. `recorded`: the
    series that holds the total once its rule was evaluated, which is before the bad events'.
    """
    return _slices(objective, scrape_s) if objective.in_slices else _events(objective, scrape_s, recorded)


def _events(objective: Objective, scrape_s: int, recorded: str) -> Steps:
    def events(metric: Metric, *, all_of_them: bool) -> str:
        if isinstance(metric, (Counter, Histogram)):
            range_s = LEAST_SCRAPES * scrape_s
            return f"{scrape_s} * sum(rate({series_of(metric)}[{promql.duration(range_s)}]))"
        if isinstance(metric, Query):
            return _scaled(metric, scrape_s)
        return _gauge(metric, scrape_s, all_of_them=all_of_them)

    total = events(objective.indicator.total, all_of_them=True)
    part = _known(objective.indicator, events(objective.indicator.part, all_of_them=False), recorded)
    bad = part if objective.indicator.bad is not None else f"clamp_min({recorded} - on() {part}, 0)"
    return Steps(bad, total, scrape_s, counts=not isinstance(objective.indicator.total, Query))


def _slices(objective: Objective, scrape_s: int) -> Steps:
    """A subquery with the slice as its step is evaluated at multiples of it: at the wall clock's minutes.

    A slice without events is neither good nor bad: it is not recorded. Counters are read over one scrape more than
    the slice, or what happened between its last scrape and its end would be in no slice.
    """

    def events(metric: Metric, *, all_of_them: bool) -> str:
        if isinstance(metric, (Counter, Histogram)):
            range_s = objective.slice_s + scrape_s
            return f"sum(increase({series_of(metric)}[{promql.duration(range_s)}]))"
        if isinstance(metric, Query):
            return _queried(metric, objective.slice_s + scrape_s)
        return _gauge(metric, objective.slice_s, all_of_them=all_of_them)

    total = events(objective.indicator.total, all_of_them=True)
    part = _known(objective.indicator, events(objective.indicator.part, all_of_them=False), total)
    share = f"{part} / ({total} > 0)"
    slice_ = promql.duration(objective.slice_s)

    def last(expression: str) -> str:
        return f"last_over_time(({expression})[{slice_}:{slice_}] offset {LATE_S}s)"

    return Steps(
        last(_badness(objective, share)), last(f"({total} > 0 and {part}) > bool 0"), objective.slice_s
    )


def _badness(objective: Objective, share: str) -> str:
    """0 or 1; for ratios of slices their bad share. The quotient of two counts rounds as the target's text does."""
    is_bad_part = objective.indicator.bad is not None
    if objective.method == "RatioTimeslices":
        return share if is_bad_part else f"clamp_min(1 - {share}, 0)"
    target = objective.slice_target
    return (
        f"{share} > bool {promql.number(1 - target)}"
        if is_bad_part
        else f"{share} < bool {promql.number(target)}"
    )


def _known(indicator: Indicator, part: str, total: str) -> str:
    """The part beside the total, where it has no series: none of its events happened, which is 0, not unknown.

    A histogram always has all of its buckets: without the one that is asked for, nothing can be said.
    """
    return f"({part})" if isinstance(indicator.part, Histogram) else f"({part} or on() 0 * {total})"


def _scaled(query: Query, scrape_s: int) -> str:
    """A query's events of one scrape interval: its share of those over as many scrapes as a rate needs."""
    over = _queried(query, LEAST_SCRAPES * scrape_s)
    return f"{over} / {LEAST_SCRAPES}" if WINDOW in query.text else over


def _queried(query: Query, range_s: int) -> str:
    return (
        f"sum((\n{query.over(promql.duration(range_s))}\n))"  # on lines of its own: it may end in a comment
    )


def _gauge(metric: Samples, range_s: int, *, all_of_them: bool) -> str:
    function = "count_over_time" if all_of_them else "sum_over_time"
    return f"sum({function}({series_of(metric)}[{promql.duration(range_s)}]))"


def series_of(metric: Counter | Histogram | Samples) -> str:
    """The series to read: a counter's or gauge's, a histogram's bucket for its threshold or its count."""
    if not isinstance(metric, Histogram):
        return promql.selected(metric.selector)
    if metric.at_most is None:
        return promql.selected(metric.selector, "_count")
    return promql.selected(
        metric.selector, "_bucket", (promql.bound_matcher(metric.at_most / metric.unit_s),)
    )
