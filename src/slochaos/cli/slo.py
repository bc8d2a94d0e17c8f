"""`slochaos slo check`: how each objective stands, over several windows and against its budget."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from slochaos.cli.options import EnvironmentOption, Format, FormatOption, SetOption
from slochaos.cli.servers import PrometheusOption, TenantOption, UserOption
from slochaos.errors import InvalidInput, SourceError

if TYPE_CHECKING:
    from slochaos.cli.chosen import Chosen
    from slochaos.measurement.prometheus.server import PrometheusServer
    from slochaos.slo.check import Order
    from slochaos.slo.stand import Span
    from slochaos.spec.environment import Environment
    from slochaos.standing import Standing

slo = typer.Typer(
    name="slo",
    help="Look at objectives without injecting anything.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

_SHORTEST_S, _LONGEST_S = 1.0, 366 * 86_400.0
_MOST_WINDOWS = 12


@slo.callback()
def options() -> None:
    """Look at objectives without injecting anything."""


@slo.command()
def check(
    files: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[FILE]...", help="OpenSLO files or folders, with --prometheus.", show_default=False
        ),
    ] = None,
    *,
    environment: EnvironmentOption = "",
    prometheus: PrometheusOption = "",
    objective: Annotated[
        list[str],
        typer.Option("--objective", metavar="NAME", help="Only this one. Repeatable.", show_default=False),
    ] = [],  # noqa: B006 - Typer copies defaults, and wants them written as lists
    windows: Annotated[
        str, typer.Option("--windows", metavar="DURATIONS", help="Over which windows to look.")
    ] = "1m,5m,1h,24h,7d,30d",
    at: Annotated[
        str,
        typer.Option(
            "--at",
            metavar="TIME",
            help="As of when: 14:02 (local time, the last one), 2026-11-24T14:02:00Z, -15m, or now.",
        ),
    ] = "now",
    fail_at: Annotated[
        float,
        typer.Option("--fail-at", metavar="PERCENT", help="Exit with 1 from this much of a budget spent on."),
    ] = 100.0,
    watch: Annotated[bool, typer.Option("--watch", help="Look again and again, until interrupted.")] = False,
    every: Annotated[
        str, typer.Option("--every", metavar="DURATION", help="With --watch: how often.")
    ] = "15s",
    user: UserOption = "",
    tenant: TenantOption = "",
    set_: SetOption = [],  # noqa: B006
    output: FormatOption = Format.TEXT,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress, only the result.")] = False,
) -> int:
    """Say how each objective stands: rate, bounds, burn rate, latencies, and what is left of its budget.

    The objectives are those of the environment, or with --prometheus those in the files, or what well-known
    metric names suggest. Exits with 0 if every budget has something left, 1 if one is used up (or --fail-at is
    reached), 3 if one cannot be told. Where the environment's budget policy advises only, or somebody has overridden
    it, a budget that is used up is said and leaves the code at 0; a --fail-at below 100 holds all the same. A look
    with --watch lasts until it is interrupted; a server that does not answer is named, and asked again.
    """
    from slochaos.cli.chosen import asking, environment_if_meant, source_of
    from slochaos.cli.failures import errors_as_document

    with errors_as_document(output is Format.JSON):
        question = _question(windows, at, objective, fail_at)
        period_s = _period(every, watch=watch, at=at)
        if files and (environment or not prometheus):
            raise InvalidInput(
                "files go with --prometheus URL", hint="an environment names its own: `slos` in its file"
            )
        chosen = environment_if_meant(environment, prometheus, set_)
        source = source_of(chosen, prometheus, user, tenant)
        if not quiet:
            _say_asking(source.url)
        with asking(source, chosen) as server:
            wanted = _wanted(server, chosen, files or [], question)
            look = _Look(server, wanted, question, chosen).taken
            document = look()
            _show(document, output, watching=watch)
            if watch:
                _watch(look, output, period_s)
    return document.check.exit_code


class _Question(NamedTuple):
    """What the command line asks for. `at` is None for now, and else this host's epoch second, as `now` is."""

    spans: tuple[Span, ...]
    at: float | None
    objectives: tuple[str, ...]
    fail_at_percent: float
    now: float


def _question(windows: str, at: str, objectives: list[str], fail_at: float) -> _Question:
    from slochaos import clock
    from slochaos.spec.moments import parse_moment

    now = clock.wall()
    try:
        instant = None if at == "now" else parse_moment(at, now)
    except InvalidInput as problem:
        raise InvalidInput(f"--at {problem.message}", hint=problem.hint) from problem
    if instant is not None and instant > now:
        raise InvalidInput(f"--at {at} is still to come", hint="name a time that has passed")
    if not 0 < fail_at <= 100:
        raise InvalidInput("--fail-at is no share of a budget", hint="above 0, at most 100: --fail-at 80")
    return _Question(_spans(windows), instant, tuple(objectives), fail_at, now)


def _spans(text: str) -> tuple[Span, ...]:
    from slochaos.slo.stand import Span
    from slochaos.spec.durations import parse_duration

    spans: dict[str, Span] = {}
    for name in (each.strip() for each in text.split(",")):
        try:
            length_s = parse_duration(name)
        except InvalidInput as problem:
            raise InvalidInput(f"--windows: {problem.message}", hint=problem.hint) from problem
        if not _SHORTEST_S <= length_s <= _LONGEST_S:
            raise InvalidInput(f"--windows: {name} is no window", hint="from 1s to 366d")
        spans[name] = Span(name, length_s)
    if len(spans) > _MOST_WINDOWS:
        raise InvalidInput(f"--windows: {len(spans)} windows are too many", hint=f"at most {_MOST_WINDOWS}")
    return tuple(spans.values())


def _period(every: str, *, watch: bool, at: str) -> float:
    from slochaos.spec.durations import parse_duration

    if watch and at != "now":
        raise InvalidInput("--watch looks at now, and --at at one time", hint="leave one of the two out")
    try:
        period_s = parse_duration(every)
    except InvalidInput as problem:
        raise InvalidInput(f"--every: {problem.message}", hint=problem.hint) from problem
    if period_s < 1:
        raise InvalidInput(f"--every {every} is too often", hint="at least 1s")
    return period_s


def _say_asking(url: str) -> None:
    from slochaos.cli.streams import say

    say(f"asking {url} ...")


def _wanted(
    server: PrometheusServer, chosen: Environment | None, files: list[Path], question: _Question
) -> Chosen:
    from slochaos.cli.chosen import declared, discovered, in_files
    from slochaos.measurement.prometheus.windows import Window

    if chosen is not None:
        return declared(chosen).only(question.objectives)
    if files:
        return in_files(files).only(question.objectives)
    end = question.now if question.at is None else question.at
    longest_s = max(span.length_s for span in question.spans)
    return discovered(server, Window(end - longest_s, end), question.objectives, question.now)


class _Look(NamedTuple):
    """A look at the server, as often as it is taken."""

    server: PrometheusServer
    wanted: Chosen
    question: _Question
    chosen: Environment | None

    def taken(self) -> Standing:
        """How things stand. Raises SourceError."""
        from slochaos.slo.check import check

        return check(self.server, self._order(), self.wanted.notes)

    def _order(self) -> Order:
        from slochaos.slo.check import Order

        question, chosen = self.question, self.chosen
        order = Order(
            self.wanted.objectives,
            question.spans,
            self.server.now() if question.at is None else question.at,
            composites=self.wanted.composites,
            fail_at_percent=question.fail_at_percent,
        )
        return order if chosen is None else replace(order, environment=chosen.name, policy=chosen.budget)


def _show(document: Standing, output: Format, *, watching: bool) -> None:
    """The document or the table; while watching one line per document, and lines where there is no terminal."""
    from slochaos.cli.streams import console, write, write_record
    from slochaos.reports.standing import plain_lines, render_standing

    if output is Format.JSON:
        write_record(document, indented=not watching)
    elif watching and not sys.stdout.isatty():
        write("\n".join(plain_lines(document)))
    else:
        terminal = console()
        if watching:
            terminal.clear()
        render_standing(document, terminal)


def _watch(look: Callable[[], Standing], output: Format, period_s: float) -> None:
    """Until interrupted, whose signal ends the process; a server that does not answer is said once a time."""
    from slochaos.cli.streams import say

    while True:
        time.sleep(period_s)
        try:
            document = look()
        except SourceError as problem:
            say(f"{time.strftime('%Y-%m-%d %H:%M:%S')} no figures: {problem}")
        else:
            _show(document, output, watching=True)
