"""The fault that changes nothing: placebos, and measuring what a run itself costs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from slochaos.errors import InvalidInput
from slochaos.faults.operation import Injection, Operation, Undone

if TYPE_CHECKING:
    from slochaos.faults.catalogue import Ticket
    from slochaos.spec.environment import Environment


@dataclass(frozen=True)
class Nothing(Operation):
    """No change at all, through the whole path of a change."""

    kind: ClassVar[str] = "nothing"

    def perform(self) -> None:
        """Change nothing."""

    def undo(self, *, applied: bool, last: bool) -> Undone:
        """Nothing to restore."""
        return Undone("undone")

    def in_force(self) -> bool | None:
        """There is no effect to see."""
        return None

    def by_hand(self) -> str:
        """Nothing to remove."""
        return "true"


class _Family:
    def check(self, parameters: Mapping[str, Any]) -> None:
        if parameters:
            raise InvalidInput(f"the fault `nothing` takes no parameters, got {sorted(parameters)}")

    def prepare(self, parameters: Mapping[str, Any], environment: Environment, ticket: Ticket) -> Injection:
        return Injection(target="nothing", queue=f"nothing-{ticket.number}", operations=(Nothing(),))

    def if_host_dies(self, parameters: Mapping[str, Any], within_s: float) -> str:
        return "changes nothing"


FAMILY = _Family()
OPERATIONS = (Nothing,)
