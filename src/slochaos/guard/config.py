"""What a guard is told when it is started: everything that it needs to refuse, to undo and to stop."""

from __future__ import annotations

import json
import secrets
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from slochaos.spec.environment import BudgetPolicy, Caps, Environment, Ready, Service
from slochaos.spec.targets import Targets


@dataclass(frozen=True)
class GuardConfig:
    """One run as its guard sees it.

    `watch_pid` is the process whose end ends every fault. `heartbeat_s` 0 means that this process does not
    beat (a plain `chaos run`). `kinds` are the planned faults', imported before the guard is armed. `longest_s`
    bounds how long the run may hold its locks. `lasting_allowed`: faults that cannot expire were named for this
    protected environment. Random failures are drawn by `seed`. `token` tells the supervisor from the
    experiment's process, which must not command the guard.
    """

    run_id: str
    environment: Environment
    state_dir: Path
    run_dir: Path
    watch_pid: int
    experiment: str = ""
    placebo: bool = False
    gate_open: bool = False
    kinds: tuple[str, ...] = ()
    heartbeat_s: float = 2.0
    longest_s: float = 3600.0
    lasting_allowed: bool = False
    seed: int = 0
    token: str = field(default_factory=lambda: secrets.token_hex(16), repr=False)

    def to_json(self) -> str:
        """One JSON document for the guard's standard input. Objectives stay behind: the guard decides nothing."""
        environment = self.environment
        return json.dumps(
            {
                **{name: getattr(self, name) for name in _PLAIN},
                "kinds": self.kinds,
                "state_dir": str(self.state_dir),
                "run_dir": str(self.run_dir),
                "environment": {
                    "name": environment.name,
                    "path": str(environment.path),
                    "protected": environment.protected,
                    "variables": environment.variables,
                    "targets": environment.targets.to_json(),
                    "caps": asdict(environment.caps),
                    "services": [asdict(service) for service in environment.services],
                },
            }
        )

    @classmethod
    def from_json(cls, text: str) -> GuardConfig:
        """Read what `to_json` wrote."""
        data = json.loads(text)
        environment = data["environment"]
        return cls(
            **{name: data[name] for name in _PLAIN},
            kinds=tuple(data["kinds"]),
            state_dir=Path(data["state_dir"]),
            run_dir=Path(data["run_dir"]),
            environment=Environment(
                name=environment["name"],
                path=Path(environment["path"]),
                protected=environment["protected"],
                variables=environment["variables"],
                targets=Targets.from_json(environment["targets"]),
                caps=Caps(**environment["caps"]),
                budget=BudgetPolicy(),
                services=tuple(_service(service) for service in environment["services"]),
            ),
        )


_PLAIN = (
    "run_id",
    "watch_pid",
    "experiment",
    "placebo",
    "gate_open",
    "heartbeat_s",
    "longest_s",
    "lasting_allowed",
    "seed",
    "token",
)


def _service(data: dict[str, Any]) -> Service:
    return Service(
        **{
            **data,
            "command": tuple(data["command"]),
            "ready": Ready(**data["ready"]),
            "environment": tuple((name, value) for name, value in data["environment"]),
            "needs": tuple(data["needs"]),
        }
    )
