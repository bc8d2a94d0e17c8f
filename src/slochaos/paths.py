"""Where slochaos keeps things: the user's state folder, a run's folder, the example files."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from slochaos.errors import StateError

RUN_ID = r"^[a-z0-9][a-z0-9-]{0,62}$"


def state_dir() -> Path:
    """The user's state folder, made 0700 and owned by this user.

    Never the working directory: a cloned repository must not bring injections to replay.
    Raises StateError when it cannot be made or belongs to somebody else.
    """
    root = os.environ.get("XDG_STATE_HOME", "")
    base = Path(root) if root.startswith("/") else Path.home() / ".local" / "state"
    path = base / "slochaos"
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        info = path.stat()
    except OSError as error:
        raise StateError(
            f"the state folder {path} cannot be made: {error.strerror}",
            hint="set XDG_STATE_HOME to a folder that you can write",
        ) from error
    if info.st_uid != os.geteuid():
        raise StateError(
            f"the state folder {path} belongs to another user", hint="set XDG_STATE_HOME to your own"
        )
    if stat.S_IMODE(info.st_mode) & 0o022:
        raise StateError(
            f"the state folder {path} can be written by others, so what lies in it is not trusted",
            hint=f"look into it, then: chmod 700 {path}",
        )
    if stat.S_IMODE(info.st_mode) & 0o077:
        path.chmod(0o700)
    return path


def run_dir(run_id: str) -> Path:
    """The folder of one run, under the working directory. Not made here."""
    return Path(".slochaos").resolve() / "runs" / run_id


def example_dir() -> Path:
    """The folder that holds experiments/, toxics/ and environments/: in the wheel, or the checkout's root."""
    installed = Path(__file__).parent / "example"
    return installed if installed.is_dir() else Path(__file__).parents[2]
