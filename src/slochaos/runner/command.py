"""A command of the user's in the place of an experiment: a rollout, a failover, another chaos tool.

It stands where the child stands (`executor.Executor`): prepared, let go, watched, ended; the steps of a run do
not know the difference. It is not ours: no credential is taken from it, its output passes through, and what it
leaves in the background when it exits by itself goes on.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slochaos import clock
from slochaos.errors import InvalidInput
from slochaos.runner.executor import ChildEvent, is_stopped, kill_tree
from slochaos.spec.experiment import Experiment
from slochaos.spec.rules import Rule

NAME = "measure"
GRACE_S = 10.0
"""How long a command may take to end by itself once it was signalled."""

_LOOK_S = 0.02


@dataclass(frozen=True)
class MeasuredCommand:
    """What `slochaos measure` is asked for. `rules` as in an experiment; a command longer than `timeout_s` is ended.

    `output_to_errors`: its standard output is written to standard error, where ours has to be one document.
    """

    arguments: tuple[str, ...]
    rules: tuple[Rule, ...] = ()
    baseline_s: float = 30.0
    recovery_s: float = 60.0
    timeout_s: float = 3600.0
    output_to_errors: bool = False

    @property
    def text(self) -> str:
        """As one would type it."""
        return shlex.join(self.arguments)

    def experiment(self) -> Experiment:
        """The command as an experiment without faults of ours. Raises InvalidInput for one that cannot be started."""
        if shutil.which(self.arguments[0]) is None:
            raise InvalidInput(
                f"there is no command {self.arguments[0]!r}",
                hint="what follows -- is started as it stands, without a shell: for one, write sh -c '...'",
            )
        return Experiment(
            name=NAME,
            path=Path(NAME),
            title=self.text,
            document={"title": self.text, "method": []},
            rules=self.rules,
            faults=(),
            foreign_actions=(f"command:{Path(self.arguments[0]).name}",),
            baseline_s=self.baseline_s,
            recovery_s=self.recovery_s,
            method_s=0.0,
        )


class CommandProcess:
    """The command, in a session of its own: a signal of the terminal reaches it through us, and only once."""

    def __init__(self, command: MeasuredCommand) -> None:
        self._command = command
        self._process: subprocess.Popen[bytes] | None = None
        self._events: list[ChildEvent] = [_event("child-ready")]
        self._reported = False
        self._began = 0.0
        self._quiet, self._unused = os.pipe()
        self.signal: int = signal.SIGTERM
        self.took_s: float | None = None

    @property
    def status(self) -> int | None:
        """Its exit status, negative for the signal that ended it; None before it was ended."""
        return None if self._process is None else self._process.poll()

    @property
    def failure(self) -> str:
        """What its exit status says, unless that is success; empty before it ended."""
        status = self.status
        if not status:
            return ""
        how = f"was ended by {signal.Signals(-status).name}" if status < 0 else f"exited with {status}"
        return f"the command {how}: this is what the attempt cost, not what its success would have"

    def fileno(self) -> int:
        """For `select`; never readable: the loop looks often enough."""
        return self._quiet

    def go(self) -> None:
        """Start it."""
        self._began = clock.now()
        self._events.append(_event("method-started"))
        try:
            self._process = subprocess.Popen(
                self._command.arguments,
                stdout=sys.stderr if self._command.output_to_errors else None,
                start_new_session=True,
            )
        except OSError as error:
            self._events.append(
                _event("child-failed", error=f"the command cannot be started: {error.strerror}")
            )
            self._reported = True

    def events(self) -> list[ChildEvent]:
        """What happened since the last call: that it began, and that it ended."""
        if self.status is not None and not self._reported:
            self._reported = True
            self.took_s = clock.now() - self._began
            self._events += [
                _event("method-completed"),
                _event("child-finished", status="completed", deviated=False),
            ]
        told, self._events = self._events, []
        return told

    @property
    def exit_code(self) -> int | None:
        """As of the child: None while it runs."""
        return self.status

    @property
    def stopped(self) -> bool:
        """Whether somebody stopped it (SIGSTOP)."""
        return self._process is not None and is_stopped(self._process.pid)

    def end(self) -> None:
        """Signal the command (with `signal`), give it time to clean up, then kill what is left of its tree.

        Nothing happens to what a command that had ended by itself left in the background. Safe to call again.
        """
        if self._process is not None and self._process.poll() is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, self.signal)
                os.killpg(self._process.pid, signal.SIGCONT)
            deadline = time.monotonic() + GRACE_S
            while self._process.poll() is None and time.monotonic() < deadline:
                time.sleep(_LOOK_S)
            kill_tree(self._process.pid)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(1.0)
        for descriptor in (self._quiet, self._unused):
            with contextlib.suppress(OSError):
                os.close(descriptor)
        self._quiet = self._unused = -1


def _event(name: str, **payload: Any) -> ChildEvent:
    return ChildEvent(clock.now(), clock.wall(), name, payload)
