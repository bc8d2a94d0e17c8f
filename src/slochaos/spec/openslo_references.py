"""Names that OpenSLO objects refer to each other by, across all files that are read together."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Generic, TypeVar

from slochaos.spec.alerts import AlertCondition, AlertPolicy, NotificationTarget
from slochaos.spec.fields import Field
from slochaos.spec.nearest import did_you_mean
from slochaos.spec.objectives import Indicator
from slochaos.spec.openslo_metadata import name_of
from slochaos.spec.openslo_profile import Consequence, Reading

T = TypeVar("T")


@dataclass(frozen=True)
class DataSource:
    """A data source: what kind of system it is. Its connection stands in the environment, never here."""

    name: str
    type: str
    display_name: str = ""
    where: str = ""


@dataclass
class Names(Generic[T]):
    """Objects of one kind by name; None for one whose own error is reported already."""

    kind: str
    known: dict[str, T | None] = field(default_factory=dict)

    def find(self, reference: Field, reading: Reading) -> T:
        """The object that a reference names. Raises InvalidInput, or Consequence where that object is broken."""
        name = name_of(reference, reading)
        if name not in self.known:
            hint = did_you_mean(name, self.known) or "add the file that declares it"
            raise reference.error(f"there is no {self.kind} {name!r} in the given files", hint)
        found = self.known[name]
        if found is None:
            raise Consequence(f"{reference.where}: the {self.kind} {name!r} is not valid")
        return found


@dataclass
class References:
    """Everything that can be referred to."""

    data_sources: Names[DataSource] = field(default_factory=lambda: Names("DataSource"))
    indicators: Names[Indicator] = field(default_factory=lambda: Names("SLI"))
    conditions: Names[AlertCondition] = field(default_factory=lambda: Names("AlertCondition"))
    targets: Names[NotificationTarget] = field(default_factory=lambda: Names("AlertNotificationTarget"))
    policies: Names[AlertPolicy] = field(default_factory=lambda: Names("AlertPolicy"))
