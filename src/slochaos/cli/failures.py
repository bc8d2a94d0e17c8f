"""The one place where failures become a message on standard error and an exit code.

Exit codes are those of `slochaos.errors`; Typer's usage errors are 2; anything unexpected is 7 with its
traceback saved to a file, never Python's 1, which would read as "an objective failed".
"""

from __future__ import annotations

import gc
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import typer

from slochaos.cli.streams import lost_output, say, write_document
from slochaos.errors import InvalidInput, Refused, SlochaosError, UndoFailed

_OUTRANKED_BY_AN_ERROR = (0, 3)
"""Passed and inconclusive. What else ended a command stays its exit code, as in the table of these."""
INTERRUPTED = {128 + number for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)}


def exit_code_of(command: Callable[[], object]) -> int:
    """Run a command to its exit code, whatever it raises."""
    try:
        outcome = command()
    except SlochaosError as error:
        say(f"Error: {error}")
        return error.exit_code
    except (KeyboardInterrupt, typer.Abort):
        return 128 + signal.SIGINT
    except Exception as error:  # noqa: BLE001 - the process border: no traceback reaches a user
        return _usage_error(error) or _unexpected(error)
    return outcome if isinstance(outcome, int) else 0


def leave(code: int) -> None:
    """End the process with this code; by the signal itself for 129, 130 and 143, so that shell loops stop.

    A command whose output could not be written has not answered: that is said, and is no success.
    """
    if lost := lost_output():
        say(f"Error: not everything could be written to standard output: {lost}")
        code = SlochaosError.exit_code if code in _OUTRANKED_BY_AN_ERROR else code
    sys.stderr.flush()
    gc.freeze()  # on its way out, Python would search every module for garbage: a sixth of a short run
    if code in INTERRUPTED:
        signal.signal(code - 128, signal.SIG_DFL)
        os.kill(os.getpid(), code - 128)
    sys.exit(code)


@contextmanager
def errors_as_document(wanted: bool) -> Iterator[None]:
    """With `--format json`, a failure is a document on standard output too. The message follows as always."""
    try:
        yield
    except SlochaosError as error:
        if wanted:
            write_document({"error": describe(error)})
        raise


def describe(error: SlochaosError) -> dict[str, object]:
    """A failure for machines: `status` as in result.json."""
    return {
        "status": status_of(error),
        "exit_code": error.exit_code,
        "message": error.message,
        "hint": error.hint,
        "reason": error.reason if isinstance(error, Refused) else "",
    }


def status_of(error: SlochaosError) -> str:
    """The run status that an error stands for."""
    for kind, status in ((InvalidInput, "invalid"), (Refused, "refused"), (UndoFailed, "undo-failed")):
        if isinstance(error, kind):
            return status
    return "error"


def _usage_error(error: Exception) -> int:
    """Show Typer's own error and give its exit code; 0 if `error` is something else.

    Typer has carried its own copy of Click's exceptions since 0.20, so they are told by what they can do.
    """
    show, code = getattr(error, "show", None), getattr(error, "exit_code", None)
    if not callable(show) or not isinstance(code, int):
        return 0
    show()
    return InvalidInput.exit_code


def _unexpected(error: Exception) -> int:
    saved = _save_traceback(error)
    kept = f"The details are in {saved}: please report them." if saved else "The details could not be saved."
    say(
        f"Error: slochaos failed in a way it does not know ({type(error).__name__}: {error}). {kept} "
        "`slochaos status` tells whether a fault may still be in force, `slochaos recover` ends it."
    )
    return SlochaosError.exit_code


def _save_traceback(error: Exception) -> Path | None:
    """Write the traceback where only this user reads it; None when nothing can be written."""
    import tempfile
    import time
    import traceback

    from slochaos.paths import state_dir

    text = "".join(traceback.format_exception(error))
    name = f"crash-{time.strftime('%Y%m%dT%H%M%S')}-{os.getpid()}.txt"
    for folder in (state_dir, lambda: Path(tempfile.gettempdir())):
        try:
            path = folder() / name
            path.touch(mode=0o600, exist_ok=False)
            path.write_text(text)
        except (OSError, SlochaosError):
            continue
        return path
    return None
