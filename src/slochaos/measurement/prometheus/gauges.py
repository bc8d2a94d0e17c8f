"""Long windows of 0/1 gauges: the server counts and adds their samples, exactly."""

from __future__ import annotations

import math
from collections.abc import Iterable

from slochaos.measurement.prometheus.answers import Value
from slochaos.measurement.prometheus.exact import open_ended, partial
from slochaos.measurement.prometheus.fetching import Asking
from slochaos.measurement.prometheus.pages import UP
from slochaos.measurement.prometheus.plan import address_of, asks_of, job_asks
from slochaos.measurement.prometheus.server import PrometheusServer
from slochaos.measurement.prometheus.windows import Measured, Window
from slochaos.measurement.replicas import replica_label
from slochaos.measurement.samples import Count, NoData
from slochaos.spec.objectives import Indicator, Samples


def measure(server: PrometheusServer, indicator: Indicator, window: Window) -> Measured:
    """The samples of the window as events. Raises SourceError."""
    assert isinstance(indicator.total, Samples)
    asking = Asking(server)
    [ask] = asks_of(Indicator(indicator.total, good=indicator.total))[:1]
    over = _Over(asking, window)
    selector = str(ask.only(indicator.total.selector.name))
    counted, ones = over.ask("count", selector), over.ask("sum", selector)
    extremes = [value.value for function in ("min", "max") for value in over.ask(function, selector)]
    problem = _problem(selector, counted, ones, extremes)
    if problem is not None:
        return Measured(problem, None, "aggregated", tuple(asking.warnings))
    missing = 0.0 if indicator.total.selector.name == UP else _missing(over, counted)
    total = round(_sum(counted))
    bad = round(_sum(ones)) if indicator.good is None else total - round(_sum(ones))
    reasons = (f"source-down: {missing:.0f} samples are missing",) if missing else ()
    count = Count(total, bad, total, total + missing, bad, bad + missing, (), reasons)
    count = open_ended(count, [partial(asking.warnings)])
    return Measured(count, window, "aggregated", tuple(asking.warnings))


class _Over:
    """Functions over all samples in [start, end)."""

    def __init__(self, asking: Asking, window: Window) -> None:
        self._asking = asking
        self._end = window.end - 0.001
        self._length = f"{round(window.length_s * 1000) - 1}ms"

    def ask(self, function: str, selector: str) -> tuple[Value, ...]:
        """`function`_over_time of the selector's samples."""
        text = f"{function}_over_time({selector}[{self._length}])"
        [values] = self._asking.instants([(text, self._end)]).values()
        return values


def _problem(
    selector: str, counted: Iterable[Value], ones: Iterable[Value], extremes: Iterable[float]
) -> NoData | None:
    children = [("", tuple(sorted(each.labels.items()))) for each in counted]
    if not children:
        return NoData("no-series", f"no series matches {selector}")
    label = replica_label(children)
    if label:
        return NoData("replica-label", f"series differ in the label {label} only: name one value of it")
    if not all(value in (0.0, 1.0) for value in extremes) or not _sum(ones).is_integer():
        return NoData("indicator", f"{selector} is not always 0 or 1")
    return None


def _missing(over: _Over, counted: Iterable[Value]) -> float:
    """Scrapes of these series' targets that failed."""
    addresses = {address_of(each.labels) for each in counted}
    missing = 0.0
    for ask in job_asks({job for job, _ in addresses}, {UP}):
        scrapes = {address_of(each.labels): each.value for each in over.ask("count", str(ask))}
        good = {address_of(each.labels): each.value for each in over.ask("sum", str(ask))}
        missing += sum(scrapes[address] - good[address] for address in addresses & scrapes.keys())
    return missing


def _sum(values: Iterable[Value]) -> float:
    return math.fsum(each.value for each in values)
