"""One environment: whether it loads, whether its sources answer, whether its targets are what it says."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import TYPE_CHECKING

from slochaos.cli.diagnosis import Finding, missing, note, ok
from slochaos.errors import SlochaosError

if TYPE_CHECKING:
    from slochaos.spec.environment import AllowedProxy, Environment

_PATIENCE_S = 2.0


def findings(option: str) -> Iterator[Finding]:
    """Load the environment; look at its sources and targets unless it starts them itself."""
    from slochaos.cli.environments import load_statically, named_or_default

    name = named_or_default(option)
    try:
        environment = load_statically(option)
    except SlochaosError as error:
        yield missing(f"environment {name}", error.message, error.hint)
        return
    yield ok(
        f"environment {name}", f"{environment.path}: {_counted(len(environment.objectives), 'objective')}"
    )
    if environment.self_contained:
        names = ", ".join(service.name for service in environment.services)
        yield ok("services", f"{names}: started for each run and stopped after it")
        return
    yield from _sources(environment)
    yield from _targets(environment)
    yield _detection(environment)


def _sources(environment: Environment) -> Iterator[Finding]:
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


def _targets(environment: Environment) -> Iterator[Finding]:
    for server, allowed in groupby(environment.proxies, key=lambda proxy: proxy.server):
        yield from _toxiproxy(server, list(allowed))


def _toxiproxy(server: str, allowed: list[AllowedProxy]) -> Iterator[Finding]:
    from slochaos.faults.toxiproxy_api import ToxiproxyServer

    try:
        found = ToxiproxyServer(server, read_s=_PATIENCE_S).proxies()
    except SlochaosError as error:
        yield missing(
            "Toxiproxy", error.message, error.hint or "start it, or change the environment's targets"
        )
        return
    for proxy in allowed:
        what, wanted = f"proxy {proxy.name}", f"listen {proxy.listen}, upstream {proxy.upstream}"
        state = found.get(proxy.name)
        if state is None:
            yield missing(what, f"{server} has no such proxy", f"create it there: {wanted}")
        elif not state.is_at(proxy.listen, proxy.upstream):
            has = f"listen {state.proxy.listen}, upstream {state.proxy.upstream}"
            yield missing(what, f"{server} has {has}", f"the environment says {wanted}: change one of them")
        elif not state.enabled:
            yield note(what, f"{server}: it is disabled", "slochaos status, or enable it by hand")
        else:
            yield ok(what, f"{server}: as the environment says")


def _detection(environment: Environment) -> Finding:
    from slochaos.measurement.watch import detection_seconds

    seconds = detection_seconds(environment)
    return ok("detection", f"a breach is seen after {seconds:.2g} s at these sampling periods")


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 or noun == "series" else f"{number} {noun}s"
