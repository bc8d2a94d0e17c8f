"""One Prometheus server: what it can be asked, each within a deadline and a size."""

from __future__ import annotations

from collections.abc import Sequence

from slochaos.measurement.prometheus.answers import Build, Description, RawSeries, ServerClock, Target, Value
from slochaos.spec.selectors import Selector
from slochaos.spec.sources import PrometheusSource


class PrometheusServer:
    """A client of one server. Safe for several threads; nothing is opened before the first question.

    Every failure is a SourceError that names the server and what to do. No secret is ever part of one.
    """

    def __init__(self, source: PrometheusSource) -> None:
        self.source = source

    def raw(self, selector: Selector, start: float, end: float) -> tuple[RawSeries, ...]:
        """The stored samples of all series that match, in [start, end] (epoch seconds)."""
        raise NotImplementedError

    def query(self, expression: str, at: float) -> tuple[Value, ...]:
        """An instant query at `at`. A scalar is one value without labels."""
        raise NotImplementedError

    def query_range(self, expression: str, start: float, end: float, step_s: float) -> tuple[RawSeries, ...]:
        """An expression evaluated at start, start + step, ... end; series without a name have the name ""."""
        raise NotImplementedError

    def clock(self) -> ServerClock:
        """How far the server's clock is from this host's."""
        raise NotImplementedError

    def targets(self) -> tuple[Target, ...]:
        """What the server scrapes at the moment. Mimir and Thanos know of none: SourceError."""
        raise NotImplementedError

    def metadata(self) -> tuple[Description, ...]:
        """What kind of metric each family is, as far as targets say."""
        raise NotImplementedError

    def label_values(self, label: str, match: Sequence[str] = ()) -> tuple[str, ...]:
        """The values of a label, on series that match one of the selectors."""
        raise NotImplementedError

    def series(self, match: Sequence[str], start: float, end: float) -> tuple[dict[str, str], ...]:
        """The label sets (with `__name__`) of series with samples in [start, end]."""
        raise NotImplementedError

    def retention_s(self) -> float | None:
        """For how long samples are kept, as configured; None where the server does not say."""
        raise NotImplementedError

    def build(self) -> Build:
        """Version and flags."""
        raise NotImplementedError

    def close(self) -> None:
        """Close all connections. May be called twice."""

    def __enter__(self) -> PrometheusServer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
