"""The `slochaos` command of this checkout as a user runs it: a process of its own, in a folder of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

COMMAND = (sys.executable, "-m", "slochaos")


@dataclass(frozen=True)
class Answer:
    """How one command ended."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The one JSON document on standard output. Raises ValueError if there is none, or more."""
        return json.loads(self.out)


@dataclass(frozen=True)
class Shell:
    """A working folder with its own state folder and an environment without this shell's settings."""

    folder: Path
    state: Path

    @property
    def variables(self) -> dict[str, str]:
        """What the command sees of the environment."""
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
        return {**kept, "XDG_STATE_HOME": str(self.state), "COLUMNS": "200"}

    def slochaos(self, *arguments: str, within_s: float = 30.0, **variables: str) -> Answer:
        """Run one command to its end."""
        done = subprocess.run(
            [*COMMAND, *arguments],
            cwd=self.folder,
            env={**self.variables, **variables},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=within_s,
            check=False,
        )
        return Answer(done.returncode, done.stdout, done.stderr)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start one command, its output in pipes."""
        return subprocess.Popen(
            [*COMMAND, *arguments],
            cwd=self.folder,
            env=self.variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
