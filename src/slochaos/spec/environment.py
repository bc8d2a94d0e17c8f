"""Environments: variables, sources, where faults may go, services, budget policy.

`environments/NAME.yaml` is trusted: it starts programs. It is read in two steps, since its ports are
known only once a run has chosen them: `read` checks what can be checked as written, `resolve` fills
every `${name}` and gives the Environment.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast

from slochaos import paths
from slochaos.errors import InvalidInput
from slochaos.spec import documents, variables
from slochaos.spec.alerting import Alerting, read_alerting
from slochaos.spec.documents import Document
from slochaos.spec.fields import DNS_LABEL, Field
from slochaos.spec.nearest import did_you_mean
from slochaos.spec.nodes import quoted
from slochaos.spec.overrides import Override, read_overrides
from slochaos.spec.services import Ready, Service, read_services
from slochaos.spec.sources import PrometheusSource, ScrapeSource, Source, read_sources
from slochaos.spec.targets import Targets, read_targets

if TYPE_CHECKING:
    from slochaos.spec.composites import Composite
    from slochaos.spec.findings import Finding
    from slochaos.spec.objectives import Objective

__all__ = [
    "BudgetPolicy",
    "Caps",
    "Environment",
    "EnvironmentFile",
    "Ready",
    "Service",
    "find",
    "placeholders",
    "read",
    "resolve",
]

BUILT_IN = ("python", "run_dir", "environment_dir", "run_id", "secret")
"""Variables that a run sets by itself."""

SETTINGS = (
    "name",
    "description",
    "protected",
    "variables",
    "ports",
    "slos",
    "openslo",
    "sources",
    "prometheus",
    "targets",
    "allow_foreign",
    "caps",
    "budget",
    "drain",
    "services",
    "ledger",
    "alerts",
)
"""The fields of an environment file."""


@dataclass(frozen=True)
class Caps:
    """The largest blast radius: faults in force at once, one fault's longest duration, and what they may hit.

    `max_targets` counts everything that the run's faults hit at one time; `max_share_percent` bounds what is hit
    of any group that has more than one member.
    """

    max_faults: int = 2
    max_duration_s: float = 600.0
    max_targets: int = 3
    max_share_percent: int = 50


@dataclass(frozen=True)
class BudgetPolicy:
    """`run`: the budget starts full with each run (services of our own); `rolling`: from source and ledger."""

    scope: Literal["run", "rolling"] = "rolling"
    mode: Literal["enforce", "advise"] = "enforce"
    overrides: tuple[Override, ...] = ()


@dataclass(frozen=True)
class Environment:
    """A resolved environment: every `${name}` is filled."""

    name: str
    path: Path
    description: str = ""
    protected: bool = False
    variables: dict[str, str] = field(default_factory=dict)
    sources: tuple[Source, ...] = ()
    targets: Targets = field(default_factory=Targets)
    allow_foreign: tuple[str, ...] = ()
    caps: Caps = Caps()
    budget: BudgetPolicy = BudgetPolicy()
    drain_s: float = 3.0
    services: tuple[Service, ...] = ()
    slo_files: tuple[Path, ...] = ()
    objectives: tuple[Objective, ...] = ()
    composites: tuple[Composite, ...] = ()
    openslo_warnings: tuple[Finding, ...] = ()
    ledger: str = ""
    alerts: Alerting = field(default_factory=Alerting)

    @property
    def read_leniently(self) -> str:
        """A sentence for whoever reads a number that rests on SLO files with mistakes in them; else empty."""
        many = len(self.openslo_warnings)
        what = f"{many} mistake{'' if many == 1 else 's'}"
        return f"OpenSLO was read leniently: {what}, which slochaos validate lists" if many else ""

    @property
    def pages(self) -> tuple[ScrapeSource, ...]:
        """The sources that are metrics pages."""
        return tuple(each for each in self.sources if isinstance(each, ScrapeSource))

    @property
    def prometheus_servers(self) -> tuple[PrometheusSource, ...]:
        """The sources that are Prometheus servers."""
        return tuple(each for each in self.sources if isinstance(each, PrometheusSource))

    @property
    def self_contained(self) -> bool:
        """Whether slochaos starts the system itself."""
        return bool(self.services)


@dataclass(frozen=True)
class EnvironmentFile:
    """An environment as written, its `${name}` not filled yet. `variables` are its defaults."""

    path: Path
    name: str
    protected: bool
    ports: tuple[str, ...]
    variables: dict[str, str]
    document: Document


def find(name_or_path: str, near: Path | None = None) -> Path:
    """The environment's file. A name is looked up in ./environments, `near`'s ../environments, the examples.

    `near` is the experiment's file. Raises InvalidInput, naming the environments that there are.
    """
    if "/" in name_or_path or Path(name_or_path).suffix in (".yaml", ".yml", ".json"):
        return Path(name_or_path)
    folders = [Path("environments"), paths.example_dir() / "environments"]
    if near is not None:
        folders.insert(1, near.absolute().parent.parent / "environments")
    if DNS_LABEL.fullmatch(name_or_path):
        for folder in folders:
            if (folder / f"{name_or_path}.yaml").is_file():
                return folder / f"{name_or_path}.yaml"
    known = {each.stem for folder in folders for each in folder.glob("*.yaml") if "." not in each.stem}
    hint = did_you_mean(name_or_path, sorted(known)) or "add environments/NAME.yaml, or name a file"
    raise InvalidInput(f"there is no environment {quoted(name_or_path)}", hint=hint)


def read(path: Path) -> EnvironmentFile:
    """Check the file's form, fill nothing. Raises InvalidInput."""
    document = documents.load(path)
    section = Field.of(document).section(optional=SETTINGS)
    names = section["variables"].members() if "variables" in section else {}
    for name, value in names.items():
        _check_variable(name, value)
    ports: list[str] = []
    for port in section.items("ports"):
        if port.text() in ports or not variables.NAME.fullmatch(port.text()):
            raise port.error(
                f"{quoted(port.text())} is no name of a port, or stands twice", "letters, digits and _"
            )
        ports.append(port.text())
    return EnvironmentFile(
        path=path,
        name=section.get("name", Field.name, path.stem),
        protected=section.get("protected", Field.flag, False),
        ports=tuple(ports),
        variables={name: value.scalar() for name, value in names.items()},
        document=document,
    )


def resolve(file: EnvironmentFile, values: Mapping[str, str], overrides: Mapping[str, str]) -> Environment:
    """Fill every `${name}` and check everything, SLO files too.

    `values` are those of the run: `run_dir`, `run_id`, `secret`, `port_NAME` for each of `file.ports`
    (`python` and `environment_dir` are filled here unless given). `overrides` are `--set NAME=VALUE` of
    variables and ports. Raises InvalidInput.
    """
    from slochaos.spec import openslo  # here: the guard imports this module, and reads no objectives

    folder = file.path.absolute().parent
    _check_overrides(file, overrides)
    chosen = {name: overrides.get(name, default) for name, default in file.variables.items()}
    built_in = {"python": sys.executable, "environment_dir": str(folder)}
    ports = {name: value for name, value in overrides.items() if name not in chosen}
    filled = file.document.filled({**built_in, **values, **ports, **chosen})
    section = Field.of(filled).section(optional=SETTINGS)
    slos = [folder / each.text() for each in section.items("slos")]
    profile = section.get("openslo", lambda each: each.one_of("strict", "lenient"), "strict")
    catalogue = openslo.load(slos, chosen, lenient=profile == "lenient")
    names = [objective.name for objective in catalogue.objectives]
    return Environment(
        name=file.name,
        path=file.path,
        description=section.get("description", Field.text, ""),
        protected=file.protected,
        variables=chosen,
        sources=read_sources(section, folder),
        targets=section.get("targets", read_targets, Targets()),
        allow_foreign=tuple(each.text() for each in section.items("allow_foreign")),
        caps=section.get("caps", _caps, Caps()),
        budget=section.get("budget", lambda each: _budget(each, names), BudgetPolicy()),
        drain_s=section.get("drain", lambda each: each.seconds(most=3600), Environment.drain_s),
        services=read_services(list(section.items("services")), folder),
        slo_files=tuple(slos),
        objectives=catalogue.objectives,
        composites=catalogue.composites,
        openslo_warnings=catalogue.warnings,
        ledger=section.get("ledger", Field.text, ""),
        alerts=section.get("alerts", read_alerting, Alerting()),
    )


def placeholders(file: EnvironmentFile) -> dict[str, str]:
    """Values for `validate` and `plan`, which start nothing: ports that are no real choice, a folder not made."""
    ports = {f"port_{name}": str(number) for number, name in enumerate(file.ports, start=1)}
    return {"run_dir": str(paths.run_dir("plan")), "run_id": "plan", "secret": "secret", **ports}


def _check_variable(name: object, value: Field) -> None:
    if not isinstance(name, str) or not variables.NAME.fullmatch(name):
        raise value.error(f"{quoted(name)} is no name of a variable", "letters, digits and _")
    if name in BUILT_IN or name.startswith("port_"):
        raise value.error(f"{name!r} is set by the run itself", "choose another name")
    if "${" in value.scalar():
        raise value.error(
            "a variable's own value is not filled", "write the reference where the variable is used"
        )


def _check_overrides(file: EnvironmentFile, overrides: Mapping[str, str]) -> None:
    ports = [f"port_{name}" for name in file.ports]
    for name, value in overrides.items():
        if name not in file.variables and name not in ports:
            hint = did_you_mean(name, [*file.variables, *ports]) or "it has no variables"
            raise InvalidInput(f"{file.path} has no variable {quoted(name)} to set", hint=hint)
        if name in ports and not re.fullmatch(r"[1-9][0-9]{0,4}", value):
            raise InvalidInput(f"--set {name}={value[:40]}: not a port", hint="a number from 1 to 65535")


def _caps(field: Field) -> Caps:
    section = field.section(optional=("max_faults", "max_duration", "max_targets", "max_share"))
    return Caps(
        max_faults=section.get("max_faults", lambda each: each.whole(1, 100), Caps.max_faults),
        max_duration_s=section.get(
            "max_duration", lambda each: each.seconds(least=0.001), Caps.max_duration_s
        ),
        max_targets=section.get("max_targets", lambda each: each.whole(1, 10_000), Caps.max_targets),
        max_share_percent=section.get("max_share", _percent, Caps.max_share_percent),
    )


def _percent(field: Field) -> int:
    text = field.text()
    match = re.fullmatch(r"([0-9]{1,3})%", text)
    if match is None or not 0 < int(match[1]) <= 100:
        raise field.error(f"{quoted(text)} is no share", 'for example "50%"')
    return int(match[1])


def _budget(field: Field, objectives: Collection[str]) -> BudgetPolicy:
    section = field.section(optional=("scope", "mode", "overrides"))
    scope = section.get("scope", lambda each: each.one_of("run", "rolling"), "rolling")
    mode = section.get("mode", lambda each: each.one_of("enforce", "advise"), "enforce")
    return BudgetPolicy(
        cast("Literal['run', 'rolling']", scope),
        cast("Literal['enforce', 'advise']", mode),
        section.get("overrides", lambda each: read_overrides(each, objectives), ()),
    )
