"""How strictly OpenSLO is read, and what was found wrong.

`strict` is the specification as its SDK enforces it. `lenient` also takes the mistakes that published documents
make, each with a warning. What cannot be understood is an error in both.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import TypeVar

from slochaos.errors import InvalidInput
from slochaos.spec.fields import Field, Section

T = TypeVar("T")


class NotMeasurable(InvalidInput):
    """Sound OpenSLO about a source that slochaos cannot read; the lenient profile leaves its objectives out."""


class Consequence(InvalidInput):
    """An error that follows from another one, which is reported already."""


@dataclass
class Reading:
    """One reading of a set of files: the profile, the errors (one per object at most) and the warnings."""

    lenient: bool = False
    errors: list[InvalidInput] = field(default_factory=list)
    warnings: list[InvalidInput] = field(default_factory=list)

    def mistake(self, problem: InvalidInput) -> None:
        """Raise what the strict profile refuses; the lenient one keeps it as a warning and goes on."""
        if not self.lenient:
            raise problem
        self.warnings.append(problem)

    def section(
        self, fields: Field, *, required: Collection[str] = (), optional: Collection[str] = ()
    ) -> Section:
        """A mapping with these fields; others are a mistake."""
        return fields.section(required=required, optional=optional, unknown=self.mistake)

    def attempt(self, read: Callable[[], T]) -> T | None:
        """What `read` gives; None, and an error more, where it raises InvalidInput, so that other objects are read."""
        try:
            return read()
        except Consequence:
            return None
        except NotMeasurable as problem:
            (self.warnings if self.lenient else self.errors).append(problem)
        except InvalidInput as problem:
            self.errors.append(problem)
        return None
