"""Chaos Toolkit's own events, out of the child: the shapes of its `--events-file`, in every version.

Imports chaoslib, so only the child imports this.
"""

# ruff: noqa: ARG002, PLR0917 - the signatures are chaoslib's

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from chaoslib.run import RunEventHandler

Say = Callable[..., None]
Tree = Mapping[str, Any]


class Reporter(RunEventHandler):  # type: ignore[misc]  # chaoslib ships no types
    """Says each event of the executor as `say(type, **fields)`; hands over the resolved secrets to redact."""

    def __init__(self, say: Say, on_secrets: Callable[[Any], None]) -> None:
        self._say = say
        self._on_secrets = on_secrets

    def started(self, experiment: Tree, journal: Tree) -> None:
        """The experiment begins."""
        self._say("run-started", title=experiment.get("title"))

    def running(
        self, experiment: Tree, journal: Tree, configuration: Any, secrets: Any, schedule: Any, settings: Any
    ) -> None:
        """Configuration and secrets are resolved."""
        self._on_secrets(secrets)

    def finish(self, journal: Tree) -> None:
        """The experiment ended."""
        self._say("run-finished", status=journal.get("status"), deviated=journal.get("deviated", False))

    def interrupted(self, experiment: Tree, journal: Tree) -> None:
        """A control or a signal interrupted it."""
        self._say("run-interrupted")

    def signal_exit(self) -> None:
        """A safeguard or a signal asked it to exit."""
        self._say("run-signal-exit")

    def start_hypothesis_before(self, experiment: Tree) -> None:
        """The hypothesis is about to be checked before the method."""
        self._say("hypothesis-started", phase="before")

    def hypothesis_before_completed(self, experiment: Tree, state: Tree | None, journal: Tree) -> None:
        """The hypothesis was checked before the method."""
        self._say("hypothesis-completed", phase="before", **_state(state))

    def start_hypothesis_after(self, experiment: Tree) -> None:
        """The hypothesis is about to be checked after the method."""
        self._say("hypothesis-started", phase="after")

    def hypothesis_after_completed(self, experiment: Tree, state: Tree | None, journal: Tree) -> None:
        """The hypothesis was checked after the method."""
        self._say("hypothesis-completed", phase="after", **_state(state))

    def start_continuous_hypothesis(self, frequency: float) -> None:
        """The hypothesis is checked again and again beside the method."""
        self._say("hypothesis-started", phase="during", frequency=frequency)

    def continuous_hypothesis_iteration(self, iteration_index: int, state: Tree | None) -> None:
        """One of these checks is done."""
        self._say("hypothesis-completed", phase="during", iteration=iteration_index, **_state(state))

    def start_method(self, experiment: Tree) -> None:
        """The method begins."""
        self._say("method-started")

    def method_completed(self, experiment: Tree, state: Any = None) -> None:
        """The method is over."""
        self._say("method-completed")

    def start_rollbacks(self, experiment: Tree) -> None:
        """The rollbacks begin."""
        self._say("rollbacks-started")

    def rollbacks_completed(self, experiment: Tree, journal: Tree) -> None:
        """The rollbacks are over."""
        self._say("rollbacks-completed")

    def start_activity(self, activity: Tree) -> None:
        """An action or a probe begins."""
        self._say(
            "activity-started", **_activity(activity), background=bool(activity.get("background", False))
        )

    def activity_completed(self, activity: Tree, run: Tree) -> None:
        """An action or a probe is over."""
        outcome = {key: run.get(key) for key in ("status", "duration", "output")}
        if run.get("exception"):
            outcome["error"] = "".join(run["exception"]).strip()
        self._say("activity-completed", **_activity(activity), **outcome)


def _activity(activity: Tree) -> dict[str, Any]:
    return {"name": activity.get("name"), "activity_type": activity.get("type")}


def _state(state: Tree | None) -> dict[str, Any]:
    if not state:
        return {"met": None, "probes": []}
    probes = [
        {
            "name": (probe.get("activity") or {}).get("name"),
            "status": probe.get("status"),
            "tolerance_met": probe.get("tolerance_met"),
            "output": probe.get("output"),
        }
        for probe in state.get("probes") or []
    ]
    return {"met": state.get("steady_state_met"), "probes": probes}
