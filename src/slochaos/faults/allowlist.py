"""Finding what an experiment names in an environment's allow-list: for every family alike."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol, TypeVar

from slochaos.errors import TargetNotAllowed
from slochaos.spec.environment import Environment
from slochaos.spec.nearest import nearest


class Named(Protocol):
    """An entry of the allow-list."""

    @property
    def name(self) -> str:
        """What experiments call it."""


N = TypeVar("N", bound=Named)


def listed(name: str, entries: Iterable[N], environment: Environment, *, what: str, under: str) -> N:
    """The entry of that name. `what` says what it would be, `under` where in `targets` it would stand.

    Raises TargetNotAllowed with the names that are there.
    """
    known = {entry.name: entry for entry in entries}
    if name not in known:
        others = ", ".join(sorted(known)) or "none"
        raise TargetNotAllowed(
            f"the environment {environment.name!r} does not allow faults on the {what} {name!r}",
            hint=nearest(name, known)
            or f"allowed: {others}; list it under targets.{under} in {environment.path}",
        )
    return known[name]
