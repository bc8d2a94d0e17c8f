"""Which faults there are, and the closed set of operations that an undo log may hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from slochaos.errors import InvalidInput, StateError
from slochaos.faults import nothing, toxiproxy, toxiproxy_lock
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


FAMILIES: dict[str, Family] = {"toxiproxy": toxiproxy.FAMILY, "nothing": nothing.FAMILY}
OPERATIONS: dict[str, type[Operation]] = {
    operation.kind: operation
    for operation in (toxiproxy.Toxics, toxiproxy.Outage, toxiproxy_lock.Lock, nothing.Nothing)
}


def family(kind: str) -> Family:
    """The family called `kind`. Raises InvalidInput with the kinds that exist."""
    found = FAMILIES.get(kind)
    if found is None:
        raise InvalidInput(
            f"there is no fault of kind {kind!r}", hint=f"kinds: {', '.join(sorted(FAMILIES))}"
        )
    return found


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
    if not isinstance(kind, str) or kind not in OPERATIONS:
        raise StateError(
            f"the undo log holds an operation of an unknown kind: {kind!r}",
            hint="was it written by a newer slochaos?",
        )
    return OPERATIONS[kind].from_json(data)
