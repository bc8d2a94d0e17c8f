"""Long windows of 0/1 gauges: the server counts and adds their samples, exactly."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from slochaos.measurement.prometheus.answers import RawSeries
from slochaos.measurement.prometheus.exact import open_ended, partial
from slochaos.measurement.prometheus.extents import Extent, Parts
from slochaos.measurement.prometheus.fetching import Asking
from slochaos.measurement.prometheus.pages import UP
from slochaos.measurement.prometheus.plan import Ask, Found, address_of, asks_of, job_asks, merged
from slochaos.measurement.prometheus.server import PrometheusServer
from slochaos.measurement.prometheus.windows import Measured, Window
from slochaos.measurement.replicas import replica_label
from slochaos.measurement.samples import Count, NoData
from slochaos.spec.objectives import Indicator, Samples

BEFORE_END_S = 0.001
"""A window's end is not in it: it is asked for a millisecond earlier."""

_FUNCTIONS = ("count", "sum", "min", "max")


def measure(server: PrometheusServer, asked: Sequence[tuple[Indicator, Window]]) -> list[Measured]:
    """The samples of each window as events, in the order asked. Raises SourceError."""
    indicators: dict[Window, list[Indicator]] = {}
    for indicator, window in asked:
        indicators.setdefault(window, []).append(indicator)
    over = {window: _Over(Asking(server), window, some) for window, some in indicators.items()}
    return [_measured(over[window], indicator) for indicator, window in asked]


def _measured(over: _Over, indicator: Indicator) -> Measured:
    assert isinstance(indicator.total, Samples)
    counted, ones = over.of("count", indicator), over.of("sum", indicator)
    extremes = [each.values[0] for function in ("min", "max") for each in over.of(function, indicator)]
    problem = _problem(str(indicator.total.selector), counted, ones, extremes)
    if problem is not None:
        return Measured(problem, None, "aggregated", over.warnings)
    missing = 0.0 if indicator.total.selector.name == UP else over.missing(counted)
    total = round(_sum(counted))
    bad = round(_sum(ones)) if indicator.good is None else total - round(_sum(ones))
    extent = over.extent(indicator)
    down = (f"source-down: {missing:.0f} samples are missing",) if missing else ()
    reasons = (*down, *extent.reasons)
    count = Count(total, bad, total, total + missing, bad, bad + missing, (), reasons)
    count = open_ended(count, [partial(over.warnings)])
    return Measured(count, extent.observed, "aggregated", over.warnings)


class _Over:
    """Functions over all samples in [start, end) of what some indicators select, each asked once for all of them."""

    def __init__(self, asking: Asking, window: Window, indicators: Iterable[Indicator]) -> None:
        self._asking, self._window = asking, window
        self._asks = merged(ask for indicator in indicators for ask in asks_of(indicator))
        self._found = {name: over_time(asking, name, self._asks, window) for name in _FUNCTIONS}
        self._parts = Parts(asking, self._asks, window)
        jobs = {each.labels.get("job", "") for each in self._found["count"]}
        ups = [*job_asks(jobs, {UP})]
        scrapes, good = (over_time(asking, name, ups, window) for name in ("count", "sum"))
        answered = {address_of(each.labels): each.values[0] for each in good}
        self._failed = {
            address_of(each.labels): each.values[0] - answered[address_of(each.labels)] for each in scrapes
        }

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the server said about its answers."""
        return tuple(self._asking.warnings)

    def of(self, function: str, indicator: Indicator) -> list[RawSeries]:
        """The values of the indicator's series, one of each."""
        return self._found[function].of(asks_of(indicator)[0])

    def extent(self, indicator: Indicator) -> Extent:
        """From when to when the indicator was observed. Raises SourceError."""
        return self._parts.extent(asks_of(indicator)[0])

    def missing(self, series: Iterable[RawSeries]) -> float:
        """Scrapes of these series' targets that failed."""
        addresses = {address_of(each.labels) for each in series}
        return sum(self._failed.get(address, 0.0) for address in addresses)


def over_time(asking: Asking, function: str, asks: Iterable[Ask], window: Window) -> Found:
    """`function`_over_time of all samples in [start, end), one value of each series. Raises SourceError."""
    at = window.end - BEFORE_END_S
    names = {
        in_part(function, ask.only(name), window.length_s): name for ask in asks for name in ask.counters
    }
    answers = asking.instants((text, at) for text in names)
    return Found(
        RawSeries(names[text], value.labels, [at], [value.value])
        for (text, _), values in answers.items()
        for value in values
    )


def in_part(function: str, ask: Ask, length_s: float) -> str:
    """`function`_over_time of the samples in [start, end), as it is asked BEFORE_END_S before the end."""
    return f"{function}_over_time({ask}[{round(length_s * 1000) - 1}ms])"


def _problem(
    selector: str, counted: Iterable[RawSeries], ones: Iterable[RawSeries], extremes: Iterable[float]
) -> NoData | None:
    children = [("", each.series[1]) for each in counted]
    if not children:
        return NoData("no-series", f"no series matches {selector}")
    label = replica_label(children)
    if label:
        return NoData("replica-label", f"series differ in the label {label} only: name one value of it")
    if not all(value in (0.0, 1.0) for value in extremes) or not _sum(ones).is_integer():
        return NoData("indicator", f"{selector} is not always 0 or 1")
    return None


def _sum(series: Iterable[RawSeries]) -> float:
    return math.fsum(each.values[0] for each in series)
