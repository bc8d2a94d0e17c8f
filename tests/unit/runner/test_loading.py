"""What the command line may name in an experiment."""

from __future__ import annotations

from pathlib import Path

import pytest

from slochaos.errors import InvalidInput
from slochaos.runner.loading import load
from slochaos.runner.request import RunRequest
from tests.unit.spec.writing import GOOD_EXPERIMENT, write, write_project

CONFIGURATION = {"region": "eu", "duration": {"type": "env", "key": "DURATION", "default": "1s"}}


def asked(folder: Path, *variables: str, **request: object) -> RunRequest:
    """A request with `--var` for an experiment that has two variables and a secret."""
    content = {**GOOD_EXPERIMENT, "configuration": CONFIGURATION, "secrets": {"shop": {"token": "x"}}}
    experiment, environment = write_project(folder, content)
    return RunRequest(experiment, environment=str(environment), variables=variables, **request)  # type: ignore[arg-type]


def test_variables_of_the_experiment_can_be_set(tmp_path: Path) -> None:
    """By name, with a type or without; secrets too."""
    load(asked(tmp_path, "region=us", "duration:str=2s", "token=y"))


def test_a_variable_that_nothing_takes_is_invalid(tmp_path: Path) -> None:
    """Chaos Toolkit would drop it without a word, and the experiment would run with another value."""
    with pytest.raises(InvalidInput, match="--var duratoin: ") as error:
        load(asked(tmp_path, "duratoin=20s"))
    assert error.value.hint == "did you mean 'duration'?"


def test_experiments_of_others_take_what_chaos_run_takes(tmp_path: Path) -> None:
    """Without faults and rules of ours a name that nothing takes is passed on, as it always was."""
    request = asked(tmp_path, "duratoin=20s")
    content = {"title": "Theirs", "description": "of others", "method": []}
    write(request.experiment, content)
    load(request)


def test_a_file_of_variables_may_serve_several_experiments(tmp_path: Path) -> None:
    """What this one does not have is left to the others."""
    file = tmp_path / "vars.json"
    file.write_text('{"region": "us", "elsewhere": 1}')
    load(asked(tmp_path, variable_files=(file,)))
