"""One Prometheus server: its clock, how long it keeps what, how often it scrapes, and what it scrapes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from slochaos.cli.diagnosis import Finding, missing, note, ok, ways
from slochaos.errors import SlochaosError
from slochaos.wording import seconds

if TYPE_CHECKING:
    from slochaos.measurement.prometheus.answers import Target
    from slochaos.measurement.prometheus.server import PrometheusServer
    from slochaos.spec.environment import Environment
    from slochaos.spec.sources import PrometheusSource

SKEW_S = 2.0
"""Clocks further apart than this are worth a word."""

READINGS = 2
"""A fault shorter than so many scrapes may lie between two of them, as far as its start and end are told."""

USUAL_SCRAPE_S = 15.0
MOST_TARGETS = 10
"""Targets' pages that are read, and targets that are named."""


def findings(environment: Environment, source: PrometheusSource) -> Iterator[Finding]:
    """Ask one server of the environment; what it cannot say is left out."""
    from slochaos.cli.diagnosis import objectives
    from slochaos.measurement.prometheus.server import PrometheusServer
    from slochaos.slo import scraping

    what = f"source {source.name}"
    with PrometheusServer(source) as server:
        try:
            now = server.now()
            version = scraping.version(server)
            yield ok(what, f"{source.url}: {f'Prometheus {version}' if version else 'it'} answers")
            yield _clock(what, server)
            yield from _retention(what, environment, scraping.retention_s(server))
            known = scraping.targets(server)
            yield from _scraping(what, environment, server, known, now)
            yield from _targets(what, environment, source, known)
            yield from objectives.findings(environment, server, now)
        except SlochaosError as error:
            yield missing(what, error.message, error.hint or "look at the server, and at its address")


def _clock(what: str, server: PrometheusServer) -> Finding:
    found = server.clock()
    apart = f"{seconds(abs(found.skew_s))} {'ahead of' if found.skew_s > 0 else 'behind'} this host's"
    if abs(found.skew_s) > SKEW_S + found.uncertainty_s:
        return note(
            f"{what}: clock",
            f"it is {apart}: times given to charge are the server's, and a run's phases are cut wrongly by as much",
            "synchronise both hosts (chronyc tracking, timedatectl)",
        )
    return ok(f"{what}: clock", f"within {seconds(abs(found.skew_s) + found.uncertainty_s)} of this host's")


def _retention(what: str, environment: Environment, kept_s: float | None) -> Iterator[Finding]:
    if kept_s is None:
        yield ok(f"{what}: retention", "it does not say how long it keeps samples")
        return
    longest = max(environment.objectives, key=lambda each: each.window_s, default=None)
    if longest is not None and longest.window_s > kept_s:
        yield note(
            f"{what}: retention",
            f"it keeps samples for {seconds(kept_s)}, less than the window of {longest.name}, {longest.window}: "
            "what was spent before is unknown",
            f"--storage.tsdb.retention.time={longest.window} at least, or a shorter window",
        )
    else:
        yield ok(f"{what}: retention", f"{seconds(kept_s)}, longer than every objective's window")


def _scraping(
    what: str, environment: Environment, server: PrometheusServer, known: Sequence[Target], now: float
) -> Iterator[Finding]:
    from slochaos.slo import scraping

    found = {
        o.name: scraping.interval_s(server, o.indicator.total, known, now) for o in environment.objectives
    }
    slowest = max(found, key=lambda name: found[name] or 0.0, default="")
    every_s = found.get(slowest)
    if every_s is None:
        return
    said = (
        f"every {seconds(every_s)} at the longest, of {slowest}: a fault has to last {seconds(READINGS * every_s)} "
        "to be seen for certain"
    )
    if every_s > USUAL_SCRAPE_S:
        yield note(f"{what}: scraping", said, "a shorter scrape_interval for these targets, or longer faults")
    else:
        yield ok(f"{what}: scraping", said)
    if every_s > environment.alerts.scrape_s:
        has = f"scrape_interval is {environment.alerts.scrape_s} s: exported rules would look at too little time"
        yield note("alerts", has, f"alerts: {{scrape_interval: {every_s:.0f}s}} in {environment.path}")


def _targets(
    what: str, environment: Environment, source: PrometheusSource, known: Sequence[Target]
) -> Iterator[Finding]:
    """Those that objectives are counted from: up, not behind a proxy that faults use, readable from here."""
    from slochaos.slo import scraping

    totals = [objective.indicator.total for objective in environment.objectives]
    concerned = {t.scrape_url: t for total in totals for t in scraping.of_metric(total, known)}
    for target in concerned.values():
        yield from ways.through(
            f"target {target.scrape_url}",
            target.scrape_url,
            environment.targets.proxies,
            f"let {source.name} scrape it",
        )
    down = [target for target in concerned.values() if target.health == "down"]
    for target in down[:MOST_TARGETS]:
        yield missing(
            f"target {target.scrape_url}",
            f"{source.name} cannot scrape it: {target.error or 'it is down'}",
            "what it counts is unknown until it answers",
        )
    if concerned and source.watch_s is not None:
        up = [target for url, target in sorted(concerned.items()) if target.health != "down"]
        yield from _watched(what, environment, up)


def _watched(what: str, environment: Environment, targets: Sequence[Target]) -> Iterator[Finding]:
    """The abort watch reads the targets' own pages."""
    from slochaos.measurement.scrape import ScrapeReader
    from slochaos.spec.sources import ScrapeSource

    wanted = [part for o in environment.objectives for part in (o.indicator.part, o.indicator.total)]
    failed = []
    for target in targets[:MOST_TARGETS]:
        try:
            reader = ScrapeReader(
                ScrapeSource(target.scrape_url, target.scrape_url), wanted, labels=target.labels
            )
            sample = reader.read()
            reader.close()
        except SlochaosError as error:
            failed.append(f"{target.scrape_url}: {error.message}")
        else:
            failed += [f"{target.scrape_url}: {sample.failure}"] if sample.failure else []
    read = min(len(targets), MOST_TARGETS)
    if failed:
        yield note(
            f"{what}: abort watch",
            f"{len(failed)} of {read} targets cannot be read from here ({failed[0]}): a breach is seen only once "
            "the server has scraped it",
            "run slochaos where the targets can be reached, or `watch: off` to say that this is meant",
        )
    elif read:
        yield ok(f"{what}: abort watch", f"{read} of {len(targets)} targets' own pages can be read from here")
