"""Environments: variables, sources, where faults may go, services, budget policy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from slochaos.spec.objectives import Objective


@dataclass(frozen=True)
class ScrapeSource:
    """A `/metrics` page. Its series get the label `job` = `name` unless they carry one."""

    name: str
    url: str
    every_s: float = 1.0


@dataclass(frozen=True)
class AllowedProxy:
    """One Toxiproxy proxy that faults may touch: name, listen and upstream all have to match."""

    server: str
    name: str
    listen: str
    upstream: str


@dataclass(frozen=True)
class Ready:
    """When a service counts as started: `tcp` ("host:port") accepts, or `http` (URL) answers 2xx."""

    tcp: str = ""
    http: str = ""
    within_s: float = 30.0


@dataclass(frozen=True)
class Service:
    """A process that the guard starts for a run and stops after it."""

    name: str
    command: tuple[str, ...]
    ready: Ready = Ready()
    environment: tuple[tuple[str, str], ...] = ()
    directory: str = ""
    needs: tuple[str, ...] = ()
    stop_signal: Literal["TERM", "INT"] = "TERM"


@dataclass(frozen=True)
class Caps:
    """The largest blast radius: faults in force at once, and one fault's longest duration."""

    max_faults: int = 2
    max_duration_s: float = 600.0


@dataclass(frozen=True)
class BudgetPolicy:
    """`run`: the budget starts full with each run (services of our own); `rolling`: from source and ledger."""

    scope: Literal["run", "rolling"] = "rolling"
    mode: Literal["enforce", "advise"] = "enforce"


@dataclass(frozen=True)
class Environment:
    """A resolved environment: every `${name}` is filled."""

    name: str
    path: Path
    description: str = ""
    protected: bool = False
    variables: dict[str, str] = field(default_factory=dict)
    sources: tuple[ScrapeSource, ...] = ()
    proxies: tuple[AllowedProxy, ...] = ()
    allow_foreign: tuple[str, ...] = ()
    caps: Caps = Caps()
    budget: BudgetPolicy = BudgetPolicy()
    drain_s: float = 3.0
    services: tuple[Service, ...] = ()
    objectives: tuple[Objective, ...] = ()
    ledger: str = ""

    @property
    def self_contained(self) -> bool:
        """Whether slochaos starts the system itself."""
        return bool(self.services)


@dataclass(frozen=True)
class EnvironmentFile:
    """An environment as written, its `${name}` not filled yet."""

    path: Path
    name: str
    protected: bool
    ports: tuple[str, ...]
    variables: dict[str, str]


def find(name_or_path: str, near: Path | None = None) -> Path:
    """The environment's file. A name is looked up in ./environments, `near`'s ../environments, the examples.

    `near` is the experiment's file. Raises InvalidInput, naming the environments that there are.
    """
    raise NotImplementedError


def read(path: Path) -> EnvironmentFile:
    """Check the file's form, fill nothing. Raises InvalidInput."""
    raise NotImplementedError


def resolve(file: EnvironmentFile, values: Mapping[str, str], overrides: Mapping[str, str]) -> Environment:
    """Fill every `${name}` and check everything, SLO files too.

    `values` are those of the run: `run_dir`, `run_id`, `secret`, `port_NAME` for each of `file.ports`
    (`python` and `environment_dir` are filled here unless given). `overrides` are `--set NAME=VALUE` of
    variables and ports. Raises InvalidInput.
    """
    raise NotImplementedError


def placeholders(file: EnvironmentFile) -> dict[str, str]:
    """Values for `validate` and `plan`, which start nothing."""
    raise NotImplementedError
