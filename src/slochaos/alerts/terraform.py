"""`export terraform`: the levels of escalation as a policy of PagerDuty, which keeps the time and knows who answered.

For Terraform's and OpenTofu's provider `PagerDuty/pagerduty`. Schedules are found by name and people by e-mail
address, so that no ids have to be copied.
"""

from __future__ import annotations

from collections.abc import Iterator

from slochaos.alerts.exported import Exported
from slochaos.errors import InvalidInput
from slochaos.spec.alerting import Level
from slochaos.spec.environment import Environment

_PROVIDER = """\
terraform {
  required_providers {
    pagerduty = {
      source  = "PagerDuty/pagerduty"
      version = "~> 3.0"
    }
  }
}
"""


def terraform_policy(environment: Environment) -> Exported:
    """An HCL file. Raises InvalidInput without levels, or for one that PagerDuty cannot call."""
    levels = environment.alerts.escalation
    if not levels:
        raise InvalidInput(
            f"{environment.path} has no levels of escalation",
            hint="add 'alerts: escalation:' with 'level', 'answers_within', and 'schedule' or 'user'",
        )
    for level in levels:
        if not (level.schedule or level.user):
            raise InvalidInput(
                f"{environment.path}: the level {level.name!r} says not whom PagerDuty is to call",
                hint="give it 'schedule' (a schedule's name) or 'user' (an e-mail address)",
            )
    blocks = [
        f"# Escalation of the environment {environment.name}'s alerts, written by `slochaos export terraform`.\n"
        "# Change the environment and export again; changes made here would be lost.\n" + _PROVIDER,
        *(_lookup(place, level) for place, level in enumerate(levels, start=1)),
        _policy(environment.name, levels),
        _service(environment.name),
    ]
    note = "put the output routing_key into the file that 'pagerduty: routing_key_file' names"
    return Exported("\n".join(blocks), (note,))


def _lookup(place: int, level: Level) -> str:
    if level.schedule:
        return f'data "pagerduty_schedule" "level_{place}" {{\n  name = {hcl_string(level.schedule)}\n}}\n'
    return f'data "pagerduty_user" "level_{place}" {{\n  email = {hcl_string(level.user)}\n}}\n'


def _policy(environment: str, levels: tuple[Level, ...]) -> str:
    """PagerDuty's delay of a rule is the time that this level has before the next one is called."""
    rules = "".join(_rule(place, level) for place, level in enumerate(levels, start=1))
    return (
        'resource "pagerduty_escalation_policy" "slochaos" {\n'
        f"  name      = {hcl_string(f'slochaos {environment}')}\n"
        "  num_loops = 1\n"
        f"{rules}"
        "}\n"
    )


def _rule(place: int, level: Level) -> str:
    kind = "schedule" if level.schedule else "user"
    lines = [
        f"  # Level {place}: {' '.join(level.name.split())}",
        "  rule {",
        f"    escalation_delay_in_minutes = {level.answers_within_s // 60}",
        "    target {",
        f'      type = "{kind}_reference"',
        f"      id   = data.pagerduty_{kind}.level_{place}.id",
        "    }",
        "  }",
    ]
    return "\n" + "\n".join(lines) + "\n"


def _service(environment: str) -> str:
    return (
        'resource "pagerduty_service" "slochaos" {\n'
        f"  name              = {hcl_string(f'slochaos {environment}')}\n"
        "  escalation_policy = pagerduty_escalation_policy.slochaos.id\n"
        '  alert_creation    = "create_alerts_and_incidents"\n'
        "}\n\n"
        'resource "pagerduty_service_integration" "slochaos" {\n'
        '  name    = "Alertmanager"\n'
        '  type    = "events_api_v2_inbound_integration"\n'
        "  service = pagerduty_service.slochaos.id\n"
        "}\n\n"
        'output "routing_key" {\n'
        "  value     = pagerduty_service_integration.slochaos.integration_key\n"
        "  sensitive = true\n"
        "}\n"
    )


def hcl_string(text: str) -> str:
    """A quoted string in which nothing is interpolated."""
    return '"' + "".join(_characters(text)) + '"'


def _characters(text: str) -> Iterator[str]:
    for index, character in enumerate(text):
        if character in "$%" and text[index + 1 : index + 2] == "{":
            yield character * 2
        elif character in '"\\':
            yield "\\" + character
        elif not character.isprintable():
            yield f"\\u{ord(character):04x}" if ord(character) < 0x10000 else f"\\U{ord(character):08x}"
        else:
            yield character
