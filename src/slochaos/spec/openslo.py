"""OpenSLO v1 documents: Service, SLO, SLI and DataSource checked strictly, alert kinds kept as they are.

Stricter than the specification's SDK where that accepts nonsense (no objectives, a window of 0 days).
What this version cannot honour (composites, calendar windows) is refused by name, never ignored.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from slochaos.errors import InvalidInput
from slochaos.spec import documents
from slochaos.spec.composites import Composite
from slochaos.spec.fields import Field
from slochaos.spec.nearest import did_you_mean
from slochaos.spec.nodes import plain, quoted
from slochaos.spec.objectives import Indicator, Objective
from slochaos.spec.openslo_indicators import read_indicator
from slochaos.spec.openslo_metadata import Metadata, read_metadata
from slochaos.spec.openslo_objectives import read_objectives

API_VERSION = "openslo/v1"
ALERT_KINDS = ("AlertPolicy", "AlertCondition", "AlertNotificationTarget")
KINDS = ("Service", "SLO", "SLI", "DataSource", *ALERT_KINDS)


@dataclass(frozen=True)
class AlertObject:
    """An alert policy, condition or target: its metadata is checked, its spec kept as written."""

    kind: str
    metadata: Metadata
    spec: Any


@dataclass
class Catalogue:
    """What a set of files declares, by name."""

    services: dict[str, Metadata] = field(default_factory=dict)
    data_sources: dict[str, Metadata] = field(default_factory=dict)
    indicators: dict[str, Indicator] = field(default_factory=dict)
    alerts: list[AlertObject] = field(default_factory=list)
    objectives: tuple[Objective, ...] = ()
    composites: tuple[Composite, ...] = ()


def load_objectives(paths: Iterable[Path], variables: Mapping[str, str]) -> tuple[Objective, ...]:
    """Every objective of the SLOs in these files, in order. `${name}` is filled from `variables`.

    References (`indicatorRef`, `metricSourceRef`) are looked up across all files. Raises InvalidInput.
    """
    return load(paths, variables).objectives


def load(paths: Iterable[Path], variables: Mapping[str, str]) -> Catalogue:
    """Everything that these files declare. Raises InvalidInput."""
    declared = _by_kind(obj for path in paths for obj in _objects(path, variables))
    catalogue = Catalogue()
    for obj in declared["Service"]:
        obj.spec.section(optional=("description",)).get("description", Field.text, "")
        catalogue.services[obj.metadata.name] = obj.metadata
    for obj in declared["DataSource"]:
        spec = obj.spec.section(required=("type", "connectionDetails"), optional=("description",))
        spec["type"].text()
        catalogue.data_sources[obj.metadata.name] = obj.metadata
    for obj in declared["SLI"]:
        catalogue.indicators[obj.metadata.name] = read_indicator(obj.spec, catalogue.data_sources)
    for kind in ALERT_KINDS:
        catalogue.alerts += [AlertObject(kind, obj.metadata, plain(obj.spec.node)) for obj in declared[kind]]
    objectives: list[Objective] = []
    for obj in declared["SLO"]:
        for objective in read_objectives(
            obj.metadata, obj.spec, catalogue.indicators, catalogue.data_sources
        ):
            _refuse_second(objective, objectives)
            objectives.append(objective)
    catalogue.objectives = tuple(objectives)
    return catalogue


@dataclass(frozen=True)
class _Object:
    kind: str
    metadata: Metadata
    spec: Field


def _objects(path: Path, variables: Mapping[str, str]) -> Iterator[_Object]:
    """A file is one object, a list of them, or several YAML documents of either."""
    for document in documents.load_all(path):
        root = Field.of(document.filled(variables))
        for each in root.items() if isinstance(root.node.value, list) else [root]:
            yield _object(each)


def _object(each: Field) -> _Object:
    section = each.section(required=("apiVersion", "kind", "metadata", "spec"))
    version = section["apiVersion"].text()
    if version != API_VERSION:
        raise section["apiVersion"].error(f"{quoted(version)} is not {API_VERSION}")
    kind = section["kind"].text()
    if kind not in KINDS:
        raise section["kind"].error(f"{quoted(kind)} is no kind of OpenSLO", did_you_mean(kind, KINDS))
    section["spec"].members()
    return _Object(kind, read_metadata(section["metadata"]), section["spec"])


def _by_kind(objects: Iterable[_Object]) -> dict[str, list[_Object]]:
    """Objects by kind, no name twice within a kind."""
    found: dict[str, list[_Object]] = {kind: [] for kind in KINDS}
    for obj in objects:
        for other in found[obj.kind]:
            if other.metadata.name == obj.metadata.name:
                raise obj.spec.error(
                    f"a second {obj.kind} named {obj.metadata.name!r}, the first is at {other.metadata.where}",
                    "give it another name",
                )
        found[obj.kind].append(obj)
    return found


def _refuse_second(objective: Objective, known: list[Objective]) -> None:
    for other in known:
        if other.name == objective.name:
            raise InvalidInput(
                f"{objective.where}: a second objective named {objective.name!r}, the first is at {other.where}",
                hint="give one of them another displayName",
            )
