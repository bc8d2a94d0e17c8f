"""What is said about sources before anything is injected."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from slochaos.measurement.baseline import Problem, baseline_problems
from slochaos.measurement.counting import measure
from slochaos.measurement.samples import Sample
from slochaos.measurement.watch import detection_seconds, page_seconds
from slochaos.spec.environment import Environment
from slochaos.spec.objectives import Counter, Indicator, Objective
from slochaos.spec.selectors import parse
from slochaos.spec.sources import PrometheusSource, ScrapeSource
from tests.unit.measurement.simulated import (
    Process,
    Request,
    cuts,
    failed_at,
    good_objective,
    sample_at,
    scraped,
)

SAMPLES = scraped(Process((Request(0.5), Request(1.5))), [1, 2, 3])
NAMES = {"api": ["http_requests_total", "took_seconds_count"]}


def problems(
    objective: Objective, samples: list[Sample], names: Mapping[str, Iterable[str]] | None = None
) -> tuple[Problem, ...]:
    """What is wrong with one objective over all of these samples."""
    history = {"api": samples}
    counted = {objective.name: measure(objective, history, *cuts(samples))}
    return baseline_problems([objective], counted, history, names)


def indicator(total: str, good: str) -> Indicator:
    return Indicator(total=Counter(parse(total)), good=Counter(parse(good)))


def test_objectives_with_data_are_no_problem() -> None:
    """A baseline with series for total and good is fine, without a single bad one."""
    assert problems(good_objective(), SAMPLES, NAMES) == ()


def test_a_misspelt_metric_is_answered_with_what_is_there() -> None:
    """The nearest names of the page are the way out."""
    wrong = good_objective(indicator=indicator("http_request_total", 'http_request_total{code="200"}'))
    [problem] = problems(wrong, SAMPLES, NAMES)
    assert (problem.objective, problem.reason) == ("success", "no-series")
    assert "http_request_total" in problem.detail
    assert problem.hint == "did you mean http_requests_total?"


def test_a_good_selector_without_series_is_a_problem() -> None:
    """Otherwise every event would count as bad."""
    wrong = good_objective(indicator=indicator("http_requests_total", 'http_requests_total{status="200"}'))
    [problem] = problems(wrong, SAMPLES, NAMES)
    assert problem.reason == "no-series"
    assert "not with these labels" in problem.hint


def test_a_source_that_is_down_is_named_with_its_failure() -> None:
    """Nothing can be measured where nothing answers."""
    down = [failed_at(at) for at in (1, 2, 3)]
    [problem] = problems(good_objective(), down)
    assert problem.reason == "source-down"
    assert "api did not answer: connection refused" in problem.detail
    assert problem.hint


def test_detection_takes_a_period_and_a_page() -> None:
    """Before anything was read a page is assumed to take a tenth of a second, and a server to scrape every 15 s."""
    sources = (
        ScrapeSource("api", "http://api/metrics", 0.25),
        ScrapeSource("slow", "http://slow/metrics", 1.0),
    )
    environment = Environment("local", Path("local.yaml"), sources=sources)
    assert detection_seconds(environment) == 1.1
    assert page_seconds([sample_at(1, {}, page_s=2.0), failed_at(2)]) == 2.0
    assert page_seconds([failed_at(2)]) == 0.1
    watched, unwatched = (PrometheusSource("p", "http://p", watch_s=each) for each in (2.0, None))
    assert detection_seconds(replace(environment, sources=(*sources, watched))) == 2.1
    assert detection_seconds(replace(environment, sources=(*sources, unwatched))) > 15
    assert detection_seconds(Environment("none", Path("none.yaml"))) == 0
