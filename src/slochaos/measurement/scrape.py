"""The scrape source: one `/metrics` page, read over and over on one kept connection."""

from __future__ import annotations

from collections.abc import Iterable

from slochaos.measurement.samples import Sample
from slochaos.spec.environment import ScrapeSource
from slochaos.spec.objectives import Metric


class ScrapeReader:
    """Reads one source. For one thread at a time.

    `wanted` are the metrics whose series are kept; process starts are kept always.
    """

    def __init__(self, source: ScrapeSource, wanted: Iterable[Metric]) -> None:
        raise NotImplementedError

    def read(self) -> Sample:
        """One reading. Never raises for what a source does: a failed Sample says why in `failure`."""
        raise NotImplementedError

    def close(self) -> None:
        """Close the connection. May be called twice, and from another thread to end a reading."""
        raise NotImplementedError
