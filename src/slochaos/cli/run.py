"""`slochaos run`: one experiment from file to verdict."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
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
    from slochaos.record import Result
    from slochaos.runner.request import RunRequest


def run(
    experiment: ExperimentArgument,
    *,
    environment: EnvironmentOption = "",
    set_: SetOption = [],  # noqa: B006 - Typer copies defaults, and wants them written as lists
    var: VarOption = [],  # noqa: B006
    var_file: VarFileOption = [],  # noqa: B006
    allow_foreign: AllowForeignOption = [],  # noqa: B006
    allow_lasting: AllowLastingOption = [],  # noqa: B006
    allow_underpowered: AllowUnderpoweredOption = False,
    placebo: Annotated[bool, typer.Option("--placebo", help="The same timeline without the faults.")] = False,
    repeat: Annotated[int, typer.Option("--repeat", min=1, help="Run it so often, one after another.")] = 1,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the plan and inject nothing.")] = False,
    events: Annotated[
        Path | None,
        typer.Option("--events", metavar="FILE", help="Stream events to it as NDJSON.", show_default=False),
    ] = None,
    run_id: Annotated[
        str, typer.Option("--run-id", help="This run's id. Default: a random one.", show_default=False)
    ] = "",
    seed: SeedOption = None,
    output: FormatOption = Format.TEXT,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress, only the result.")] = False,
) -> int:
    """Run an experiment, undo it, and say what it cost.

    Nothing is injected unless files, budget and targets allow it. Whatever happens, every fault is undone
    and the undo is verified. The exit code is the verdict (slochaos --help lists them).
    """
    from slochaos.runner.request import RunRequest
    from slochaos.spec.draws import new_seed

    request = RunRequest(
        experiment=experiment,
        environment=environment,
        overrides=assignments(set_),
        variables=tuple(var),
        variable_files=tuple(var_file),
        allow_foreign=tuple(allow_foreign),
        allow_lasting=tuple(allow_lasting),
        allow_underpowered=allow_underpowered,
        placebo=placebo,
        repeat=repeat,
        events_file=events,
        run_id=run_id,
        seed=new_seed() if seed is None else seed,
        command=shlex.join(["slochaos", *sys.argv[1:]]),
    )
    if dry_run:
        from slochaos.cli.plan import print_preview

        return print_preview(request, output)
    return carry_out(request, output, quiet=quiet)


def carry_out(request: RunRequest, output: Format, *, quiet: bool) -> int:
    """Run what is asked for, show progress, write the report and the result; the exit code."""
    from slochaos.cli.progress import Progress
    from slochaos.runner.run import run_experiment, run_repeatedly

    # A command's own output would be torn up by lines that are redrawn.
    with Progress(quiet=quiet, redrawn=request.measured is None) as progress:
        if request.repeat > 1:
            results = run_repeatedly(request, progress.on_event)
        else:
            results = (run_experiment(request, progress.on_event),)
    reports = [_write_report(result) for result in results]
    if output is Format.JSON:
        _write_results(results, repeated=request.repeat > 1)
    for result, report in zip(results, reports, strict=True):
        _show(result, report, output)
    if request.repeat > 1 and output is Format.TEXT:
        from slochaos.cli.streams import console
        from slochaos.reports.terminal import render_repeats

        render_repeats(results, console(), asked=request.repeat)
    return _worst(results).run.exit_code


def _write_report(result: Result) -> Path | None:
    """Write report.html beside result.json; None for a run without a folder, or when it cannot be written.

    What a run found does not change because its report has no room: that is said, and the exit code stays.
    """
    from slochaos.cli.streams import say
    from slochaos.errors import StateError
    from slochaos.paths import run_dir
    from slochaos.reports import html

    folder = run_dir(result.run.id)
    if not (folder / "result.json").is_file():
        return None
    try:
        html.write(result, folder / "report.html")
    except StateError as error:
        say(f"The report is missing: {error}")
        return None
    return folder / "report.html"


def _show(result: Result, report: Path | None, output: Format) -> None:
    """The result as a table; with `--format json` only what went wrong, on standard error."""
    from slochaos.cli.streams import console, say

    if output is Format.TEXT and result.objectives:
        from slochaos.reports.terminal import render

        render(result, console(), report=report)
    elif result.run.status not in ("passed", "failed"):
        hint = f"\n  -> {result.run.hint}" if result.run.hint else ""
        say(f"{result.run.status.upper()}: {result.run.reason}{hint}")


def _write_results(results: tuple[Result, ...], *, repeated: bool) -> None:
    """One document: the run's record; with `--repeat` the worst status, a row per run, and all records.

    That also when the first run was the last: a reader need not guess which of the two it gets.
    """
    from slochaos.cli.streams import write_document
    from slochaos.reports.repeats import summary

    documents: list[dict[str, Any]] = [result.model_dump(mode="json", by_alias=True) for result in results]
    if not repeated:
        write_document(documents[0])
        return
    worst = _worst(results).run
    write_document(
        {
            "status": worst.status,
            "exit_code": worst.exit_code,
            "summary": summary(results),
            "runs": documents,
        }
    )


def _worst(results: tuple[Result, ...]) -> Result:
    """The result that counts for the exit code: the first by the order of `record.Status`."""
    from typing import get_args

    from slochaos.record import Status

    order = get_args(Status)
    return min(results, key=lambda result: order.index(result.run.status))
