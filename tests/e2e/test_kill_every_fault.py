"""The kill test for every other kind of fault: whoever dies, whenever, each target is as it was."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from tests.kill_campaign import SIGNALS, VICTIMS, Campaign, Case, RigSubject, table
from tests.rigs import RIGS, ProxyRig, rigged

OTHERS = sorted(name for name, rig in RIGS.items() if not issubclass(rig, ProxyRig))
IN_TEST = 2
IN_SOAK = len(VICTIMS) * len(SIGNALS) * 2
STEP = 11
"""Prime to the number of combinations: few seeds in a row then differ in victims and signal."""


def seeds(name: str, count: int) -> list[int]:
    """So many for each kind, different ones for each: together they cover every pair of victims and signal."""
    first = OTHERS.index(name) * IN_TEST * STEP
    return [first + number * STEP for number in range(count)]


def kill(name: str, count: int, request: pytest.FixtureRequest, folder: Path) -> None:
    """So many runs with this fault, each killed in its own way, one after the other."""
    outcomes = []
    for seed in seeds(name, count):
        case = replace(Case.of(seed, name), api="healthy")
        own = folder / str(seed)
        own.mkdir()
        with rigged(name, request, own) as rig:
            subject = RigSubject(rig)
            # What does not expire is not waited for.
            case = replace(case, wait_for_expiry=case.wait_for_expiry and subject.expires)
            outcomes.append(Campaign(own).execute(case, subject))
            assert subject.neighbour_untouched(), f"the neighbour was touched: {outcomes[-1]}"
    print("\n" + table(outcomes))
    for outcome in outcomes:
        assert outcome.clean_s is not None, f"a fault was left behind: {outcome}"
        assert outcome.by != "nobody", f"a fault was left behind: {outcome}"
        assert outcome.left_processes == [], f"a process was left behind: {outcome}"
        assert outcome.recorded, f"the run left no record: {outcome}"
        assert outcome.next_exit in (0, 3), f"the next run failed: {outcome}"


@pytest.mark.parametrize("name", OTHERS)
def test_nothing_survives_a_kill(
    name: str, request: pytest.FixtureRequest, tmp_path: Path, tools_on_path: object
) -> None:
    """A few seeded cases of each kind; all kinds together meet every pair of victims and signal."""
    kill(name, IN_TEST, request, tmp_path)


@pytest.mark.soak
@pytest.mark.parametrize("name", OTHERS)
def test_nothing_survives_any_kill(
    name: str, request: pytest.FixtureRequest, tmp_path: Path, tools_on_path: object
) -> None:
    """Every pair of victims and signal twice, for each kind; KILL_CASES=N takes fewer."""
    kill(name, int(os.environ.get("KILL_CASES", IN_SOAK)), request, tmp_path)
