"""From the series of a service to an objective that they suggest. Pure.

Targets are assumptions and are said to be; what is counted is not.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from fractions import Fraction

from slochaos.measurement.selection import bound_of
from slochaos.slo.presets import Outcome, Preset
from slochaos.spec.objectives import Counter, Histogram, Indicator, Objective, Samples
from slochaos.spec.selectors import Matcher, Selector
from slochaos.wording import exact_percent, seconds

WINDOW, WINDOW_S = "7d", 7 * 86400
SUCCESS = Fraction("0.999")
WITHIN_TIME = Fraction("0.95")
WISHED_S = 0.3
"""Seconds that a request may take, as far as the histogram's buckets have such a bound."""

_SHOWN = {
    "success": "requests that do not fail",
    "latency": "requests answered in time",
    "up": "probes that succeed",
}
_NO_NAME = re.compile(r"[^a-z0-9]+")

Group = Mapping[str, str]
"""The labels, without empty ones, of series that were counted together; their metric's name is `__name__`."""


@dataclass(frozen=True)
class Found:
    """One objective that the metrics suggest, by which preset, and what of it is assumed and not read.

    `refused`: counts the client's own mistakes as bad, `refused_name` is what they are called; None where the
    metric does not tell. `bounds`: the thresholds that the histogram can count exactly, seconds. `remark`: what
    is worth knowing besides.
    """

    objective: Objective
    preset: str
    assumed: str
    refused: Indicator | None = None
    refused_name: str = ""
    bounds: tuple[Fraction, ...] = ()
    remark: str = ""

    @property
    def metric(self) -> str:
        """The metric that is counted."""
        total = self.objective.indicator.total
        assert isinstance(total, Counter | Histogram | Samples)
        return total.selector.name


class Kind(Enum):
    """What a preset's metrics count; the value is the field that names them."""

    REQUESTS = "requests"
    DURATIONS = "durations"
    PROBES = "probes"

    def names(self, preset: Preset) -> str:
        """The names of the series to look for; empty where the preset has none."""
        names: str = getattr(preset, self.value)
        return f"({names})_bucket" if names and self is Kind.DURATIONS else names


@dataclass(frozen=True)
class ServiceSeries:
    """One metric of one service: conditions that select it, and the groups that there are of it."""

    preset: Preset
    name: str
    matchers: tuple[Matcher, ...]
    groups: Sequence[Group]

    @property
    def outcome(self) -> tuple[str, Outcome] | None:
        """The label that says what became of a request, and what its values mean."""
        outcome = self.preset.outcome
        for label in outcome.labels if outcome else ():
            assert outcome is not None
            if any(re.fullmatch(outcome.plausible, group.get(label, "")) for group in self.groups):
                return label, outcome
        return None

    @property
    def service(self) -> str:
        """What people call it: by the labels of the preset, else by its job."""
        labels = {name for slot in self.preset.service for name in slot}
        special = [each.value for each in self.matchers if each.label in labels and each.value]
        return "/".join(special) or next((m.value for m in self.matchers if m.label == "job"), "")


def suggest(kind: Kind, series: ServiceSeries) -> Found | None:
    """The objective of one metric of one service; None where it does not tell good from bad."""
    return _MAKE[kind](series)


def _success(series: ServiceSeries) -> Found | None:
    """Requests that did not fail; None where no label says so."""
    if series.outcome is None:
        return None
    label, outcome = series.outcome
    total, failed, refused = (
        Counter(Selector(series.name, (*series.matchers, *more)))
        for more in ((), (Matcher(label, "=~", outcome.failed),), (Matcher(label, "=~", outcome.refused),))
    )
    said = f"{outcome.failed_name} are failures, {outcome.refused_name} are not"
    found = _found(series, "success", SUCCESS, Indicator(total=total, bad=failed), said)
    return replace(found, refused=Indicator(total=total, bad=refused), refused_name=outcome.refused_name)


def _latency(series: ServiceSeries) -> Found | None:
    """Requests answered within the bucket bound next to WISHED_S, without those that failed."""
    name = series.name.removesuffix("_bucket")
    answered = (Matcher(series.outcome[0], "!~", series.outcome[1].failed),) if series.outcome else ()
    whole = Histogram(Selector(name, (*series.matchers, *answered)))
    known = {bound_of((("le", group["le"]),)) for group in series.groups if "le" in group}
    bounds = sorted(bound * whole.unit_s for bound in known if isinstance(bound, Fraction) and bound > 0)
    if not bounds:
        return None
    limit = min(bounds, key=lambda bound: abs(math.log(float(bound) / WISHED_S)))
    said = f"within {seconds(float(limit))}, the bucket next to {seconds(WISHED_S)}"
    if not answered:
        said += "; failed requests count too, for no label tells them apart"
    indicator = Indicator(total=whole, good=replace(whole, at_most=limit))
    return replace(_found(series, "latency", WITHIN_TIME, indicator, said), bounds=tuple(bounds))


def _probes(series: ServiceSeries) -> Found:
    """Probes that succeeded."""
    samples = Samples(Selector(series.name, series.matchers))
    return _found(series, "up", SUCCESS, Indicator(total=samples, good=samples), "each probe counts the same")


def _found(series: ServiceSeries, what: str, target: Fraction, indicator: Indicator, assumed: str) -> Found:
    service = series.service or series.preset.name
    name = _NO_NAME.sub("-", service.lower()).strip("-")[:50].strip("-") or "service"
    objective = Objective(
        name=f"{name}-{what}",
        display_name=f"{service[:30]}: {_SHOWN[what]}",
        service=service,
        target=target,
        operator="lte",
        window_s=WINDOW_S,
        window=WINDOW,
        method="Occurrences",
        indicator=indicator,
    )
    text = f"{exact_percent(target)} over {WINDOW}; {assumed}"
    return Found(objective, series.preset.name, text, remark=series.preset.remark)


_MAKE: Mapping[Kind, Callable[[ServiceSeries], Found | None]] = {
    Kind.REQUESTS: _success,
    Kind.DURATIONS: _latency,
    Kind.PROBES: _probes,
}
