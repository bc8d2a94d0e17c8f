"""Files and folders of every kind, checked and linted together: static, nothing is started or opened.

SLO documents are read together, so that they may refer to each other, with the variables of the environment
that lists them; those that no given environment lists are read with the chosen environment's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from slochaos.errors import InvalidInput, Refused
from slochaos.spec import documents, environment, experiment, openslo, toxics
from slochaos.spec.admission import admit
from slochaos.spec.environment import Environment
from slochaos.spec.experiment import Describe
from slochaos.spec.findings import Finding
from slochaos.spec.lint import lint_catalogue, lint_environment, lint_experiment, lint_toxic
from slochaos.spec.lint.rules import RULES
from slochaos.spec.objectives import Objective

EXPERIMENT, TOXIC, SLOS, ENVIRONMENT = "experiment", "toxic", "SLO document", "environment"
_NO_KIND = (
    "this is neither an experiment, a toxic, an environment nor an SLO document",
    "an experiment has a method, a toxic a proxy, an environment sources, an SLO document an apiVersion",
)


@dataclass
class Checked:
    """What was found. `kinds` by file, empty for one of none; such a one in a folder is in `skipped` instead."""

    kinds: dict[Path, str] = field(default_factory=dict)
    skipped: list[Path] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    refusals: dict[Path, Refused] = field(default_factory=dict)
    objectives: list[Objective] = field(default_factory=list)

    @property
    def valid(self) -> bool:
        """Whether nothing is an error."""
        return not any(finding.severity == "error" for finding in self.findings)

    def update(self, findings: Iterable[Finding]) -> None:
        """Add findings, in place of those by the same rule about the same line."""
        found = [_as_seen_from_here(finding) for finding in findings]
        known = {(finding.rule, finding.file, finding.line) for finding in found}
        kept = [each for each in self.findings if (each.rule, each.file, each.line) not in known]
        self.findings = [*kept, *found]


@dataclass(frozen=True)
class Checking:
    """`chosen` gives the environment for experiments and for SLO documents that no file lists.

    `describe` knows the faults.
    """

    chosen: Callable[[], Environment]
    is_named: bool
    describe: Describe
    lenient: bool = False

    def check(self, paths: Sequence[Path]) -> Checked:
        """Every file, and every file of ours below the folders. Problems are findings, never raised."""
        checked = Checked()
        for path in paths:
            self._look_into(path, checked)
        listed = {slo for path in _of(checked, ENVIRONMENT) for slo in self._environment(path, checked)}
        slos = [path for path in _of(checked, SLOS) if path.resolve() not in listed]
        if slos:
            self._slos(slos, checked)
        for path in _of(checked, TOXIC):
            self._attempt(path, checked, _toxic)
        for path in _of(checked, EXPERIMENT):
            self._attempt(path, checked, self._experiment)
        checked.findings = list(dict.fromkeys(map(_as_seen_from_here, checked.findings)))
        return checked

    def _look_into(self, path: Path, checked: Checked) -> None:
        try:
            for file in openslo.files_in(path):
                self._tell(file, checked, in_folder=file != path)
        except InvalidInput as problem:
            checked.findings.append(Finding.of(problem, "invalid", "error", str(path)))

    def _tell(self, path: Path, checked: Checked, *, in_folder: bool) -> None:
        try:
            kind = kind_of([document.data for document in documents.load_all(path)])
        except InvalidInput as problem:
            checked.kinds[path] = ""
            checked.findings.append(Finding.of(problem, "invalid", "error", str(path)))
            return
        if not kind and in_folder:
            checked.skipped.append(path)
            return
        checked.kinds[path] = kind
        if not kind:
            checked.findings.append(Finding("invalid", "error", str(path), 1, *_NO_KIND))

    def _environment(self, path: Path, checked: Checked) -> Iterator[Path]:
        """Check one environment with its SLO documents; gives the files of these if they are valid."""
        try:
            found = resolved(path)
        except InvalidInput as problem:
            every = (problem, *problem.also)
            checked.findings += [Finding.of(each, "invalid", "error", str(path)) for each in every]
            return
        checked.objectives += found.objectives
        checked.findings += found.openslo_warnings
        checked.findings += lint_environment(found)
        checked.findings += lint_catalogue(found)
        yield from (each.resolve() for path in found.slo_files for each in openslo.files_in(path))

    def _slos(self, paths: list[Path], checked: Checked) -> None:
        try:
            chosen = self.chosen()
        except InvalidInput as problem:
            checked.findings.append(Finding.of(problem, "invalid", "error", str(paths[0])))
            return
        catalogue = openslo.check(paths, chosen.variables, lenient=self.lenient)
        checked.findings += [Finding.of(each, "invalid", "error", str(paths[0])) for each in catalogue.errors]
        checked.findings += catalogue.warnings
        checked.findings += lint_catalogue(catalogue)
        checked.objectives += catalogue.objectives

    def _experiment(self, path: Path) -> Iterator[Finding]:
        loaded = experiment.load(path, describe=self.describe)
        if not self.is_named:
            return lint_experiment(loaded)
        chosen = self.chosen()
        return lint_experiment(admit(loaded, chosen), chosen)

    def _attempt(self, path: Path, checked: Checked, check: Callable[[Path], Iterable[Finding]]) -> None:
        try:
            checked.findings += check(path)
        except InvalidInput as problem:
            checked.findings.append(Finding.of(problem, "invalid", "error", str(path)))
        except Refused as refusal:
            said = InvalidInput(refusal.message, hint=refusal.hint)
            rule = refusal.reason if refusal.reason in RULES else "invalid"
            checked.findings.append(Finding.of(said, rule, "error", str(path)))
            checked.refusals[path] = refusal


def kind_of(contents: list[Any]) -> str:
    """What a file's documents are, told by the keys that only that kind has; empty if nothing fits."""
    first = contents[0] if contents else None
    if isinstance(first, list) and first and isinstance(first[0], dict) and "apiVersion" in first[0]:
        first = first[0]
    if not isinstance(first, dict):
        return ""
    if str(first.get("apiVersion", "")).startswith("openslo"):
        return SLOS
    if "method" in first or "steady-state-hypothesis" in first:
        return EXPERIMENT
    if "proxy" in first:
        return TOXIC
    services = isinstance(first.get("services"), list)  # those of Docker Compose are a mapping
    return ENVIRONMENT if services or {"sources", "prometheus", "targets", "slos"} & set(first) else ""


def resolved(path: Path) -> Environment:
    """An environment's file, with placeholders for what only a run knows. Raises InvalidInput."""
    file = environment.read(path.absolute())
    return environment.resolve(file, environment.placeholders(file), {})


def _toxic(path: Path) -> Iterator[Finding]:
    return lint_toxic(toxics.load(path))


def _as_seen_from_here(finding: Finding) -> Finding:
    """Files below the working directory by their relative path, as they were named."""
    path = Path(finding.file)
    if path.is_absolute() and path.is_relative_to(Path.cwd()):
        return replace(finding, file=str(path.relative_to(Path.cwd())))
    return finding


def _of(checked: Checked, kind: str) -> list[Path]:
    return [path for path, each in checked.kinds.items() if each == kind]
