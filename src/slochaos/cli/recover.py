"""`slochaos recover`: undo what runs left that died with all their processes, or that another host's death left."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from slochaos.cli.options import Format, FormatOption
from slochaos.errors import InvalidInput

if TYPE_CHECKING:
    from slochaos.guard.recovery import Recovered


def recover(
    *,
    run_id: Annotated[str, typer.Option("--run", metavar="RUN", help="Only what this run left.")] = "",
    all_: Annotated[bool, typer.Option("--all", help="What every dead run left: the default.")] = False,
    forget: Annotated[
        str, typer.Option("--forget", metavar="FAULT", help="Give this one up: its id in slochaos status.")
    ] = "",
    why: Annotated[str, typer.Option("--why", help="Why it is given up.")] = "",
    output: FormatOption = Format.TEXT,
) -> int:
    """Undo and verify what dead runs left in force. Runs that are going on are left alone.

    With --forget and --why: take a fault off the list whose target will never answer again, on your word.
    Exits with 6 if something could not be undone, and says how to remove it by hand.
    """
    from slochaos.cli.failures import errors_as_document
    from slochaos.paths import state_dir

    with errors_as_document(output is Format.JSON):
        if run_id and all_:
            raise InvalidInput("--run and --all exclude each other", hint="give one of them")
        if forget:
            return _forget(state_dir(), run_id, forget, why, output)
        if why:
            raise InvalidInput(
                "--why goes with --forget", hint="slochaos recover --forget FAULT --why REASON"
            )
        return _recover(state_dir(), run_id, output)


def _recover(state: Path, run_id: str, output: Format) -> int:
    from slochaos.cli.finishing import finishing_first
    from slochaos.cli.streams import write, write_document
    from slochaos.errors import UndoFailed
    from slochaos.guard import recovery

    open_entries = sum(len(run.open) for run in recovery.dead_runs(state, run_id or None))
    with (
        finishing_first("ending the undo that was begun"),
        _progress_bar(open_entries, shown=output is Format.TEXT) as advance,
    ):

        def tell(done: Recovered) -> None:
            if output is Format.TEXT:
                write("\n".join(_lines(done)))
            advance()

        recovered = recovery.recover(state, run_id or None, on_progress=tell)
    if output is Format.JSON:
        write_document({"recovered": recovered})
    elif not recovered:
        write("Dead runs left nothing in force.")
    return 0 if all(done.ok for done in recovered) else UndoFailed.exit_code


@contextmanager
def _progress_bar(total: int, *, shown: bool) -> Iterator[Callable[[], None]]:
    """A bar on standard error, where that is a terminal and there is more than one thing to do; what moves it on."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    from slochaos.cli.streams import console

    screen = console(stderr=True)
    visible = shown and screen.is_terminal and total > 1
    columns = (TextColumn("undoing"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=screen, transient=True, disable=not visible) as bar:
        task = bar.add_task("undoing", total=total)
        yield lambda: bar.advance(task)


def _lines(done: Recovered) -> list[str]:
    detail = f" ({done.detail})" if done.detail else ""
    lines = [f"run {done.run_id}: {done.entry} on {done.target}: {done.state}{detail}"]
    if not done.ok:
        lines.append(f"  -> remove it by hand: {done.by_hand}")
    return lines


def _forget(state: Path, run_id: str, entry_id: str, why: str, output: Format) -> int:
    from slochaos.cli.streams import write, write_document
    from slochaos.guard import recovery

    owner = run_id or _owner_of(state, entry_id)
    recovery.forget(state, owner, entry_id, why)
    if output is Format.JSON:
        write_document({"forgotten": {"run_id": owner, "entry": entry_id, "why": why}})
    else:
        write(f"run {owner}: {entry_id} is given up: {why}")
    return 0


def _owner_of(state: Path, entry_id: str) -> str:
    """The one run with an open fault of that id. Raises InvalidInput for none and for several."""
    from slochaos.guard import control

    owners = [
        run.run_id
        for run in control.status(state)
        if entry_id in {injection["id"] for injection in run.injections}
    ]
    if len(owners) == 1:
        return owners[0]
    if owners:
        raise InvalidInput(f"several runs have a fault {entry_id}", hint=f"add --run: {', '.join(owners)}")
    raise InvalidInput(f"there is no open fault {entry_id!r}", hint="slochaos status lists them")
