"""Indicators that are PromQL: the server's own estimate, for those who have nothing else.

PromQL extrapolates: what `increase()` says of a window differs from what happened in it, by an amount that its
answer does not tell. So it has no interval, and is marked.

A query with `{{.window}}` gives the number of events of the window. One with a range of its own gives a rate (with
`rate` or `irate`), or the events of that range: its average stands for the window. One without a range is a counter.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from slochaos.measurement.prometheus import parsing
from slochaos.measurement.prometheus.answers import Value
from slochaos.measurement.prometheus.fetching import Answered, Instant, ask_all
from slochaos.measurement.prometheus.server import PrometheusServer
from slochaos.measurement.prometheus.windows import Measured, Window
from slochaos.measurement.replicas import replica_label
from slochaos.measurement.samples import Count, NoData
from slochaos.spec.objectives import WINDOW, Indicator, Objective, Query

STEPS = 60
"""Into so many a window is divided for an average."""

_RANGE = re.compile(r"\[\s*([0-9a-z]+)\s*(?::[^\]]*)?\]")
_RATE = re.compile(r"\bi?rate\s*\(")
_REASON = "extrapolated: PromQL's estimate, by an unknown amount off"

Answers = Mapping[Instant, Answered[tuple[Value, ...]]]


def is_query(indicator: Indicator) -> bool:
    """Whether the indicator is PromQL."""
    return isinstance(indicator.total, Query)


def estimate(server: PrometheusServer, asked: Sequence[tuple[Objective, Window]]) -> list[Measured]:
    """Each objective over its window, in the order asked. Raises SourceError.

    A query that looks back further than the window is refused.
    """
    indicators = [(objective.indicator, window) for objective, window in asked]
    questions = [
        q
        for indicator, window in indicators
        for each in _estimates(indicator, window)
        for q in each.questions
    ]
    answers = ask_all(server, questions, lambda question: server.query(*question))
    return [_measured(indicator, window, answers) for indicator, window in indicators]


@dataclass(frozen=True)
class _Estimate:
    """What is asked for one query over one window: `factor` times the last answer, less the first if it is two."""

    text: str
    questions: tuple[Instant, ...] = ()
    factor: float = 1.0
    too_long: str = ""

    def events(self, answers: Answers) -> float | NoData:
        """How many there were."""
        if self.too_long:
            return NoData("window-too-short", self.too_long)
        *before, now = [_sum(self.text, answers[question].value) for question in self.questions]
        if isinstance(now, NoData):
            return now
        earlier = before[0] if before else 0.0
        if isinstance(earlier, NoData):
            return NoData(earlier.reason, f"{earlier.detail} at the window's start")
        if now < earlier:
            return NoData("reset", f"{self.text} fell from {earlier:g} to {now:g}")
        return (now - earlier) * self.factor


def _estimates(indicator: Indicator, window: Window) -> list[_Estimate]:
    return [_of(m, window) for m in (indicator.total, indicator.part) if isinstance(m, Query)]


def _of(query: Query, window: Window) -> _Estimate:
    text = query.text
    if WINDOW in text:
        return _Estimate(text, ((query.over(_ms(window.length_s)), window.end),))
    longest_s = max((_seconds(length) for length in _RANGE.findall(text)), default=0.0)
    if not longest_s:
        return _Estimate(text, ((text, window.start), (text, window.end)))
    if longest_s > window.length_s + 0.001:
        detail = f"{text} looks back {longest_s:g} s, further than the window of {window.length_s:g} s"
        return _Estimate(text, too_long=f"{detail}: write [{WINDOW}]")
    step_s = max(window.length_s / STEPS, 1.0)
    over_s = window.length_s - longest_s
    averaged = f"avg_over_time(({text})[{_ms(over_s)}:{_ms(step_s)}])" if over_s > step_s else text
    factor = window.length_s if _RATE.search(text) else window.length_s / longest_s
    return _Estimate(text, ((averaged, window.end),), factor)


def _ms(seconds: float) -> str:
    return f"{round(seconds * 1000)}ms"


def _seconds(length: str) -> float:
    try:
        return parsing.duration_s(length)
    except ValueError:
        return 0.0


def _measured(indicator: Indicator, window: Window, answers: Answers) -> Measured:
    asked = _estimates(indicator, window)
    questions = [question for each in asked for question in each.questions]
    warnings = tuple(dict.fromkeys(w for question in questions for w in answers[question].warnings))
    count = _count(indicator, *(each.events(answers) for each in asked))
    return Measured(count, window if isinstance(count, Count) else None, "extrapolated", warnings)


def _count(indicator: Indicator, total: float | NoData, part: float | NoData) -> Count | NoData:
    if isinstance(part, NoData) and part.reason == "no-series" and indicator.bad is not None:
        part = 0.0  # no failures yet: there is no series of them
    if isinstance(total, NoData):
        return total
    if isinstance(part, NoData):
        return part
    events = round(total)
    bad = min(max(round(total - part if indicator.good is not None else part), 0), events)
    return Count(events, bad, events, events, bad, bad, reasons=(_REASON,))


def _sum(text: str, values: Sequence[Value]) -> float | NoData:
    """All series together: taking one of several would hide the others."""
    if not values:
        return NoData("no-series", f"{text} has no result")
    label = replica_label([("", tuple(sorted(each.labels.items()))) for each in values])
    if label:
        return NoData("replica-label", f"{text} has results that differ in the label {label} only")
    if any(math.isnan(each.value) for each in values):
        return NoData("not-a-number", f"{text} is NaN: nothing divided by nothing, most likely no traffic")
    if any(math.isinf(each.value) for each in values):
        return NoData("infinite", f"{text} is infinite: something divided by nothing")
    total = math.fsum(each.value for each in values)
    return NoData("negative", f"{text} is {total:g}, and no number of events") if total < 0 else total
