"""The example on a real Prometheus, as its user runs it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from slochaos import clock
from slochaos.measurement.counting import measure
from slochaos.measurement.phases import Cut
from slochaos.measurement.sampler import Sampler
from slochaos.measurement.samples import Count
from slochaos.spec import environment as environments
from slochaos.spec.environment import Environment
from tests.e2e.slochaos_command import Shell
from tests.prometheus_servers import Binaries
from tests.toxiproxy_servers import free_port

OBJECTIVE = "database-error-rate"
CALM = ("--set", "rate=100", "--set", "latency_threshold=1.0")
"""A busy machine is no outage."""


@dataclass
class Scraped:
    """The same pages, read directly four times a second while the command runs."""

    sampler: Sampler
    environment: Environment

    def bad(self) -> int:
        """Bad events from the first good page to the last."""
        history = self.sampler.history
        pages = {name: [s for s in samples if s.is_page] for name, samples in history.items()}
        start = Cut(0.0, {name: found[0] for name, found in pages.items()})
        end = Cut(clock.now(), {name: found[-1] for name, found in pages.items()})
        [objective] = [each for each in self.environment.objectives if each.name == OBJECTIVE]
        count = measure(objective, history, start, end)
        assert isinstance(count, Count), count
        return int(count.bad)


@contextmanager
def scraping(ports: dict[str, int]) -> Iterator[Scraped]:
    """Read the pages of the environment `local`, at ports that a run was told to use."""
    file = environments.read(environments.find("local"))
    values = {
        **environments.placeholders(file),
        **{f"port_{name}": str(port) for name, port in ports.items()},
    }
    environment = environments.resolve(file, values, {})
    sampler = Sampler(environment)
    sampler.start()
    try:
        yield Scraped(sampler, environment)
    finally:
        sampler.stop()


@pytest.fixture
def on_path(example: Shell, prometheus_binaries: Binaries, alertmanager_binaries: Binaries) -> dict[str, str]:
    """The folders of the real servers, on PATH, as a user has them."""
    return {
        "PATH": f"{prometheus_binaries.folder}:{alertmanager_binaries.folder}:{example.variables['PATH']}"
    }


def test_the_example_passes_on_a_real_prometheus(example: Shell, on_path: dict[str, str]) -> None:
    """What Prometheus scraped once a second is charged within an interval that holds what direct reading counted."""
    ports = {"api": free_port(), "prober": free_port()}
    chosen = [text for name, port in ports.items() for text in ("--set", f"port_{name}={port}")]
    with scraping(ports) as scraped:
        answer = example.slochaos(
            *("run", "experiments/db_outage.json", "--environment", "local-prometheus", "--format", "json"),
            *(*CALM, *chosen),
            within_s=300,
            **on_path,
        )
        truth = scraped.bad()
    assert answer.code == 0, answer.err
    objectives = {objective["name"]: objective for objective in answer.document["objectives"]}
    charge = objectives[OBJECTIVE]["charge"]
    least, most = charge["bad_gross_interval"]
    assert least <= truth <= most
    assert truth > 500
    assert objectives["api-success-rate"]["verdict"] == "kept"
    assert any("own pages are watched" in note for note in answer.document["notes"])
    assert [injection["undo"] for injection in answer.document["injections"]] == ["verified"]


def test_without_a_prometheus_the_environment_says_what_to_do(example: Shell) -> None:
    """No server on PATH: nothing is injected, and the message names the program and how to get it."""
    nothing = example.folder / "nothing"
    nothing.mkdir()
    answer = example.slochaos(
        *("run", "experiments/db_outage.json", "--environment", "local-prometheus", *CALM),
        within_s=120,
        PATH=str(nothing),
    )
    assert answer.code == 7, answer.err
    assert "there is no alertmanager on PATH" in answer.err
