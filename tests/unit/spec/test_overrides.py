"""Overrides of the budget policy name a person, a reason and an end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from slochaos.errors import InvalidInput
from slochaos.spec import environment
from slochaos.spec.overrides import Override
from tests.unit.spec.writing import GOOD_ENVIRONMENT, write, write_project

WHOLE = {
    "by": "ada",
    "reason": "game day 12",
    "until": "2026-12-01T18:00:00+01:00",
    "objective": "api-success",
}
ENDS = 1_796_144_400.0


def read(folder: Path, *overrides: dict[str, Any]) -> tuple[Override, ...]:
    """The overrides of an environment that has these."""
    content = {**GOOD_ENVIRONMENT, "budget": {"overrides": list(overrides)}}
    file = environment.read(write_project(folder, environment=content)[1])
    return environment.resolve(file, environment.placeholders(file), {}).budget.overrides


def test_an_override_is_read_with_its_end_as_an_instant(tmp_path: Path) -> None:
    """Of one objective, or of all where none is named."""
    everywhere = {name: value for name, value in WHOLE.items() if name != "objective"}
    assert read(tmp_path, WHOLE, everywhere) == (
        Override("ada", "game day 12", ENDS, "api-success"),
        Override("ada", "game day 12", ENDS),
    )


def test_a_time_needs_no_quotes_in_yaml(tmp_path: Path) -> None:
    """YAML takes it for a date; what counts is what is written."""
    _, path = write_project(tmp_path)
    text = "budget: {overrides: [{by: ada, reason: why not, until: 2026-12-01T17:00:00Z}]}\n"
    file = environment.read(write(path.with_name("plain.yaml"), text))
    assert environment.resolve(file, {}, {}).budget.overrides == (Override("ada", "why not", ENDS),)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"by": ""}, "budget.overrides[0].by: is empty"),
        ({"by": None}, "by"),
        ({"reason": "  "}, "budget.overrides[0].reason: is empty"),
        ({"until": "tomorrow"}, "'tomorrow' is no time"),
        ({"until": "2026-12-01T18:00:00"}, "does not say in which zone"),
        ({"until": ["now"]}, "budget.overrides[0].until"),
        ({"objective": "api-sucess"}, "did you mean 'api-success'?"),
        ({"for": "ever"}, "no field of that name"),
    ],
)
def test_what_is_no_override_is_said(tmp_path: Path, changes: dict[str, Any], said: str) -> None:
    """With file, line and path, like everything in an environment."""
    with pytest.raises(InvalidInput) as caught:
        read(tmp_path, {**WHOLE, **changes})
    assert said in str(caught.value)
    assert "staging.yaml:" in str(caught.value)


@pytest.mark.parametrize("missing", ["by", "reason", "until"])
def test_person_reason_and_end_are_all_asked_for(tmp_path: Path, missing: str) -> None:
    """An override that lasts for ever, or that nobody stands for, is none."""
    with pytest.raises(InvalidInput, match=f"'{missing}' is missing"):
        read(tmp_path, {name: value for name, value in WHOLE.items() if name != missing})
