"""OpenSLO v1 documents, all kinds: read, checked, and their references resolved across files and folders.

Stricter than the specification's SDK where that accepts nonsense (no objectives, a window of 0 days). The
`lenient` profile takes what published documents get wrong, with a warning each.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TypeVar

from slochaos.errors import InvalidInput
from slochaos.spec import documents
from slochaos.spec.composites import Composite
from slochaos.spec.fields import Field
from slochaos.spec.findings import Finding
from slochaos.spec.nearest import did_you_mean
from slochaos.spec.nodes import quoted
from slochaos.spec.objectives import Objective
from slochaos.spec.openslo_alerts import read_condition, read_policy, read_target
from slochaos.spec.openslo_indicators import read_indicator
from slochaos.spec.openslo_metadata import Metadata, description, read_metadata
from slochaos.spec.openslo_objectives import read_slo
from slochaos.spec.openslo_profile import Reading
from slochaos.spec.openslo_references import DataSource, Names, References

API_VERSION = "openslo/v1"
KINDS = (
    "Service",
    "SLO",
    "SLI",
    "DataSource",
    "AlertPolicy",
    "AlertCondition",
    "AlertNotificationTarget",
)
LENIENT = "openslo-lenient"
"""The rule of the lenient profile's warnings."""

SUFFIXES = (".json", ".yaml", ".yml")

T = TypeVar("T")


@dataclass(frozen=True)
class Catalogue:
    """What a set of files declares. Of what has an error nothing is here; warnings are the lenient profile's."""

    services: dict[str, Metadata] = field(default_factory=dict)
    references: References = field(default_factory=References)
    objectives: tuple[Objective, ...] = ()
    composites: tuple[Composite, ...] = ()
    errors: tuple[InvalidInput, ...] = ()
    warnings: tuple[Finding, ...] = ()


def load_objectives(paths: Iterable[Path], variables: Mapping[str, str]) -> tuple[Objective, ...]:
    """Every objective of the SLOs in these files and folders, in order. `${name}` is filled from `variables`.

    References are looked up across all files. Raises InvalidInput.
    """
    return load(paths, variables).objectives


def load(paths: Iterable[Path], variables: Mapping[str, str], *, lenient: bool = False) -> Catalogue:
    """Everything that these files and folders declare. Raises InvalidInput: the first of `check`'s errors, and
    the others in its `also`.
    """
    catalogue = check(paths, variables, lenient=lenient)
    if catalogue.errors:
        first, *others = catalogue.errors
        first.also = tuple(others)
        raise first
    return catalogue


def check(paths: Iterable[Path], variables: Mapping[str, str], *, lenient: bool = False) -> Catalogue:
    """As `load`, but with every error: one per object at most, and none that only follows from another."""
    reading = Reading(lenient)
    files = [file for path in paths for file in reading.attempt(partial(files_in, path)) or ()]
    objects = [obj for file in files for obj in _objects(file, variables, reading)]
    declared = _by_kind(objects, reading)
    services, references = _read_references(declared, reading)
    objectives: list[Objective] = []
    composites: list[Composite] = []
    for obj in declared["SLO"]:
        slo = reading.attempt(partial(read_slo, obj.metadata, obj.spec, references, reading))
        for objective in slo.objectives if slo else ():
            if reading.attempt(partial(_refuse_second, objective, objectives)):
                objectives.append(objective)
        composites += [slo.composite] if slo and slo.composite else []
    _refuse_shadowed(composites, objectives, reading)
    return Catalogue(
        services,
        references,
        tuple(objectives),
        tuple(composites),
        tuple(reading.errors),
        tuple(Finding.of(problem, LENIENT, "warning") for problem in reading.warnings),
    )


def files_in(path: Path) -> list[Path]:
    """The file itself, or those with our suffixes below a folder, sorted; hidden ones are left out.

    Raises InvalidInput for a folder without any, or one that cannot be read.
    """
    if not path.is_dir():
        return [path]
    found = []
    for folder, folders, names in os.walk(path, onerror=_unreadable):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        wanted = (name for name in sorted(names) if name.endswith(SUFFIXES) and not name.startswith("."))
        found += [Path(folder, name) for name in wanted]
    if not found:
        raise InvalidInput(f"{path} holds no file that ends in {', '.join(SUFFIXES)}")
    return found


def _unreadable(problem: OSError) -> None:
    raise InvalidInput(f"{problem.filename} cannot be read: {problem.strerror}") from problem


@dataclass(frozen=True)
class _Object:
    kind: str
    metadata: Metadata
    spec: Field


def _objects(path: Path, variables: Mapping[str, str], reading: Reading) -> Iterator[_Object]:
    """A file is one object, a list of them, or several YAML documents of either."""
    for document in reading.attempt(partial(documents.load_all, path)) or ():
        filled = reading.attempt(partial(document.filled, variables))
        if filled is None:
            continue
        root = Field.of(filled)
        for each in root.items() if isinstance(root.node.value, list) else [root]:
            found = reading.attempt(partial(_object, each, reading))
            if found is not None:
                yield found


def _object(each: Field, reading: Reading) -> _Object:
    section = reading.section(each, required=("apiVersion", "kind", "metadata", "spec"))
    version = section["apiVersion"].text()
    if version != API_VERSION:
        raise section["apiVersion"].error(
            f"{quoted(version)} is not {API_VERSION}", f"apiVersion: {API_VERSION}"
        )
    kind = section["kind"].text()
    if kind not in KINDS:
        raise section["kind"].error(f"{quoted(kind)} is no kind of OpenSLO", did_you_mean(kind, KINDS))
    section["spec"].members()
    return _Object(kind, read_metadata(section["metadata"], reading), section["spec"])


def _by_kind(objects: Iterable[_Object], reading: Reading) -> dict[str, list[_Object]]:
    """Objects by kind, no name twice within a kind."""
    found: dict[str, list[_Object]] = {kind: [] for kind in KINDS}
    for obj in objects:
        first = next((o for o in found[obj.kind] if o.metadata.name == obj.metadata.name), None)
        if first is None:
            found[obj.kind].append(obj)
            continue
        reading.errors.append(
            obj.spec.error(
                f"a second {obj.kind} named {obj.metadata.name!r}, the first is at {first.metadata.where}",
                "give it another name",
            )
        )
    return found


def _read_references(
    declared: Mapping[str, list[_Object]], reading: Reading
) -> tuple[dict[str, Metadata], References]:
    """Everything that SLOs refer to, in the order in which these refer to each other."""
    references = References()

    def read(names: Names[T], read_one: Callable[[_Object], T]) -> None:
        for obj in declared[names.kind]:
            names.known[obj.metadata.name] = reading.attempt(partial(read_one, obj))

    services: Names[Metadata] = Names("Service")
    read(services, lambda obj: _service(obj, reading))
    read(references.data_sources, lambda obj: _data_source(obj, reading))
    read(references.indicators, lambda obj: read_indicator(obj.spec, references, reading))
    read(references.conditions, lambda obj: read_condition(obj.metadata, obj.spec, reading))
    read(references.targets, lambda obj: read_target(obj.metadata, obj.spec, reading))
    read(references.policies, lambda obj: read_policy(obj.metadata, obj.spec, references, reading))
    return {name: found for name, found in services.known.items() if found}, references


def _service(obj: _Object, reading: Reading) -> Metadata:
    description(reading.section(obj.spec, optional=("description",)), reading)
    return obj.metadata


def _data_source(obj: _Object, reading: Reading) -> DataSource:
    section = reading.section(obj.spec, required=("type", "connectionDetails"), optional=("description",))
    description(section, reading)
    kind = section["type"].text()
    if section["connectionDetails"].node.value is None:
        raise section["connectionDetails"].error("is empty", "any mapping, such as {sources: environment}")
    return DataSource(obj.metadata.name, kind, obj.metadata.display_name, obj.metadata.where)


def _refuse_shadowed(
    composites: Iterable[Composite], objectives: Iterable[Objective], reading: Reading
) -> None:
    """A composite and an objective of one name could not be told apart in records."""
    where = {objective.name: objective.where for objective in objectives}
    for each in composites:
        if each.name in where:
            reading.errors.append(
                InvalidInput(
                    f"{each.where}: a composite named {each.name!r}, and an objective at {where[each.name]}",
                    hint="give one of them another name",
                )
            )


def _refuse_second(objective: Objective, known: list[Objective]) -> Objective:
    """The objective, unless its name is taken."""
    for other in known:
        if other.name == objective.name:
            raise InvalidInput(
                f"{objective.where}: a second objective named {objective.name!r}, the first is at {other.where}",
                hint="give one of them another displayName",
            )
    return objective
