"""The run's folder: made before anything starts, with room set aside for the record.

A disk that fills up during the run (samples, service logs) must not cost the record: the space for it is
allocated first. The child writes the journal into the file that was set aside for it; the room for
result.json is given back just before that is written.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
import shutil
from pathlib import Path

from slochaos import paths
from slochaos.errors import InvalidInput, StateError

_RESERVE_BYTES = 4 << 20
_JOURNAL_BYTES = 1 << 20
_ROOM_MIB = (_RESERVE_BYTES + _JOURNAL_BYTES) >> 20


def new_run_id() -> str:
    """Eight hex digits as `7f3a-91c2`."""
    digits = secrets.token_hex(4)
    return f"{digits[:4]}-{digits[4:]}"


def repeat_id(first: str, number: int) -> str:
    """The id of the `number`-th of several runs (from 1): the first keeps the id that it was given."""
    return first if number == 1 else f"{first}-{number}"


def check_run_id(run_id: str) -> str:
    """The run id, or InvalidInput. It becomes a folder's and a toxic's name."""
    if not re.fullmatch(paths.RUN_ID, run_id):
        raise InvalidInput(
            f"--run-id: {run_id!r} is not a run id",
            hint="lower-case letters, digits and hyphens, at most 63, not starting with a hyphen",
        )
    return run_id


class RunFolder:
    """The files of one run. All 0600, in a folder that only this user reads."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._reserve = path / ".reserve"
        self.journal_room = path / ".journal"

    @classmethod
    def make(cls, run_id: str) -> RunFolder:
        """Make the folder and set the record's space aside.

        Raises InvalidInput for a run id that was used before, StateError for a full or read-only disk.
        """
        folder = cls(paths.run_dir(run_id))
        try:
            folder.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            folder.path.mkdir(mode=0o700)
            _set_aside(folder._reserve, _RESERVE_BYTES)
            _set_aside(folder.journal_room, _JOURNAL_BYTES)
        except FileExistsError as error:
            raise InvalidInput(
                f"--run-id: there is a run {run_id} already, in {folder.path}",
                hint="leave --run-id out, or take another",
            ) from error
        except OSError as error:
            raise StateError(
                f"the run's folder {folder.path} cannot be written: {error.strerror}",
                hint=f"{_way_out(error)}; nothing was injected",
            ) from error
        return folder

    def file(self, name: str) -> Path:
        """A path inside the folder."""
        return self.path / name

    def write(self, name: str, text: str) -> None:
        """Write a whole file or nothing. Raises StateError."""
        temporary = self.path / f".{name}"
        try:
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
            temporary.replace(self.path / name)
        except OSError as error:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)
            raise StateError(
                f"{name} cannot be written in {self.path}: {error.strerror}", hint="free some space there"
            ) from error

    def give_back_journal_room(self) -> None:
        """Free the space for the journal, where the child has not used it."""
        self.journal_room.unlink(missing_ok=True)

    def discard(self) -> None:
        """Remove the folder of a run that never was: its input turned out to be invalid."""
        shutil.rmtree(self.path, ignore_errors=True)

    def give_back_reserve(self) -> None:
        """Free the space that was set aside for the record."""
        self._reserve.unlink(missing_ok=True)


def _way_out(error: OSError) -> str:
    if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
        return f"start slochaos in a folder that you can write, such as: cd {Path.home()}"
    return f"free {_ROOM_MIB} MiB there, or start from another folder"


def _set_aside(path: Path, size: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(descriptor, 0, size)
        else:
            os.write(descriptor, bytes(size))
    finally:
        os.close(descriptor)
