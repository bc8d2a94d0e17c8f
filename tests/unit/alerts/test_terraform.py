"""The escalation policy, read by a reader of HCL."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import hcl2
import pytest

from slochaos.alerts.terraform import hcl_string, terraform_policy
from slochaos.errors import InvalidInput
from slochaos.spec.alerting import Alerting, Level
from slochaos.spec.environment import Environment
from tests.exported_rules import production


def policy_of(chosen: Environment) -> Any:
    """The parsed file."""
    return hcl2.loads(terraform_policy(chosen).text)


def with_levels(*levels: Level) -> Environment:
    """Production, escalating to these."""
    return replace(production(), alerts=Alerting(escalation=levels))


def test_each_level_has_the_document_s_time_to_answer() -> None:
    """5 minutes for the on-call engineer, 15 for the manager, 30 for the CTO."""
    text = terraform_policy(production()).text
    delays = [
        line.split("=")[1].strip() for line in text.splitlines() if "escalation_delay_in_minutes" in line
    ]

    assert delays == ["5", "15", "30"]
    assert policy_of(production())["resource"]


def test_a_name_cannot_leave_its_string() -> None:
    """Quotes and line breaks are escaped, and `${...}` is not interpolated."""
    assert hcl_string('a"b\\c\n${x} %{y} $z') == '"a\\"b\\\\c\\u000a$${x} %%{y} $z"'
    named = with_levels(Level('x"\n}', 60, schedule='"${file("/etc/passwd")}"'))

    assert len(policy_of(named)["data"]) == 1


@pytest.mark.parametrize("levels", [(), (Level("On-call", 300, email=("a@b.example",)),)])
def test_nobody_to_call_is_refused(levels: tuple[Level, ...]) -> None:
    """PagerDuty calls a schedule or a user."""
    with pytest.raises(InvalidInput, match=r"escalation|PagerDuty"):
        terraform_policy(with_levels(*levels))
