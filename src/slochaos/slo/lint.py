"""Lints that only the server can answer: buckets, scrape intervals, what was measured lately.

They ask and judge; they keep nothing. A server that does not answer is a SourceError.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction

from slochaos.measurement.histograms import coarse
from slochaos.measurement.prometheus.answers import Target
from slochaos.measurement.prometheus.evaluation import evaluate
from slochaos.measurement.prometheus.server import PrometheusServer
from slochaos.measurement.prometheus.windows import Measured, Window
from slochaos.measurement.samples import Count
from slochaos.measurement.selection import bound_of
from slochaos.slo import scraping
from slochaos.spec.findings import Finding
from slochaos.spec.lint.indicators import client_errors_counted, status_label
from slochaos.spec.lint.policies import few_scrapes_at
from slochaos.spec.objectives import Counter, Histogram, Indicator, Objective, Query
from slochaos.spec.selectors import Matcher
from slochaos.wording import exact_percent, percent

_DAY_S = 86_400
DAYS = 30
LEAST_DAYS = 3
"""Days with data, below which nothing is said about a target."""


def lint(server: PrometheusServer, objectives: Sequence[Objective]) -> Iterator[Finding]:
    """Every live lint of these objectives. Raises SourceError."""
    now, targets = server.now(), scraping.targets(server)
    for objective in objectives:
        yield from bucket_missing(server, objective)
        yield from few_scrapes(objective, targets)
        yield from client_errors_measured(server, objective, now)
    yield from targets_never_reached(server, objectives, now)


def bucket_missing(server: PrometheusServer, objective: Objective) -> Iterator[Finding]:
    """`bucket-missing`: between two buckets a threshold can only be bounded."""
    part = objective.indicator.part
    if not isinstance(part, Histogram) or part.at_most is None:
        return
    match = str(replace(part.selector, name=f"{part.selector.name}_bucket"))
    found = [bound_of((("le", text),)) for text in server.label_values("le", match=[match])]
    bounds = [bound * part.unit_s for bound in found if bound is not None]
    missing = coarse(bounds, part.at_most) if bounds else ""
    if missing:
        yield Finding.at(
            objective.where,
            "bucket-missing",
            "warning",
            f"{objective.name}: {part.selector.name} has {missing}",
            f"add a bucket at {float(part.at_most):g}, or take a threshold that is one",
        )


def few_scrapes(objective: Objective, targets: Sequence[Target]) -> Iterator[Finding]:
    """`few-scrapes`: look-back windows against the slowest scrape interval of the objective's targets."""
    intervals = [target.interval_s for target in scraping.of_metric(objective.indicator.total, targets)]
    for policy in objective.alerts:
        yield from few_scrapes_at(policy, max(intervals, default=0.0))


def client_errors_measured(server: PrometheusServer, objective: Objective, now: float) -> Iterator[Finding]:
    """`client-errors-counted`, with their share of the last day's requests."""
    part, total = objective.indicator.part, objective.indicator.total
    if not isinstance(part, Counter) or not isinstance(total, Counter):
        return
    for finding in client_errors_counted(objective):
        label = status_label(part.selector)
        matcher = Matcher(label, "=~", "4..|4[xX]{2}")
        errors = Counter(replace(total.selector, matchers=(*total.selector.matchers, matcher)))
        asked = replace(
            objective, method="Occurrences", indicator=Indicator(total=total, bad=errors), calendar=None
        )
        (found,) = evaluate(server, [(asked, Window(now - _DAY_S, now))])
        if isinstance(found.count, Count) and found.count.total:
            share = Fraction(found.count.bad) / found.count.total
            said = f"{percent(share)} of the last day's requests, where {exact_percent(objective.allowed)} may fail"
            yield replace(finding, message=f"{objective.name}: 4xx responses count as failures: {said}")


def targets_never_reached(
    server: PrometheusServer, objectives: Sequence[Objective], now: float
) -> Iterator[Finding]:
    """`target-never-reached`: every one of the last 30 days that has data was below the target."""
    days = [Window(now - (day + 1) * _DAY_S, now - day * _DAY_S) for day in range(DAYS)]
    counted = [each for each in objectives if not isinstance(each.indicator.total, Query)]
    answers = iter(evaluate(server, [(each, day) for each in counted for day in days]))
    for objective in counted:
        shares = _bad_shares([next(answers) for _ in days])
        best = min(shares, default=Fraction(0))
        met = best < objective.allowed if objective.operator == "lt" else best <= objective.allowed
        if len(shares) >= LEAST_DAYS and not met:
            yield Finding.at(
                objective.where,
                "target-never-reached",
                "warning",
                f"{objective.name}: none of the last {len(shares)} days reached {exact_percent(objective.target)}, "
                f"the best had {percent(1 - best, unlike=objective.target)}",
                "a target that the service has been seen to reach",
            )


def _bad_shares(days: Iterable[Measured]) -> list[Fraction]:
    """Of the days that have events."""
    counts = [day.count for day in days]
    return [Fraction(each.bad) / each.total for each in counts if isinstance(each, Count) and each.total]
