"""What the guard and the child said so far: when the fault was in force, and what became of each part."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from slochaos.guard.connection import GuardEvent
from slochaos.runner.executor import ChildEvent
from slochaos.spec.experiment import PlannedFault

_IN_FORCE = ("applied", "evidence")
_UNDONE = ("settling", "undone", "expired", "gone", "superseded")


@dataclass
class Injections:
    """The injections of one run as told by the guard's events, beside the faults that were `planned`.

    Instants are those of the guard's own entries: `first_intended` is before anything was sent,
    `last_undone` the last first-verified undo. `names` are the experiment's; the guard knows presets only. In
    a `placebo` they say that they are no more than names.
    """

    planned: tuple[PlannedFault, ...] = ()
    placebo: bool = False
    states: dict[str, str] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    reports: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    first_intended: float | None = None
    ends_at: dict[str, float] = field(default_factory=dict)
    undone_at: dict[str, tuple[float, float]] = field(default_factory=dict)
    refused: list[GuardEvent] = field(default_factory=list)
    _planned_as: dict[str, PlannedFault] = field(default_factory=dict)
    stop_requested: str | None = None
    guard_ended: str = ""
    service_ended: str | None = None

    def take(self, event: GuardEvent) -> bool:
        """Remember one event. Whether it changed an injection."""
        if event.kind == "injection-refused":
            self.refused.append(event)
        elif event.kind == "stop-requested":
            self.stop_requested = str(event.detail.get("why", ""))
        elif event.kind == "ending":
            self.guard_ended = str(event.detail.get("reason", ""))
        elif event.kind == "service-ended":
            self.service_ended = str(event.detail.get("name", ""))
        if not event.injection:
            return False
        self.states[event.injection] = event.kind
        self.reports[event.injection] = event.detail
        if event.injection not in self.names:
            self._identify(event)
        if event.kind == "applied" and event.injection in self._planned_as:
            self.ends_at[event.injection] = event.at + self._planned_as[event.injection].duration_s
        if event.kind == "intended" and self.first_intended is None:
            self.first_intended = event.at
        if event.kind in _UNDONE:
            self.undone_at.setdefault(event.injection, (event.at, event.wall))
        return True

    def _identify(self, event: GuardEvent) -> None:
        """Find what the experiment calls it: the n-th injection of a preset is the n-th of the faults with it."""
        preset = str(event.detail.get("name", event.injection))
        same = [fault for fault in self.planned if fault.preset == preset]
        before = sum(fault in same for fault in self._planned_as.values())
        if same:
            self._planned_as[event.injection] = same[min(before, len(same) - 1)]
        name = self.name_of(event.injection, preset)
        self.names[event.injection] = f"{name} (placebo: nothing is injected)" if self.placebo else name

    def name_of(self, injection: str, preset: str) -> str:
        """What the experiment calls an injection, of which perhaps only the preset is known."""
        same = (fault for fault in self.planned if fault.preset == preset)
        fault = self._planned_as.get(injection) or next(same, None)
        return fault.name if fault is not None else preset

    @property
    def in_force_until(self) -> float | None:
        """The instant at which the last fault in force now is planned to end; None without one."""
        return max(
            (
                self.ends_at[each]
                for each, state in self.states.items()
                if state in _IN_FORCE and each in self.ends_at
            ),
            default=None,
        )

    @property
    def last_undone(self) -> tuple[float, float] | None:
        """When the last of them was verified to be gone: (instant, epoch second)."""
        return max(self.undone_at.values(), default=None)

    @property
    def in_force(self) -> tuple[str, ...]:
        """Names of the faults in force now."""
        return tuple(self.names[each] for each, state in self.states.items() if state in _IN_FORCE)

    @property
    def still_open(self) -> tuple[str, ...]:
        """Ids of the injections whose undo is not verified yet."""
        return tuple(
            each
            for each, state in self.states.items()
            if state not in _UNDONE and state not in ("refused", "waived")
        )

    @property
    def open(self) -> tuple[str, ...]:
        """Their names."""
        return tuple(self.names[each] for each in self.still_open)


@dataclass
class Toolkit:
    """What Chaos Toolkit's executor said."""

    events: list[ChildEvent] = field(default_factory=list)
    ready: bool = False
    invalid: str = ""
    failed: str = ""
    status: str = ""
    deviated: bool = False
    met_before: bool | None = None
    method: tuple[float | None, tuple[float, float] | None] = (None, None)

    def take(self, event: ChildEvent) -> bool:
        """Remember one event. Whether it is Chaos Toolkit's own, and not the child's."""
        self.events.append(event)
        payload = event.payload
        match event.name:
            case "child-ready":
                self.ready = True
            case "child-invalid":
                self.invalid = str(payload["error"])
            case "child-failed":
                self.failed = str(payload["error"])
            case "child-finished":
                self.status, self.deviated = str(payload["status"]), bool(payload["deviated"])
            case "hypothesis-completed" if payload.get("phase") == "before":
                self.met_before = payload.get("met")
            case "method-started":
                self.method = (event.at, None)
            case "method-completed" | "rollbacks-completed" if self.method[0] is not None:
                # Foreign faults last until their rollback, where there is one.
                self.method = (self.method[0], (event.at, event.wall))
        return not event.name.startswith("child-")


def fault_span(
    injections: Injections, toolkit: Toolkit, *, foreign: bool
) -> tuple[float, tuple[float, float] | None] | None:
    """(begin, end) of the fault phase: from the first intent to the last verified undo.

    With foreign actions the method (and its rollbacks) counts too: nobody else knows when they act. None
    when nothing was injected; the end is None when it is not known.
    """
    begins: list[float] = [] if injections.first_intended is None else [injections.first_intended]
    ends: list[tuple[float, float]] = list(injections.undone_at.values())
    if foreign and toolkit.method[0] is not None:
        begins.append(toolkit.method[0])
        ends += _known((toolkit.method[1],))
    return (min(begins), max(ends, default=None)) if begins else None


def _known(ends: Iterable[tuple[float, float] | None]) -> Sequence[tuple[float, float]]:
    return [end for end in ends if end is not None]
