"""Rules exported for the example's production environment, and promtool's word on what they do with given metrics."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from slochaos.alerts.prometheus import prometheus_rules
from slochaos.spec import environment
from slochaos.spec.environment import Environment
from slochaos.spec.objectives import Objective
from tests.prometheus_servers import Binaries
from tests.toxiproxy_servers import ROOT

PROMTOOL_S = 300
SCRAPE_S = 15


def production(*names: str) -> Environment:
    """The environment `production` of the examples, with these objectives only if any are named."""
    file = environment.read(ROOT / "environments/production.yaml")
    resolved = environment.resolve(file, environment.placeholders(file), {})
    return with_objectives(
        resolved, *(each for each in resolved.objectives if not names or each.name in names)
    )


def with_objectives(chosen: Environment, *objectives: Objective) -> Environment:
    """The environment with these objectives in place of its own."""
    return replace(chosen, objectives=objectives)


@dataclass(frozen=True)
class Firing:
    """At `minute`, exactly these alerts of the objective fire: "NAME SEVERITY", and "LABEL=VALUE" where it has one."""

    minute: int
    alerts: tuple[str, ...]


def firing(minute: int, *alerts: str) -> Firing:
    """Short for Firing; no alert at all if none is given."""
    return Firing(minute, alerts)


@dataclass(frozen=True)
class Scenario:
    """Metrics in promtool's notation, one value each 15 s, and what has to fire when.

    promtool evaluates every rule at one pace, `every_s`: it has to be that of the objective's steps.
    """

    series: dict[str, str]
    every_s: int = SCRAPE_S

    def check(self, found: Binaries, folder: Path, chosen: Environment, *expected: Firing) -> None:
        """Let `promtool test rules` evaluate the exported rules; fails where something else fires."""
        rules = folder / "rules.yaml"
        rules.write_text(prometheus_rules(chosen).text)
        test = {
            "interval": f"{SCRAPE_S}s",
            "input_series": [{"series": name, "values": values} for name, values in self.series.items()],
            "promql_expr_test": [_check(each) for each in expected],
        }
        document = {"rule_files": [str(rules)], "evaluation_interval": f"{self.every_s}s", "tests": [test]}
        path = folder / "scenario.yaml"
        path.write_text(json.dumps(document))
        _run([str(found.path("promtool")), "test", "rules", str(path)])


def counter(*parts: tuple[int, float | None]) -> str:
    """A counter that grows by so many per second for so many minutes, part after part; None: it is not there."""
    values, value = [], 0.0
    for minutes, per_second in parts:
        steps = minutes * 60 // SCRAPE_S
        if per_second is None:
            values.append(f"_x{steps - 1}")  # promtool counts the first one extra
            value = 0.0
            continue
        values.append(f"{value:g}+{per_second * SCRAPE_S:g}x{steps - 1}")
        value += per_second * SCRAPE_S * steps
    return " ".join(values)


def gauge(*parts: tuple[int, int]) -> str:
    """A gauge that has such a value for so many minutes, part after part."""
    return " ".join(f"{value}x{minutes * 60 // SCRAPE_S - 1}" for minutes, value in parts)


def check_rules(found: Binaries, rules: Path) -> str:
    """What `promtool check rules` says; fails unless it is content."""
    return _run([str(found.path("promtool")), "check", "rules", "--lint-fatal", str(rules)])


def _check(expected: Firing) -> dict[str, Any]:
    """All that fires, by the labels that tell alerts apart: nothing else may fire either."""
    return {
        "expr": 'max by (alertname, severity, window, consumed, policy) (ALERTS{alertstate="firing"})',
        "eval_time": f"{expected.minute}m",
        "exp_samples": [{"labels": _labels(alert), "value": 1} for alert in expected.alerts],
    }


def _labels(alert: str) -> str:
    name, severity, *others = alert.split()
    shown = [f'alertname="{name}"', f'severity="{severity}"']
    shown += [f'{label}="{value}"' for label, _, value in (other.partition("=") for other in others)]
    return "{" + ", ".join(shown) + "}"


def _run(command: Sequence[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PROMTOOL_S)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout
