"""What indicators count without meaning to: client errors as failures, fast failures as good latency."""

from __future__ import annotations

from collections.abc import Iterator

from slochaos.spec.findings import Finding
from slochaos.spec.objectives import Counter, Histogram, Objective
from slochaos.spec.selectors import Selector

STATUS_LABELS = (
    "code",
    "status",
    "status_code",
    "http_status",
    "http_status_code",
    "http_response_status_code",
    "response_code",
)
"""Labels that hold an HTTP status in the metrics of common libraries."""

_CLIENT_ERRORS = ("404", "4xx")
_SERVER_ERRORS = ("500", "5xx")


def client_errors_counted(objective: Objective) -> Iterator[Finding]:
    """`client-errors-counted`: a 404 is in the total and not among the good (or among the bad)."""
    part, total = objective.indicator.part, objective.indicator.total
    if not isinstance(part, Counter | Histogram) or not isinstance(total, Counter | Histogram):
        return
    label = status_label(part.selector)
    if not label or not _admits(total.selector, label, _CLIENT_ERRORS):
        return
    if _admits(part.selector, label, _CLIENT_ERRORS) == (objective.indicator.good is not None):
        return
    fix = f'{label}!~"5.." for good events' if objective.indicator.good else f'{label}=~"5.." for bad events'
    yield Finding.at(
        objective.where,
        "client-errors-counted",
        "warning",
        f"{objective.name}: 4xx responses count as failures, so that clients can spend the budget",
        f"{fix}, if clients' mistakes are not yours",
    )


def fast_failures_counted(objective: Objective) -> Iterator[Finding]:
    """`fast-failures-counted`: a latency objective whose good events may be failed requests."""
    part = objective.indicator.part
    if not isinstance(part, Histogram) or part.at_most is None:
        return
    label = status_label(part.selector)
    if label and not _admits(part.selector, label, _SERVER_ERRORS):
        return
    said = f"{label} admits 5xx" if label else "no label of the selector says whether the request succeeded"
    yield Finding.at(
        objective.where,
        "fast-failures-counted",
        "warning" if label or "http" in part.selector.name else "note",
        f"{objective.name}: a fast failure counts as good latency: {said}",
        f'{label or "code"}=~"2.." in good and total',
    )


def status_label(selector: Selector) -> str:
    """The label of the selector's that holds an HTTP status; empty if none does."""
    return next((m.label for m in selector.matchers if m.label in STATUS_LABELS), "")


def _admits(selector: Selector, label: str, values: tuple[str, ...]) -> bool:
    """Whether series with one of these values of the label are selected, whatever their other labels."""
    matchers = [m for m in selector.matchers if m.label == label]
    return any(all(m.matches({label: value}) for m in matchers) for value in values)
