"""host.cpu: CPU time used up exactly, on a busy machine too, by processes that cannot outlive their guard."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from slochaos.errors import InvalidInput, LockHeld, TargetNotAllowed
from slochaos.faults import catalogue, tagged
from slochaos.guard import recovery
from tests.guarded import wait_until
from tests.integration.host_faults import host_guard, kill, marked

BUSY = "while True: pass"
UNDO = """
import sys
from slochaos.faults.host.cpu import Burn
burn = Burn(sys.argv[1], expires=0.0, percent=10.0, workers=1)
print(burn.undo(applied=True, last=True).end, burn.undo(applied=True, last=True).end)
"""


def used(processes: list[psutil.Process], over_s: float) -> float:
    """CPU seconds per second that these processes use."""

    def total() -> float:
        return sum(sum(each.cpu_times()[:2]) for each in processes)

    before, began = total(), time.monotonic()
    time.sleep(over_s)
    return (total() - before) / (time.monotonic() - began)


def test_the_share_is_exact_beside_busy_neighbours(tmp_path: Path) -> None:
    """Within 5 points of what was asked, by the stressor's own CPU time, though others want all CPUs."""
    neighbours = [subprocess.Popen([sys.executable, "-c", BUSY]) for _ in range(3)]
    try:
        with host_guard(tmp_path, cpu=True) as (_, client):
            state = client.inject("cpu", "host.cpu", {"load": "80%", "workers": 1}, 3.5)
            time.sleep(1.0)  # it takes as much urgency as it turns out to need
            share = used(marked(), 2.0)
            ended = client.wait(state.id)
    finally:
        for each in neighbours:
            each.kill()
            each.wait()
    if os.geteuid() == 0:  # others may not be preferred
        assert share == pytest.approx(0.8, abs=0.05)
    assert ended.state == "undone"
    assert ended.seen >= 3
    assert "% of a CPU (asked: 80 %)" in ended.evidence
    assert not marked()


def test_every_cpu_gets_a_worker(tmp_path: Path) -> None:
    """Without a number, as many processes burn as this process may use CPUs; the evidence tells each one's share."""
    with host_guard(tmp_path, cpu=True) as (_, client):
        state = client.inject("cpu", "host.cpu", {"load": "20%"}, 1.5)
        workers = len(marked()) - 1
        ended = client.wait(state.id)
    assert workers == len(os.sched_getaffinity(0))
    assert ended.state == "undone"
    assert f"for each of {workers} workers (asked: 20 %)" in ended.evidence


def test_nothing_outlives_a_killed_guard(tmp_path: Path) -> None:
    """The kernel ends the stressor with its workers when the guard is killed; recover finds nothing to do."""
    with host_guard(tmp_path, cpu=True) as (guard, client):
        client.inject("cpu", "host.cpu", {"load": "30%", "workers": 2}, 60)
        assert len(marked()) == 3
        kill(guard)
        assert wait_until(lambda: not marked())
        [recovered] = [each for each in recovery.recover(tmp_path / "state", None) if each.entry == "1"]
    assert recovered.state == "expired"


def test_its_time_is_over_without_anybody(tmp_path: Path) -> None:
    """A guard that stands still ends nothing; the alarms that were set at the start do."""
    command = [sys.executable, "-I", "-S", "-c", "import time; time.sleep(60)"]
    process = tagged.start("slochaos-alarm-test", command, lasts_s=0.1)
    assert process.wait(timeout=10) == -14
    assert not tagged.end("slochaos-alarm-test")


def test_workers_inherit_the_deadline() -> None:
    """Each worker has the alarm of its leader, so that killing the leader's parent is not the only end."""
    burn = catalogue.operation_from_json(
        {
            "kind": "host.cpu",
            "tag": "slochaos-deadline-test",
            "expires": time.time() + 1,
            "percent": 10,
            "workers": 2,
        }
    )
    burn.perform()
    assert len(tagged.find("slochaos-deadline-test")) == 3
    assert wait_until(lambda: not tagged.find("slochaos-deadline-test"), within_s=8)
    assert burn.undo(applied=True, last=True).end == "expired"


def test_a_stressor_that_somebody_kills_is_told(tmp_path: Path) -> None:
    """A fault that ended early is no verified undo: the end says so, and looks found nothing from then on."""
    with host_guard(tmp_path, cpu=True) as (_, client):
        state = client.inject("cpu", "host.cpu", {"load": "20%", "workers": 1}, 2.5)
        for process in marked():
            process.kill()
        ended = client.wait(state.id)
    assert ended.state == "superseded"
    assert ended.detail == "it was killed before its time"
    assert ended.seen < ended.looks


def test_an_undo_by_another_process_needs_the_record_only(tmp_path: Path) -> None:
    """Another process that reads the undo log ends every process of the fault, and may do so twice."""
    with host_guard(tmp_path, cpu=True) as (guard, client):
        client.inject("cpu", "host.cpu", {"load": "10%", "workers": 1}, 30)
        process = subprocess.run(
            [sys.executable, "-c", UNDO, marked()[0].environ()[tagged.MARK]],
            capture_output=True,
            text=True,
            check=True,
        )
        assert process.stdout.split() == ["undone", "expired"]
        assert not marked()
        guard.undo_all()


def test_the_command_by_hand_works(tmp_path: Path) -> None:
    """What a failed undo would print ends the fault, and nothing else."""
    with host_guard(tmp_path, cpu=True) as (_, client):
        state = client.inject("cpu", "host.cpu", {"load": "10%", "workers": 1}, 30)
        subprocess.run(["/bin/sh", "-c", state.by_hand], check=True)
        assert wait_until(lambda: not marked())


def test_only_where_the_environment_allows_it(tmp_path: Path) -> None:
    """Without `cpu: true` it is refused, and nothing is started."""
    with host_guard(tmp_path, memory=True) as (_, client):
        with pytest.raises(TargetNotAllowed, match=r"cpu: true under targets\.host"):
            client.inject("cpu", "host.cpu", {"load": "80%"}, 1)
        assert not marked()


def test_a_second_run_is_refused(tmp_path: Path) -> None:
    """This host's CPU belongs to one run at a time."""
    one, two = host_guard(tmp_path / "one", cpu=True), host_guard(tmp_path / "two", cpu=True)
    with one as (_, first), two as (_, second):
        first.inject("cpu", "host.cpu", {"load": "5%", "workers": 1}, 5)
        with pytest.raises(LockHeld, match=f"held by run host-{os.getpid()}"):
            second.inject("cpu", "host.cpu", {"load": "5%", "workers": 1}, 5)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({}, "needs the parameter 'load'"),
        ({"load": 80}, "no share above 0 %"),
        ({"load": "101%"}, "no share above 0 %"),
        ({"load": "80%", "workers": 0}, "no whole number from 1 to 1024"),
    ],
)
def test_wrong_parameters(given: dict[str, object], says: str) -> None:
    """Each mistake is named before anything runs."""
    with pytest.raises(InvalidInput, match=says):
        catalogue.traits("host.cpu", given)
