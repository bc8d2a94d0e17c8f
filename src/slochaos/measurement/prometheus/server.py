"""One Prometheus server: what it can be asked, each within a deadline and a size."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from typing import Any, TypeVar

from prometheus_api_client import PrometheusConnect

from slochaos import clock
from slochaos.measurement.prometheus import parsing
from slochaos.measurement.prometheus.answers import Build, Description, RawSeries, ServerClock, Target, Value
from slochaos.measurement.prometheus.transport import Transport
from slochaos.spec.selectors import Selector
from slochaos.spec.sources import PrometheusSource

T = TypeVar("T")


class PrometheusServer:
    """A client of one server. Safe for several threads; nothing is opened before the first question.

    Every failure is a SourceError that names the server and what to do (InvalidInput for a secret or a TLS file
    that cannot be read). No secret is ever part of one. Importing this takes half a second: do it where needed.
    """

    def __init__(self, source: PrometheusSource) -> None:
        self.source = source
        self._transport = Transport(source)
        self._session = self._transport.session()
        self._url = source.url.rstrip("/")
        self._client = PrometheusConnect(self._url, session=self._session)
        self._session.adapters.clear()  # it has mounted one of its own
        self._session.mount("", self._transport)

    def listening(self) -> AbstractContextManager[list[str]]:
        """Collect the server's warnings about what this thread asks within the block: its partial answers."""
        return self._transport.listening()

    def raw(self, selector: Selector | str, start: float, end: float) -> tuple[RawSeries, ...]:
        """The stored samples of all series that match, in [start, end] (epoch seconds)."""
        # A range selector is closed on the left before Prometheus 3 and open since: ask for more, keep what is in.
        length_ms = round((end - start) * 1000) + 1
        text = f"{selector}[{length_ms}ms]"
        found, native = self._result(
            text, end, lambda data: (parsing.matrix(data), parsing.native_names(data))
        )
        self._transport.hear([f"{name} is a native histogram, which is not read" for name in native])
        return tuple(each for each in (parsing.within(series, start, end) for series in found) if each.times)

    def query(self, expression: str, at: float) -> tuple[Value, ...]:
        """An instant query at `at` (epoch seconds). A scalar is one value without labels."""
        return self._result(expression, at, parsing.vector)

    def query_range(self, expression: str, start: float, end: float, step_s: float) -> tuple[RawSeries, ...]:
        """An expression evaluated at start, start + step, ... end; series without a name have the name ""."""
        # The client rounds to full seconds; its own parameters give way to these.
        exact = {"start": f"{start:.3f}", "end": f"{end:.3f}", "timeout": self._patience}
        instants = [datetime.fromtimestamp(at, UTC) for at in (start, end)]
        return self._ask(
            lambda: self._client.custom_query_range(expression, *instants, f"{step_s:.3f}", params=exact),
            parsing.matrix,
        )

    def now(self) -> float:
        """The server's clock, epoch seconds."""
        return self._ask(lambda: self._client.custom_query("time()"), parsing.scalar)

    def clock(self) -> ServerClock:
        """How far the server's clock is from this host's."""
        before = clock.wall()
        now = self.now()
        after = clock.wall()
        return ServerClock(now - (before + after) / 2, (after - before) / 2 + 0.001)

    def targets(self) -> tuple[Target, ...]:
        """What the server scrapes at the moment. Mimir and Thanos know of none: SourceError."""
        return self._ask(lambda: self._client.get_targets("active"), parsing.targets)

    def metadata(self) -> tuple[Description, ...]:
        """What kind of metric each family is, as far as targets say."""
        return self._ask(lambda: self._client.get_metric_metadata(""), parsing.metadata)

    def label_values(self, label: str, match: Sequence[str] = ()) -> tuple[str, ...]:
        """The values of a label, on series that match one of the selectors."""
        parameters = {"match[]": list(match)} if match else {}
        return self._ask(lambda: self._client.get_label_values(label, parameters), parsing.texts)

    def series(self, match: Sequence[str], start: float, end: float) -> tuple[dict[str, str], ...]:
        """The label sets (with `__name__`) of series with samples in [start, end]."""
        instants = [datetime.fromtimestamp(at, UTC) for at in (start, end)]
        return self._ask(
            lambda: self._client.get_series(*instants, params={"match[]": list(match)}), parsing.label_sets
        )

    def retention_s(self) -> float | None:
        """For how long samples are kept, as configured; None where the server does not say."""
        return self._ask(lambda: self._get("status/runtimeinfo"), parsing.retention_s)

    def build(self) -> Build:
        """Version and flags."""
        version = self._ask(lambda: self._get("status/buildinfo"), parsing.version)
        return Build(version, self._ask(lambda: self._get("status/flags"), parsing.labels))

    def close(self) -> None:
        """Close all connections. May be called twice."""
        self._session.close()

    def __enter__(self) -> PrometheusServer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def _patience(self) -> str:
        """Tells the server when nobody waits for its evaluation any more."""
        return f"{round(self.source.timeout_s * 1000)}ms"

    def _result(self, expression: str, at: float, parse: Callable[[Any], T]) -> T:
        parameters = {"time": f"{at:.3f}", "timeout": self._patience}
        return self._ask(lambda: self._client.custom_query(expression, parameters), parse)

    def _get(self, path: str) -> Any:
        """A part of the API that the client does not have."""
        return self._session.get(f"{self._url}/api/v1/{path}").json()["data"]

    def _ask(self, call: Callable[[], Any], parse: Callable[[Any], T]) -> T:
        try:
            return parse(call())
        except (KeyError, TypeError, ValueError, IndexError, AttributeError, OverflowError) as error:
            # What is no answer of this API: the client looks into it as trustingly as we do.
            raise self._transport.error("its answer is not what Prometheus would send") from error
