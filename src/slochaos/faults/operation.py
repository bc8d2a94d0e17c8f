"""One change to one target, as data: what the undo log stores before anything is sent.

An operation is a frozen dataclass of plain values: no commands and no secrets. Any process can read it
back from the log, on this host, and undo it. `undo` compares before it writes, so that it can be repeated,
can race with another undo, and never touches what is no longer ours.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, ClassVar, Literal, Self

from slochaos.errors import StateError

_JSON_TYPES: dict[str, tuple[type, ...]] = {
    "str": (str,),
    "int": (int,),
    "bool": (bool,),
    "float": (float, int),
    "dict[str, Any]": (dict,),
}
"""How a field's type stands in the undo log; all others are lists."""

End = Literal["undone", "expired", "gone", "superseded"]


@dataclass(frozen=True)
class Undone:
    """How an undo ended, verified: `gone` = another identity or deleted, `superseded` = changed by others."""

    end: End
    detail: str = ""


@dataclass(frozen=True)
class Sight:
    """One look at a fault: whether its effect was seen, and how large it was (see `Operation.size_text`)."""

    seen: bool
    size: float | None = None


@dataclass(frozen=True)
class Operation(ABC):
    """Base of all operations. `kind` names the class in the undo log.

    `evidence_noun` completes "12 of 12 ..." for the looks that saw the effect; empty where nothing can be seen.
    """

    kind: ClassVar[str] = ""
    evidence_noun: ClassVar[str] = ""

    @property
    def settle_s(self) -> float:
        """How long a request whose answer was lost may still arrive after its undo, seconds."""
        return 3.0

    def check(self) -> None:  # noqa: B027 (most operations have nothing to look at beforehand)
        """See, without a change, that the target is what was allowed. Raises TargetNotAllowed, TargetError."""

    @abstractmethod
    def perform(self) -> None:
        """Send the change and read it back. Raises TargetError, or Refused when nothing was changed."""

    @abstractmethod
    def undo(self, *, applied: bool, last: bool) -> Undone:
        """Restore and verify.

        `applied`: the change was read back earlier. `last`: no call follows, so fences go too.

        Raises TargetError when the target does not answer or does not obey.
        """

    @abstractmethod
    def look(self) -> Sight | None:
        """Look for the effect itself, now; None when it cannot be told. Raises TargetError."""

    def size_text(self, size: float) -> str:
        """The looks' median size beside what was asked: "79.6 % of a CPU (asked: 80 %)"; empty without sizes."""
        return ""

    @abstractmethod
    def by_hand(self) -> str:
        """The shell command that removes the fault without slochaos."""

    def to_json(self) -> dict[str, Any]:
        """The operation as the undo log stores it."""
        return {"kind": self.kind, **asdict(self)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Read the operation back. Raises StateError for anything but exactly its fields."""
        names = {field.name for field in fields(cls)}
        values = {key: value for key, value in data.items() if key != "kind"}
        if set(values) != names:
            raise StateError(f"an undo record of kind {cls.kind} has other fields than {sorted(names)}")
        for field in fields(cls):
            if not isinstance(values[field.name], _JSON_TYPES.get(str(field.type), (list, tuple))):
                raise StateError(f"an undo record of kind {cls.kind} has no {field.type} as its {field.name}")
        return cls(**values)


@dataclass(frozen=True)
class TargetLock(Operation):
    """Base of the operations that hold a target for one run, on the target itself."""

    @property
    @abstractmethod
    def key(self) -> str:
        """What tells the held target from every other: where it lives, and its name there."""

    @property
    @abstractmethod
    def name(self) -> str:
        """What the lock is called where it lives."""

    @property
    @abstractmethod
    def place(self) -> str:
        """Where it lives: a server's URL, a folder."""

    @property
    @abstractmethod
    def target_name(self) -> str:
        """What is held, short enough for an entry's id."""

    @abstractmethod
    def held_by(self, run_id: str, expires_wall: int, host: str) -> Self:
        """The lock as this run takes it; whoever finds it after `expires_wall` (epoch seconds) may take it over."""
