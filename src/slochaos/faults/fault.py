"""The base of every fault: one module each, with its parameters, its operations and how it ends by itself."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from slochaos.faults import parameters as declared
from slochaos.faults.injection import Injection
from slochaos.spec.environment import Environment
from slochaos.spec.experiment import FaultTraits


@dataclass(frozen=True)
class Ticket:
    """Who injects, and until when: `number` counts a run's injections, `expires_wall` is an epoch second."""

    run_id: str
    number: int
    expires_wall: int

    @property
    def tag(self) -> str:
        """What marks everything that belongs to this injection, wherever it lives: owner and expiry."""
        return f"slochaos-{self.run_id}-{self.number}-x{self.expires_wall}"


@dataclass(frozen=True)
class NoParameters:
    """For faults that take none."""


class Fault(ABC):
    """One kind of fault. `kind` is its name in experiments, `summary` completes "this fault ..."."""

    kind: ClassVar[str]
    summary: ClassVar[str]
    parameters: ClassVar[type] = NoParameters

    def load(self) -> None:  # noqa: B027 (most need nothing that is not imported with their module)
        """Import now what injecting and undoing takes: an undo must not depend on what can be imported later."""

    def read(self, given: Mapping[str, Any]) -> Any:
        """An instance of `parameters`. Raises InvalidInput."""
        return declared.read(self.kind, self.parameters, given)

    def traits(self, given: Mapping[str, Any]) -> FaultTraits:
        """What plans and checks have to know of these parameters. Raises InvalidInput; knows no environment."""
        self.read(given)
        return FaultTraits(target=str(given.get("target", self.kind)))

    @abstractmethod
    def prepare(self, given: Mapping[str, Any], environment: Environment, ticket: Ticket) -> Injection:
        """Find the allow-list's entry and make the injection ready. Raises TargetNotAllowed; touches nothing."""

    @abstractmethod
    def entry(self, given: Mapping[str, Any], environment: Environment) -> str:
        """The allow-list's entry that allows it, as a plan shows it; empty when there is none."""

    @abstractmethod
    def if_host_dies(self, given: Mapping[str, Any], within_s: float) -> str:
        """What becomes of it if this host dies while it is in force: "gone after 25 s", "stays until recovered"."""
