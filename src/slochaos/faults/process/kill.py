"""A process that crashes, and comes back: by whoever supervises it, or by the command that the environment names.

The undo log keeps no commands: the restart is looked up in the environment's file again.
"""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import psutil

from slochaos import clock
from slochaos.errors import InvalidInput, SlochaosError, TargetError, TargetNotAllowed
from slochaos.faults.fault import Ticket
from slochaos.faults.host_lock import alone
from slochaos.faults.operation import Operation, Sight, Undone
from slochaos.faults.parameters import one_of, parameter
from slochaos.faults.process import group
from slochaos.faults.process.group import Found, Processes, ProcessFault, ProcessOperation
from slochaos.spec import environment as environments
from slochaos.spec.targets import AllowedProcesses

RESTART_S = 20.0
APPEAR_S = 5.0
RETURN_S = 0.5


@dataclass(frozen=True)
class Kill(ProcessOperation):
    """One process of a group killed; `others` is how many of the group were running beside it."""

    kind: ClassVar[str] = "process.kill"
    evidence_noun: ClassVar[str] = "looks found that process gone"
    environment: str
    group: str
    others: int
    signal: str
    run: str

    def perform(self) -> None:
        """Send the signal. Descendants are left to it: that is what a crash does."""
        group.expect(self.process, self.name)
        try:
            psutil.Process(self.pid).send_signal(signal.Signals[self.signal])
        except psutil.Error as error:
            raise TargetError(f"{self.name} cannot be sent {self.signal}: {error}") from error

    def undo(self, *, applied: bool, last: bool) -> Undone:
        """See that as many run as before; if not, restart it. Raises TargetError when it does not come back."""
        if self.process.alive():
            return Undone("undone", f"{self.name} did not end of {self.signal}")
        entry = self._entry()
        with alone(f"restart of processes {entry.name}"):  # two undoers must not start two of it
            if self._running(entry) > self.others:
                return Undone("undone", "it runs again already")
            if entry.restart:
                _restart(entry, self.others)
            self._await(entry)
        return Undone("undone", "" if entry.restart else "it came back by itself")

    def _await(self, entry: AllowedProcesses) -> None:
        until = clock.now() + APPEAR_S
        while self._running(entry) <= self.others:
            if clock.now() > until:
                how = f"although {shlex.join(entry.restart)} was run" if entry.restart else "by itself"
                raise TargetError(f"{self.name} does not come back {how}")
            time.sleep(0.1)

    def look(self) -> Sight | None:
        """Whether that very process is gone."""
        return Sight(not self.process.alive())

    def by_hand(self) -> str:
        """The environment's restart command, where it has one."""
        with suppress(SlochaosError):
            if restart := self._entry().restart:
                return shlex.join(restart)
        return f"# start {self.name} again"

    def _running(self, entry: AllowedProcesses) -> int:
        return sum(1 for _ in group.matching(entry, self.run))

    def _entry(self) -> AllowedProcesses:
        """The group as the environment's file has it now. Raises TargetError when it has none any more."""
        try:
            file = environments.read(Path(self.environment))
            resolved = environments.resolve(file, environments.placeholders(file), {})
            return group.allowed(self.group, resolved)
        except (InvalidInput, TargetNotAllowed) as error:
            raise TargetError(f"how to restart {self.name} is not known: {error.message}") from error


@dataclass(frozen=True)
class Killing(Processes):
    """`signal`: SIGKILL, or SIGTERM for an orderly end."""

    signal: str = parameter(one_of("SIGKILL", "SIGTERM", "SIGABRT", "SIGSEGV"), default="SIGKILL")


class KillFault(ProcessFault):
    """A crash."""

    kind = "process.kill"
    summary = (
        "kills a process of this host; whatever restarts it is tested, else the environment's command is run"
    )
    parameters = Killing
    lasting = True

    def check_entry(self, entry: AllowedProcesses) -> None:
        """Services end with their run, and a run without its services is over."""
        if entry.service:
            raise TargetNotAllowed(
                f"{entry.name!r} is a service of the run itself, which ends with it",
                hint="pause it (process.pause), or kill a process that the run did not start",
            )

    def change(self, found: Found, asked: Any, ticket: Ticket) -> Operation:
        """One signal."""
        running = group.matching(found.entry, ticket.run_id)
        return Kill(
            *found.known,
            environment=str(found.environment.path.absolute()),
            group=found.entry.name,
            others=sum(1 for each in running if each.pid != found.process.pid),
            signal=asked.signal,
            run=ticket.run_id,
        )

    def if_host_dies(self, given: Mapping[str, Any], within_s: float) -> str:
        """Its supervisor is not ours."""
        return "stays down until recovered, unless something restarts it"


def _restart(entry: AllowedProcesses, others: int) -> None:
    """Run the command in a session of its own: what it starts has to outlive this run. Raises TargetError."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SLOCHAOS_")}
    try:
        process = subprocess.Popen(
            entry.restart,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=environment,
            start_new_session=True,
        )
    except OSError as error:
        raise TargetError(f"{entry.restart[0]} cannot be run: {error.strerror}") from error
    until = clock.now() + RESTART_S
    while process.poll() is None and clock.now() < until:
        if sum(1 for _ in group.matching(entry, "")) > others:
            _let_be(process)
            return
        time.sleep(0.05)
    if process.returncode:
        raise TargetError(f"{shlex.join(entry.restart)} ended with status {process.returncode}")
    _let_be(process)


_running: list[subprocess.Popen[bytes]] = []


def _let_be(process: subprocess.Popen[bytes]) -> None:
    """A command that became the server itself never returns: it is left alone, and reaped should it end."""
    try:
        process.wait(RETURN_S)
    except subprocess.TimeoutExpired:
        _running.append(process)


FAULT = KillFault()
OPERATIONS = (Kill,)
