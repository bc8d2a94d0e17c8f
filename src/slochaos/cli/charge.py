"""`slochaos charge`: what an interval of time cost each objective, with no file and nothing injected."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from slochaos.cli.options import EnvironmentOption, Format, FormatOption, SetOption
from slochaos.cli.servers import PrometheusOption, TenantOption, UserOption
from slochaos.errors import InvalidInput, StateError

if TYPE_CHECKING:
    from slochaos.incident import Incident
    from slochaos.measurement.prometheus.windows import Window
    from slochaos.spec.environment import Environment
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
    from slochaos.cli.chosen import environment_if_meant, source_of
    from slochaos.cli.failures import errors_as_document
    from slochaos.cli.streams import console, say, write_record

    with errors_as_document(output is Format.JSON):
        question = _question(from_, to, baseline, objective, incident)
        _check_incident(incident, replacing=replace_)
        chosen = environment_if_meant(environment, prometheus, set_)
        source = source_of(chosen, prometheus, user, tenant)
        if not quiet:
            say(f"asking {source.url} ...")
        document = _priced(source, chosen, question)
        document, unkept = _kept(document, chosen, replacing=replace_) if incident else (document, None)
    if output is Format.JSON:
        write_record(document)
    else:
        from slochaos.reports.incident import render_incident

        render_incident(document, console())
    if unkept is not None:
        raise unkept
    return _exit_code(document, named=bool(objective))


class _Question(NamedTuple):
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


def _priced(source: PrometheusSource, chosen: Environment | None, question: _Question) -> Incident:
    from slochaos.cli.chosen import asking, declared, discovered
    from slochaos.slo.charge import Order, price_interval

    with asking(source, chosen) as server:
        if chosen is not None:
            of = declared(chosen).only(question.objectives)
        else:
            of = discovered(server, question.whole, question.objectives, question.now)
        order = Order(
            of.objectives,
            question.interval,
            question.baseline_s,
            composites=of.composites,
            environment=chosen.name if chosen else "",
            incident=question.incident,
        )
        return price_interval(server, order, question.now, of.notes)


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
