"""Questions whose answers would be too large: asked for in parts of the time, as often as that helps."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from slochaos.errors import SourceError
from slochaos.measurement.prometheus.fetching import range_in_parts, raw_in_parts
from slochaos.measurement.prometheus.server import PrometheusServer
from slochaos.measurement.prometheus.windows import Window
from slochaos.spec.sources import PrometheusSource
from tests.prometheus_history import lay_down
from tests.prometheus_servers import Binaries, start_prometheus

NOW = float(int(time.time()) - 60)
TIMES = [NOW - 2000 + second for second in range(2000)]


@pytest.fixture
def server(
    prometheus_binaries: Binaries, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[PrometheusServer]:
    """A server that loads no more than 300 samples for a question, and has 2,000."""
    folder = tmp_path_factory.mktemp("prometheus-parts")
    lay_down(prometheus_binaries, folder, {'r_total{job="a"}': [(at, at - TIMES[0]) for at in TIMES]})
    process = start_prometheus(prometheus_binaries, folder, (), "--query.max-samples=300")
    try:
        with PrometheusServer(PrometheusSource("small", process.url)) as found:
            yield found
    finally:
        process.end()


def test_range_that_is_too_large_is_put_together_from_its_parts(server: PrometheusServer) -> None:
    """Each sample once, in order."""
    [series] = raw_in_parts(server, "r_total", TIMES[0], TIMES[-1])
    assert list(series.times) == TIMES
    assert list(series.values) == [at - TIMES[0] for at in TIMES]


def test_range_that_stays_too_large_is_refused(server: PrometheusServer) -> None:
    """Halving has an end, and so has memory; the message says what to ask instead."""
    with pytest.raises(SourceError, match="too many samples") as caught:
        raw_in_parts(server, "r_total", TIMES[0], TIMES[-1], splits=2)
    assert "shorter window" in caught.value.hint


def test_range_query_that_is_too_large_is_put_together_from_its_steps(server: PrometheusServer) -> None:
    """Each step once, at its own instant."""
    window = Window(TIMES[0], TIMES[0] + 1501)
    [series] = range_in_parts(server, 'r_total{job="a"}', window, 3.0)
    assert list(series.times) == TIMES[:1503:3]
    assert list(series.values) == [at - TIMES[0] for at in TIMES[:1503:3]]
