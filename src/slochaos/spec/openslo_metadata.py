"""OpenSLO's `metadata`: names, labels, annotations."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from slochaos.errors import InvalidInput
from slochaos.spec.fields import DNS_LABEL, Field, Section
from slochaos.spec.nearest import did_you_mean
from slochaos.spec.nodes import quoted
from slochaos.spec.openslo_profile import Reading

OURS = "slochaos.dev/"
ANNOTATIONS = ("operator", "drain")
"""What slochaos reads under `slochaos.dev/`: the strict `lt`, and the longest request timeout of clients."""

_RESERVED = "openslo.com/"
_PUBLISHED_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")
"""Names as published documents have them (`OnCallDevopsMailNotification`); the lenient profile takes them."""

LABEL_KEY = re.compile(r"[a-zA-Z0-9]([-._a-zA-Z0-9]{0,61}[a-zA-Z0-9])?")


@dataclass(frozen=True)
class Metadata:
    """Checked metadata; `ours` are the annotations under `slochaos.dev/`, without that prefix."""

    name: str
    display_name: str
    where: str
    ours: dict[str, Field] = field(default_factory=dict)


def read_metadata(metadata: Field, reading: Reading) -> Metadata:
    """Raises InvalidInput."""
    section = reading.section(metadata, required=("name",), optional=("displayName", "labels", "annotations"))
    if "labels" in section:
        for label, value in section["labels"].members().items():
            _check_label(label, value)
    return Metadata(
        name=name_of(section["name"], reading),
        display_name=section.get("displayName", lambda each: display_name(each, reading), ""),
        where=section["name"].where,
        ours=section.get("annotations", _annotations, {}),
    )


def name_of(each: Field, reading: Reading) -> str:
    """The name of an object, or a reference to one: a DNS label."""
    try:
        return each.name()
    except InvalidInput as problem:
        if not _PUBLISHED_NAME.fullmatch(str(each.node.value)):
            raise
        reading.mistake(problem)
        return each.text()


def display_name(each: Field, reading: Reading) -> str:
    """A `displayName`: text of at most 63 characters."""
    return _limited(each, 63, reading)


def description(section: Section, reading: Reading) -> str:
    """A section's `description`: text of at most 1050 characters, empty where there is none."""
    return section.get("description", lambda each: _limited(each, 1050, reading), "")


def _limited(each: Field, most: int, reading: Reading) -> str:
    text = each.text()
    if len(text) > most:
        reading.mistake(each.error(f"has {len(text)} characters, OpenSLO allows {most}", "shorten it"))
    return text


def _check_label(label: str, value: Field) -> None:
    if not LABEL_KEY.fullmatch(label):
        raise value.error(f"{quoted(label)} is no key of a label", "letters, digits, - . _, at most 63")
    for each in value.items() if isinstance(value.node.value, list) else [value]:
        _string(each)


def _annotations(annotations: Field) -> dict[str, Field]:
    ours = {}
    for key, value in annotations.members().items():
        prefix, slash, name = key.rpartition("/")
        if not LABEL_KEY.fullmatch(name) or not all(
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
