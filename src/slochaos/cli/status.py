"""`slochaos status`: what is in force on this host, put there by this user's runs, and who holds what."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from slochaos.cli.options import Format, FormatOption

if TYPE_CHECKING:
    from slochaos.guard.control import RunStatus


def status(output: FormatOption = Format.TEXT) -> int:
    """Show what is in force, and the runs that are going on.

    Also the locks they hold, and what runs left that died. Exits with 6 when a run that is dead left a
    fault in force: slochaos recover ends it.
    """
    from slochaos.cli.failures import errors_as_document
    from slochaos.cli.streams import write, write_document
    from slochaos.errors import UndoFailed
    from slochaos.guard import control
    from slochaos.paths import state_dir

    with errors_as_document(output is Format.JSON):
        runs = control.status(state_dir())
    if output is Format.JSON:
        write_document({"runs": runs})
    elif not runs:
        write("Nothing of yours is in force on this host, and no run is going on.")
    else:
        write("\n".join(_lines(runs)))
    left = any(not run.alive and run.injections for run in runs)
    return UndoFailed.exit_code if left else 0


def _lines(runs: list[RunStatus]) -> list[str]:
    lines = []
    for run in runs:
        how = "going on" if run.alive else "DEAD"
        what = f"{run.experiment or '-'} on {run.environment}"
        lines.append(f"run {run.run_id}   {what}   {how}   since {_clock(run.started_wall)}")
        for injection in run.injections:
            lines.append(f"  {injection['state']}: {_about(injection)}")
            if not run.alive and injection["by_hand"]:
                lines.append(f"    by hand: {injection['by_hand']}")
        lines += [f"  holds the lock of {target}" for target in run.locks]
        lines += [f"  service {name}" for name in run.services]
        way_out = f"slochaos stop {run.run_id}" if run.alive else f"slochaos recover --run {run.run_id}"
        lines.append(f"  -> {way_out}")
    return lines


def _about(injection: dict[str, Any]) -> str:
    expires = injection.get("expires_wall")
    until = f", expires {_clock(expires)}" if expires else ""
    return f"{injection['id']} {injection['name']} ({injection['kind']} on {injection['target']}){until}"


def _clock(wall: float) -> str:
    """Local time, for a person who looks at a watch."""
    return datetime.fromtimestamp(wall).astimezone().strftime("%Y-%m-%d %H:%M:%S")
