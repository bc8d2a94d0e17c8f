"""Objectives in slices over long windows: the server subtracts counters at the slices' boundaries and adds them up.

A scrape stands somewhere before each boundary, so events up to one scrape interval before a slice may be counted in
it: the interval allows for either. Slices in which a counter fell, appeared or ended may hold any events.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from slochaos.measurement.findings import Span, Step
from slochaos.measurement.prometheus.exact import open_ended, partial
from slochaos.measurement.prometheus.fetching import Asking, Range
from slochaos.measurement.prometheus.server import PrometheusServer
from slochaos.measurement.prometheus.windows import Measured, Window
from slochaos.measurement.replicas import replica_label
from slochaos.measurement.samples import NoData, Sample
from slochaos.measurement.selection import bound_of
from slochaos.measurement.slices import Tally
from slochaos.spec.objectives import Counter, Histogram, Metric, Objective, Samples
from slochaos.spec.selectors import Matcher, Selector

POINTS_MOST = 10_000
"""Instants of one question: Prometheus answers 11,000."""

SCRAPE_S = 60.0
"""How long before a boundary the last scrape may have been, at most."""


def measure(server: PrometheusServer, objective: Objective, window: Window) -> Measured:
    """The slices of a window that begins and ends with slices. Raises SourceError."""
    asking = Asking(server)
    problem = _problem(server, objective, window)
    if problem is not None:
        return Measured(problem, None, "aggregated")
    asked = _Expressions.of(server, objective)
    values = {name: _over_slices(asking, text, objective, window) for name, text in asked.by_name.items()}
    steps = list(_steps(values, objective))
    if not steps:
        return Measured(NoData("no-series", "the server has nothing of the window"), None, "aggregated")
    tally = Tally.of(steps, objective.slice_s, within=(window.start, window.end))
    ratios = objective.method == "RatioTimeslices"
    count = tally.bad_shares() if ratios else tally.bad_slices(objective.slice_target)
    count = replace(count, reasons=(*count.reasons, *asked.reasons, *_changes(values)))
    count = open_ended(count, [partial(asking.warnings)], most=count.total_high)
    observed = Window(steps[0].before.started, steps[-1].after.started)
    return Measured(count, observed, "aggregated", tuple(asking.warnings))


@dataclass(frozen=True)
class _Expressions:
    """What is asked at each slice's end: `total`, `good` or `bad`, and how many series fell, appeared, ended."""

    by_name: Mapping[str, str]
    reasons: tuple[str, ...]

    @classmethod
    def of(cls, server: PrometheusServer, objective: Objective) -> _Expressions:
        indicator, length = objective.indicator, f"{objective.slice_s}s"
        part = "good" if indicator.good is not None else "bad"
        if isinstance(indicator.total, Samples):
            selector = indicator.total.selector
            sums = {"total": "count", part: "sum"}
            return cls(
                {name: f"sum({how}_over_time({selector}[{length}]))" for name, how in sums.items()}, ()
            )
        total, _ = _selector(server, indicator.total)
        chosen, reason = _selector(server, indicator.part)
        return cls(
            {
                "total": f"sum(clamp_min({total} - {total} offset {length}, 0))",
                part: f"sum(clamp_min({chosen} - {chosen} offset {length}, 0))",
                "fell": f"count(resets({total}[{length}]) > 0)",
                "appeared": f"count({total} unless {total} offset {length})",
                "ended": f"count({total} offset {length} unless {total})",
            },
            (reason,) if reason else (),
        )


def _selector(server: PrometheusServer, metric: Metric) -> tuple[Selector, str]:
    """The series to add up, and what is to be said of them. A bucket is found by its bound's number, not its text."""
    if not isinstance(metric, Histogram):
        assert isinstance(metric, Counter)
        return metric.selector, ""
    name, matchers = metric.selector.name, metric.selector.matchers
    if metric.at_most is None:
        return Selector(f"{name}_count", matchers), ""
    texts = server.label_values("le", [str(Selector(f"{name}_bucket", matchers))])
    within = {
        text: bound * metric.unit_s
        for text in texts
        if (bound := bound_of((("le", text),))) is not None and bound * metric.unit_s <= metric.at_most
    }
    widest = max(within.values(), default=-math.inf)
    chosen = "|".join(
        sorted(text.replace(".", r"\.").replace("+", r"\+") for text in within if within[text] == widest)
    )
    exact = widest == metric.at_most
    reason = (
        ""
        if exact
        else f"bucket-too-coarse: no bucket at {float(metric.at_most):g} s, slower ones count as bad"
    )
    return Selector(f"{name}_bucket", (*matchers, Matcher("le", "=~", chosen))), reason


def _problem(server: PrometheusServer, objective: Objective, window: Window) -> NoData | None:
    total = objective.indicator.total
    assert isinstance(total, Counter | Histogram | Samples)
    name = f"{total.selector.name}_count" if isinstance(total, Histogram) else total.selector.name
    selector = str(Selector(name, total.selector.matchers))
    children = [
        ("", tuple(sorted(each.items()))) for each in server.series([selector], window.start, window.end)
    ]
    if not children:
        return NoData("no-series", f"no series matches {selector}")
    label = replica_label(children)
    return (
        NoData("replica-label", f"series differ in the label {label} only: name one value of it")
        if label
        else None
    )


def _over_slices(asking: Asking, text: str, objective: Objective, window: Window) -> dict[float, float]:
    """The expression's value at the end of each slice."""
    size = objective.slice_s
    questions: list[Range] = []
    begin = window.start + size
    while begin <= window.end:
        end = min(begin + (POINTS_MOST - 1) * size, window.end)
        questions.append((text, Window(begin, end), float(size)))
        begin = end + size
    answers = asking.ranges(questions)
    return {
        round(at, 3): value
        for found in answers.values()
        for each in found
        for at, value in zip(each.times, each.values, strict=True)
    }


def _steps(values: Mapping[str, Mapping[float, float]], objective: Objective) -> Iterator[Step]:
    """One step per slice that the server has anything of."""
    is_gauge = isinstance(objective.indicator.total, Samples)
    reach_s = 0.0 if is_gauge else min(SCRAPE_S, objective.slice_s / 2)
    for end, total in sorted(values["total"].items()):
        good = values["good"].get(end, 0.0) if "good" in values else None
        bad = max(total - good, 0.0) if good is not None else min(values["bad"].get(end, 0.0), total)
        uncertain = any(end in values.get(name, ()) for name in ("fell", "appeared", "ended"))
        before, after = end - objective.slice_s - reach_s, end - 0.001
        most = math.inf if uncertain else total
        yield Step(
            _instant(max(before, 0.0) + 0.001),
            _instant(after),
            Span(total, total, most),
            Span(bad, bad, most if uncertain else bad),
        )


def _changes(values: Mapping[str, Mapping[float, float]]) -> Iterable[str]:
    for name, word in (("fell", "reset"), ("appeared", "series-born"), ("ended", "series-vanished")):
        if values.get(name):
            yield f"{word}: in {len(values[name])} slices, which may have been bad"


def _instant(at: float) -> Sample:
    return Sample("the server", at, at, at, {})
