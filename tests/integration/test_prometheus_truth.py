"""Charges against the truth: a real Prometheus scrapes services of known counts, live, through 220 stories.

One server scrapes the targets of all stories at their own intervals (1, 5 and 15 s), all at the same time; a second
one starts late and is killed and started again meanwhile. No sample gets into their storage in any other way. Each
story's window is then measured from the server alone, and compared with what really happened in it.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import pytest

from slochaos.measurement.prometheus.evaluation import evaluate
from slochaos.measurement.prometheus.server import PrometheusServer
from slochaos.measurement.prometheus.windows import Measured, Window
from slochaos.measurement.samples import Count, NoData
from slochaos.spec.objectives import Counter, Histogram, Indicator, Objective
from slochaos.spec.selectors import parse
from slochaos.spec.sources import PrometheusSource
from tests.integration.prometheus_scenarios import REQUESTS, TOOK, Author, Stage, Story
from tests.known_targets import known_targets
from tests.prometheus_servers import Binaries, ServerProcess, scrape_job, start_prometheus

KINDS = {  # kind: seeds at 1 s, 5 s, 15 s
    "burst": (24, 8, 6),
    "quiet burst": (12, 6, 4),
    "born": (10, 4, 2),
    "replaced pod": (14, 4, 2),
    "late discovery": (8, 3, 2),
    "reset": (6, 3, 1),
    "restart": (10, 4, 2),
    "target down": (10, 4, 2),
    "restart while down": (6, 2, 1),
    "down without start": (4, 2, 1),
    "no traffic": (2, 1, 1),
    "several series": (8, 3, 2),
    "replicas": (3, 1, 1),
    "one replica": (4, 1, 1),
    "latency": (6, 2, 1),
    "server trouble": (16, 5, 2),
}
CASES = [
    (kind, seed, every)
    for kind, seeds in KINDS.items()
    for every, number in zip(("1s", "5s", "15s"), seeds, strict=True)
    for seed in range(number)
]
UNHARMED = {"burst", "quiet burst", "no traffic", "several series", "one replica", "latency"}
"""Kinds in which nothing can be lost, so that the interval has an upper end."""


def test_there_are_at_least_200_stories() -> None:
    """So many are promised."""
    assert len(CASES) >= 200


@pytest.fixture(scope="module")
def told(
    prometheus_binaries: Binaries, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[tuple[str, int, str], tuple[Story, Measured]]]:
    """All stories, lived through at the same time and then measured."""
    folder = tmp_path_factory.mktemp("prometheus-truth")
    with known_targets() as pages:
        author = Author(Stage(pages, folder))
        stories = {case: author.write(*case, _server_of(case[0])) for case in CASES}
        steady = start_prometheus(prometheus_binaries, folder / "steady", _jobs(folder, "steady"))
        troubled = _Troubled(prometheus_binaries, folder)
        try:
            _wait_for_first_scrapes(steady, [s for s in stories.values() if s.server == "steady"])
            troubled.begin()
            author.stage.perform(list(stories.values()))
            time.sleep(17)  # until every target was scraped after its window
            yield {**_measured(steady, stories), **_measured(troubled.end(), stories)}
        finally:
            troubled.kill()
            steady.end()


@pytest.mark.parametrize("case", CASES, ids=lambda case: "-".join(map(str, case)))
def test_charge_is_the_truth_or_the_truth_is_in_its_interval(
    told: dict[tuple[str, int, str], tuple[Story, Measured]], case: tuple[str, int, str]
) -> None:
    """Bad and all events of the window are what the server's samples say, or within what they leave open.

    Where events happened that no page has ever shown, the interval has no upper end. Where nothing was lost, it has
    one. What is called exact is exact.
    """
    story, measured = told[case]
    count = measured.count
    if story.refused:
        assert isinstance(count, NoData)
        assert count.reason == story.refused
        return
    assert isinstance(count, Count), count
    bad, total = _truth(story)
    assert count.bad_low <= bad <= count.bad_high, (bad, count)
    assert count.total_low <= total <= count.total_high, (total, count)
    assert count.bad_low <= count.bad <= count.bad_high
    if story.lost(REQUESTS):
        assert math.isinf(count.total_high), count
    if story.kind in UNHARMED:
        assert math.isfinite(count.total_high), count
    if measured.exactness == "exact":
        assert (count.bad, count.total) == (bad, total)


@pytest.mark.parametrize(
    "case", [c for c in CASES if c[0] == "quiet burst"], ids=lambda c: "-".join(map(str, c))
)
def test_burst_inside_the_window_is_charged_to_the_last_event(
    told: dict[tuple[str, int, str], tuple[Story, Measured]], case: tuple[str, int, str]
) -> None:
    """Whatever the phase of the scrapes and their interval; `increase()` misses or exaggerates such bursts."""
    story, measured = told[case]
    assert isinstance(measured.count, Count)
    assert measured.count.bad == story.truth(REQUESTS, code="503") == 100


class _Troubled:
    """The server that starts late, is killed, and comes back with what it had."""

    def __init__(self, binaries: Binaries, folder: Path) -> None:
        self._binaries, self._folder = binaries, folder
        self._server: ServerProcess | None = None
        self._thread = threading.Thread(target=self._live)

    def begin(self) -> None:
        """Let its trouble take its course beside the stories."""
        self._thread.start()

    def end(self) -> ServerProcess:
        """The server, once all is over."""
        self._thread.join()
        assert self._server is not None
        return self._server

    def kill(self) -> None:
        """End it, whatever it does."""
        if self._thread.is_alive():
            self._thread.join()
        if self._server is not None:
            self._server.end()

    def _live(self) -> None:
        began = time.monotonic()
        time.sleep(9)
        self._server = self._start()
        time.sleep(max(began + 24 - time.monotonic(), 0))
        self._server.end()
        time.sleep(max(began + 28 - time.monotonic(), 0))
        self._server = self._start()

    def _start(self) -> ServerProcess:
        return start_prometheus(self._binaries, self._folder / "troubled", _jobs(self._folder, "troubled"))


def _server_of(kind: str) -> str:
    return "troubled" if kind == "server trouble" else "steady"


def _jobs(folder: Path, server: str) -> list[dict[str, object]]:
    return [
        dict(scrape_job(every, [], every), file_sd_configs=[{"files": [f"{folder}/{server}-{every}-*.json"]}])
        for every in ("1s", "5s", "15s")
    ]


def _wait_for_first_scrapes(server: ServerProcess, stories: list[Story]) -> None:
    deadline = time.monotonic() + 40
    while len(server.query("count by (job) (up)")) < len(stories):
        assert time.monotonic() < deadline
        time.sleep(0.5)


def _measured(
    server: ServerProcess, stories: dict[tuple[str, int, str], Story]
) -> dict[tuple[str, int, str], tuple[Story, Measured]]:
    """All stories of one server, in one evaluation."""
    mine = {case: story for case, story in stories.items() if story.server == server.folder.name}
    asked = [(_objective(story), Window(*story.window)) for story in mine.values()]
    with PrometheusServer(PrometheusSource(server.name, server.url, timeout_s=30)) as source:
        found = evaluate(source, asked)
    return {case: (story, each) for (case, story), each in zip(mine.items(), found, strict=True)}


def _objective(story: Story) -> Objective:
    where = f'job="{story.job}"{story.where}'
    if story.kind == "latency":
        histogram = parse(f"{TOOK}{{{where}}}")
        indicator = Indicator(Histogram(histogram), good=Histogram(histogram, Fraction("0.3")))
    else:
        total, bad = parse(f"{REQUESTS}{{{where}}}"), parse(f'{REQUESTS}{{{where},code=~"5.."}}')
        indicator = Indicator(Counter(total), bad=Counter(bad))
    return Objective(story.job, "", "shop", Fraction(99, 100), "lte", 86_400, "1d", "Occurrences", indicator)


def _truth(story: Story) -> tuple[float, float]:
    if story.kind == "latency":
        total = story.truth(f"{TOOK}_count")
        return total - story.truth(f"{TOOK}_bucket", le="0.3"), total
    return story.truth(REQUESTS, code="503"), story.truth(REQUESTS)
