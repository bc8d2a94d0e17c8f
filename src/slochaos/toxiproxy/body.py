"""JSON bodies of requests, read strictly. All functions raise ApiError 400."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NoReturn

from slochaos.toxiproxy.errors import bad_body

INT64_MAX = 2**63 - 1


def parse(text: bytes) -> Any:
    """The JSON document; NaN and infinities are no JSON."""
    if not text.strip():
        raise bad_body("EOF")
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise bad_body(str(error) or "nested too deeply") from error


def parse_object(text: bytes) -> dict[str, Any]:
    """The JSON object."""
    return as_object(parse(text), "the body")


def as_object(value: Any, what: str) -> dict[str, Any]:
    """`value`, which has to be an object."""
    if not isinstance(value, dict):
        raise bad_body(f"{what} is an object, not {_kind(value)}")
    return value


def text(fields: Mapping[str, Any], name: str, default: str) -> str:
    """A string; absent and null mean the default."""
    value = fields.get(name)
    if value is None:
        return default
    if not isinstance(value, str):
        raise bad_body(f"{name} is a string, not {_kind(value)}")
    return value


def flag(fields: Mapping[str, Any], name: str, default: bool) -> bool:
    """A boolean; absent and null mean the default."""
    value = fields.get(name)
    if value is None:
        return default
    if not isinstance(value, bool):
        raise bad_body(f"{name} is a boolean, not {_kind(value)}")
    return value


def fraction(fields: Mapping[str, Any], name: str, default: float) -> float:
    """A finite number; absent and null mean the default."""
    value = fields.get(name)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > 3e38:
        raise bad_body(f"{name} is a number, not {_kind(value)}")
    return float(value)


def integer(fields: Mapping[str, Any], name: str, default: int) -> int:
    """A whole number of 64 bits; absent and null mean the default."""
    value = fields.get(name)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) > INT64_MAX:
        raise bad_body(f"{name} is a whole number, not {_kind(value)}")
    return value


def _kind(value: Any) -> str:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return f"{value!r}"[:40]
    return {bool: "a boolean", str: "a string", list: "a list", dict: "an object"}.get(type(value), "null")


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")
