"""What the tests of this host's faults share: a guard with an allow-list, and eyes on processes of a run."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil

from slochaos.faults.tagged import MARK
from slochaos.guard.client import ExperimentClient, Guard, connect
from slochaos.spec.environment import Environment
from slochaos.spec.targets import AllowedHost, Targets
from tests.guarded import make_config


def host_environment(**allowed: Any) -> Environment:
    """An environment that allows faults on this host."""
    return Environment("test", Path("environments/test.yaml"), targets=Targets(host=AllowedHost(**allowed)))


@contextmanager
def host_guard(folder: Path, **allowed: Any) -> Iterator[tuple[Guard, ExperimentClient]]:
    """A real guard in such an environment, and the client that asks it for faults."""
    with marked_guard(folder, host_environment(**allowed)) as both:
        yield both


@contextmanager
def marked_guard(folder: Path, environment: Environment) -> Iterator[tuple[Guard, ExperimentClient]]:
    """A real guard whose faults `marked` finds."""
    guard = Guard.start(make_config(folder, environment, f"host-{os.getpid()}"))
    client = connect(guard.socket)
    try:
        yield guard, client
    finally:
        client.close()
        with suppress(ProcessLookupError):
            os.kill(guard.pid, 0)
            guard.finish()


def marked() -> list[psutil.Process]:
    """The living processes that are faults of `host_guard`, found without slochaos's own search."""
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        with suppress(OSError, psutil.NoSuchProcess):
            if f"{MARK}=slochaos-host-{os.getpid()}-".encode() in path.read_bytes():
                found.append(psutil.Process(int(path.parent.name)))
    return found


def kill(guard: Guard) -> None:
    """SIGKILL a guard and reap it."""
    os.kill(guard.pid, signal.SIGKILL)
    guard._kill()


@contextmanager
def memory_group(limit: int) -> Iterator[Path]:
    """A control group, v1 or v2, that allows so many bytes; it is emptied and removed."""
    one = Path("/sys/fs/cgroup/memory")
    group = (one if one.is_dir() else one.parent) / f"slochaos-test-{os.getpid()}"
    group.mkdir()
    name = "memory.limit_in_bytes" if one.is_dir() else "memory.max"
    (group / name).write_text(str(limit), encoding="ascii")
    try:
        yield group
    finally:
        for pid in (group / "cgroup.procs").read_text(encoding="ascii").split():
            (group.parent / "cgroup.procs").write_text(pid, encoding="ascii")
        group.rmdir()


def enter(group: Path, pid: int) -> None:
    """Move a process into the group."""
    (group / "cgroup.procs").write_text(str(pid), encoding="ascii")


@contextmanager
def file_system(kind: str, point: Path, size: int) -> Iterator[Path]:
    """A small file system of its own, in memory ("tmpfs") or in a file ("ext4"), unmounted afterwards."""
    point.mkdir(parents=True)
    if kind == "tmpfs":
        mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "slochaos-test", str(point)]
    else:
        image = point.with_suffix(".image")
        with image.open("wb") as file:
            file.truncate(size)
        subprocess.run(["mkfs.ext4", "-q", str(image)], check=True, capture_output=True)
        mount = ["mount", "-o", "loop", str(image), str(point)]
    subprocess.run(mount, check=True)
    try:
        yield point
    finally:
        subprocess.run(["umount", "--lazy", str(point)], check=True)
