"""What of this host faults may use up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from slochaos.spec.fields import Field
from slochaos.spec.nodes import quoted


@dataclass(frozen=True)
class AllowedFolder:
    """A folder whose file system may be filled and kept busy.

    Its last tenth is left free, unless it may be filled `to_the_brim`.
    """

    name: str
    path: str
    to_the_brim: bool = False


@dataclass(frozen=True)
class AllowedHost:
    """Whether the host's CPU and memory may be exhausted, and the folders whose disks may."""

    cpu: bool = False
    memory: bool = False
    folders: tuple[AllowedFolder, ...] = ()

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> AllowedHost:
        """What `dataclasses.asdict` gave."""
        return cls(**{**data, "folders": tuple(AllowedFolder(**each) for each in data["folders"])})


def read_host(field: Field) -> AllowedHost:
    """`targets.host`. Raises InvalidInput."""
    section = field.section(optional=("cpu", "memory", "folders"))
    folders: dict[str, AllowedFolder] = {}
    for each in section.items("folders"):
        folder = _folder(each)
        if folder.name in folders:
            raise each.error(f"a second folder named {quoted(folder.name)}")
        folders[folder.name] = folder
    return AllowedHost(
        cpu=section.get("cpu", Field.flag, False),
        memory=section.get("memory", Field.flag, False),
        folders=tuple(folders.values()),
    )


def _folder(field: Field) -> AllowedFolder:
    section = field.section(required=("name", "path"), optional=("to_the_brim",))
    path = section["path"].text()
    if not path.startswith("/"):
        raise section["path"].error("is no absolute path", "for example /var/tmp")
    return AllowedFolder(
        name=section["name"].name(),
        path=path.rstrip("/") or "/",
        to_the_brim=section.get("to_the_brim", Field.flag, False),
    )
