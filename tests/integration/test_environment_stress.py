"""stress-ng of the tests does what faults of CPU and memory ask of it."""

from __future__ import annotations

import resource
import subprocess
import time

import psutil

from tests.machine_tools import MachineTools


def test_cpu_stressor_uses_cpu_and_ends_by_itself(machine_tools: MachineTools) -> None:
    """One CPU stressor for a second costs CPU time, and is gone after its timeout."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    machine_tools.run("stress-ng", "--cpu", "1", "--timeout", "1s")
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before > 0.1


def test_memory_stressor_holds_what_was_asked(machine_tools: MachineTools) -> None:
    """A stressor of 64 MiB holds that much, in one of its processes, and nothing once it is ended."""
    command = ["stress-ng", "--vm", "1", "--vm-bytes", "64M", "--vm-keep", "--timeout", "30s"]
    with subprocess.Popen(command, env=machine_tools.environment, stdout=subprocess.DEVNULL) as stressor:
        try:
            family = psutil.Process(stressor.pid)
            while largest(family) < 64 << 20:
                assert stressor.poll() is None
                time.sleep(0.05)
        finally:
            stressor.terminate()


def largest(family: psutil.Process) -> int:
    """Resident bytes of the largest process below."""
    sizes = [0]
    for process in family.children(recursive=True):
        try:
            sizes.append(process.memory_info().rss)
        except psutil.NoSuchProcess:
            continue
    return max(sizes)
