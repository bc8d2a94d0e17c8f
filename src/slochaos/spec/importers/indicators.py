"""Indicators from the PromQL of other tools: exact where both sides are plain counts, else queries."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Literal

from promql_parser import Expr

from slochaos.errors import InvalidInput
from slochaos.spec.importers import promql
from slochaos.spec.importers.promql import Series
from slochaos.spec.objectives import WINDOW, Counter, Histogram, Indicator, Query, Samples
from slochaos.spec.selectors import Matcher, Selector

Kind = Literal["good", "bad"]
OTHER: dict[Kind, Kind] = {"good": "bad", "bad": "good"}

_DECIMAL = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?")
_UNITS = ("_seconds", "_milliseconds")
_ZERO_OR_ONE = ("up", "probe_success")
"""Gauges that are 0 or 1 by convention, and so are those that end in `_up`."""


@dataclass(frozen=True)
class Found:
    """An indicator, and what changed on the way. `kept` says why it is a query; empty if it is exact."""

    indicator: Indicator
    kept: str = ""
    remarks: tuple[str, ...] = ()


def of_events(part: str, total: str, kind: Kind, *, cumulative: bool = False) -> Found:
    """From two queries, one of all events and one of the good or bad ones.

    `cumulative`: instant selectors are counters, whose growth is the count. Raises InvalidInput if nothing that
    slochaos can evaluate says the same.
    """
    try:
        sides = promql.parse(part), promql.parse(total)
    except InvalidInput as problem:
        if cumulative:
            raise
        return _found(Query(part), Query(total), kind, kept=problem.message)
    return _of_expressions(*sides, kind, cumulative=cumulative)


def of_ratio(text: str, kind: Kind) -> Found:
    """From one query that gives the share of good or bad events. Raises InvalidInput if it is no plain ratio."""
    expression = promql.bare(promql.parse(text))
    while (sides := promql.operands(expression, "-")) and promql.is_number(sides[0], 1):
        expression, kind = sides[1], OTHER[kind]
    if sides := promql.operands(expression, "/"):
        return _of_expressions(*sides, kind, cumulative=False)
    mean = promql.series_of(expression)
    if mean and mean.counted == "mean" and kind == "good" and _is_zero_or_one(mean.selector):
        return of_gauge(mean.selector, mean.grouping)
    raise InvalidInput("the query gives a share and says of nothing how many there were: no events to count")


def of_gauge(selector: Selector, grouping: tuple[str, ...] = ()) -> Found:
    """Every sample of a 0/1 gauge is an event, good where it is 1."""
    samples = Samples(selector)
    return Found(Indicator(total=samples, good=samples), remarks=_ungrouped(grouping))


def of_selectors(part: Selector, total: Selector, kind: Kind, grouping: tuple[str, ...] = ()) -> Found:
    """From two counters; a bucket and its histogram's count become a histogram with a threshold."""
    bucket, whole = _histogram(part), _histogram(total)
    remarks = _ungrouped(grouping)
    if (
        kind == "good"
        and (bucket and bucket.at_most is not None)
        and (whole and whole.at_most is None)
        and bucket.selector.name == whole.selector.name
    ):
        return Found(Indicator(total=whole, good=bucket), remarks=remarks)
    if any(each.label == "le" for each in part.matchers):
        remarks += (
            "its bucket is chosen by the label le as it is written, since no threshold in seconds was found",
        )
    counters = Counter(part), Counter(total)
    return _found(*counters, kind, remarks=remarks)


def of_bucket(buckets: Selector, bound: str) -> Found:
    """From the buckets of a histogram, of which those up to `bound` (the label `le`) are good."""
    name = buckets.name.removesuffix("_bucket")
    others = tuple(each for each in buckets.matchers if each.label != "le")
    part = Selector(buckets.name, (*others, Matcher("le", "=", bound)))
    return of_selectors(part, Selector(f"{name}_count", others), "good")


def of_good_and_bad(good: str, bad: str) -> Found:
    """From queries of the good and of the bad events; all are both together. Raises InvalidInput."""
    counted = promql.series_of(promql.parse(good)), promql.series_of(promql.parse(bad))
    if counted[0] and counted[1] and counted[0].counted == counted[1].counted == "events":
        total = _both(counted[0].selector, counted[1].selector)
        if total:
            return of_selectors(counted[0].selector, total, "good")
    return of_events(good, f"({good} or vector(0)) + ({bad} or vector(0))", "good")


def _both(one: Selector, other: Selector) -> Selector | None:
    """The series of either, where they differ in one label's value; None if no single selector has just these."""
    differing = set(one.matchers) ^ set(other.matchers)
    labels = {each.label for each in differing}
    if one.name != other.name or len(differing) != 2 or len(labels) != 1:
        return None
    if any(each.operator not in ("=", "=~") for each in differing):
        return None
    values = [each for selector in (one, other) for each in selector.matchers if each in differing]
    either = "|".join(
        f"(?:{each.value if each.operator == '=~' else re.escape(each.value)})" for each in values
    )
    shared = tuple(each for each in one.matchers if each not in differing)
    return Selector(one.name, (*shared, Matcher(values[0].label, "=~", either)))


def of_native_histogram(selector: Selector, at_most: Fraction, grouping: tuple[str, ...]) -> Found:
    """Native histograms are read by PromQL only, which interpolates within the bucket of the threshold."""
    observed = f"sum(increase({selector}[{WINDOW}]))"
    total = f"histogram_count({observed})"
    good = f"histogram_fraction(0, {float(at_most):g}, {observed}) * {total}"
    kept = "a native histogram's bucket that holds the threshold is interpolated"
    return _found(Query(good), Query(total), "good", kept, _ungrouped(grouping))


def _of_expressions(part: Expr, total: Expr, kind: Kind, *, cumulative: bool) -> Found:
    counted, whole = promql.series_of(part), promql.series_of(total)
    difference = promql.operands(part, "-")
    if difference and _same(difference[0], total):
        part, counted, kind = difference[1], promql.series_of(difference[1]), OTHER[kind]
    if counted and whole:
        exact = _exact(counted, whole, kind, "value" if cumulative else "events")
        if exact:
            return exact
    if cumulative:
        raise InvalidInput(
            "the query is more than the sum of one counter's series, and gives its value, not its growth"
        )
    which = " and ".join(
        name
        for name, series in ((f"its {kind} events are", counted), ("its total is", whole))
        if series is None or series.counted != "events"
    )
    return _queries(part, total, kind, f"{which} more than the sum of one counter's series")


def _exact(counted: Series, whole: Series, kind: Kind, wanted: str) -> Found | None:
    grouping = whole.grouping or counted.grouping
    if counted.counted == whole.counted == wanted:
        return of_selectors(counted.selector, whole.selector, kind, grouping)
    of_samples = (counted.counted, whole.counted) == ("sum", "number") and counted.selector == whole.selector
    if of_samples and kind == "good" and _is_zero_or_one(whole.selector):
        return of_gauge(whole.selector, grouping)
    return None


def _queries(part: Expr, total: Expr, kind: Kind, kept: str) -> Found:
    in_events = promql.in_events(part), promql.in_events(total)
    remarks: tuple[str, ...] = ()
    if in_events[0] is not None and in_events[1] is not None:
        part, total = in_events[0], in_events[1]
    else:
        remarks = ("its queries may give rates, whose ratio is right but which number no events",)
    return _found(Query(promql.text_of(part)), Query(promql.text_of(total)), kind, kept, remarks)


def _found(
    part: Counter | Query, total: Counter | Query, kind: Kind, kept: str = "", remarks: tuple[str, ...] = ()
) -> Found:
    good, bad = (part, None) if kind == "good" else (None, part)
    return Found(Indicator(total=total, good=good, bad=bad), kept, remarks)


def _same(one: Expr, other: Expr) -> bool:
    return promql.text_of(promql.bare(one)) == promql.text_of(promql.bare(other))


def _histogram(selector: Selector) -> Histogram | None:
    """A histogram of times, from the series of its count or of one bucket. Its name has to end in its unit."""
    base, _, series = selector.name.rpartition("_")
    if series not in ("count", "bucket") or not base.endswith(_UNITS):
        return None
    bounds = [each for each in selector.matchers if each.label == "le"]
    histogram = Histogram(Selector(base, tuple(each for each in selector.matchers if each.label != "le")))
    if series == "count":
        return None if bounds else histogram
    if [each.operator for each in bounds] != ["="]:
        return None
    if bounds[0].value == "+Inf":
        return histogram
    at_most = seconds(bounds[0].value)
    return replace(histogram, at_most=at_most * histogram.unit_s) if at_most else None


def seconds(text: str) -> Fraction | None:
    """A bucket's bound, exact; None for what is no plain positive number."""
    bound = Fraction(text) if _DECIMAL.fullmatch(text) else Fraction(0)
    return bound if bound > 0 else None


def _is_zero_or_one(selector: Selector) -> bool:
    return selector.name in _ZERO_OR_ONE or selector.name.endswith("_up")


def _ungrouped(grouping: tuple[str, ...]) -> tuple[str, ...]:
    return (f"it was kept apart by {', '.join(grouping)}; here all are counted together",) if grouping else ()
