"""What the command line names for a run to write, checked before anything starts, and by `--dry-run` too."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from slochaos import paths
from slochaos.errors import InvalidInput, StateError
from slochaos.runner.folder import check_run_id, repeat_id
from slochaos.runner.request import RunRequest


def check_outputs(request: RunRequest) -> None:
    """Raise InvalidInput for run ids that are none or taken, StateError for an events file that cannot be written.

    Makes and changes nothing. The ids of all repeats are checked: the tenth run must not fail for its name.
    """
    if request.run_id:
        check_run_id(request.run_id)
        for number in range(1, request.repeat + 1):
            _check_unused(check_run_id(repeat_id(request.run_id, number)))
    if request.events_file is not None:
        problem = _why_not_writable(request.events_file)
        if problem:
            raise events_unwritable(request.events_file, os.strerror(problem))


def events_unwritable(path: Path, why: str) -> StateError:
    """The error of a file for `--events`, to be raised."""
    return StateError(
        f"--events: the events cannot be written to {path}: {why}",
        hint="name a file in a folder that you can write; nothing was injected",
    )


def _check_unused(run_id: str) -> None:
    folder = paths.run_dir(run_id)
    if os.path.lexists(folder):
        raise InvalidInput(
            f"--run-id: there is a run {run_id} already, in {folder}",
            hint="leave --run-id out, or take another",
        )


def _why_not_writable(path: Path) -> int:
    """The error number that opening it for writing would end with; 0 for none."""
    if path.is_dir():
        return errno.EISDIR
    target = path if path.exists() else path.parent
    if not target.exists():
        return errno.ENOENT
    return 0 if os.access(target, os.W_OK) else errno.EACCES
