"""Toxic presets, `toxics/NAME.json`: what to do to one proxy, in Toxiproxy's own JSON."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal


@dataclass(frozen=True)
class Toxic:
    """One toxic: `attributes` are complete and checked against its type."""

    type: str
    stream: Literal["upstream", "downstream"]
    toxicity: float
    attributes: dict[str, int]


@dataclass(frozen=True)
class ToxicPreset:
    """A named preset: `toxics` on a proxy, or the proxy disabled (`enabled` is False, no toxics)."""

    name: str
    path: Path
    proxy: str
    server: str = ""
    enabled: bool = True
    toxics: tuple[Toxic, ...] = ()

    @property
    def parameters(self) -> dict[str, Any]:
        """As `faults/` takes them: `{"proxy", "server"?, "enabled"?: False | "toxics"?: [...]}`."""
        raise NotImplementedError


def find(name: str, experiment: Path | None) -> Path:
    """`<experiment's folder>/../toxics`, then `./toxics`, then the examples. Raises InvalidInput."""
    raise NotImplementedError


def load(path: Path) -> ToxicPreset:
    """Read a preset. Raises InvalidInput."""
    raise NotImplementedError
