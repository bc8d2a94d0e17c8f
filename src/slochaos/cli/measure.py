"""`slochaos measure`: any command as the fault, priced like one."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from slochaos.cli.options import (
    AllowUnderpoweredOption,
    EnvironmentOption,
    Format,
    FormatOption,
    SetOption,
    assignments,
)
from slochaos.cli.servers import PrometheusOption, TenantOption, UserOption
from slochaos.errors import InvalidInput

if TYPE_CHECKING:
    from slochaos.runner.command import MeasuredCommand
    from slochaos.spec.environment import Environment
    from slochaos.spec.rules import Rule
    from slochaos.spec.sources import PrometheusSource

PASS_THROUGH = {"allow_interspersed_args": False}

_LOOK_BACK_S = 3600.0


def measure(
    command: Annotated[
        list[str],
        typer.Argument(
            metavar="COMMAND", help="What to run, as it stands, without a shell.", show_default=False
        ),
    ],
    *,
    environment: EnvironmentOption = "",
    prometheus: PrometheusOption = "",
    hold: Annotated[
        list[str],
        typer.Option(
            "--hold",
            metavar="OBJECTIVE[=SHARE]",
            help="It has to stay at or above this share while the command runs, such as api=99%; "
            "without a share, at its own target. Repeatable.",
            show_default=False,
        ),
    ] = [],  # noqa: B006 - Typer copies defaults, and wants them written as lists
    cost: Annotated[
        list[str],
        typer.Option(
            "--cost",
            metavar="OBJECTIVE=SHARE",
            help="The most of its budget that the command may cost, such as api=5%. Repeatable.",
            show_default=False,
        ),
    ] = [],  # noqa: B006
    baseline: Annotated[
        str, typer.Option("--baseline", metavar="DURATION", help="How long to look before it.")
    ] = "30s",
    recovery: Annotated[
        str,
        typer.Option(
            "--recovery", metavar="DURATION", help="How long the system may need after the command."
        ),
    ] = "60s",
    timeout: Annotated[
        str,
        typer.Option("--timeout", metavar="DURATION", help="The longest time that the command may take."),
    ] = "1h",
    set_: SetOption = [],  # noqa: B006
    user: UserOption = "",
    tenant: TenantOption = "",
    allow_underpowered: AllowUnderpoweredOption = False,
    run_id: Annotated[
        str, typer.Option("--run-id", help="This run's id. Default: a random one.", show_default=False)
    ] = "",
    output: FormatOption = Format.TEXT,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress, only the result.")] = False,
) -> int:
    """Run a command and say what it cost each objective.

    A rollout, a failover, another chaos tool: baseline, the command, recovery, charge, verdict, as with `run`.
    Its output passes through (with --format json, all of it to standard error), signals are passed on, and it is
    ended when a --cost is exceeded, a --hold is broken or its time is up. What it changed stays. The exit code is
    the verdict; a command that fails by itself leaves it at 3 (inconclusive) unless something is worse.
    """
    from slochaos.cli.failures import errors_as_document
    from slochaos.cli.run import carry_out
    from slochaos.runner.request import RunRequest

    with errors_as_document(output is Format.JSON):
        measured = _command(command, _rules(hold, cost), (baseline, recovery, timeout), output)
        given = _given(environment, prometheus, user, tenant, assignments(set_))
        request = RunRequest(
            experiment=Path("measure"),
            environment=environment,
            overrides=assignments(set_),
            allow_underpowered=allow_underpowered,
            run_id=run_id,
            command=shlex.join(["slochaos", *sys.argv[1:]]),
            measured=measured,
            given=given,
        )
    return carry_out(request, output, quiet=quiet)


def _command(
    command: list[str], rules: tuple[Rule, ...], durations: tuple[str, str, str], output: Format
) -> MeasuredCommand:
    from slochaos.runner.command import MeasuredCommand
    from slochaos.spec.durations import parse_duration

    seconds = []
    for option, text in zip(("--baseline", "--recovery", "--timeout"), durations, strict=True):
        try:
            seconds.append(parse_duration(text))
        except InvalidInput as problem:
            raise InvalidInput(f"{option}: {problem.message}", hint=problem.hint) from problem
    baseline_s, recovery_s, timeout_s = seconds
    return MeasuredCommand(
        tuple(command), rules, baseline_s, recovery_s, timeout_s, output_to_errors=output is Format.JSON
    )


def _rules(hold: list[str], cost: list[str]) -> tuple[Rule, ...]:
    """One rule per objective named. Raises InvalidInput."""
    from slochaos.spec.rules import Rule, parse_percent

    floors, limits = _shares("--hold", hold), _shares("--cost", cost)
    for name, text in limits.items():
        if not text:
            raise InvalidInput(f"--cost {name}: which share may it cost?", hint=f"--cost {name}=5%")
    try:
        return tuple(
            Rule(
                name,
                hold=parse_percent(floors[name]) if floors.get(name) else None,
                cost=parse_percent(limits[name]) if name in limits else None,
                hold_target=name in floors and not floors[name],
                where="--hold" if name in floors else "--cost",
            )
            for name in dict.fromkeys([*floors, *limits])
        )
    except InvalidInput as problem:
        raise InvalidInput(f"--hold, --cost: {problem.message}", hint=problem.hint) from problem


def _shares(option: str, pairs: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for pair in pairs:
        name, _, share = pair.partition("=")
        if not name or name in found:
            raise InvalidInput(
                f"{option} {pair}: no objective, or one that is given twice", hint=f"{option} api=99%"
            )
        found[name] = share
    return found


def _given(
    name: str, prometheus: str, user: str, tenant: str, overrides: dict[str, str]
) -> Environment | None:
    """With a server and no environment: one made of the objectives that its metrics suggest. Raises InvalidInput."""
    from slochaos.cli.servers import server_at

    if not prometheus:
        if user or tenant:
            raise InvalidInput("--user and --tenant go with --prometheus URL")
        return None
    if name or overrides:
        raise InvalidInput(
            "--prometheus goes without --environment and --set",
            hint="an environment names its own server, and the objectives",
        )
    return _found(server_at(prometheus, user, tenant))


def _found(source: PrometheusSource) -> Environment:
    from slochaos.cli.streams import say
    from slochaos.measurement.prometheus.server import PrometheusServer
    from slochaos.measurement.prometheus.windows import Window
    from slochaos.slo.discovery import discover
    from slochaos.spec.environment import BudgetPolicy, Environment

    with PrometheusServer(source) as server:
        now = server.now()
        found = discover(server, Window(now - _LOOK_BACK_S, now))
    if not found:
        raise InvalidInput(
            f"no preset knows a metric of {source.url}",
            hint="describe what counts in an SLO file, and name it by --environment",
        )
    for each in found:
        say(f"{each.objective.name} is assumed: {each.assumed}")
    # Targets that nobody set must not forbid anything.
    return Environment(
        "prometheus",
        Path("prometheus.yaml"),
        sources=(source,),
        objectives=tuple(each.objective for each in found),
        budget=BudgetPolicy(mode="advise"),
    )
