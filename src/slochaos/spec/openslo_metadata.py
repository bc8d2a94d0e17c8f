"""OpenSLO's `metadata`: names, labels, annotations."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from slochaos.spec.fields import DNS_LABEL, Field
from slochaos.spec.nearest import did_you_mean
from slochaos.spec.nodes import quoted

OURS = "slochaos.dev/"
ANNOTATIONS = ("operator", "drain")
"""What slochaos reads under `slochaos.dev/`: the strict `lt`, and the longest request timeout of clients."""

_RESERVED = "openslo.com/"
_LABEL_KEY = re.compile(r"[a-zA-Z0-9]([-._a-zA-Z0-9]{0,61}[a-zA-Z0-9])?")


@dataclass(frozen=True)
class Metadata:
    """Checked metadata; `ours` are the annotations under `slochaos.dev/`, without that prefix."""

    name: str
    display_name: str
    where: str
    ours: dict[str, Field] = field(default_factory=dict)


def read_metadata(metadata: Field) -> Metadata:
    """Raises InvalidInput."""
    section = metadata.section(required=("name",), optional=("displayName", "labels", "annotations"))
    if "labels" in section:
        for label, value in section["labels"].members().items():
            _check_label(label, value)
    return Metadata(
        name=section["name"].name(),
        display_name=section.get("displayName", display_name, ""),
        where=section["name"].where,
        ours=section.get("annotations", _annotations, {}),
    )


def display_name(each: Field) -> str:
    """A `displayName`: text of at most 63 characters."""
    return limited(each, 63)


def description(each: Field) -> str:
    """A `description`: text of at most 1050 characters."""
    return limited(each, 1050)


def limited(each: Field, most: int) -> str:
    """Text of at most `most` characters."""
    text = each.text()
    if len(text) > most:
        raise each.error(f"has {len(text)} characters, OpenSLO allows {most}")
    return text


def _check_label(label: str, value: Field) -> None:
    if not _LABEL_KEY.fullmatch(label):
        raise value.error(f"{quoted(label)} is no key of a label", "letters, digits, - . _, at most 63")
    for each in value.items() if isinstance(value.node.value, list) else [value]:
        _string(each)


def _annotations(annotations: Field) -> dict[str, Field]:
    ours = {}
    for key, value in annotations.members().items():
        prefix, slash, name = key.rpartition("/")
        if not _LABEL_KEY.fullmatch(name) or not all(
            map(DNS_LABEL.fullmatch, prefix.split(".") if slash else [])
        ):
            raise value.error(f"{quoted(key)} is no key of an annotation", "name, or dns-prefix/name")
        if key.startswith(_RESERVED):
            raise value.error(f"annotations under {_RESERVED} are reserved by OpenSLO")
        if key.startswith(OURS):
            if name not in ANNOTATIONS:
                raise value.error(
                    "no annotation of slochaos", did_you_mean(key, [OURS + each for each in ANNOTATIONS])
                )
            ours[name] = value
        _string(value)
    return ours


def _string(value: Field) -> None:
    """Text that may be empty, as labels and annotations may be."""
    if value.node.value != "":
        value.text()
