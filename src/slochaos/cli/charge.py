"""`slochaos charge`: what an interval of time cost each objective, with no file and nothing injected."""

from __future__ import annotations

import re
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated

import typer

from slochaos.cli.options import EnvironmentOption, Format, FormatOption, SetOption, assignments
from slochaos.cli.servers import PrometheusOption, TenantOption, UserOption
from slochaos.errors import InvalidInput, StateError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from slochaos.incident import Incident
    from slochaos.measurement.prometheus.server import PrometheusServer
    from slochaos.measurement.prometheus.windows import Window
    from slochaos.spec.composites import Composite
    from slochaos.spec.environment import Environment
    from slochaos.spec.objectives import Objective
    from slochaos.spec.sources import PrometheusSource

INCONCLUSIVE = 3
_TIMES = "14:02 (local time, the last one), 2026-11-24T14:02:00Z, -15m, or now."


def charge(
    *,
    from_: Annotated[str, typer.Option("--from", metavar="TIME", help=_TIMES, show_default=False)],
    to: Annotated[str, typer.Option("--to", metavar="TIME", help="Likewise; after --from.")] = "now",
    prometheus: PrometheusOption = "",
    environment: EnvironmentOption = "",
    objective: Annotated[
        list[str],
        typer.Option("--objective", metavar="NAME", help="Only this one. Repeatable.", show_default=False),
    ] = [],  # noqa: B006 - Typer copies defaults, and wants them written as lists
    baseline: Annotated[
        str,
        typer.Option(
            "--baseline",
            metavar="DURATION",
            help="How long before the interval shows what is usual. Default: as long as the interval.",
            show_default=False,
        ),
    ] = "",
    incident: Annotated[
        str,
        typer.Option(
            "--incident",
            metavar="ID",
            help="Keep the result in the ledger under this id.",
            show_default=False,
        ),
    ] = "",
    replace_: Annotated[
        bool, typer.Option("--replace", help="With --incident: also in place of another interval.")
    ] = False,
    user: UserOption = "",
    tenant: TenantOption = "",
    set_: SetOption = [],  # noqa: B006
    output: FormatOption = Format.TEXT,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress, only the result.")] = False,
) -> int:
    """Say what an interval of time cost each objective.

    Reads counters from a Prometheus server: how many events were bad, how many of them beyond what is
    usual, which share of the error budget that is, where they were, and when the budget comes back. Without
    --environment the objectives are found by well-known metric names, and their targets are assumed. Injects
    nothing; writes nothing unless --incident is given. Exits with 3 if nothing could be counted, or not all
    that was asked for by name.
    """
    from slochaos.cli.failures import errors_as_document
    from slochaos.cli.streams import console, say, write_document

    with errors_as_document(output is Format.JSON):
        question = _question(from_, to, baseline, objective, incident)
        _check_incident(incident, replacing=replace_)
        chosen = _environment(environment, prometheus, set_)
        source = _source(chosen, prometheus, user, tenant)
        if not quiet:
            say(f"asking {source.url} ...")
        document = _priced(source, chosen, question)
        document, unkept = _kept(document, chosen, replacing=replace_) if incident else (document, None)
    if output is Format.JSON:
        write_document(document.model_dump(mode="json", by_alias=True))
    else:
        from slochaos.reports.incident import render_incident

        render_incident(document, console())
    if unkept is not None:
        raise unkept
    return _exit_code(document, named=bool(objective))


@dataclass(frozen=True)
class _Question:
    """What the command line asks for. `now` is this host's epoch second."""

    interval: Window
    baseline_s: float
    objectives: tuple[str, ...]
    incident: str
    now: float

    @property
    def whole(self) -> Window:
        """From the baseline's start to the interval's end."""
        return replace(self.interval, start=self.interval.start - self.baseline_s)


def _question(from_: str, to: str, baseline: str, objectives: list[str], incident: str) -> _Question:
    from slochaos import clock
    from slochaos.measurement.prometheus.windows import Window
    from slochaos.spec.durations import parse_duration
    from slochaos.spec.moments import parse_interval

    now = clock.wall()
    interval = Window(*parse_interval(from_, to, now))
    try:
        baseline_s = parse_duration(baseline) if baseline else interval.length_s
    except InvalidInput as problem:
        raise InvalidInput(f"--baseline: {problem.message}", hint=problem.hint) from problem
    if baseline_s <= 0:
        raise InvalidInput("--baseline has no length", hint="such as --baseline 30m")
    return _Question(interval, baseline_s, tuple(objectives), incident, now)


def _check_incident(incident: str, *, replacing: bool) -> None:
    if not incident:
        if replacing:
            raise InvalidInput("--replace is of no use without --incident")
        return
    from slochaos.ledger.incidents import INCIDENT_ID

    if not re.fullmatch(INCIDENT_ID, incident):
        raise InvalidInput(
            f"--incident {incident[:70]!r} is no id", hint="letters, digits, '.', '_' and '-', at most 63"
        )


def _environment(name: str, prometheus: str, set_: list[str]) -> Environment | None:
    """None where a server was given and no environment: then $SLOCHAOS_ENVIRONMENT does not matter."""
    from slochaos.cli.environments import load_statically

    overrides = assignments(set_)
    if prometheus and not name:
        if overrides:
            raise InvalidInput("--set is of no use without --environment")
        return None
    chosen = load_statically(name, overrides)
    if not chosen.objectives:
        raise InvalidInput(
            f"the environment {chosen.name} has no objectives", hint=f"add `slos` to {chosen.path}"
        )
    return chosen


def _source(chosen: Environment | None, prometheus: str, user: str, tenant: str) -> PrometheusSource:
    """The server asked: of the environment, one of its by name, or the one at the URL."""
    from slochaos.cli.servers import server_at, server_of

    if chosen is None:
        return server_at(prometheus, user, tenant)
    own = {name for each in chosen.prometheus_servers for name in (each.name, each.url)}
    if prometheus and prometheus not in own:
        return server_at(prometheus, user, tenant)
    if user or tenant:
        raise InvalidInput("--user and --tenant go with --prometheus URL", hint="the environment has its own")
    return server_of(chosen, prometheus)


def _priced(source: PrometheusSource, chosen: Environment | None, question: _Question) -> Incident:
    from slochaos.cli.servers import login_by_options
    from slochaos.measurement.prometheus.server import PrometheusServer
    from slochaos.slo.charge import Order, price_interval

    own = chosen.prometheus_servers if chosen else ()
    with nullcontext() if source in own else login_by_options(), PrometheusServer(source) as server:
        objectives, notes = _objectives(server, chosen, question)
        order = Order(
            objectives,
            question.interval,
            question.baseline_s,
            composites=_composites(chosen, objectives),
            environment=chosen.name if chosen else "",
            incident=question.incident,
        )
        return price_interval(server, order, question.now, notes)


def _objectives(
    server: PrometheusServer, chosen: Environment | None, question: _Question
) -> tuple[tuple[Objective, ...], tuple[str, ...]]:
    """The environment's objectives, or what presets find; and what has to be said of where they come from."""
    if chosen is not None:
        lenient = (chosen.read_leniently,) if chosen.read_leniently else ()
        return _only(question.objectives, chosen.objectives), lenient
    from slochaos.slo.discovery import discover

    found = discover(server, question.whole)
    if not found:
        raise _nothing_found(server, question)
    kept = _only(question.objectives, [each.objective for each in found])
    notes = [f"{each.objective.name} is assumed: {each.assumed}" for each in found if each.objective in kept]
    return kept, tuple(notes)


def _nothing_found(server: PrometheusServer, question: _Question) -> InvalidInput:
    """Nothing known, or nothing at all: then perhaps nothing any more."""
    from slochaos.slo.charge import outside_retention
    from slochaos.slo.discovery import has_samples

    if has_samples(server, question.whole):
        return InvalidInput(
            f"no preset knows a metric of {server.source.url}",
            hint=f"slochaos init --prometheus {server.source.url} shows what comes close, and how to describe it",
        )
    lost = next(outside_retention(server, question.interval, question.now), "")
    return InvalidInput(
        f"{server.source.url} has no samples of that time",
        hint=lost or "look whether that is the right server, and whether it scrapes anything",
    )


def _composites(chosen: Environment | None, objectives: tuple[Objective, ...]) -> tuple[Composite, ...]:
    """Those of the environment of which every part is priced."""
    names = {each.name for each in objectives}
    known = chosen.composites if chosen else ()
    return tuple(each for each in known if names.issuperset(part.objective.name for part in each.parts))


def _only(wanted: tuple[str, ...], known: Iterable[Objective]) -> tuple[Objective, ...]:
    from slochaos.spec.nearest import did_you_mean

    by_name = {each.name: each for each in known}
    for name in wanted:
        if name not in by_name:
            raise InvalidInput(f"there is no objective {name!r}", hint=did_you_mean(name, by_name))
    return tuple(by_name[name] for name in dict.fromkeys(wanted)) if wanted else tuple(by_name.values())


def _kept(
    document: Incident, chosen: Environment | None, *, replacing: bool
) -> tuple[Incident, StateError | None]:
    """Keep it; where the ledger fails the price is shown all the same, without an id. Raises InvalidInput."""
    from slochaos.ledger.incidents import Incidents

    try:
        with Incidents(chosen.ledger if chosen else "") as incidents:
            incidents.keep(document, replace=replacing)
    except StateError as problem:
        return document.model_copy(
            update={"incident": document.incident.model_copy(update={"id": ""})}
        ), problem
    return document, None


def _exit_code(document: Incident, *, named: bool) -> int:
    """0 when something was counted; everything, where objectives were asked for by name."""
    counted = [each.charge is not None for each in document.objectives]
    return 0 if (all(counted) if named else any(counted)) else INCONCLUSIVE
