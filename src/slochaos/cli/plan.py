"""`slochaos plan`: what a run would do, cost and decide, with nothing started and nothing injected."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from slochaos.cli.options import (
    AllowForeignOption,
    AllowLastingOption,
    AllowUnderpoweredOption,
    EnvironmentOption,
    ExperimentArgument,
    Format,
    FormatOption,
    SeedOption,
    SetOption,
    VarFileOption,
    VarOption,
    assignments,
)

if TYPE_CHECKING:
    from slochaos.runner.preview import Preview
    from slochaos.runner.request import RunRequest


def plan(
    experiment: ExperimentArgument,
    *,
    environment: EnvironmentOption = "",
    set_: SetOption = [],  # noqa: B006 - Typer copies defaults, and wants them written as lists
    var: VarOption = [],  # noqa: B006
    var_file: VarFileOption = [],  # noqa: B006
    allow_foreign: AllowForeignOption = [],  # noqa: B006
    allow_lasting: AllowLastingOption = [],  # noqa: B006
    allow_underpowered: AllowUnderpoweredOption = False,
    live: Annotated[
        bool,
        typer.Option(
            "--live", help="Ask the environment's sources for today's traffic; no target is touched."
        ),
    ] = False,
    seed: SeedOption = None,
    output: FormatOption = Format.TEXT,
) -> int:
    """Show what a run would do and may cost; inject nothing.

    Also whether it can decide what is asked, by whose leave, which locks it takes, and what stays if this host
    dies. Reads files only: no module of the experiment is imported, nothing is started, no address opened; with
    --live the sources are asked, so that power and detection are today's. Exits with 4 if the run would be
    refused.
    """
    from slochaos.runner.request import RunRequest
    from slochaos.spec.draws import new_seed

    return print_preview(
        RunRequest(
            experiment=experiment,
            environment=environment,
            overrides=assignments(set_),
            variables=tuple(var),
            variable_files=tuple(var_file),
            allow_foreign=tuple(allow_foreign),
            allow_lasting=tuple(allow_lasting),
            allow_underpowered=allow_underpowered,
            seed=new_seed() if seed is None else seed,
        ),
        output,
        live=live,
    )


def print_preview(request: RunRequest, output: Format, *, live: bool = False) -> int:
    """Print the plan of a request; 0, or 4 when the run would be refused."""
    from slochaos.cli.failures import errors_as_document
    from slochaos.cli.streams import write_document
    from slochaos.errors import Refused
    from slochaos.runner.preview import preview

    with errors_as_document(output is Format.JSON):
        found = preview(request, live=live)
    if output is Format.JSON:
        write_document(_document(found))
    else:
        _print_text(found, placebo=request.placebo)
    return Refused.exit_code if found.refusals else 0


def _document(found: Preview) -> dict[str, Any]:
    return {
        "experiment": found.experiment.name,
        "environment": found.environment.name,
        "live": found.live,
        "other_code": list(found.experiment.other_code),
        "plan": found.plan.model_dump(mode="json", by_alias=True),
        "seed": found.experiment.seed,
        "refusals": list(found.refusals),
    }


def _print_text(found: Preview, *, placebo: bool) -> None:
    """What would be done, then what it may cost and can decide, the refusals last."""
    from slochaos.cli.streams import console, write
    from slochaos.reports.terminal import render_plan

    experiment = found.experiment
    least_s = experiment.baseline_s + experiment.method_s
    write(
        f"{experiment.title}\n"
        f"  baseline {experiment.baseline_s:g} s, method {experiment.method_s:g} s, recovery within "
        f"{experiment.recovery_s:g} s: at least {least_s:g} s"
    )
    for fault in experiment.faults:
        also = ", together with what follows" if fault.background else ""
        what = "left out (placebo)" if placebo else "fault"
        write(f"  {what}: {fault.name}: {fault.kind} on {fault.target} for {fault.duration_s:g} s{also}")
    if experiment.seed is not None:
        write(f"  drawn by --seed {experiment.seed}; without it each run draws anew")
    for action in experiment.foreign_actions:
        write(f"  action of others, which slochaos cannot undo: {action}")
    for code in experiment.other_code:
        write(f"  code of others, which is taken to change nothing: {code}")
    render_plan(found.plan, console(), title=f"{experiment.name} on {found.environment.name}")
    for refusal in found.refusals:
        write(f"REFUSED as things stand: {refusal}")
    if not found.refusals:
        write(f"Nothing was injected. slochaos run {experiment.path} would do it.")
