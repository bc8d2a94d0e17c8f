"""What a real server was asked, by its own query log: one plan for many objectives, nothing twice, nothing too wide."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from slochaos.measurement.prometheus.coarse import bad_by_part
from slochaos.measurement.prometheus.evaluation import evaluate
from slochaos.measurement.prometheus.server import PrometheusServer
from slochaos.measurement.prometheus.windows import Window
from slochaos.measurement.samples import Count
from slochaos.spec.objectives import Counter, Indicator, Method, Objective
from slochaos.spec.selectors import parse
from slochaos.spec.sources import PrometheusSource
from tests.prometheus_history import lay_down
from tests.prometheus_servers import Binaries, start_prometheus

SERVICES = 150
NOW = float(int(time.time()) - 60)
TIMES = [NOW - 1200 + 30 * step for step in range(41)]

Ask = Callable[[Sequence[tuple[Objective, Window]]], list[str]]


@dataclass(frozen=True)
class Logged:
    """A server that writes down what it is asked."""

    server: PrometheusServer
    log: Path

    def queries(self) -> list[str]:
        """All of it so far."""
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        return [json.loads(line)["params"]["query"] for line in lines]


@pytest.fixture(scope="module")
def logged(prometheus_binaries: Binaries, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Logged]:
    """One with twenty minutes of many services."""
    folder = tmp_path_factory.mktemp("prometheus-questions")
    history = {f'up{{job="s{n}",instance="a"}}': [(at, 1.0) for at in TIMES] for n in range(SERVICES)}
    history |= {
        f'r_total{{job="s{n}",instance="a",code="{code}"}}': [(at, (at - TIMES[0]) * share) for at in TIMES]
        for n in range(SERVICES)
        for code, share in (("200", 9), ("500", 1))
    }
    lay_down(prometheus_binaries, folder, history)
    log = folder / "queries.log"
    settings: dict[str, Any] = {"global": {"query_log_file": str(log)}}  # a keyword of Python's
    process = start_prometheus(prometheus_binaries, folder, **settings)
    try:
        with PrometheusServer(PrometheusSource("logged", process.url, timeout_s=60)) as server:
            yield Logged(server, log)
    finally:
        process.end()


@pytest.fixture
def ask(logged: Logged) -> Ask:
    """Evaluate there; what it was asked meanwhile."""

    def asked(wanted: Sequence[tuple[Objective, Window]]) -> list[str]:
        before = len(logged.queries())
        found = evaluate(logged.server, wanted)
        assert all(
            isinstance(each.count, Count) and each.count.bad * 10 == each.count.total for each in found
        )
        return logged.queries()[before:]

    return asked


def _objective(number: int, method: Method = "Occurrences") -> Objective:
    total, bad = parse(f'r_total{{job="s{number}"}}'), parse(f'r_total{{job="s{number}",code=~"5.."}}')
    indicator = Indicator(Counter(total), bad=Counter(bad))
    return Objective(
        f"o{number}",
        "",
        "shop",
        Fraction(99, 100),
        "lte",
        86_400,
        "1d",
        method,
        indicator,
        slice_target=Fraction(1),
    )


def test_many_objectives_over_several_windows_are_a_handful_of_questions(ask: Ask) -> None:
    """300 counts: two batches of services, their targets, and the time."""
    windows = [Window(NOW - 300, NOW), Window(NOW - 900, NOW)]
    queries = ask([(_objective(n), window) for n in range(SERVICES) for window in windows])
    assert len(queries) <= 5
    assert len(queries) == len(set(queries))


def test_what_several_objectives_need_is_fetched_once(ask: Ask) -> None:
    """Two objectives on one counter cost no more than one."""
    window = Window(NOW - 300, NOW)
    assert len(ask([(_objective(0), window)] * 5)) == len(ask([(_objective(0), window)])) == 3


def test_long_windows_are_a_handful_of_questions_too(ask: Ask) -> None:
    """However many objectives."""
    few = ask([(_objective(n), Window(NOW - 86_400, NOW)) for n in range(3)])
    many = ask([(_objective(n), Window(NOW - 86_400, NOW)) for n in range(SERVICES)])
    assert len(many) <= 2.5 * len(few)
    assert not any("increase(" in query or "rate(" in query for query in many)


def test_bad_events_by_part_are_a_handful_of_questions(logged: Logged) -> None:
    """However many parts: those of one length are asked about together, and cuts make a few more."""
    before = len(logged.queries())
    ends = (*(NOW - 1200 + 50 * part for part in range(15)), NOW - 480, NOW - 450, NOW - 300, NOW)
    found = bad_by_part(logged.server, [_objective(n) for n in range(SERVICES)], ends)
    batches, lengths = 2, 5
    series_and_starts = 2 * batches * lengths
    assert len(logged.queries()) - before <= series_and_starts + 1
    by_end = {round(end - NOW): bad for bad, end in found["o7"]}
    assert {-500: 60, -480: 30, -450: 30, -300: 150, 0: 300}.items() <= by_end.items()
    assert sum(by_end.values()) == 1200


def test_one_objectives_long_window_makes_no_others_longer(ask: Ask) -> None:
    """A day of slices is fetched for the objective that has them."""
    queries = ask([(_objective(0), Window(NOW - 300, NOW)), (_objective(1), Window(NOW - 1100, NOW))])
    ranges = {query for query in queries if "r_total" in query}
    assert any('job="s0"' in query and "[900001ms]" in query for query in ranges), ranges
    assert any('job="s1"' in query and "[1700001ms]" in query for query in ranges), ranges
