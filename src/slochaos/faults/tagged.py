"""Processes that are a fault, or hold one: marked, bounded in time, and found again by any other process.

What a process was started for stands in its environment, which its own children inherit, so that an undo
needs nothing but the tag: no pid that the undo log could not know yet, none that may be another's by now.
Such a process ends by itself when the thread that started it is gone (on Linux), and by SIGALRM when its
time is over, whatever it was made to run.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress

import psutil

from slochaos import clock
from slochaos.errors import TargetError

MARK = "SLOCHAOS_FAULT"
END_S = 2.0

# Set before exec, since both outlive it: SIGKILL when the parent dies, SIGALRM when the time is over.
_TRAMPOLINE = """
import ctypes, os, signal, sys
parent, lasts_s, *command = sys.argv[1:]
if sys.platform == "linux":
    ctypes.CDLL(None, use_errno=True).prctl(1, signal.SIGKILL)
if os.getppid() != int(parent):
    os._exit(1)
signal.alarm(int(lasts_s))
os.execvp(command[0], command)
"""

_started: dict[str, list[subprocess.Popen[bytes]]] = {}


def start(
    tag: str, command: Sequence[str], *, lasts_s: float, extra: Mapping[str, str] | None = None
) -> subprocess.Popen[bytes]:
    """Run `command` under `tag` in a session of its own, for `lasts_s` seconds at most (rounded up).

    Its standard output and error are pipes that nobody has to read before the end. `extra` adds to its
    environment. Raises TargetError when it cannot be started.
    """
    environment = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR") if name in os.environ}
    try:
        process = subprocess.Popen(
            [
                sys.executable,
                "-I",
                "-S",
                "-c",
                _TRAMPOLINE,
                str(os.getpid()),
                str(int(lasts_s) + 1),
                *command,
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**environment, **(extra or {}), MARK: tag},
            start_new_session=True,
        )
    except OSError as error:
        raise TargetError(f"{command[0]} cannot be started: {error.strerror}") from error
    _started.setdefault(tag, []).append(process)
    return process


def output(tag: str, within_s: float) -> bytes:
    """What the process that this one started under `tag` has written since the last call.

    Waits up to `within_s` for the first of it. Empty in any other process than the one that started it.
    """
    found = b""
    for process in _started.get(tag, []):
        if process.stdout is not None and select.select([process.stdout], [], [], within_s)[0]:
            found += os.read(process.stdout.fileno(), 65_536)
    return found


def started_here(tag: str) -> bool:
    """Whether this very process started something under `tag` that was not ended since."""
    return bool(_started.get(tag))


def find(tag: str) -> list[psutil.Process]:
    """The living processes of this user that carry the tag, theirs included; zombies are none."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if process.environ().get(MARK) == tag and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


def end(tag: str, *, gently_s: float = 0.0) -> bool:
    """Kill everything that carries the tag, until nothing does. Whether there was anything.

    `gently_s` seconds are given to end by SIGTERM first. Raises TargetError when something of it goes on living.
    """
    left = find(tag)
    there = bool(left)
    _signal(left, signal.SIGTERM if gently_s else signal.SIGKILL)
    harder, until = clock.now() + gently_s, clock.now() + gently_s + END_S
    while left:
        time.sleep(0.01)
        left = find(tag)
        if clock.now() > harder:
            _signal(left, signal.SIGKILL)
        if left and clock.now() > until:
            raise TargetError(f"processes of ours do not end: {', '.join(str(each.pid) for each in left)}")
    for ours in _started.pop(tag, []):
        ours.wait()
        if ours.stdout is not None:
            ours.stdout.close()
    return there


def _signal(processes: Sequence[psutil.Process], number: int) -> None:
    for process in processes:
        with suppress(psutil.Error):
            process.send_signal(number)


def by_hand(tag: str) -> str:
    """The command that ends them without slochaos."""
    return f"grep -slz '^{MARK}={tag}$' /proc/[0-9]*/environ | cut -d/ -f3 | xargs -r kill -9"
