"""Whatever stands in a file, a loader gives a value or raises InvalidInput, never anything else."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from slochaos import faults
from slochaos.errors import InvalidInput
from slochaos.spec import environment, experiment, openslo, toxics
from tests.unit.spec import test_import_nobl9, test_import_pyrra, test_import_slo_generator, test_import_sloth
from tests.unit.spec.importing import import_of
from tests.unit.spec.writing import (
    GOOD_ENVIRONMENT,
    GOOD_EXPERIMENT,
    GOOD_SLO,
    SLOW,
    changed,
    write,
    write_project,
)

WRONG: tuple[Any, ...] = (None, 0, "", "${x}", [], {}, [None], {"x": None}, True, 1.5)


def resolve(path: Path) -> object:
    file = environment.read(path)
    return environment.resolve(file, environment.placeholders(file), {})


def load_slos(path: Path) -> object:
    return openslo.load_objectives([path], {})


LOADERS: dict[str, tuple[Callable[[Path], object], Any]] = {
    "environments/e.yaml": (resolve, GOOD_ENVIRONMENT),
    "environments/s.yaml": (load_slos, GOOD_SLO),
    "experiments/x.json": (lambda path: experiment.load(path, describe=faults.traits), GOOD_EXPERIMENT),
    "toxics/t.json": (toxics.load, SLOW),
    "sloth.yaml": (import_of("sloth"), test_import_sloth.GOOD),
    "sloth-in-kubernetes.yaml": (import_of("sloth"), test_import_sloth.IN_KUBERNETES),
    "pyrra.yaml": (import_of("pyrra"), test_import_pyrra.GOOD),
    "slo-generator.yaml": (import_of("slo-generator"), test_import_slo_generator.GOOD),
    "nobl9.yaml": (import_of("nobl9"), test_import_nobl9.GOOD),
}


@pytest.mark.parametrize("name", LOADERS)
def test_every_value_replaced_by_every_kind(tmp_path: Path, name: str) -> None:
    """A good file with any one value of the wrong kind loads, or is invalid with its file named."""
    load, good = LOADERS[name]
    write_project(tmp_path)
    load(write(tmp_path / name, good))
    for path in _paths(good):
        for value in WRONG:
            try:
                load(write(tmp_path / name, changed(good, *path, to=value)))
            except InvalidInput as problem:
                if str(tmp_path) not in problem.message:
                    pytest.fail(f"no file named: {problem.message}")


def _paths(value: Any, *before: str | int) -> list[tuple[str | int, ...]]:
    children = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    return [path for key, child in children for path in ((*before, key), *_paths(child, *before, key))]
