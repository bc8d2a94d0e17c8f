"""Objectives that a server's metrics suggest, for those who have written none yet.

Presets know well-known metric names. Targets are assumptions and are said to be; what is counted is not.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction

from slochaos.measurement.prometheus.answers import Value
from slochaos.measurement.prometheus.server import PrometheusServer
from slochaos.measurement.prometheus.windows import Window
from slochaos.spec.objectives import Counter, Histogram, Indicator, Objective, Samples
from slochaos.spec.selectors import Matcher, Selector
from slochaos.wording import exact_percent, seconds

WINDOW, WINDOW_S = "7d", 7 * 86400
SUCCESS = Fraction("0.999")
WITHIN_TIME = Fraction("0.95")
WISHED_S = 0.3
"""Seconds that a request may take, as far as the histogram's buckets have such a bound."""

REQUESTS = ("http_requests_total",)
DURATIONS = ("http_request_duration_seconds",)
PROBES = ("probe_success",)
STATUS_LABELS = ("code", "status", "status_code", "http_status")
_STATUS = re.compile(r"[1-5](\d\d|xx)")
_NO_NAME = re.compile(r"[^a-z0-9]+")

Group = Mapping[str, str]
"""The labels of series that were counted together."""


@dataclass(frozen=True)
class Found:
    """One objective that the metrics suggest, by which preset, and what of it is assumed and not read."""

    objective: Objective
    preset: str
    assumed: str


def discover(server: PrometheusServer, window: Window) -> tuple[Found, ...]:
    """Objectives of everything that had samples in the window, also of what is gone at its end.

    Raises SourceError. Empty where no preset knows a metric of this server.
    """
    names = (*REQUESTS, *(f"{name}_bucket" for name in DURATIONS), *PROBES)
    by = ("__name__", "job", "le", *STATUS_LABELS)
    pattern = "|".join(map(re.escape, names))
    length_s = max(math.ceil(window.length_s), 1)
    answer = server.query(
        f'count by ({", ".join(by)}) (last_over_time({{__name__=~"{pattern}"}}[{length_s}s]))', at=window.end
    )
    groups = [_group(value) for value in answer]
    found = [
        *_of_each_job(groups, REQUESTS, _success),
        *_of_each_job(groups, tuple(f"{name}_bucket" for name in DURATIONS), _latency),
        *_of_each_job(groups, PROBES, _probes),
    ]
    return _with_names_of_their_own(found)


def has_samples(server: PrometheusServer, window: Window) -> bool:
    """Whether anything was scraped in the window. Raises SourceError."""
    length_s = max(math.ceil(window.length_s), 1)
    return bool(server.query(f"count(last_over_time(up[{length_s}s]))", at=window.end))


def _group(value: Value) -> Group:
    return {label: text for label, text in value.labels.items() if text}


def _of_each_job(
    groups: Iterable[Group],
    names: tuple[str, ...],
    preset: Callable[[str, str, list[Group]], Found | None],
) -> Iterator[Found]:
    """What the preset makes of each job's series of each of these names, in the order of names and jobs."""
    by_job: dict[tuple[int, str], list[Group]] = {}
    for group in groups:
        if group.get("__name__") in names:
            key = names.index(group["__name__"]), group.get("job", "")
            by_job.setdefault(key, []).append(group)
    for (index, job), members in sorted(by_job.items(), key=lambda item: item[0]):
        if (found := preset(names[index], job, members)) is not None:
            yield found


def _success(name: str, job: str, groups: list[Group]) -> Found | None:
    """Requests that did not end with a 5xx; None where no label holds a status."""
    label = status_label(groups)
    if label is None:
        return None
    selector = Selector(name, _matchers(job))
    bad = Selector(name, (*selector.matchers, Matcher(label, "=~", "5..")))
    indicator = Indicator(total=Counter(selector), bad=Counter(bad))
    return _found(name, f"{job or 'requests'}-success", SUCCESS, indicator, "5xx are failures, 4xx are not")


def _latency(name: str, job: str, groups: list[Group]) -> Found | None:
    """Requests answered within the bucket bound next to WISHED_S, without those that failed."""
    bounds = sorted({bound for group in groups if (bound := _bound(group)) is not None})
    if not bounds:
        return None
    limit = min(bounds, key=lambda bound: abs(math.log(float(bound) / WISHED_S)))
    label = status_label(groups)
    answered = (Matcher(label, "!~", "5.."),) if label else ()
    selector = Selector(name.removesuffix("_bucket"), (*_matchers(job), *answered))
    indicator = Indicator(total=Histogram(selector), good=Histogram(selector, limit))
    assumed = f"within {seconds(float(limit))}, the bucket next to {seconds(WISHED_S)}"
    return _found(selector.name, f"{job or 'requests'}-latency", WITHIN_TIME, indicator, assumed)


def _probes(name: str, job: str, _: list[Group]) -> Found:
    """Probes that succeeded."""
    selector = Samples(Selector(name, _matchers(job)))
    indicator = Indicator(total=selector, good=selector)
    return _found(name, f"{job or 'probes'}-up", SUCCESS, indicator, "each probe counts the same")


def status_label(groups: Iterable[Group]) -> str | None:
    """The label that holds HTTP statuses, as 503 or 5xx."""
    seen = list(groups)
    for label in STATUS_LABELS:
        values = {group[label] for group in seen if label in group}
        if values and any(_STATUS.fullmatch(value) for value in values):
            return label
    return None


def _bound(group: Group) -> Fraction | None:
    try:
        bound = Fraction(group.get("le", ""))
    except (ValueError, ZeroDivisionError):  # "+Inf", or no bucket's label
        return None
    return bound if bound > 0 else None


def _matchers(job: str) -> tuple[Matcher, ...]:
    return (Matcher("job", "=", job),) if job else ()


def _found(preset: str, name: str, target: Fraction, indicator: Indicator, assumed: str) -> Found:
    objective = Objective(
        name=_NO_NAME.sub("-", name.lower()).strip("-")[:60] or "objective",
        display_name=name[:63],
        service=name,
        target=target,
        operator="lte",
        window_s=WINDOW_S,
        window=WINDOW,
        method="Occurrences",
        indicator=indicator,
    )
    return Found(objective, preset, f"{exact_percent(target)} over {WINDOW}; {assumed}")


def _with_names_of_their_own(found: Iterable[Found]) -> tuple[Found, ...]:
    """Two jobs may read the same as names: `api_v1` and `api-v1`."""
    taken: dict[str, Found] = {}
    for each in found:
        name, number = each.objective.name, 2
        while name in taken:
            name, number = f"{each.objective.name}-{number}", number + 1
        taken[name] = replace(each, objective=replace(each.objective, name=name))
    return tuple(taken.values())
