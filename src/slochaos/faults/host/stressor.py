"""Uses up one thing of this host for as long as it lives. Started as a program of its own, by `tagged.start`.

    python stressor.py [--beside PID] [--in CGROUP]...
        cpu SHARE WORKERS | memory BYTES RESERVE | space FOLDER LEAVE | io FOLDER WORKERS BYTES

It says `ready` (with what it holds, in bytes) once the fault is in force, or `refused: why`, in one line. It ends
with its parent and with the process that it is `beside`; its workers end with it. What it uses is counted as use of
the control groups that it is `in`. Standard library only, since it starts in isolation.
"""

from __future__ import annotations

import argparse
import ctypes
import errno
import mmap
import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

PERIOD_S = 0.05
WINDOW_S = 0.1
TOLERANCE = 0.03
DEBT_S = 0.2
URGENT = -20
STEP = 5

CHUNK = 64 * 1024 * 1024
BLOCK = 1024 * 1024


def main(command: list[str]) -> None:
    """Be what is asked for until the parent ends."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--beside", type=int)
    parser.add_argument("--in", action="append", default=[], dest="groups", type=Path)
    parser.add_argument("kind", choices=("cpu", "memory", "space", "io"))
    parser.add_argument("arguments", nargs="*")
    asked = parser.parse_args(command)
    kinds: dict[str, Callable[..., None]] = {"cpu": cpu, "memory": memory, "space": space, "io": io}
    with suppress(OSError):  # the kernel's OOM killer takes this process first, and it is no loss
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")
    try:
        for group in asked.groups:
            (group / "cgroup.procs").write_text("0", encoding="ascii")
        life = Life(os.getppid(), asked.beside, moved=bool(asked.groups))
        kinds[asked.kind](life, *asked.arguments)
    except OSError as error:
        _say(f"refused: {os.strerror(error.errno or 0)}")


@dataclass(frozen=True)
class Life:
    """This process goes on while its parent lives, and the process that it is `beside`.

    Once it has `moved` to other control groups, what it used before counts as use of its old ones.
    """

    parent: int
    beside: int | None
    moved: bool = False

    def goes_on(self) -> bool:
        """Whether both live."""
        return os.getppid() == self.parent and (self.beside is None or Path(f"/proc/{self.beside}").exists())


def cpu(life: Life, share: str, workers: str) -> None:
    """`workers` processes that use `share` (0-1) of a CPU each."""
    _fork(int(workers), lambda leader: _burn(float(share), leader))
    _say("ready")
    _stay(life)


def _burn(share: float, parent: int) -> None:
    """Use `share` of the time, by this process's own CPU clock, with as much urgency as that takes.

    What was missed is made up for, up to DEBT_S.
    """
    began, level = time.monotonic(), 0
    window, window_used = began, time.process_time()
    used_before = window_used
    while os.getppid() == parent:
        ends = time.monotonic() + PERIOD_S
        goal = used_before + share * (ends - began)
        while time.process_time() < goal and time.monotonic() < ends:
            for _ in range(1000):
                pass
        now, used = time.monotonic(), time.process_time()
        if now - window >= WINDOW_S:
            if used - window_used < (share - TOLERANCE) * (now - window) and level > URGENT:
                level -= STEP
                _urge(level)
            window, window_used = now, used
        missed = share * (now - began) - (used - used_before)
        began += max(missed - DEBT_S, 0) / share
        time.sleep(max(ends - now, 0))


def _urge(level: int) -> None:
    """Be preferred to other processes of the control group, and its session to other sessions, if this user may."""
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, level)
    with suppress(OSError):
        Path("/proc/self/autogroup").write_text(str(level), encoding="ascii")


def memory(life: Life, amount: str, reserve: str) -> None:
    """`amount` bytes that are in use, unless less than `reserve` would be left.

    This program's own are among them where they count as use of the same control groups.

    Neither shared nor locked: such memory the kernel cannot take back at once when it has killed its owner, and it
    would kill others too.
    """
    held: list[mmap.mmap] = []
    left = int(amount) - (0 if life.moved else _resident(0))
    while left > 0:
        size = min(left, CHUNK)
        if _available(size + int(reserve)) < size + int(reserve):
            _say("refused: others need the memory meanwhile")
            return
        held.append(mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS))
        _touch(held[-1])
        left -= size
    _say(f"ready {amount}")
    while life.goes_on():
        if _resident(int(amount)) < 0.98 * int(amount):  # some of it was swapped out
            for chunk in held:
                _touch(chunk)
        time.sleep(0.5)


def _touch(chunk: mmap.mmap) -> None:
    chunk[:: mmap.PAGESIZE] = b"\1" * -(-len(chunk) // mmap.PAGESIZE)


def _resident(unknown: int) -> int:
    with suppress(OSError):
        return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * mmap.PAGESIZE
    return unknown


def _available(unknown: int) -> int:
    with suppress(OSError):
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    return unknown


def space(life: Life, folder: str, leave: str) -> None:
    """A file without a name that takes what is free in `folder`, but for `leave` bytes."""
    file = _unnamed(folder)
    held = 0
    while life.goes_on():
        found = _level(file, held, int(leave))
        if held == 0:
            _say(f"ready {found}")
        held = found
        time.sleep(0.1)


def _level(file: int, held: int, leave: int) -> int:
    """Take or give back until `leave` bytes are free; how many it holds then. With 0, until nothing can be had."""
    step = 1 << 40
    while True:
        state = os.fstatvfs(file)
        excess = state.f_bavail * state.f_frsize - leave
        if excess < 0 < held and leave:
            held = max(held + excess, 1)
            os.ftruncate(file, held)
        wanted = min(max(excess, 0 if leave else state.f_frsize), step)
        if wanted < (BLOCK if leave else state.f_frsize):
            return held
        if _allocate(file, held, wanted):
            held += wanted
        elif wanted <= state.f_frsize:
            return held
        else:
            step = max(wanted // 2, state.f_frsize)


def _allocate(file: int, start: int, size: int) -> bool:
    """Whether the file system gave the space. Raises OSError where it cannot do so without writing."""
    libc = ctypes.CDLL(None, use_errno=True)
    allocate = getattr(libc, "fallocate64", None) or libc.fallocate  # musl has 64 bits under the plain name
    given = allocate(file, 0, ctypes.c_int64(start), ctypes.c_int64(size))
    code = ctypes.get_errno()
    if given != 0 and code not in (errno.ENOSPC, errno.EINTR):
        raise OSError(code, os.strerror(code))
    return bool(given == 0)


def io(life: Life, folder: str, workers: str, amount: str) -> None:
    """`workers` processes that write `amount` bytes each, over and over, past every cache."""
    _unnamed(folder)  # fails here, and is told, where files without a name cannot be
    _fork(int(workers), lambda leader: _write(folder, int(amount), leader))
    _say("ready")
    _stay(life)


def _write(folder: str, amount: int, parent: int) -> None:
    try:
        file, direct = _unnamed(folder, os.O_DIRECT), True
    except OSError:
        file, direct = _unnamed(folder), False
    block = mmap.mmap(-1, BLOCK)
    block[:] = os.urandom(BLOCK)
    start = 0
    while os.getppid() == parent:
        try:
            os.pwrite(file, block, start)
            if not direct:
                os.fdatasync(file)
        except OSError:
            time.sleep(PERIOD_S)
        start = (start + BLOCK) % amount


def _unnamed(folder: str, more: int = 0) -> int:
    """A file that no name leads to: it is gone, with its space, when no process has it open."""
    return os.open(folder, os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC | more, 0o600)


def _fork(workers: int, work: Callable[[int], None]) -> None:
    """Start processes that end with this one, and with its time: neither is inherited."""
    leader, left_s = os.getpid(), signal.getitimer(signal.ITIMER_REAL)[0]
    for _ in range(workers):
        if os.fork() == 0:
            if sys.platform == "linux":
                ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
            signal.setitimer(signal.ITIMER_REAL, left_s)
            if os.getppid() == leader:
                work(leader)
            os._exit(0)


def _stay(life: Life) -> None:
    while life.goes_on():
        time.sleep(0.1)


def _say(text: str) -> None:
    os.write(1, text.encode() + b"\n")


if __name__ == "__main__":
    main(sys.argv[1:])
