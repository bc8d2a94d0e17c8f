"""Random failures: which faults of a pool come when, drawn by a seed, so that the same seed draws the same."""

from __future__ import annotations

import json
import random
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from slochaos.errors import InvalidInput
from slochaos.spec.durations import format_duration, parse_duration

LARGEST_SEED = 2**31 - 1
MAX_ROUNDS = 1000
DEFAULTS: Mapping[str, Any] = {
    "every": "10s",
    "lasts": "5s",
    "probability": "50%",
    "at_most": 1,
    "seed": None,
}
"""What `random_failures` does where its caller says nothing."""


@dataclass(frozen=True)
class Draw:
    """One fault that is drawn: its place in the pool, the round (from 1), and its start in seconds from the first."""

    item: int
    round: int
    starts_s: float


@dataclass(frozen=True)
class Pool:
    """What may be drawn, and how often. `every_s` seconds a round begins, in which each fault of the pool, in an
    order that is drawn too, comes with `probability`, until `at_most` have; each lasts `lasts_s`.
    """

    items: tuple[Mapping[str, Any], ...]
    duration_s: float
    every_s: float
    lasts_s: float
    probability: Fraction
    at_most: int
    seed: int | None = None

    def draws(self, seed: int) -> tuple[Draw, ...]:
        """The faults in the order of their starts; the pool's own seed goes before `seed`."""
        chosen = seed if self.seed is None else self.seed
        # Mersenne Twister from text, and its random() only: the same in every version of Python.
        source = random.Random(f"{chosen} {json.dumps(self.items, sort_keys=True, default=str)}")
        found: list[Draw] = []
        for number in range(1, self._rounds() + 1):
            order = sorted(range(len(self.items)), key=lambda _: source.random())
            hits = [item for item in order if source.random() < self.probability][: self.at_most]
            found += [Draw(item, number, (number - 1) * self.every_s) for item in hits]
        return tuple(found)

    def _rounds(self) -> int:
        """As many as begin and end within the duration."""
        return int((self.duration_s - self.lasts_s) / self.every_s + 1e-9) + 1


def new_seed() -> int:
    """A seed for a run that was given none."""
    return secrets.randbelow(LARGEST_SEED)


def read_pool(given: Mapping[str, Any]) -> Pool:
    """The arguments of `random_failures`, checked; those that are left out are its own. Raises InvalidInput."""
    asked = {**DEFAULTS, **given}
    items = _items(asked["pool"])
    found = Pool(
        items=items,
        duration_s=_seconds("duration", asked["duration"]),
        every_s=_seconds("every", asked["every"]),
        lasts_s=_seconds("lasts", asked["lasts"]),
        probability=_probability(asked["probability"]),
        at_most=_whole("at_most", asked["at_most"], 1, len(items)),
        seed=None if asked["seed"] is None else _whole("seed", asked["seed"], 0, LARGEST_SEED),
    )
    if found.lasts_s > found.every_s:
        raise InvalidInput(
            f"each fault lasts {format_duration(found.lasts_s)}, and a round begins every "
            f"{format_duration(found.every_s)}",
            hint="make `lasts` at most as long as `every`, so that no more than `at_most` are in force at once",
        )
    if found.duration_s < found.lasts_s or found.duration_s / found.every_s > MAX_ROUNDS:
        raise InvalidInput(f"the duration holds no round, or more than {MAX_ROUNDS}")
    return found


def _items(pool: Any) -> tuple[Mapping[str, Any], ...]:
    if not isinstance(pool, list | tuple) or not pool:
        raise InvalidInput("the pool is empty", hint='"pool": [{"fault": "docker.pause", "target": "api"}]')
    for each in pool:
        named = [
            name
            for name in ("fault", "toxic")
            if isinstance(each, Mapping) and isinstance(each.get(name), str)
        ]
        if len(named) != 1:
            raise InvalidInput(
                f"{str(each)[:60]} names no fault",
                hint='each of the pool has "fault": KIND or "toxic": PRESET',
            )
        if {"duration", "pool"} & set(each):
            raise InvalidInput(f"{each[named[0]]}: how long each lasts is said once, by `lasts`")
    return tuple(pool)


def _seconds(name: str, text: Any) -> float:
    if not isinstance(text, str):
        raise InvalidInput(f"{name}: {text!r} is no duration", hint='in quotes, with its unit: "10s"')
    seconds = parse_duration(text)
    if seconds <= 0:
        raise InvalidInput(f"{name}: {text!r} is no time above 0")
    return seconds


def _probability(text: Any) -> Fraction:
    number = str(text).removesuffix("%").strip()
    if not isinstance(text, str) or not text.endswith("%") or not number.replace(".", "", 1).isdigit():
        raise InvalidInput(f"probability: {text!r} is no percentage", hint='such as "50%"')
    found = Fraction(number) / 100
    if not 0 < found <= 1:
        raise InvalidInput(f"probability: {text!r} is not above 0 % and at most 100 %")
    return found


def _whole(name: str, value: Any, least: int, most: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise InvalidInput(f"{name}: {value!r} is no whole number from {least} to {most}")
    return value
