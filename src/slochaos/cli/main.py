"""The `slochaos` command: its commands, `--version`, and the way out of the process."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Annotated

import typer

from slochaos.cli import streams
from slochaos.cli.budget import budget
from slochaos.cli.charge import charge
from slochaos.cli.doctor import doctor
from slochaos.cli.export import export
from slochaos.cli.failures import exit_code_of, leave
from slochaos.cli.history import history
from slochaos.cli.import_ import import_
from slochaos.cli.init import init
from slochaos.cli.measure import PASS_THROUGH as MEASURED
from slochaos.cli.measure import measure
from slochaos.cli.plan import plan
from slochaos.cli.recover import recover
from slochaos.cli.run import run
from slochaos.cli.show import show
from slochaos.cli.slo import slo
from slochaos.cli.status import status
from slochaos.cli.stop import stop
from slochaos.cli.sweep import sweep
from slochaos.cli.toxiproxy import PASS_THROUGH, toxiproxy
from slochaos.cli.validate import validate

EXIT_CODES = """\b
Exit codes:
  0 passed         everything required was shown
  1 failed         a promise was broken, or it cost more than it may
  2 invalid        the command line or a file does not validate
  3 inconclusive   something required could not be decided
  4 refused        nothing was injected, on purpose
  5 aborted        stopped on the way, everything undone
  6 undo-failed    a fault may still be in force
  7 error          something of slochaos or a source failed
  129, 130, 143    interrupted by a signal, everything undone
"""

app = typer.Typer(
    name="slochaos",
    help="Break a system on purpose, put everything back, and say what it cost in error budget.",
    epilog=EXIT_CODES,
    no_args_is_help=True,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["--help", "-h"]},
)
COMMANDS: tuple[Callable[..., int], ...] = (
    run,
    plan,
    validate,
    status,
    stop,
    recover,
    sweep,
    budget,
    charge,
    history,
    show,
    doctor,
    init,
    export,
)
for command in COMMANDS:
    app.command()(command)
app.command("import")(import_)
app.add_typer(slo)
app.command(context_settings=dict(MEASURED))(measure)
app.command(context_settings=dict(PASS_THROUGH))(toxiproxy)


def _print_version(wanted: bool) -> None:
    if wanted:
        from slochaos import __version__

        streams.write(f"slochaos {__version__}")
        raise typer.Exit


@app.callback()
def options(
    _version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """Break a system on purpose, put everything back, and say what it cost in error budget."""


def main() -> None:
    """Run one command and end the process with its exit code."""
    streams.survive_closed_pipes()
    command = typer.main.get_command(app)
    leave(exit_code_of(lambda: command.main(sys.argv[1:], prog_name="slochaos", standalone_mode=False)))
