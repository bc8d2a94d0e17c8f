"""`${name}` in text: filled after parsing, so that no value can change a document's structure."""

from __future__ import annotations

import re
from collections.abc import Mapping

from slochaos.errors import InvalidInput
from slochaos.spec.nearest import did_you_mean

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_REFERENCE = re.compile(r"\$(?:(\$)|\{([^}]*)(\}?))")


def fill(text: str, values: Mapping[str, str]) -> str:
    """The text with `${name}` replaced and `$$` as a dollar; any other `$` stays. One pass: values are not filled.

    Raises InvalidInput for a name that is not set, or no name.
    """

    def value(match: re.Match[str]) -> str:
        dollar, name, closed = match.groups()
        if dollar:
            return "$"
        if not closed or not NAME.fullmatch(name):
            raise InvalidInput(f"{match[0][:60]!r} is not ${{name}}", hint="write $$ for a dollar")
        if name not in values:
            raise InvalidInput(f"the variable {name!r} is not set", hint=did_you_mean(name, values))
        return values[name]

    return _REFERENCE.sub(value, text)
