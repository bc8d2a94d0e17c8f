"""Holds a process and its descendants still for as long as it lives itself. Started as a program of its own.

    python freezer.py PID

It attaches to every thread as a debugger does. The kernel lets them all go on when this process ends, however
that happens: nobody has to remember them. Standard library only, since it starts in isolation. It says
`held N` (threads) when all stand still, or `refused: why`.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import time
from pathlib import Path

PTRACE_SEIZE = 0x4206
PTRACE_INTERRUPT = 0x4207
WALL = 0x40000000


def main(pid: int) -> None:
    """Hold the tree of `pid` until the end of this process."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
    libc.ptrace.restype = ctypes.c_long
    held: set[int] = set()
    while fresh := [thread for thread in _threads(pid) if thread not in held]:
        for thread in fresh:
            if libc.ptrace(PTRACE_SEIZE, thread, None, None) != 0:
                error = ctypes.get_errno()
                if error == 3:  # ESRCH: it ended meanwhile
                    held.add(thread)
                    continue
                _say(f"refused: {os.strerror(error)}")
                return
            libc.ptrace(PTRACE_INTERRUPT, thread, None, None)
            os.waitpid(thread, WALL)
            held.add(thread)
    if not held:
        _say("refused: it ended")
        return
    _say(f"held {len(held)}")
    _stay()


def _stay() -> None:
    """Wait for the end. What the held threads are sent meanwhile waits with them, but for SIGKILL."""
    while True:
        try:
            os.waitpid(-1, WALL)
        except ChildProcessError:  # all of them were killed
            signal.pause()
        except InterruptedError:
            continue
        time.sleep(0.01)


def _threads(pid: int) -> list[int]:
    """The threads of a process and of its descendants."""
    found: list[int] = []
    for process in [pid, *_descendants(pid)]:
        try:
            found += [int(thread.name) for thread in Path(f"/proc/{process}/task").iterdir()]
        except OSError:
            continue
    return found


def _descendants(pid: int) -> list[int]:
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_bytes().rpartition(b")")[2].split()[1])
            except (OSError, IndexError, ValueError):
                continue
            children.setdefault(parent, []).append(int(entry.name))
    found, left = [], [pid]
    while left:
        below = children.get(left.pop(), [])
        found += below
        left += below
    return found


def _say(text: str) -> None:
    os.write(1, text.encode() + b"\n")


if __name__ == "__main__":
    main(int(sys.argv[1]))
