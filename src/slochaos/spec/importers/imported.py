"""What an import gives: objectives ready to be written, and what is to be said of each."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Literal, TypeVar

from slochaos.errors import InvalidInput
from slochaos.spec.fields import Field, Section
from slochaos.spec.findings import Finding, Severity
from slochaos.spec.importers.indicators import Found
from slochaos.spec.nodes import quoted
from slochaos.spec.objectives import Indicator
from slochaos.spec.openslo_metadata import LABEL_KEY

MAX_DISPLAY_NAME = 63
MAX_DESCRIPTION = 1050
"""Characters, by OpenSLO."""

_INSTEAD = dict.fromkeys(
    ("alerting", "alertPolicies", "error_budget_policy"),
    "slochaos export prometheus-rules makes burn-rate alerts for every objective",
)
"""What to use in place of a part that is not imported."""

MOST_S = 366 * 86_400
"""The longest window of an error budget that is imported, in seconds."""

RULES: dict[Severity, str] = {
    "note": "import-note",
    "warning": "import-kept-query",
    "error": "import-left-out",
}

_DECIMAL = re.compile(r"[0-9]{1,15}(\.[0-9]{1,15})?")
_SECONDS = {"y": 31_536_000, "w": 604_800, "d": 86_400, "h": 3600, "m": 60, "s": 1}
_PROMETHEUS_DURATION = re.compile("".join(rf"(?:([0-9]{{1,6}}){unit})?" for unit in _SECONDS))


T = TypeVar("T")

Labels = tuple[tuple[str, str | tuple[str, ...]], ...]


@dataclass(frozen=True)
class Window:
    """An OpenSLO duration, and start and time zone as written if it follows the calendar."""

    duration: str
    start: str = ""
    time_zone: str = ""


@dataclass(frozen=True)
class Slices:
    """Timeslices: the good share that makes a slice good, as written, and the slice's OpenSLO duration."""

    target: str
    length: str


@dataclass(frozen=True)
class Target:
    """The share to reach, as written: `field` is OpenSLO's `target` (of 1) or `targetPercent` (of 100)."""

    field: Literal["target", "targetPercent"]
    text: str


@dataclass(frozen=True)
class ImportedSlo:
    """One SLO with one objective."""

    name: str
    service: str
    target: Target
    window: Window
    indicator: Indicator
    display_name: str = ""
    description: str = ""
    labels: Labels = ()
    slices: Slices | None = None


@dataclass
class Import:
    """One file's import, filled by the tool's reader.

    A finding is a `note` (what changed), a `warning` (kept as a query) or an `error` (an objective was left out).
    """

    window: str = ""
    slos: list[ImportedSlo] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    def say(self, where: Field, severity: Severity, message: str, fix: str = "") -> None:
        """Add a finding about this value."""
        self.findings.append(Finding.at(where.where, RULES[severity], severity, message, fix))

    def add(self, where: Field, label: str, convert: Callable[[], tuple[ImportedSlo, Found]]) -> None:
        """Convert one objective; one that cannot be carried is left out, and why is said. Raises InvalidInput."""
        try:
            slo, found = convert()
        except NotCarried as problem:
            self.say(where, "error", f"{label}: left out: {problem.message}", problem.hint)
            return
        if any(each.name == slo.name for each in self.slos):
            raise where.error(f"a second objective named {quoted(slo.name)}", "give it another name")
        slo = replace(
            slo,
            display_name=self._short(where, label, "displayName", slo.display_name, MAX_DISPLAY_NAME),
            description=self._short(where, label, "description", slo.description, MAX_DESCRIPTION),
            labels=tuple(self._valid_labels(where, label, slo.labels)),
        )
        if found.kept:
            self.say(where, "warning", f"{label}: kept as a query, which is extrapolated: {found.kept}")
        else:
            self.say(where, "note", f"{label}: counted exactly")
        for remark in found.remarks:
            self.say(where, "note", f"{label}: {remark}")
        self.slos.append(slo)

    def _short(self, where: Field, label: str, what: str, text: str, most: int) -> str:
        text = text.strip()
        if len(text) <= most:
            return text
        self.say(where, "note", f"{label}: its {what} is cut to the {most} characters that OpenSLO allows")
        return text[:most].strip()

    def _valid_labels(
        self, where: Field, label: str, labels: Labels
    ) -> Iterator[tuple[str, str | tuple[str, ...]]]:
        for key, value in labels:
            if LABEL_KEY.fullmatch(key):
                yield key, value
            else:
                self.say(
                    where, "note", f"{label}: the label {quoted(key)} is left out: no key of an OpenSLO label"
                )

    def drop(self, part: Field, label: str) -> None:
        """Say that a part of an objective is not imported, and what stands in it."""
        if not part.node.value:
            return
        inside = f" ({', '.join(map(str, part.node.value))})" if isinstance(part.node.value, dict) else ""
        message = f"{label}: {part.path[-1]}{inside} is not imported"
        self.say(part, "note", message, _INSTEAD.get(str(part.path[-1]), ""))

    def asked_window(self, where: Field, usual: str) -> Window:
        """The window for a tool whose files name none."""
        if not self.window:
            self.window = usual
            self.say(
                where, "note", f"the file names no window: {usual} is taken", "give another one: --window"
            )
        return Window(self.window)

    def refuse_window(self, where: Field) -> None:
        """Raise InvalidInput if a window was asked for a tool whose files name their own."""
        if self.window:
            raise where.error("the file names its window", "leave --window out")


class NotCarried(InvalidInput):
    """An objective that slochaos cannot evaluate: left out, and said, while the others are imported."""


def carried(find: Callable[[], T]) -> T:
    """What `find` gives; its InvalidInput means that the objective is left out."""
    try:
        return find()
    except InvalidInput as problem:
        raise NotCarried(problem.message, hint=problem.hint) from problem


def name_of(where: Field, *parts: str) -> str:
    """A DNS label of these parts. Raises InvalidInput if nothing is left."""
    name = re.sub(r"[^a-z0-9]+", "-", "-".join(parts).lower()).strip("-")[:63].rstrip("-")
    if not name:
        raise where.error("gives no name", "letters and digits")
    return name


def percent(each: Field) -> Target:
    """A target in per cent. Raises InvalidInput beyond 0 to 100, NotCarried at 100, which leaves no budget."""
    return _target(each, "targetPercent", 100)


def share(each: Field) -> Target:
    """A target as a share of 1, in the same way."""
    return _target(each, "target", 1)


def _target(each: Field, name: Literal["target", "targetPercent"], whole: int) -> Target:
    value = _decimal(each)
    if not 0 <= value <= whole:
        raise each.error(f"{each.node.text} is outside of 0 to {whole}")
    if value == whole:
        raise NotCarried(f"its target of {each.node.text} leaves no error budget")
    return Target(name, each.node.text)


def _decimal(each: Field) -> Fraction:
    """A number, or the text of one, as Kubernetes kinds have them."""
    if isinstance(each.node.value, str):
        return each.parsed(_fraction)
    return each.decimal()


def _fraction(text: str) -> Fraction:
    if not _DECIMAL.fullmatch(text):
        raise InvalidInput(f"{quoted(text)} is not a plain number such as 99.9")
    return Fraction(text)


def duration(each: Field) -> str:
    """A Prometheus duration (`4w`, `1d12h`) as OpenSLO writes it. Raises InvalidInput."""
    text = each.text()
    match = _PROMETHEUS_DURATION.fullmatch(text)
    if match is None:
        raise each.error(f"{quoted(text)} is no duration", "such as 7d or 4w")
    length_s = sum(
        int(amount) * _SECONDS[unit] for amount, unit in zip(match.groups(), _SECONDS, strict=True) if amount
    )
    if length_s == 0 or length_s % 60:
        raise each.error(f"{quoted(text)} is no whole number of minutes")
    if length_s > MOST_S:
        raise each.error(f"{quoted(text)} is more than a year")
    if re.fullmatch("[0-9]+[wdhm]", text):
        return text
    unit = next(unit for unit in "wdhm" if length_s % _SECONDS[unit] == 0)
    return f"{length_s // _SECONDS[unit]}{unit}"


def labels_in(section: Section) -> dict[str, str]:
    """A section's `labels`, whose values are text or numbers; empty where there are none."""
    members = section["labels"].members() if "labels" in section else {}
    return {str(key): "" if value.node.value == "" else value.scalar() for key, value in members.items()}


def optional_text(each: Field) -> str:
    """Text that may be empty or null."""
    return "" if each.node.value in ("", None) else each.text()
