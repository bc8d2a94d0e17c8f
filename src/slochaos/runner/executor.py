"""The supervisor's hold on the child: start it, order it, read its events, end its whole tree."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from slochaos.errors import StateError
from slochaos.runner.child import Order

_PASSED_ON = (
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "SHELL",
    "TMPDIR",
    "TZ",
    "LANG",
    "TERM",
    "VIRTUAL_ENV",
    "SSL_CERT_FILE",
)
_PASSED_ON_STARTING = ("LC_", "PYTHON", "XDG_", "SLOCHAOS_EXPERIMENT")
_END_WITHIN_S = 2.0


@dataclass(frozen=True)
class ChildEvent:
    """One event of the child: `at` is an instant, `wall` an epoch second, `payload` the event's fields."""

    at: float
    wall: float
    name: str
    payload: Mapping[str, Any]


class Executor:
    """The child process. It imports chaoslib as soon as it is started, and runs when told to."""

    def __init__(self, process: subprocess.Popen[bytes], orders: int, events: int) -> None:
        self._process = process
        self._orders = orders
        self._events = events
        self._rest = b""
        self._ended = False
        os.set_blocking(events, False)

    @classmethod
    def start(cls, log: Path, environment: Mapping[str, str]) -> Executor:
        """Start the child in a session of its own; its output goes to `log`. Raises StateError."""
        orders_in, orders_out = os.pipe()
        events_in, events_out = os.pipe()
        command = [
            sys.executable,
            "-P",  # as under `chaos`, the working directory is no place to import from
            "-m",
            "slochaos.runner.child",
            str(orders_in),
            str(events_out),
            str(os.getpid()),
        ]
        try:
            with open(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "wb") as output:  # noqa: PTH123
                process = subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    env=dict(environment),
                    pass_fds=(orders_in, events_out),
                    start_new_session=True,
                )
        except OSError as error:
            os.close(orders_out)
            os.close(events_in)
            raise StateError(f"the executor cannot be started: {error}") from error
        finally:
            os.close(orders_in)
            os.close(events_out)
        return cls(process, orders_out, events_in)

    @property
    def pid(self) -> int:
        """The child's process id, which is also its session's."""
        return self._process.pid

    def fileno(self) -> int:
        """Readable when an event arrived, for `select`."""
        return self._events

    def prepare(self, order: Order) -> None:
        """Hand over the experiment: the child validates it as `chaos run` would and says `child-ready`."""
        self._tell(json.dumps(asdict(order)))

    def go(self) -> None:
        """Run it now."""
        self._tell("go")

    def events(self) -> list[ChildEvent]:
        """What arrived since the last call; never waits. Nothing any more after `end`."""
        if self._ended:
            return []
        with contextlib.suppress(BlockingIOError, OSError):
            while chunk := os.read(self._events, 1 << 16):
                self._rest += chunk
        *lines, self._rest = self._rest.split(b"\n")
        found = (json.loads(line) for line in lines if line)
        return [ChildEvent(line["at"], line["wall"], line["type"], line["payload"]) for line in found]

    @property
    def exit_code(self) -> int | None:
        """None while it runs. A child that ended stays a zombie until `end`, so that its id is nobody else's."""
        if self._ended or not hasattr(os, "waitid"):
            return self._process.poll()
        ended = os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        return None if ended is None else ended.si_status

    @property
    def stopped(self) -> bool:
        """Whether somebody stopped it (SIGSTOP): it will not end by itself."""
        return is_stopped(self._process.pid)

    def end(self) -> None:
        """Kill the child, everything in its session and everything below it, and close the pipes."""
        if self._ended:
            return
        self._ended = True
        kill_tree(self._process.pid)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_END_WITHIN_S)
        os.close(self._orders)
        os.close(self._events)

    def _tell(self, line: str) -> None:
        data = f"{line}\n".encode()
        # A child that died is seen by its exit code; its pipe says so less clearly.
        with contextlib.suppress(BrokenPipeError):
            while data:
                data = data[os.write(self._orders, data) :]


def environment_for(experiment: Mapping[str, Any], *, foreign: bool) -> dict[str, str]:
    """What the child may know of our environment.

    Our own actions need no credentials, so it gets the plain variables and those that the experiment
    names (`{"type": "env", "key": ...}`). Foreign actions, and controls, get what `chaos run` gives them.
    """
    if foreign:
        return {name: value for name, value in os.environ.items() if name != "SLOCHAOS_LEDGER"}
    named = set(_keys_read(experiment))
    return {
        name: value
        for name, value in os.environ.items()
        if name in _PASSED_ON or name in named or name.startswith(_PASSED_ON_STARTING)
    }


def _keys_read(tree: Any) -> list[str]:
    """The environment variables that configuration and secrets refer to."""
    if isinstance(tree, Mapping):
        own = [str(tree["key"])] if tree.get("type") == "env" and "key" in tree else []
        return own + [key for value in tree.values() for key in _keys_read(value)]
    return [key for value in tree for key in _keys_read(value)] if isinstance(tree, list) else []


def is_stopped(pid: int) -> bool:
    """Whether a process was stopped by a signal."""
    import psutil

    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_STOPPED)
    except psutil.Error:
        return False


def kill_tree(session: int) -> None:
    """SIGKILL to the session's leader, its descendants and all that stayed in its session.

    The leader is frozen first, so that nothing new starts while the tree is read.
    """
    import psutil

    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(session, signal.SIGSTOP)
    below: list[psutil.Process] = []
    with contextlib.suppress(psutil.Error):
        below = psutil.Process(session).children(recursive=True)
    for process in below:
        with contextlib.suppress(psutil.Error):
            process.kill()
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(session, signal.SIGKILL)
    _kill_session(session)


def _kill_session(session: int) -> None:
    """Background jobs keep the session's id after their parent died; end them too."""
    import psutil

    deadline = time.monotonic() + _END_WITHIN_S
    while time.monotonic() < deadline:
        left = [pid for pid in psutil.pids() if _session_of(pid) == session]
        alive = [pid for pid in left if pid != session]
        for pid in alive:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        if not alive:
            return
        time.sleep(0.01)


def _session_of(pid: int) -> int | None:
    try:
        return os.getsid(pid)
    except (ProcessLookupError, PermissionError):
        return None
