"""What every fault promises, whatever it breaks: the same tests for each kind, on a real target of that kind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from slochaos.errors import SlochaosError, TargetNotAllowed
from slochaos.faults import prepare
from slochaos.faults.catalogue import FAULTS, operation_from_json
from slochaos.faults.fault import Ticket
from slochaos.faults.operation import Operation, Undone
from slochaos.guard.client import Guard, connect
from slochaos.guard.recovery import recover
from slochaos.spec.environment import Environment
from tests.guarded import make_config, wait_until
from tests.rigs import EFFECT_S, RIGS, WITHOUT, Rig, rigged

UNDO_IN_ANOTHER_PROCESS = """
import json, sys
from slochaos.faults.catalogue import operation_from_json
print(operation_from_json(json.loads(sys.argv[1])).undo(applied=True, last=True).end)
"""


@pytest.fixture(params=sorted(RIGS))
def rig(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Rig]:
    with rigged(request.param, request, tmp_path) as made:
        made.hit()
        yield made


REPLACEABLE = sorted(name for name, rig in RIGS.items() if rig.replaceable)
MEDDLED = sorted(name for name, rig in RIGS.items() if rig.meddle is not Rig.meddle)


def test_every_kind_of_fault_has_a_rig() -> None:
    """A fault that is listed without being tried here would be a promise that nobody checked."""
    assert {rig.kind for rig in RIGS.values()} | set(WITHOUT) == set(FAULTS)


def test_it_is_felt_it_is_seen_and_it_ends(rig: Rig, tmp_path: Path) -> None:
    """Through a real guard: an effect, evidence of it, and everything as it was; the neighbour notices nothing."""
    before, beside = rig.state(), rig.neighbour()
    guard = Guard.start(make_config(tmp_path, rig.environment(), kinds=(rig.kind,)))
    client = connect(guard.socket)
    try:
        applied = client.inject("fault", rig.kind, rig.parameters, 2.5)
        felt = wait_until(rig.hit, EFFECT_S)
        ended = client.wait(applied.id)
    finally:
        client.close()
        guard.finish()
    assert felt
    assert ended.state == "undone", ended
    assert ended.seen > 0, ended
    assert ended.evidence
    assert ended.by_hand
    assert wait_until(lambda: bool(rig.state() == before)), (rig.state(), before)
    assert rig.neighbour() == beside


def test_two_undos_do_no_more_than_one(rig: Rig) -> None:
    """One after the other, and both at once: the target is as it was, and neither fails."""
    before, beside = rig.state(), rig.neighbour()
    change = rig.operation()
    change.perform()
    assert wait_until(rig.hit, EFFECT_S)
    ends = at_once(change, change)
    ends.append(change.undo(applied=False, last=True))
    assert all(isinstance(each, Undone) for each in ends), ends
    assert wait_until(lambda: bool(rig.state() == before)), (rig.state(), before)
    assert rig.neighbour() == beside


def test_another_process_undoes_it_from_its_record_alone(rig: Rig) -> None:
    """What the undo log stores is enough: no memory of the process that injected is needed."""
    before = rig.state()
    change = rig.operation()
    stored = json.dumps(change.to_json())
    assert operation_from_json(json.loads(stored)) == change
    change.perform()
    assert wait_until(rig.hit, EFFECT_S)
    done = subprocess.run(
        [sys.executable, "-c", UNDO_IN_ANOTHER_PROCESS, stored], capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == "undone", done.stderr
    assert wait_until(lambda: bool(rig.state() == before))
    change.undo(applied=False, last=True)  # the process that injected finds nothing to do
    assert rig.state() == before


def test_an_undo_before_anything_was_sent_changes_nothing(rig: Rig) -> None:
    """An intent that nothing followed is undone by looking."""
    before, beside = rig.state(), rig.neighbour()
    assert rig.operation().undo(applied=False, last=True).end == "undone"
    assert rig.state() == before
    assert rig.neighbour() == beside


@pytest.mark.parametrize("rig", REPLACEABLE, indirect=True)
def test_a_target_that_is_gone_is_told_so(rig: Rig) -> None:
    """Only the target's own word says that there is nothing left to undo."""
    change = rig.operation()
    change.perform()
    rig.remove()
    assert change.undo(applied=True, last=True).end == "gone"


@pytest.mark.parametrize("rig", REPLACEABLE, indirect=True)
def test_another_target_of_the_same_name_is_not_touched(rig: Rig) -> None:
    """Identity decides, not the name: what took the target's place keeps what it has."""
    change = rig.operation()
    change.perform()
    theirs = rig.replace()
    assert change.undo(applied=True, last=True).end == "gone"
    assert rig.state() == theirs


@pytest.mark.parametrize("rig", MEDDLED, indirect=True)
def test_what_an_operator_did_meanwhile_stays(rig: Rig) -> None:
    """Who ended the fault by hand finds everything as he left it."""
    change = rig.operation()
    change.perform()
    assert wait_until(rig.hit, EFFECT_S)
    rig.meddle()
    theirs = rig.state()
    assert change.undo(applied=True, last=True).end == "superseded"
    assert rig.state() == theirs


def test_outside_the_allow_list_nothing_is_touched(rig: Rig) -> None:
    """An environment that does not list the target refuses the fault before anything is asked."""
    before = rig.state()
    with pytest.raises(TargetNotAllowed):
        prepare(rig.kind, rig.parameters, Environment("empty", Path("empty.yaml")), Ticket("r", 1, 1))
    assert rig.state() == before


def test_when_every_process_of_ours_dies_it_ends_or_is_recovered(rig: Rig, tmp_path: Path) -> None:
    """SIGKILL for the guard: what expires is gone by then by itself, the rest goes with one command."""
    before, beside = rig.state(), rig.neighbour()
    config = make_config(tmp_path, rig.environment(), kinds=(rig.kind,))
    guard = Guard.start(config)
    client = connect(guard.socket)
    client.inject("fault", rig.kind, rig.parameters, 1.0)
    assert wait_until(rig.hit, EFFECT_S)
    os.kill(guard.pid, signal.SIGKILL)
    guard._kill()
    client.close()
    if rig.expires:
        assert wait_until(lambda: not rig.hit(), 15.0), "it did not end by itself"
    done = recover(config.state_dir)
    assert all(each.ok for each in done), done
    assert wait_until(lambda: bool(rig.state() == before)), (rig.state(), before)
    assert rig.neighbour() == beside


def at_once(*changes: Operation) -> list[Undone | SlochaosError]:
    """Undo all of these at the same time."""
    ends: list[Undone | SlochaosError] = []
    gate = threading.Barrier(len(changes))

    def undo(change: Operation) -> None:
        gate.wait()
        until = time.monotonic() + 10
        while True:
            try:
                ends.append(change.undo(applied=True, last=True))
            except SlochaosError as error:  # the guard tries again, and so does this
                if time.monotonic() > until:
                    ends.append(error)
                    return
                time.sleep(0.1)
            else:
                return

    threads = [threading.Thread(target=undo, args=(change,)) for change in changes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return ends
