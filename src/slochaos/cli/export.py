"""`slochaos export`: files for the tools that watch an environment's objectives and call people."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from slochaos.cli.options import EnvironmentOption, SetOption

if TYPE_CHECKING:
    from slochaos.alerts.exported import Exported
    from slochaos.spec.environment import Environment


class Kind(StrEnum):
    """What can be exported."""

    PROMETHEUS_RULES = "prometheus-rules"
    ALERTMANAGER = "alertmanager"
    GRAFANA = "grafana"
    TERRAFORM = "terraform"


def export(
    kind: Annotated[
        Kind,
        typer.Argument(
            metavar="KIND", help="prometheus-rules, alertmanager, grafana or terraform.", show_default=False
        ),
    ],
    *,
    environment: EnvironmentOption = "",
    set_: SetOption = [],  # noqa: B006 - Typer copies defaults, and wants them written as lists
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="FILE", help="Write to this file.", show_default="standard output"
        ),
    ] = None,
) -> int:
    """Write rules, alert routes, a dashboard or an escalation policy for an environment's objectives.

    prometheus-rules: recording rules and alerts on burn rates, budgets and silence. alertmanager: who is told,
    by severity and level. grafana: the dashboard of these rules. terraform: PagerDuty's escalation policy.
    Reads files only; what had to be left out is said on standard error.
    """
    from slochaos.cli.environments import load_statically
    from slochaos.cli.options import assignments
    from slochaos.cli.streams import say, write

    exported = _exported(kind, load_statically(environment, assignments(set_)))
    for note in exported.notes:
        say(f"Note: {note}")
    if output is None:
        write(exported.text.rstrip("\n"))
    else:
        _save(output, exported.text)
        say(f"Wrote {output}")
    return 0


def _exported(kind: Kind, environment: Environment) -> Exported:
    """Each kind's module is imported for itself alone."""
    if kind is Kind.PROMETHEUS_RULES:
        from slochaos.alerts.prometheus import prometheus_rules

        return prometheus_rules(environment)
    if kind is Kind.ALERTMANAGER:
        from slochaos.alerts.alertmanager import alertmanager_config

        return alertmanager_config(environment)
    if kind is Kind.TERRAFORM:
        from slochaos.alerts.terraform import terraform_policy

        return terraform_policy(environment)
    from slochaos.alerts.grafana import grafana_dashboard

    return grafana_dashboard(environment)


def _save(path: Path, text: str) -> None:
    """Write beside the file and move: a server that reads it meanwhile sees the old one or the new one."""
    from slochaos.errors import InvalidInput

    target = path.resolve()
    try:
        if target.exists() and not target.is_file():  # a pipe, or /dev/null
            target.write_text(text, encoding="utf-8")
            return
        beside = target.with_name(f".{target.name}.new")
        beside.write_text(text, encoding="utf-8")
        beside.replace(target)
    except OSError as problem:
        raise InvalidInput(f"cannot write {path}: {problem.strerror or problem}") from problem
