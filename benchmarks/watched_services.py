"""A day of some hundred services on a real Prometheus, and what really happened in it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.prometheus_history import lay_down
from tests.prometheus_servers import Binaries, ServerProcess, start_prometheus

RATE = 10
"""Requests a second, of which every 20th is slow, and of some services every 500th fails."""
SLOW, FAILING = 20, 500
BURST = 90
"""Failures within ten seconds, between two scrapes."""
LIKES = ("steady", "burst", "first failures", "restart", "two pods")
_DAY_S = 86_400
_AHEAD_S = 1_800
"""The samples go on after now: one of the two tools looks at now only, and at a later one with each question."""

Samples = list[tuple[float, float]]


@dataclass(frozen=True)
class Service:
    """One service, and what happens to it in the hour before `end` (epoch seconds, a multiple of 60)."""

    name: str
    like: str
    end: int

    def truth(self, kind: str, start: float, end: float) -> tuple[float, float]:
        """Bad and all events in [start, end], whether any counter told of them or not."""
        count = self.bad if kind in ("success", "errors") else self._slow
        return count(end) - count(start), RATE * (end - start)

    def bad(self, at: float) -> int:
        """Requests that had failed until then."""
        steady = 0 if self.like == "first failures" else math.floor(RATE * (at - self._begin) / FAILING)
        burst = self.like in ("burst", "first failures") and at >= self._burst + 12
        return steady + BURST * burst

    def series(self) -> Iterator[tuple[str, Samples]]:
        """Everything that is scraped of it, by series."""
        pods = 2 if self.like == "two pods" else 1
        for pod in range(pods):
            yield from self._pod(pod, pods)

    def _pod(self, pod: int, pods: int) -> Iterator[tuple[str, Samples]]:
        labels = f'service="{self.name}",instance="{self.name}-{pod}"'
        started = self.end - 1_193
        again = started if self.like == "restart" else None
        http = f'{labels},job="shop"'
        for family in ("http_requests_total", "queries_total"):
            failed = self._counted(self.bad, (pod, pods), again, born=self.like == "first failures")
            yield f'{family}{{{http},code="500"}}', failed
            yield f'{family}{{{http},code="200"}}', self._counted(self._good, (pod, pods), again)
        bounds = {"0.1": self._fast, "0.3": self._fast, "+Inf": self._all}
        for bound, counted in bounds.items():
            yield f'took_seconds_bucket{{{http},le="{bound}"}}', self._counted(counted, (pod, pods), again)
        yield f"took_seconds_count{{{http}}}", self._counted(self._all, (pod, pods), again)
        yield f"up{{{http}}}", [(float(at), 1.0) for at in self._scrapes]
        begun = [
            (float(at), float(self._begin if again is None or at < again else again)) for at in self._scrapes
        ]
        yield f"process_start_time_seconds{{{http}}}", begun
        yield (
            f'probe_success{{{labels},job="probes"}}',
            [(float(at), float(at % 3_600 != 0)) for at in self._scrapes],
        )

    def _counted(
        self, count: Callable[[float], int], part: tuple[int, int], again: int | None, *, born: bool = False
    ) -> Samples:
        """A counter as it is scraped: the part of one (number, of how many) pod, from 0 after a restart.

        `born`: the series is there with its first event only.
        """
        (pod, pods), lost = part, 0 if again is None else count(again)
        since = ((at, count(at) - (lost if again is not None and at > again else 0)) for at in self._scrapes)
        samples = [(float(at), float((events + pod) // pods)) for at, events in since]
        return [(at, value) for at, value in samples if value or not born]

    @property
    def _begin(self) -> int:
        return self.end - _DAY_S - 3_600

    @property
    def _burst(self) -> int:
        return self.end - 1_800

    @property
    def _scrapes(self) -> list[int]:
        """Every 15 s in the last hour and a half, and ahead; two minutes apart before that."""
        lately = self.end - 5_400
        return [*range(self._begin, lately, 120), *range(lately, self.end + _AHEAD_S, 15)]

    def _all(self, at: float) -> int:
        return math.floor(RATE * (at - self._begin))

    def _good(self, at: float) -> int:
        return self._all(at) - self.bad(at)

    def _slow(self, at: float) -> int:
        return math.floor(RATE * (at - self._begin) / SLOW)

    def _fast(self, at: float) -> int:
        return self._all(at) - self._slow(at)


def services(count: int, end: int) -> list[Service]:
    """So many services, of each kind as many."""
    return [Service(f"service-{number:03}", LIKES[number % len(LIKES)], end) for number in range(count)]


def serve(found: Binaries, folder: Path, watched: list[Service]) -> ServerProcess:
    """A server that has watched them."""
    series: dict[str, Samples] = {}
    for service in watched:
        series |= dict(service.series())
    lay_down(found, folder, _by_family(series))
    return start_prometheus(found, folder, [], "--storage.tsdb.retention.time=30d")


def _by_family(series: Mapping[str, Samples]) -> dict[str, Samples]:
    """OpenMetrics wants the series of a metric together."""
    return dict(sorted(series.items(), key=lambda each: each[0].partition("{")[0]))
