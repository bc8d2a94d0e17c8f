"""Whatever stands in a file, a loader gives a value or raises InvalidInput, never anything else."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slochaos.errors import InvalidInput
from slochaos.spec import environment, experiment, openslo, toxics
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
    "experiments/x.json": (experiment.load, GOOD_EXPERIMENT),
    "experiments/x.yaml": (experiment.load, GOOD_EXPERIMENT),
    "toxics/t.json": (toxics.load, SLOW),
}


@pytest.mark.parametrize("name", [name for name in LOADERS if name != "experiments/x.yaml"])
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


@pytest.mark.parametrize("name", LOADERS)
@given(
    content=st.binary(max_size=60) | st.text("{}[]:,-\\\"' abgnx0.&*!%#|>\n\t", max_size=40).map(str.encode)
)
def test_any_bytes(tmp_path_factory: pytest.TempPathFactory, name: str, content: bytes) -> None:
    """Bytes of any kind raise nothing but InvalidInput."""
    load, _ = LOADERS[name]
    with contextlib.suppress(InvalidInput):
        load(write(tmp_path_factory.getbasetemp() / name, content))


def _paths(value: Any, *before: str | int) -> list[tuple[str | int, ...]]:
    children = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    return [path for key, child in children for path in ((*before, key), *_paths(child, *before, key))]
