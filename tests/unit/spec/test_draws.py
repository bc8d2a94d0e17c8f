"""Random failures: drawn from a pool, within its limits, and the same again by the same seed."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slochaos.errors import InvalidInput
from slochaos.spec.draws import read_pool

POOL = [
    {"toxic": "db_outage"},
    {"fault": "docker.pause", "target": "api"},
    {"fault": "host.cpu", "load": "80%"},
]
MINUTE: dict[str, Any] = {"pool": POOL, "duration": "60s"}


def test_the_same_seed_draws_the_same_on_every_python() -> None:
    """A draw is a promise: these were drawn when it was made."""
    drawn = [(each.item, each.round, each.starts_s) for each in read_pool(MINUTE).draws(7)]
    assert drawn == [(1, 1, 0.0), (2, 3, 20.0), (0, 4, 30.0), (1, 5, 40.0), (2, 6, 50.0)]
    assert [each.item for each in read_pool(MINUTE).draws(8)] != [item for item, _, _ in drawn]


def test_the_pools_own_seed_goes_before_the_runs() -> None:
    """An experiment that names its seed is the same in every run."""
    own = read_pool({**MINUTE, "seed": 7})
    assert own.draws(1) == own.draws(2) == read_pool(MINUTE).draws(7)


@given(
    seed=st.integers(0, 2**31 - 1),
    at_most=st.integers(1, 3),
    rounds=st.integers(1, 40),
    percent=st.integers(1, 100),
)
def test_limits_hold_whatever_is_drawn(seed: int, at_most: int, rounds: int, percent: int) -> None:
    """Never more than `at_most` in a round, none twice in it, each begun so that it ends within the duration."""
    pool = read_pool(
        {"pool": POOL, "duration": f"{10 * rounds}s", "at_most": at_most, "probability": f"{percent}%"}
    )
    drawn = pool.draws(seed)
    for number in {each.round for each in drawn}:
        items = [each.item for each in drawn if each.round == number]
        assert len(items) == len(set(items)) <= at_most
    assert all(each.starts_s + pool.lasts_s <= pool.duration_s for each in drawn)


def test_each_fault_comes_as_often_as_was_asked() -> None:
    """Over a thousand rounds without a limit, within five standard deviations of the probability."""
    pool = read_pool({**MINUTE, "duration": "10000s", "at_most": 3, "probability": "30%"})
    assert pool.probability == Fraction(3, 10)
    drawn = pool.draws(1)
    for item in range(3):
        assert abs(sum(each.item == item for each in drawn) - 300) < 5 * (1000 * 0.3 * 0.7) ** 0.5


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"pool": []}, "the pool is empty"),
        ({"pool": [{"target": "api"}]}, "names no fault"),
        ({"pool": [{"fault": "docker.pause", "toxic": "x"}]}, "names no fault"),
        ({"pool": [{"fault": "docker.pause", "duration": "5s"}]}, "said once, by `lasts`"),
        ({"lasts": "20s"}, "a round begins every 10s"),
        ({"duration": "4s"}, "holds no round"),
        ({"probability": "0%"}, "not above 0 %"),
        ({"probability": 0.5}, "no percentage"),
        ({"at_most": 4}, "from 1 to 3"),
        ({"seed": -1}, "seed: -1"),
        ({"every": 10}, "every: 10 is no duration"),
    ],
)
def test_what_cannot_be_meant_is_refused(change: dict[str, Any], message: str) -> None:
    """Each wrong argument is named."""
    with pytest.raises(InvalidInput, match=message):
        read_pool({**MINUTE, **change})
