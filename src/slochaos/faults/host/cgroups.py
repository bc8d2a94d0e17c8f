"""Where the kernel keeps the control groups of a process, of both kinds."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

MOUNTS = Path("/proc/self/mountinfo")


@dataclass(frozen=True)
class ControlGroup:
    """A group's folder below the root of its hierarchy; `unified`: version 2."""

    root: Path
    path: str
    unified: bool

    @property
    def folder(self) -> Path:
        """Where its files are."""
        return self.root / self.path.lstrip("/")

    def with_parents(self) -> Iterator[Path]:
        """Its folder and those above it, which limit it too."""
        for folder in (self.folder, *self.folder.parents):
            yield folder
            if folder == self.root:
                return


def of(pid: str, controllers: Collection[str]) -> list[ControlGroup]:
    """The groups of process `pid` ("self") that have one of these controllers, each once. Raises OSError."""
    roots = _roots()
    found: dict[Path, ControlGroup] = {}
    for line in Path(f"/proc/{pid}/cgroup").read_text(encoding="utf-8").splitlines():
        _, named, path = line.split(":", 2)
        root = roots.get(named.split(",")[0])
        if root is not None and _serves(root, named, controllers):
            group = ControlGroup(root, path, unified=not named)
            found[group.folder] = group
    return list(found.values())


def _serves(root: Path, named: str, controllers: Collection[str]) -> bool:
    """Version 1 has a hierarchy for each controller, or for a few; version 2 has one that tells which it has."""
    available = (
        named.split(",") if named else (root / "cgroup.controllers").read_text(encoding="ascii").split()
    )
    return any(each in controllers for each in available)


def _roots() -> dict[str, Path]:
    """Where each hierarchy is mounted, by each of its controllers; version 2 by the empty name, as /proc has it."""
    roots: dict[str, Path] = {}
    for line in MOUNTS.read_text(encoding="utf-8").splitlines():
        before, _, after = line.partition(" - ")
        kind, _, options = after.split(" ", 2)
        if kind in ("cgroup", "cgroup2"):
            for name in options.split(",") if kind == "cgroup" else ("",):
                roots.setdefault(name, Path(before.split()[4]))
    return roots
