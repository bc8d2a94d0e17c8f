"""What a fault takes from an experiment: declared once as a dataclass, read with every mistake named.

    @dataclass(frozen=True)
    class Load:
        load: Fraction = parameter(share)
        workers: int = parameter(whole(1, 1024), default=1)

`read(Load, {"load": "80%"}, "host.cpu")` gives a `Load`, or raises InvalidInput that says which parameter
is wrong and what would be right.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import MISSING, field, fields
from fractions import Fraction
from typing import Any, TypeVar

from slochaos.errors import InvalidInput
from slochaos.faults.blast_radius import read_reach
from slochaos.spec.durations import parse_exact
from slochaos.spec.nearest import did_you_mean

P = TypeVar("P")
Parse = Callable[[Any], Any]

_SIZE = re.compile(r"([0-9]{1,15}) ?(B|KiB|MiB|GiB|TiB|kB|MB|GB|TB)?")
_UNITS: dict[str | None, int] = {
    None: 1,
    "B": 1,
    **{f"{letter}iB": 1024 ** (power + 1) for power, letter in enumerate("KMGT")},
    **{f"{letter}B": 1000 ** (power + 1) for power, letter in enumerate("kMGT")},
}


def parameter(parse: Parse, *, default: Any = MISSING) -> Any:
    """A field of a fault's parameters; without a default it has to be given."""
    return field(default=default, metadata={"parse": parse})


def read(kind: str, declared: type[P], given: Mapping[str, Any]) -> P:
    """The parameters of a fault. Raises InvalidInput naming the one that is unknown, missing or wrong."""
    known = {each.name: each for each in fields(declared)}  # type: ignore[arg-type]
    for name in given:
        if name not in known:
            hint = did_you_mean(name, known) or f"it takes {', '.join(known) or 'none'}"
            raise InvalidInput(f"the fault {kind} has no parameter {name!r}", hint=hint)
    values = {}
    for name, each in known.items():
        if name in given:
            try:
                values[name] = each.metadata["parse"](given[name])
            except InvalidInput as problem:
                raise InvalidInput(
                    f"the parameter {name!r} of {kind}: {problem.message}", hint=problem.hint
                ) from problem
        elif each.default is MISSING:
            raise InvalidInput(f"the fault {kind} needs the parameter {name!r}")
    return declared(**values)


def text(value: Any) -> str:
    """Text that is not empty, and that no terminal or command line can misunderstand."""
    if not isinstance(value, str) or not value.strip():
        raise InvalidInput(f"{value!r} is no text", hint="put it in quotes")
    if any(ord(letter) < 32 or ord(letter) == 127 for letter in value) or value.startswith("-"):
        raise InvalidInput(f"{value!r} begins with a dash or holds a control character")
    return value


def flag(value: Any) -> bool:
    """`true` or `false`."""
    if not isinstance(value, bool):
        raise InvalidInput(f"{value!r} is neither true nor false")
    return value


def one_of(*choices: str) -> Parse:
    """One of a few words."""

    def parse(value: Any) -> str:
        if value not in choices:
            raise InvalidInput(f"{value!r} is not one of {', '.join(choices)}")
        return str(value)

    return parse


def whole(least: int, most: int) -> Parse:
    """A whole number within bounds."""

    def parse(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise InvalidInput(f"{value!r} is no whole number from {least} to {most}")
        return value

    return parse


def share(value: Any) -> Fraction:
    """`"80%"` as 4/5: above 0 %, at most 100 %, exactly as written."""
    match = re.fullmatch(r"([0-9]{1,3}(?:\.[0-9]{1,6})?) ?%", value) if isinstance(value, str) else None
    found = Fraction(match[1]) / 100 if match else Fraction(0)
    if not 0 < found <= 1:
        raise InvalidInput(f"{value!r} is no share above 0 %", hint='for example "80%"')
    return found


def duration(least_s: float = 0.0, most_s: float = 86_400.0) -> Parse:
    """A time with its unit (`"100ms"`, `"2s"`), in seconds, within bounds."""

    def parse(value: Any) -> float:
        if not isinstance(value, str):
            raise InvalidInput(
                f"{value!r} is no time", hint='a number with its unit in quotes, such as "100ms"'
            )
        seconds = float(parse_exact(value))
        if not least_s <= seconds <= most_s:
            raise InvalidInput(f"{value!r} is not from {least_s:g} s to {most_s:g} s")
        return seconds

    return parse


def size(value: Any) -> int:
    """`"512MiB"`, `"2GB"` or a number of bytes, in bytes."""
    match = (
        _SIZE.fullmatch(str(value)) if isinstance(value, str | int) and not isinstance(value, bool) else None
    )
    if match is None or int(match[1]) == 0:
        raise InvalidInput(f"{value!r} is no size", hint='for example "512MiB"')
    return int(match[1]) * _UNITS[match[2]]


def reach(value: Any) -> Any:
    """How many members of a target: a number, a share, or "all" (`blast_radius.Reach`)."""
    return read_reach(value)
