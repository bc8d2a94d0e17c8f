"""The objective of tests that count an API's requests by their code: 99 % of all are to end with 200."""

from __future__ import annotations

from fractions import Fraction

from slochaos.spec.objectives import Counter, Indicator, Objective
from slochaos.spec.selectors import parse

SUCCESS = Objective(
    name="success",
    display_name="Success",
    service="api",
    target=Fraction("0.99"),
    operator="lte",
    window_s=604800,
    window="7d",
    method="Occurrences",
    indicator=Indicator(
        total=Counter(parse('http_requests_total{job="api"}')),
        good=Counter(parse('http_requests_total{job="api",code="200"}')),
    ),
)
