"""A process that counts requests, and the pages that a scrape of it would have seen: the truth is known."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

from hypothesis import strategies as st

from slochaos.measurement.phases import Cut
from slochaos.measurement.samples import Count, NoData, Sample, Series
from slochaos.spec.objectives import Counter, Histogram, Indicator, Objective, Samples
from slochaos.spec.selectors import parse

EPOCH = 1_700_000_000.0
"""The wall clock at instant 0; 20 s after a full minute."""

BOUNDS = (0.1, 0.25, 0.5)


def series(name: str, **labels: str) -> Series:
    """A series of source `api`, as the reader would label it."""
    return name, tuple(sorted({"job": "api", "instance": "api:80", **labels}.items()))


@dataclass(frozen=True)
class Request:
    """One request, counted at `at` (seconds)."""

    at: float
    code: str = "200"
    took_s: float = 0.05


@dataclass(frozen=True)
class Process:
    """Requests, and the instants at which the process was started anew (it counts from zero then)."""

    requests: tuple[Request, ...]
    restarts: tuple[float, ...] = ()
    shows_start: bool = True
    shows_created: bool = True
    born_at: float = -100.0

    def page(self, at: float) -> dict[Series, float]:
        """What `/metrics` shows at an instant."""
        began = max([self.born_at, *[r for r in self.restarts if r <= at]])
        values: dict[Series, float] = {}
        if self.shows_start:
            values[series("process_start_time_seconds")] = EPOCH + began
        for request in sorted(self.requests, key=lambda r: r.at):
            if began <= request.at <= at:
                self._show(values, request)
        return values

    def _show(self, values: dict[Series, float], request: Request) -> None:
        code = request.code
        for name in ("http_requests", "took_seconds"):
            if self.shows_created:
                values.setdefault(series(f"{name}_created", code=code), EPOCH + request.at)
        for bound in [*map(str, BOUNDS), "+Inf"]:
            bucket = series("took_seconds_bucket", code=code, le=bound)
            values[bucket] = values.get(bucket, 0) + (request.took_s <= float(bound))
        for counter in (series("http_requests_total", code=code), series("took_seconds_count", code=code)):
            values[counter] = values.get(counter, 0) + 1

    def truth(self, start: float, end: float, bad: Callable[[Request], bool] = lambda _: True) -> int:
        """Requests between two instants."""
        return sum(start < r.at <= end and bad(r) for r in self.requests)


def sample_at(at: float, values: Mapping[Series, float], source: str = "api", page_s: float = 0.0) -> Sample:
    """A good sample whose page was rendered at `at`."""
    return Sample(source, at, at + page_s, EPOCH + at, dict(values))


def failed_at(at: float, source: str = "api") -> Sample:
    """A reading that failed."""
    return Sample(source, at, at + 0.001, EPOCH + at, {}, "connection refused")


def scraped(process: Process, instants: Iterable[float]) -> list[Sample]:
    """A sample at each instant."""
    return [sample_at(at, process.page(at)) for at in instants]


def cuts(samples: Sequence[Sample], *more: Sequence[Sample]) -> tuple[Cut, Cut]:
    """Cuts at the first and the last sample of each source."""
    first = {s[0].source: s[0] for s in (samples, *more)}
    last = {s[-1].source: s[-1] for s in (samples, *more)}
    return Cut(samples[0].finished, first), Cut(samples[-1].started, last)


def good_objective(**changes: Any) -> Objective:
    """Share of 2xx among all requests; tests change one thing."""
    total, good = (
        Counter(parse('http_requests_total{job="api"}')),
        Counter(parse('http_requests_total{code=~"2.."}')),
    )
    objective = Objective(
        name="success",
        display_name="Success",
        service="api",
        target=Fraction("0.99"),
        operator="lte",
        window_s=604800,
        window="7d",
        method="Occurrences",
        indicator=Indicator(total=total, good=good),
    )
    return replace(objective, **changes)


def latency_objective(at_most: str) -> Objective:
    """Requests within `at_most` seconds."""
    selector = parse('took_seconds{job="api"}')
    return good_objective(
        indicator=Indicator(total=Histogram(selector), good=Histogram(selector, Fraction(at_most)))
    )


def uptime_objective(**changes: Any) -> Objective:
    """Minutes in which the gauge `up` was 1."""
    gauge = Samples(parse("up"))
    changes = {"method": "Timeslices", "slice_target": Fraction("0.95"), **changes}
    return good_objective(indicator=Indicator(total=gauge, good=gauge), **changes)


def counted(result: Count | NoData) -> Count:
    """The count, where the test expects one."""
    assert isinstance(result, Count), result
    return result


def missing(result: Count | NoData) -> NoData:
    """The NoData, where the test expects one."""
    assert isinstance(result, NoData), result
    return result


# Instants on a fine grid keep apart what happens at the same time from what does not.
INSTANTS = st.integers(1, 20_000).map(lambda n: n / 1000)
REQUESTS = st.builds(
    Request,
    at=INSTANTS.map(lambda at: at + 0.0005),
    code=st.sampled_from(["200", "201", "404", "500"]),
    took_s=st.sampled_from([0.05, 0.1, 0.2, 0.25, 0.3, 0.7]),
)
SCRAPES = st.lists(INSTANTS, min_size=2, max_size=12, unique=True).map(sorted)


@dataclass(frozen=True)
class Outages:
    """Readings that failed, by index."""

    failed: frozenset[int] = field(default_factory=frozenset)

    def apply(self, samples: Sequence[Sample]) -> list[Sample]:
        """Fail these readings, but not the first and the last."""
        inner = range(1, len(samples) - 1)
        return [failed_at(s.started) if i in self.failed and i in inner else s for i, s in enumerate(samples)]
