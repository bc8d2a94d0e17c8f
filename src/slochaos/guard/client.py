"""The guard as others see it: the supervisor's handle, and the narrow one of an experiment's actions."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slochaos import clock
from slochaos.errors import GuardError, SlochaosError, UndoFailed
from slochaos.guard import wire
from slochaos.guard.connection import ANSWER_S, SILENCE_S, Connection, GuardEvent, InjectionState
from slochaos.identity import is_stopped

if TYPE_CHECKING:
    from slochaos.guard.config import GuardConfig
    from slochaos.spec.experiment import PlannedFault

ARM_S = 20.0
BEAT_S = 0.2
FINISH_S = 60.0
KEPT = (
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "LANG",
    "TZ",
    "TMPDIR",
    "PYTHONPATH",
    "VIRTUAL_ENV",
    "LD_LIBRARY_PATH",
)
KEPT_PREFIXES = ("LC_", "XDG_", "SLOCHAOS_")


class Guard:
    """The supervisor's handle on the guard that it started."""

    def __init__(self, config: GuardConfig, process: subprocess.Popen[bytes], path: Path) -> None:
        self.config = config
        self.socket = path
        self.pid = process.pid
        self._process = process
        self._connection = Connection(path)
        try:
            self._connection.ask("subscribe", token=config.token)
        except SlochaosError:
            self._connection.close()
            raise
        self._last_call = clock.now()

    @classmethod
    def start(cls, config: GuardConfig) -> Guard:
        """Start a guard and wait until it is armed. Raises GuardError, StateError."""
        log = _guard_log(config)
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "slochaos.guard.process"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            env=_environment(),
            start_new_session=True,
        )
        if log >= 0:
            os.close(log)
        try:
            said = _first_words(process, config)
            if "error" in said:
                raise wire.error_from_json(said["error"])
            if "armed" not in said:
                raise GuardError("the guard did not start", hint=f"see {config.run_dir / 'guard.log'}")
            return cls(config, process, Path(said["armed"]))
        except SlochaosError as error:
            process.kill()
            process.wait()
            assert process.stdout is not None
            process.stdout.close()
            if isinstance(error, GuardError):
                _clear_up_after(config)
            raise

    def start_services(self, on_progress: Callable[[str], None]) -> None:
        """Start the environment's services and wait until they are ready. Raises ServiceError."""
        number = self._connection.send("start_services")
        while True:
            try:
                self._connection.answer(number, BEAT_S)
                return
            except TimeoutError:
                self.beat()
            finally:
                for event in self.events("progress"):
                    on_progress(str(event.detail["text"]))

    def lock(self, faults: Sequence[PlannedFault]) -> None:
        """Hold the targets of these faults for this run. Raises LockHeld, TargetNotAllowed, TargetError."""
        for fault in faults:
            self._while_beating("lock", kind=fault.kind, parameters=fault.parameters)

    def open_gate(self) -> None:
        """Let injections through from now on."""
        self._connection.ask("open_gate")

    def adopt(self, pid: int) -> None:
        """The child that the guard kills if this process dies."""
        self._connection.ask("adopt", pid=pid)

    def beat(self) -> None:
        """Tell that this process lives, and see that the guard does.

        Call it at least every 0.5 s. Raises GuardError when the guard ended or has been silent for 2 s.
        """
        now = clock.now()
        stalled = now - self._last_call > SILENCE_S / 2
        self._last_call = now
        if self._connection.closed.is_set() or self._process.poll() is not None:
            raise GuardError("the guard died")
        self._connection.beat()
        if stalled:
            self._connection.last_beat = now
        if is_stopped(self.pid):
            raise GuardError("the guard was stopped")
        if now - self._connection.last_beat > SILENCE_S:
            raise GuardError(f"the guard has been silent for {SILENCE_S:g} s")

    def events(self, only: str = "") -> list[GuardEvent]:
        """What happened since the last call; with `only`, events of that kind, and the others stay."""
        taken: list[GuardEvent] = []
        kept: list[GuardEvent] = []
        while (event := self._connection.next_event()) is not None:
            (taken if only in ("", event.kind) else kept).append(event)
        for event in kept:
            self._connection.events.put(event)
        return taken

    def undo_all(self) -> None:
        """Close the gate, undo everything, return when it is verified. Raises UndoFailed, GuardError."""
        states = [InjectionState.from_report(report) for report in self._while_beating("undo_all")]
        left = [state for state in states if not state.finished]
        if left:
            raise UndoFailed(
                "a fault may still be in force: " + "; ".join(f"{s.target}: {s.detail}" for s in left),
                hint="remove it by hand: " + " ; ".join(state.by_hand for state in left),
            )

    def injections(self) -> list[InjectionState]:
        """Every injection of the run so far."""
        return [InjectionState.from_report(report) for report in self._connection.ask("injections")]

    def finish(self) -> None:
        """Undo what is left, stop the services, release the locks, end the guard.

        Raises GuardError when the guard died or hung on the way: then `take_over`.
        """
        until = clock.now() + FINISH_S
        with suppress(GuardError):
            self._connection.send("finish")
            while (
                not self._has_ended(BEAT_S) and not self._connection.closed.is_set() and clock.now() < until
            ):
                self.beat()
        if self._has_ended(ANSWER_S if self._connection.closed.is_set() else BEAT_S):
            self._process.wait()
        self._kill()
        if self._process.returncode:
            raise GuardError("the guard died while it was ending the run")

    def watch_over(self) -> None:
        """Take over when the guard dies or is stopped. For a process without a supervisor's loop; never returns
        before that."""
        while self._process.poll() is None and not is_stopped(self.pid):
            time.sleep(BEAT_S)
        with suppress(SlochaosError):
            self.take_over()

    def take_over(self) -> list[InjectionState]:
        """Kill a guard that is dead or silent and undo everything from this process.

        Raises UndoFailed when a fault may still be in force.
        """
        from slochaos.guard.recovery import undo_log_of  # the faults' libraries, which only an undoer needs

        self._kill()
        return [
            InjectionState.from_report(report)
            for report in undo_log_of(self.config.state_dir, self.config.run_id)
        ]

    def _while_beating(self, call: str, **arguments: Any) -> Any:
        number = self._connection.send(call, **arguments)
        while True:
            try:
                return self._connection.answer(number, BEAT_S)
            except TimeoutError:
                self.beat()

    def _has_ended(self, within_s: float) -> bool:
        """Whether the guard's process ends in time. The end of its standard output tells at once, without polling."""
        if self._process.poll() is not None:
            return True
        assert self._process.stdout is not None
        return bool(select.select([self._process.stdout], [], [], within_s)[0])

    def _kill(self) -> None:
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGKILL)
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._connection.close()


class ExperimentClient:
    """What an experiment's actions may ask of the guard. Safe to use from several threads."""

    def __init__(self, path: Path) -> None:
        self._connection = Connection(path)

    def hello(self) -> dict[str, Any]:
        """Run, environment and variables."""
        answer = self._connection.ask("hello")
        assert isinstance(answer, dict)
        return answer

    def inject(
        self, name: str, kind: str, parameters: Mapping[str, Any], duration_s: float
    ) -> InjectionState:
        """Inject and return when it is in force. Raises Refused, TargetError, GuardError."""
        arguments = {"name": name, "kind": kind, "parameters": parameters, "duration_s": duration_s}
        return InjectionState.from_report(self._connection.ask("inject", timeout_s=None, **arguments))

    def wait(self, injection: str) -> InjectionState:
        """Return when the injection is undone and verified. Raises UndoFailed when that did not work."""
        state = InjectionState.from_report(self._connection.ask("wait", timeout_s=None, injection=injection))
        if not state.finished:
            raise UndoFailed(f"{state.target}: {state.detail}", hint=f"remove it by hand: {state.by_hand}")
        return state

    def end_faults(self) -> list[InjectionState]:
        """Undo every fault of the run that is still in force."""
        reports = self._connection.ask("end_faults", timeout_s=None)
        return [InjectionState.from_report(report) for report in reports]

    def close(self) -> None:
        """Hang up; the guard stays."""
        self._connection.close()


def connect(path: Path | str) -> ExperimentClient:
    """A client on the guard's socket."""
    return ExperimentClient(Path(path))


_started: list[Guard] = []


def start_for_this_process(config: GuardConfig) -> ExperimentClient:
    """A guard for a plain `chaos run`: it watches this process and needs no heartbeat."""
    guard = Guard.start(config)
    _started.append(guard)  # kept alive: its connection must not be collected while the process lives
    threading.Thread(target=guard.watch_over, name="guard watch", daemon=True).start()
    os.environ[wire.SOCKET_VARIABLE] = str(guard.socket)
    if config.environment.services:
        guard.start_services(lambda _: None)
    return connect(guard.socket)


def stop(path: Path, why: str) -> None:
    """Ask the guard at `path` to end its run. Returns when every fault is undone. Raises GuardError."""
    connection = Connection(path)
    try:
        connection.ask("stop", timeout_s=60.0, why=why)
    finally:
        connection.close()


def _first_words(process: subprocess.Popen[bytes], config: GuardConfig) -> dict[str, Any]:
    """Hand the guard its configuration and read the line in which it says that it is armed, or why not.

    Nothing when it died before. Raises GuardError when it was stopped.
    """
    assert process.stdin is not None
    assert process.stdout is not None
    until = clock.now() + ARM_S
    with suppress(BrokenPipeError):
        with process.stdin:
            process.stdin.write(config.to_json().encode() + b"\n")
        while clock.now() < until:
            if is_stopped(process.pid):
                raise GuardError("the guard was stopped while it started", hint="run it again")
            if select.select([process.stdout], [], [], BEAT_S)[0]:
                line = process.stdout.readline()
                return wire.decode(line) if line else {}
    return {}


def _clear_up_after(config: GuardConfig) -> None:
    """A guard that died while it started has injected nothing; the log that it may have begun goes."""
    from slochaos.guard.recovery import undo_log_of

    with suppress(SlochaosError):
        undo_log_of(config.state_dir, config.run_id)


def _environment() -> dict[str, str]:
    """What the guard inherits. CI systems kill by environment cookies, so those stay behind."""
    return {k: v for k, v in os.environ.items() if k in KEPT or k.startswith(KEPT_PREFIXES)}


def _guard_log(config: GuardConfig) -> int:
    if not config.run_dir.is_dir():
        return subprocess.DEVNULL
    try:
        return os.open(config.run_dir / "guard.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    except OSError:
        return subprocess.DEVNULL
