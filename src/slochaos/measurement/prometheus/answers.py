"""What a Prometheus server answers, as values. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from slochaos.measurement.samples import Series


@dataclass(frozen=True)
class RawSeries:
    """The stored samples of one series, oldest first. `times` are epoch seconds, `values` may be NaN or Inf."""

    name: str
    labels: Mapping[str, str]
    times: Sequence[float]
    values: Sequence[float]

    @cached_property
    def series(self) -> Series:
        """Name and sorted labels, as everywhere in measurement."""
        return self.name, tuple(sorted(self.labels.items()))


class Value(NamedTuple):
    """One series of an instant query's answer: its value at `at` (epoch seconds). NaN and Inf are kept."""

    labels: Mapping[str, str]
    value: float
    at: float


@dataclass(frozen=True)
class ServerClock:
    """How far the server's clock is ahead of this host's (seconds, negative if behind), give or take
    `uncertainty_s`, which is half of the round trip and what the server's clock was rounded by."""

    skew_s: float
    uncertainty_s: float


@dataclass(frozen=True)
class Target:
    """An active scrape target. `health` is up, down or unknown; `error` says why the last scrape failed."""

    scrape_url: str
    labels: Mapping[str, str]
    health: str
    interval_s: float
    timeout_s: float
    error: str = ""
    last_scrape: float | None = None


@dataclass(frozen=True)
class Description:
    """What the server knows of a metric family: `kind` is counter, gauge, histogram, summary or unknown."""

    name: str
    kind: str
    help: str
    unit: str


@dataclass(frozen=True)
class Build:
    """Which server answers; empty where it does not say."""

    version: str
    flags: Mapping[str, str]
