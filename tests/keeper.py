"""Runs one command and removes all that became of it, however the test that wanted it ends.

    python tests/keeper.py --parent PID [--new-net] [--cgroup NAME] [--netns NAME]... [--folder PATH]... -- COMMAND...

Its parent's death (SIGKILL too: PR_SET_PDEATHSIG) and SIGTERM mean the same. Then the command and its
descendants get SIGKILL (also those that left its session: this process is the one they are handed to), and the
cgroups, named network namespaces and folders are removed. It says `kept` once all this holds. A script without
imports of ours, so that it starts fast.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
CLONE_NEWNS = 0x00020000
CLONE_NEWNET = 0x40000000
CGROUPS = Path("/sys/fs/cgroup")
GONE_S = 10.0


def main() -> int:
    """Keep until told to end, or until the command ends; its exit code."""
    asked = _arguments()
    libc = ctypes.CDLL(None, use_errno=True)
    signals = {signal.SIGTERM, signal.SIGINT, signal.SIGCHLD}
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    libc.prctl(PR_SET_CHILD_SUBREAPER, 1)
    if asked.new_net:
        if libc.unshare(CLONE_NEWNET | CLONE_NEWNS):
            raise OSError(ctypes.get_errno(), "unshare")
        # What is mounted from here on is seen by the command only, and gone with it.
        subprocess.run(["mount", "--make-rslave", "/"], check=True)
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    command = subprocess.Popen(
        asked.command,
        stdout=sys.stderr,
        start_new_session=True,
        preexec_fn=lambda: (  # noqa: PLW1509 - there are no threads here
            signal.pthread_sigmask(signal.SIG_UNBLOCK, signals),
            libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL),
        ),
    )
    print("kept", flush=True)
    try:
        while (
            os.getppid() == asked.parent
            and signal.sigwait(signals) == signal.SIGCHLD
            and command.poll() is None
        ):
            pass
        return command.poll() or 0
    finally:
        _end(command, asked)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--parent", type=int, required=True)
    parser.add_argument("--new-net", action="store_true")
    parser.add_argument("--cgroup")
    parser.add_argument("--netns", action="append", default=[])
    parser.add_argument("--folder", action="append", type=Path, default=[])
    parser.add_argument("command", nargs="+")
    return parser.parse_args()


def _end(command: subprocess.Popen[bytes], asked: argparse.Namespace) -> None:
    groups = [*CGROUPS.glob(f"*/{asked.cgroup}"), CGROUPS / asked.cgroup] if asked.cgroup else []
    groups = [group for group in groups if group.is_dir()]
    _thaw(groups)
    command.kill()
    deadline = time.monotonic() + GONE_S
    while _kill_children() and time.monotonic() < deadline:
        _thaw(groups)
        time.sleep(0.02)
    for group in groups:
        _remove_cgroup(group)
    for name in asked.netns:
        subprocess.run(["ip", "netns", "delete", name], check=False, capture_output=True)
    for folder in asked.folder:
        _unmount_below(folder)
        shutil.rmtree(folder, ignore_errors=True)


def _thaw(groups: list[Path]) -> None:
    """Nothing frozen can die."""
    for group in groups:
        for name, thawed in (("freezer.state", "THAWED"), ("cgroup.freeze", "0")):
            for path in group.rglob(name):
                with contextlib.suppress(OSError):
                    path.write_text(thawed)


def _kill_children() -> bool:
    """Kill the processes below this one and bury the dead; whether there may be more."""
    for pid in _children(os.getpid()):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    with contextlib.suppress(ChildProcessError):
        while True:
            if os.waitpid(-1, os.WNOHANG)[0] == 0:
                return True
    return False


def _children(parent: int) -> list[int]:
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = stat.read_text().rpartition(")")[2].split()
            if int(fields[1]) == parent:
                found.append(int(stat.parent.name))
    return found


def _unmount_below(folder: Path) -> None:
    points = [line.split()[1] for line in Path("/proc/self/mounts").read_text().splitlines()]
    for point in reversed([point for point in points if point.startswith(f"{folder}/")]):
        subprocess.run(["umount", "--lazy", point], check=False, capture_output=True)


def _remove_cgroup(group: Path) -> None:
    below = sorted((path for path in group.rglob("*") if path.is_dir()), reverse=True)
    for folder in [*below, group]:
        with contextlib.suppress(OSError):
            folder.rmdir()


if __name__ == "__main__":
    sys.exit(main())
