"""What of this host faults may use up."""

from __future__ import annotations

from dataclasses import dataclass

from slochaos.spec.fields import Field


@dataclass(frozen=True)
class AllowedHost:
    """Whether the host's CPU and memory may be exhausted, and the folders whose disk may be filled or kept busy."""

    cpu: bool = False
    memory: bool = False
    folders: tuple[str, ...] = ()


def read_host(field: Field) -> AllowedHost:
    """`targets.host`. Raises InvalidInput."""
    section = field.section(optional=("cpu", "memory", "folders"))
    return AllowedHost(
        cpu=section.get("cpu", Field.flag, False),
        memory=section.get("memory", Field.flag, False),
        folders=tuple(_folder(each) for each in section.items("folders")),
    )


def _folder(field: Field) -> str:
    path = field.text()
    if not path.startswith("/"):
        raise field.error("is no absolute path", "for example /var/tmp")
    return path.rstrip("/") or "/"
