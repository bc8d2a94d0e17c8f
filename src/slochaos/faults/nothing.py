"""The fault that changes nothing: placebos, and measuring what a run itself costs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from slochaos.faults.fault import Fault
from slochaos.faults.injection import Injection
from slochaos.faults.operation import Operation, Sight, Undone

if TYPE_CHECKING:
    from slochaos.faults.fault import Ticket
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

    def look(self) -> Sight | None:
        """There is no effect to see."""
        return None

    def by_hand(self) -> str:
        """Nothing to remove."""
        return "true"


class NothingFault(Fault):
    """The whole path of a fault, without a change."""

    kind = "nothing"
    summary = "changes nothing, through the whole path of a change"

    def prepare(self, given: Mapping[str, Any], environment: Environment, ticket: Ticket) -> Injection:
        """Nothing to find, nothing to hold."""
        return Injection.of_one("nothing", f"nothing-{ticket.number}", (Nothing(),))

    def entry(self, given: Mapping[str, Any], environment: Environment) -> str:
        """It needs no leave."""
        return "nothing is touched"

    def if_host_dies(self, given: Mapping[str, Any], within_s: float) -> str:
        """Nothing can be left."""
        return "changes nothing"


FAULT = NothingFault()
OPERATIONS = (Nothing,)
