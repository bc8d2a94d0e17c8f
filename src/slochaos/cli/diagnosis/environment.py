"""One environment: whether it loads, whether its sources answer, whether its targets are what it says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from slochaos.cli.diagnosis import Finding, host, missing, note, ok, prometheus, toxiproxy, ways
from slochaos.errors import SlochaosError

if TYPE_CHECKING:
    from slochaos.spec.environment import Environment


def findings(option: str) -> Iterator[Finding]:
    """Load the environment; look at its sources and targets unless it starts them itself."""
    from slochaos.cli.environments import load_statically, named_or_default

    name = named_or_default(option)
    try:
        environment = load_statically(option)
    except SlochaosError as error:
        yield missing(f"environment {name}", error.message, error.hint)
        return
    said = f"{environment.path}: {_counted(len(environment.objectives), 'objective')}"
    if environment.objectives:
        yield ok(f"environment {name}", said)
    else:
        yield note(
            f"environment {name}", said, "add `slos`: slochaos init --prometheus URL finds some to start from"
        )
    if environment.self_contained:
        names = ", ".join(service.name for service in environment.services)
        yield from host.services()
        yield ok("services", f"{names}: started for each run and stopped after it")
        return
    yield from ways.findings(environment)
    yield from _pages(environment)
    for server in environment.prometheus_servers:
        yield from prometheus.findings(environment, server)
    yield from toxiproxy.findings(environment.targets.proxies)
    yield _detection(environment)


def _pages(environment: Environment) -> Iterator[Finding]:
    from slochaos.measurement.scrape import ScrapeReader

    parts = [metric for o in environment.objectives for metric in (o.indicator.part, o.indicator.total)]
    for source in environment.pages:
        reader = ScrapeReader(source, parts)
        try:
            sample = reader.read()
        finally:
            reader.close()
        what = f"source {source.name}"
        if sample.failure:
            yield missing(
                what,
                f"{source.url}: {sample.failure}",
                "check the address, and that it is reachable from here",
            )
        elif not sample.values:
            yield note(
                what,
                f"{source.url} has no series that an objective selects",
                "compare the selectors of the SLO files",
            )
        else:
            yield ok(
                what,
                f"{source.url}: {_counted(len(sample.values), 'series')}, read every {source.every_s:g} s",
            )


def _detection(environment: Environment) -> Finding:
    from slochaos.measurement.watch import detection_seconds

    seconds = detection_seconds(environment)
    return ok("detection", f"a breach is seen after {seconds:.2g} s at these sampling periods")


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 or noun == "series" else f"{number} {noun}s"
