"""How far a fault may go, for every family alike: how many targets, what share of them, what has to stay.

Whatever a fault is asked to hit passes `choose`. Nothing to hit is a refusal: a fault without a target would
pass as a system that withstood it.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol, TypeVar

from slochaos.errors import InvalidInput, Refused
from slochaos.spec.environment import Caps


class Hittable(Protocol):
    """What can be chosen: `key` tells it from all others."""

    @property
    def key(self) -> str:
        """What tells it from all others."""


H = TypeVar("H", bound=Hittable)


@dataclass(frozen=True)
class Reach:
    """How many members of a target a fault asks for: a `count`, or a `share` (0-1) of them, rounded up."""

    count: int = 1
    share: Fraction | None = None

    def of(self, members: int) -> int:
        """How many of so many members are meant."""
        return self.count if self.share is None else math.ceil(self.share * members)


def read_reach(given: str | int | None) -> Reach:
    """`3`, `"50%"` or `"all"` as an experiment writes them; one when nothing is said. Raises InvalidInput."""
    if given is None:
        return Reach()
    if isinstance(given, int) and not isinstance(given, bool) and given >= 1:
        return Reach(count=given)
    text = str(given).strip()
    if text == "all":
        return Reach(share=Fraction(1))
    number, percent = text.removesuffix("%").strip(), text.endswith("%")
    if number.isascii() and number.isdigit() and int(number) >= 1:
        if not percent:
            return Reach(count=int(number))
        if int(number) <= 100:
            return Reach(share=Fraction(int(number), 100))
    raise InvalidInput(f"{text!r} is no number of targets", hint='a number, a share such as "50%", or "all"')


def choose(
    target: str, members: Sequence[H], reach: Reach, *, caps: Caps, spare: int, taken: Collection[str]
) -> tuple[H, ...]:
    """The members to hit, by key, those first that no fault of this run has hit already (`taken`: their keys).

    Raises Refused: nothing there, fewer there than asked for, more than `caps` allow, or fewer than `spare`
    left untouched.
    """
    wanted = reach.of(len(members))
    if not members:
        raise Refused(
            f"{target}: there is nothing that it could hit",
            hint="see what the environment's entry stands for: slochaos doctor --environment NAME",
            reason="no-target",
        )
    if wanted > len(members):
        raise Refused(f"{target}: {wanted} are asked for, and there are {len(members)}", reason="no-target")
    fresh_first = sorted(members, key=lambda member: (member.key in taken, member.key))
    chosen = tuple(fresh_first[:wanted])
    hit_keys = {*taken, *(member.key for member in chosen)}
    hit = len(hit_keys & {member.key for member in members})
    if len(hit_keys) > caps.max_targets:
        raise Refused(
            f"{target}: {len(hit_keys)} targets of the run would be hit at once, "
            f"and the environment allows {caps.max_targets}",
            hint="ask for fewer, or raise caps.max_targets in the environment",
            reason="cap",
        )
    if len(members) > 1 and 100 * hit > caps.max_share_percent * len(members):
        raise Refused(
            f"{target}: {hit} of {len(members)} hit at once, and the environment allows "
            f"{caps.max_share_percent} % of a group",
            hint="ask for fewer, or raise caps.max_share in the environment",
            reason="cap",
        )
    if len(members) - hit < spare:
        raise Refused(
            f"{target}: {hit} of {len(members)} hit leave {len(members) - hit}, and {spare} have to stay untouched",
            hint="ask for fewer, or lower `spare` of its entry in the environment",
            reason="redundancy",
        )
    return chosen
