"""What a check has to say about a line of a file: the same shape for errors, warnings and lints."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from slochaos.errors import InvalidInput

Severity = Literal["error", "warning", "note"]

_PLACE = re.compile(r"(?P<file>[^\n]+?):(?P<line>[1-9][0-9]*): ")


@dataclass(frozen=True)
class Finding:
    """`rule` is a stable id; `line` counts from 1 (0: the whole file); `fix` says what would be right.

    `message` begins with the property's path where there is one.
    """

    rule: str
    severity: Severity
    file: str
    line: int
    message: str
    fix: str = ""

    @classmethod
    def at(cls, where: str, rule: str, severity: Severity, message: str, fix: str = "") -> Finding:
        """A finding at `file:line`, as values of this package carry it."""
        file, _, line = where.rpartition(":")
        return (
            cls(rule, severity, file, int(line), message, fix)
            if file
            else cls(rule, severity, where, 0, message, fix)
        )

    @classmethod
    def of(cls, problem: InvalidInput, rule: str, severity: Severity, file: str = "") -> Finding:
        """What an InvalidInput says. `file` is where it is put if its message does not begin with `file:line:`."""
        place = _PLACE.match(problem.message)
        if place is None:
            said = problem.message.removeprefix(file).removeprefix(":").strip()
            return cls(rule, severity, file, 0, said, problem.hint)
        message = problem.message[place.end() :]
        return cls(rule, severity, place["file"], int(place["line"]), message, problem.hint)

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{place}: {self.message}"
