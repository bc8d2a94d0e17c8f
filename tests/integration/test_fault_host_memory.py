"""host.memory: memory in use exactly, within caps, and the first thing that the kernel's OOM killer takes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from slochaos.errors import InvalidInput, Refused, TargetNotAllowed
from slochaos.faults import catalogue
from slochaos.faults.host import room
from tests.guarded import wait_until
from tests.integration.host_faults import enter, host_guard, kill, marked, memory_group
from tests.machine_tools import MachineTools

MIB = 1024 * 1024
EATER = "import time; eaten = b'1' * {}; print('ate', flush=True); time.sleep(60)"


def resident() -> int:
    """Bytes that the run's faults have resident, by the kernel's count."""
    return sum(process.memory_info().rss for process in marked())


@pytest.mark.parametrize("mebibytes", [48, 512])
def test_the_amount_is_resident_and_given_back(tmp_path: Path, mebibytes: int) -> None:
    """Within 5 % of what was asked, as evidence and to others' eyes; nothing is left afterwards."""
    before = psutil.virtual_memory().available
    with host_guard(tmp_path, memory=True) as (_, client):
        state = client.inject("memory", "host.memory", {"amount": f"{mebibytes}MiB"}, 1.5)
        assert resident() == pytest.approx(mebibytes * MIB, rel=0.05)
        assert mebibytes < 256 or psutil.virtual_memory().available < before - 256 * MIB
        ended = client.wait(state.id)
    assert ended.state == "undone"
    assert ended.seen == ended.looks >= 2
    assert f"MiB (asked: {mebibytes} MiB)" in ended.evidence
    assert not marked()


def test_a_share_counts_what_others_use(tmp_path: Path) -> None:
    """`used` is how much of all memory is in use then, so that it takes only what is missing to it."""
    found = room.memory()
    target = (found.total - found.free) / found.total + 0.02
    with host_guard(tmp_path, memory=True) as (_, client):
        state = client.inject("memory", "host.memory", {"used": f"{100 * target:.2f}%"}, 1.0)
        assert resident() == pytest.approx(0.02 * found.total, rel=0.5)
        assert client.wait(state.id).state == "undone"


def test_the_last_tenth_is_never_taken(tmp_path: Path) -> None:
    """What would reach into it is refused, with what can be had, and nothing is started."""
    free = room.memory().free
    with host_guard(tmp_path, memory=True) as (_, client):
        for asked in ({"amount": str(free)}, {"used": "95%"}):
            with pytest.raises(Refused, match=r"the last tenth of .* is never touched"):
                client.inject("memory", "host.memory", asked, 1)
        assert not marked()


def test_a_control_group_counts_as_the_memory(tmp_path: Path, machine_tools: MachineTools) -> None:
    """Where the guard lives in a group with a limit, that limit's last tenth is what is kept."""
    with memory_group(300 * MIB) as group, host_guard(tmp_path, memory=True) as (guard, client):
        enter(group, guard.pid)
        with pytest.raises(Refused, match=r"of the memory of the control group slochaos-test-"):
            client.inject("memory", "host.memory", {"amount": "280MiB"}, 1)


def test_the_oom_killer_takes_it_first_and_that_is_told(tmp_path: Path, machine_tools: MachineTools) -> None:
    """When others need the memory they get it: the stressor dies, the fault's end says why, and it is no pass."""
    with memory_group(400 * MIB) as group, host_guard(tmp_path, memory=True) as (guard, client):
        enter(group, guard.pid)
        state = client.inject("memory", "host.memory", {"amount": "200MiB"}, 3)
        assert [Path(f"/proc/{each.pid}/oom_score_adj").read_text() for each in marked()] == ["1000\n"]
        with subprocess.Popen(
            [sys.executable, "-c", f"input(); {EATER.format(250 * MIB)}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        ) as other:
            enter(group, other.pid)
            assert other.stdin is not None
            assert other.stdout is not None
            other.stdin.write(b"\n")
            other.stdin.flush()
            assert other.stdout.readline() == b"ate\n"
            assert not marked()
            other.kill()
        ended = client.wait(state.id)
    assert ended.state == "superseded"
    assert ended.detail == "it was killed before its time, by the kernel's OOM killer"
    assert ended.seen < ended.looks


def test_memory_is_free_when_the_guard_is_killed(tmp_path: Path) -> None:
    """The kernel ends the holder with its guard."""
    with host_guard(tmp_path, memory=True) as (guard, client):
        client.inject("memory", "host.memory", {"amount": "64MiB"}, 60)
        kill(guard)
        assert wait_until(lambda: not marked())


def test_memory_only_where_the_environment_allows_it(tmp_path: Path) -> None:
    """Without `memory: true` it is refused."""
    refused = pytest.raises(TargetNotAllowed, match=r"memory: true under targets\.host")
    with host_guard(tmp_path, cpu=True) as (_, client), refused:
        client.inject("memory", "host.memory", {"amount": "64MiB"}, 1)


@pytest.mark.parametrize("given", [{}, {"amount": "1GiB", "used": "50%"}])
def test_one_way_to_say_how_much(given: dict[str, str]) -> None:
    """Neither or both of `amount` and `used` is a mistake."""
    with pytest.raises(InvalidInput, match='either "amount" or "used"'):
        catalogue.traits("host.memory", given)
