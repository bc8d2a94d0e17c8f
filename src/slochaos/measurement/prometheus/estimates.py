"""Indicators that are PromQL: the server's own estimate, for those who have nothing else.

PromQL extrapolates: what `increase()` says of a window differs from what happened in it by an amount that its
answer does not tell (see the README). So it has no interval, and is marked.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence

from slochaos.measurement.prometheus import parsing
from slochaos.measurement.prometheus.answers import Value
from slochaos.measurement.prometheus.fetching import Answered, ask_all
from slochaos.measurement.prometheus.server import PrometheusServer
from slochaos.measurement.prometheus.windows import Measured, Window
from slochaos.measurement.replicas import replica_label
from slochaos.measurement.samples import Count, NoData
from slochaos.spec.objectives import WINDOW, Indicator, Objective, Query

_RANGE = re.compile(r"\[\s*([0-9a-z]+)\s*(?::[^\]]*)?\]")

Question = tuple[str, float]
Answers = Mapping[Question, Answered[tuple[Value, ...]]]


def is_query(indicator: Indicator) -> bool:
    """Whether the indicator is PromQL."""
    return isinstance(indicator.total, Query)


def estimate(server: PrometheusServer, asked: Sequence[tuple[Objective, Window]]) -> list[Measured]:
    """Each objective over its window, in the order asked. Raises SourceError.

    A query gives the number of events of the window: at its end, with `{{.window}}` filled in. One that looks back
    further than the window is refused.
    """
    questions = [q for objective, window in asked for q in _questions(objective.indicator, window)]
    answers = ask_all(server, questions, lambda question: server.query(*question))
    return [_measured(objective.indicator, window, answers) for objective, window in asked]


def _questions(indicator: Indicator, window: Window) -> list[Question]:
    return [
        (_text(metric, window), window.end)
        for metric in (indicator.total, indicator.part)
        if isinstance(metric, Query)
    ]


def _text(query: Query, window: Window) -> str:
    return query.over(f"{round(window.length_s * 1000)}ms")


def _measured(indicator: Indicator, window: Window, answers: Answers) -> Measured:
    questions = _questions(indicator, window)
    warnings = tuple(dict.fromkeys(w for question in questions for w in answers[question].warnings))
    count = _too_long(questions, window) or _count(indicator, [answers[q].value for q in questions])
    return Measured(count, window if isinstance(count, Count) else None, "extrapolated", warnings)


def _too_long(questions: Sequence[Question], window: Window) -> NoData | None:
    for text, _ in questions:
        for length in _RANGE.findall(text):
            try:
                too_long = parsing.duration_s(length) > window.length_s + 0.001
            except ValueError:
                continue
            if too_long:
                detail = f"{text} looks back {length}, further than the window of {window.length_s:g} s"
                return NoData("window-too-short", f"{detail}: write [{WINDOW}]")
    return None


def _count(indicator: Indicator, answers: Sequence[tuple[Value, ...]]) -> Count | NoData:
    total = _sum(answers[0], indicator.total)
    part = _sum(answers[1], indicator.part)
    if isinstance(part, NoData) and part.reason == "no-series" and indicator.bad is not None:
        part = 0.0  # no failures yet: there is no series of them
    if isinstance(total, NoData):
        return total
    if isinstance(part, NoData):
        return part
    events = round(total)
    bad = min(max(round(total - part if indicator.good is not None else part), 0), events)
    return Count(
        events,
        bad,
        events,
        events,
        bad,
        bad,
        (),
        ("extrapolated: PromQL's estimate, by an unknown amount off",),
    )


def _sum(values: Sequence[Value], metric: object) -> float | NoData:
    """All series together: taking one of several would hide the others."""
    text = metric.text if isinstance(metric, Query) else ""
    if not values:
        return NoData("no-series", f"{text} has no result")
    label = replica_label([("", tuple(sorted(each.labels.items()))) for each in values])
    if label:
        return NoData("replica-label", f"{text} has results that differ in the label {label} only")
    total = math.fsum(each.value for each in values if math.isfinite(each.value))
    for each in values:
        if math.isnan(each.value):
            return NoData(
                "not-a-number", f"{text} is NaN: a division of nothing by nothing, most likely no traffic"
            )
        if math.isinf(each.value):
            return NoData("infinite", f"{text} is infinite: a division by nothing")
    return NoData("negative", f"{text} is {total:g}, and no number of events") if total < 0 else total
