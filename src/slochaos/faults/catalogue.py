"""Which faults there are, and the closed set of operations that an undo log may hold.

A family's module is imported when it is first asked for, with the libraries that reach its targets: a run
pays for the faults that it injects.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Protocol

from slochaos.errors import InvalidInput, StateError
from slochaos.faults.operation import Injection, Operation
from slochaos.spec.environment import Environment


@dataclass(frozen=True)
class Ticket:
    """Who injects, and until when: `number` counts a run's injections, `expires_wall` is an epoch second."""

    run_id: str
    number: int
    expires_wall: int


class Family(Protocol):
    """What a module of this package offers."""

    def check(self, parameters: Mapping[str, Any]) -> None:
        """Raise InvalidInput for parameters that this fault cannot take."""

    def prepare(self, parameters: Mapping[str, Any], environment: Environment, ticket: Ticket) -> Injection:
        """Resolve the target against the allow-list. Raises TargetNotAllowed; touches nothing."""

    def if_host_dies(self, parameters: Mapping[str, Any], within_s: float) -> str:
        """What becomes of the fault if this host dies while it is in force."""


MODULES = {"toxiproxy": "slochaos.faults.toxiproxy", "nothing": "slochaos.faults.nothing"}
"""By kind of fault the module that has its `FAMILY`, and its `OPERATIONS`, of which each kind is "KIND" or "KIND.x"."""


def family(kind: str) -> Family:
    """The family called `kind`. Raises InvalidInput with the kinds that exist."""
    if kind not in MODULES:
        raise InvalidInput(f"there is no fault of kind {kind!r}", hint=f"kinds: {', '.join(sorted(MODULES))}")
    found: Family = import_module(MODULES[kind]).FAMILY
    return found


def operations(kind: str) -> Mapping[str, type[Operation]]:
    """The operations of the faults of `kind`, by their own kind. Empty for a kind that does not exist."""
    if kind not in MODULES:
        return {}
    found: tuple[type[Operation], ...] = import_module(MODULES[kind]).OPERATIONS
    return {operation.kind: operation for operation in found}


def load(kinds: Iterable[str]) -> None:
    """Import now what injecting and undoing these faults takes."""
    for kind in kinds:
        family(kind)


def check(kind: str, parameters: Mapping[str, Any]) -> None:
    """Raise InvalidInput unless `parameters` fit the fault."""
    family(kind).check(parameters)


def prepare(kind: str, parameters: Mapping[str, Any], environment: Environment, ticket: Ticket) -> Injection:
    """The injection that `kind` with `parameters` means in this environment. Touches nothing."""
    chosen = family(kind)
    chosen.check(parameters)
    return chosen.prepare(parameters, environment, ticket)


def if_host_dies(kind: str, parameters: Mapping[str, Any], within_s: float) -> str:
    """What becomes of the fault if this host dies: "gone after 25 s" or "stays until recovered"."""
    return family(kind).if_host_dies(parameters, within_s)


def operation_from_json(data: Mapping[str, Any]) -> Operation:
    """An operation of the closed set, read from an undo log. Raises StateError for any other."""
    kind = data.get("kind")
    known = operations(str(kind).partition(".")[0])
    if not isinstance(kind, str) or kind not in known:
        raise StateError(
            f"the undo log holds an operation of an unknown kind: {kind!r}",
            hint="was it written by a newer slochaos?",
        )
    return known[kind].from_json(data)
