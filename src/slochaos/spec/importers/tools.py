"""The tools whose SLO files can be imported, and the import of one file."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from slochaos.errors import InvalidInput
from slochaos.spec import documents
from slochaos.spec.fields import Field
from slochaos.spec.importers import nobl9, pyrra, slo_generator, sloth
from slochaos.spec.importers.imported import Import

DURATION = re.compile("[1-9][0-9]{0,4}[mh]|[1-9][0-9]{0,3}d|[1-9][0-9]{0,2}w|[1-9][0-9]?[MQY]")
TOOLS: dict[str, Callable[[Field, Import], None]] = {
    "sloth": sloth.read,
    "pyrra": pyrra.read,
    "slo-generator": slo_generator.read,
    "nobl9": nobl9.read,
}
FILLS_VARIABLES = frozenset({"slo-generator"})
"""Tools in whose files `${name}` is a variable, as it is in ours."""


def read(tool: str, path: Path, window: str = "") -> Import:
    """The objectives of a file of `tool`, one of TOOLS. Raises InvalidInput with file and line.

    `window` is an OpenSLO duration for the tools whose files name none.
    """
    if window and not DURATION.fullmatch(window):
        raise InvalidInput(
            f"--window {window}: no duration of OpenSLO", hint="a number with one of m h d w M Q Y: 28d"
        )
    result = Import(window)
    for document in documents.load_all(path):
        TOOLS[tool](Field.of(document), result)
    return result
