"""A look at what was found: each objective over the last day, the client's own mistakes, traffic, scraping."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from slochaos.measurement.prometheus.evaluation import evaluate
from slochaos.measurement.prometheus.server import PrometheusServer
from slochaos.measurement.prometheus.windows import Measured, Window
from slochaos.measurement.samples import Count
from slochaos.slo import scraping
from slochaos.slo.suggestions import Found

DAY_S = 86_400


@dataclass(frozen=True)
class Surveyed:
    """One objective, and what the last day has of it.

    `refused`: the share of its events that were the client's own mistakes, None where that cannot be told.
    `per_s`: events a second; `scrape_s`: seconds between samples.
    """

    found: Found
    day: Measured
    refused: Fraction | None
    scrape_s: float | None

    @property
    def count(self) -> Count | None:
        """What was counted of the day; None without data, and without events."""
        return self.day.count if isinstance(self.day.count, Count) and self.day.count.total else None

    @property
    def good_share(self) -> Fraction | None:
        """0-1, of what was counted."""
        return 1 - Fraction(self.count.bad) / Fraction(self.count.total) if self.count else None

    @property
    def per_s(self) -> float | None:
        """Events a second, over what of the day has samples."""
        seen_s = self.day.observed.length_s if self.day.observed else 0.0
        return float(self.count.total) / seen_s if self.count and seen_s > 0 else None

    @property
    def reached(self) -> bool:
        """Whether what was counted does not miss the target."""
        return self.good_share is None or self.good_share >= self.found.objective.target


@dataclass(frozen=True)
class Survey:
    """What a server has. `retention_s` and `version` are None and empty where it does not say."""

    server: str
    version: str
    retention_s: float | None
    objectives: tuple[Surveyed, ...]

    @property
    def scrape_s(self) -> float | None:
        """The longest interval between samples of what was found."""
        return max((each.scrape_s for each in self.objectives if each.scrape_s), default=None)


def survey(server: PrometheusServer, found: Sequence[Found], now: float) -> Survey:
    """Measure what was found over the day before `now` (the server's clock). Raises SourceError."""
    day = Window(now - DAY_S, now)
    telling = {each.objective.name: each.refused for each in found if each.refused}
    asked = [(each.objective, day) for each in found]
    asked += [
        (replace(each.objective, indicator=telling[each.objective.name]), day)
        for each in found
        if each.objective.name in telling
    ]
    measured = evaluate(server, asked)
    shares = dict(zip(telling, map(_bad_share, measured[len(found) :]), strict=True))
    known = scraping.targets(server)
    return Survey(
        server.source.url,
        scraping.version(server),
        scraping.retention_s(server),
        tuple(
            Surveyed(
                each,
                of_day,
                shares.get(each.objective.name),
                scraping.interval_s(server, each.objective.indicator.total, known, now),
            )
            for each, of_day in zip(found, measured[: len(found)], strict=True)
        ),
    )


def _bad_share(measured: Measured) -> Fraction | None:
    count = measured.count
    return Fraction(count.bad) / Fraction(count.total) if isinstance(count, Count) and count.total else None
