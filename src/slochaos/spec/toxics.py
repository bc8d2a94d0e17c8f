"""Toxic presets, `toxics/NAME.json`: what to do to one proxy, in Toxiproxy's own JSON."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, cast

from slochaos import paths
from slochaos.errors import InvalidInput
from slochaos.spec import documents
from slochaos.spec.endpoints import http_url
from slochaos.spec.fields import Field, Section
from slochaos.spec.nearest import did_you_mean
from slochaos.spec.nodes import quoted

PROXY_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,127}")
PRESET_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")

_DAY_MS = 86_400_000
_GIGABYTE = 1_000_000_000

ATTRIBUTES: dict[str, dict[str, tuple[int, int]]] = {
    "latency": {"latency": (0, _DAY_MS), "jitter": (0, _DAY_MS)},
    "bandwidth": {"rate": (0, _GIGABYTE)},
    "slow_close": {"delay": (0, _DAY_MS)},
    "timeout": {"timeout": (0, _DAY_MS)},
    "reset_peer": {"timeout": (0, _DAY_MS)},
    "slicer": {
        "average_size": (1, _GIGABYTE),
        "size_variation": (0, _GIGABYTE),
        "delay": (0, _DAY_MS * 1000),
    },
    "limit_data": {"bytes": (0, _GIGABYTE)},
}
"""Attributes of each toxic with their bounds: milliseconds, but rate in KB/s, sizes in bytes, slicer's delay in us."""

REQUIRED = {
    "latency": "latency",
    "bandwidth": "rate",
    "slow_close": "delay",
    "slicer": "average_size",
    "limit_data": "bytes",
}
"""The attribute without which a toxic does nothing, or not what is meant."""


@dataclass(frozen=True)
class Toxic:
    """One toxic: `attributes` are those of its type, within bounds; Toxiproxy's default for others is 0."""

    type: str
    stream: Literal["upstream", "downstream"]
    toxicity: float
    attributes: dict[str, int]
    line: int = field(default=0, compare=False)

    @property
    def parameters(self) -> dict[str, Any]:
        """As Toxiproxy has it."""
        return {
            "type": self.type,
            "stream": self.stream,
            "toxicity": self.toxicity,
            "attributes": self.attributes,
        }


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
        server = {"server": self.server} if self.server else {}
        if not self.enabled:
            return {"proxy": self.proxy, **server, "enabled": False}
        return {"proxy": self.proxy, **server, "toxics": [toxic.parameters for toxic in self.toxics]}


def find(name: str, experiment: Path | None) -> Path:
    """`<experiment's folder>/../toxics`, then `./toxics`, then the examples. Raises InvalidInput."""
    if not PRESET_NAME.fullmatch(name):
        raise InvalidInput(
            f"{quoted(name)} is no name of a toxic preset", hint="the file's name without .json"
        )
    folders = [Path("toxics"), paths.example_dir() / "toxics"]
    if experiment is not None:
        folders.insert(0, experiment.absolute().parent.parent / "toxics")
    for folder in folders:
        if (folder / f"{name}.json").is_file():
            return folder / f"{name}.json"
    known = {preset.stem for folder in folders for preset in folder.glob("*.json")}
    raise InvalidInput(
        f"there is no toxic preset {quoted(name)}",
        hint=did_you_mean(name, sorted(known)) or f"add toxics/{name}.json",
    )


def load(path: Path) -> ToxicPreset:
    """Read a preset. Raises InvalidInput."""
    root = Field.of(documents.load(path))
    section = root.section(required=("proxy",), optional=("server", "enabled", "toxics"))
    preset = ToxicPreset(
        name=path.stem,
        path=path,
        proxy=_proxy_name(section["proxy"]),
        server=section.get("server", lambda field: field.parsed(http_url), ""),
        enabled=section.get("enabled", Field.flag, True),
        toxics=tuple(_toxic(field) for field in section.items("toxics")),
    )
    _check_combination(root, preset)
    return preset


def _proxy_name(field: Field) -> str:
    name = field.text()
    if not PROXY_NAME.fullmatch(name):
        raise field.error(f"{quoted(name)} is no name of a proxy")
    return name


def _check_combination(root: Field, preset: ToxicPreset) -> None:
    if preset.enabled == (not preset.toxics):
        raise root.error(
            'needs either "toxics" or "enabled": false', "a preset that changes nothing is no fault"
        )
    for toxic in preset.toxics:
        if toxic.type == "latency" and not any(toxic.attributes.values()):
            raise root.error("a latency of 0 changes nothing", "a preset that changes nothing is no fault")
    if len(preset.toxics) > 1 and any(toxic.toxicity < 1 for toxic in preset.toxics):
        raise root.error(
            "several toxics, and a toxicity below 1: adding a second toxic draws again which connections are hit",
            "keep one toxic, or toxicity 1",
        )
    kinds = [(toxic.type, toxic.stream) for toxic in preset.toxics]
    if len(set(kinds)) < len(kinds):
        raise root.error("two toxics of one type in one direction", "put them together")


def _toxic(field: Field) -> Toxic:
    section = field.section(required=("type",), optional=("name", "stream", "toxicity", "attributes"))
    if "name" in section:
        raise section["name"].error("slochaos names its toxics itself", "remove the name")
    kind = section["type"].one_of(*ATTRIBUTES)
    stream = section.get("stream", lambda each: each.one_of("upstream", "downstream"), "downstream")
    return Toxic(
        type=kind,
        stream=cast("Literal['upstream', 'downstream']", stream),
        toxicity=section.get("toxicity", _toxicity, 1.0),
        attributes=_attributes(section, kind),
        line=field.node.line,
    )


def _toxicity(field: Field) -> float:
    share = float(field.decimal())
    if not 0 < share <= 1:
        raise field.error(
            f"{share:g} is outside of 0 to 1 (0 excluded)", "the share of connections that are hit"
        )
    return share


def _attributes(section: Section, kind: str) -> dict[str, int]:
    bounds = ATTRIBUTES[kind]
    needed = (REQUIRED[kind],) if kind in REQUIRED else ()
    if "attributes" not in section:
        if needed:
            raise section.field.error(f"'attributes' is missing: a {kind} toxic needs {needed[0]!r}")
        return {}
    members = section["attributes"].section(required=needed, optional=tuple(bounds)).members
    return {name: member.whole(*bounds[name]) for name, member in members.items()}
