"""Live progress of a run: a few lines redrawn on a terminal, a few lines in all elsewhere.

The run must never wait for the screen (a paused terminal, a full pipe): events go through a short queue to
a thread that draws, and what does not fit is dropped.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol, Self

from slochaos.cli.streams import console, one_line, say

if TYPE_CHECKING:
    from rich.console import Console

    from slochaos.runner.events import Event, UndoProgress

_QUEUED = 200
_LAST_DRAWING_S = 2.0


class _Screen(Protocol):
    """What draws: a live display, or plain lines."""

    def show(self, event: Event) -> None:
        """Take note of one event, and draw."""

    def close(self) -> None:
        """Leave the screen tidy."""


class Progress:
    """Draws a run's events on standard error while it is entered; `redrawn` in place, where a terminal can."""

    def __init__(self, *, quiet: bool, redrawn: bool = True) -> None:
        self._events: queue.Queue[Event | None] = queue.Queue(maxsize=_QUEUED)
        self._screen = None if quiet else _screen(console(stderr=True), redrawn=redrawn)
        self._thread = threading.Thread(target=self._draw, name="progress", daemon=True)

    def __enter__(self) -> Self:
        if self._screen is not None:
            self._thread.start()
        return self

    def on_event(self, event: Event) -> None:
        """Take an event from the run. Never waits: when the screen is stuck, the event is not shown."""
        if self._screen is not None:
            try:
                self._events.put_nowait(event)
            except queue.Full:
                return

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._screen is None:
            return
        try:
            self._events.put(None, timeout=_LAST_DRAWING_S)
        except queue.Full:
            return
        self._thread.join(_LAST_DRAWING_S)

    def _draw(self) -> None:
        assert self._screen is not None
        try:
            while (event := self._events.get()) is not None:
                self._screen.show(event)
        except Exception as error:  # noqa: BLE001 - what cannot be drawn must not end the run, nor go unsaid
            say(f"Progress is not shown any more: {error}")
        finally:
            self._screen.close()


def _screen(terminal: Console, *, redrawn: bool) -> _Screen:
    if redrawn and terminal.is_terminal and not terminal.is_dumb_terminal:
        from slochaos.cli.live_screen import LiveScreen

        return LiveScreen(terminal)
    return PlainLines()


class PlainLines:
    """For logs and pipes: one line for each step and each change of a fault."""

    def show(self, event: Event) -> None:
        """Print the line that this event is worth, if any."""
        for line in lines_about(event):
            say(one_line(line))

    def close(self) -> None:
        """Nothing to tidy."""


_STEPS_WORTH_A_LINE = {
    "environment": "starting the environment",
    "baseline": "baseline",
    "fault": "fault",
    "recovery": "recovery",
}
_STATES_WORTH_A_LINE = {
    "applied": "in force",
    "undone": "undone",
    "failed": "NOT UNDONE",
    "expired": "expired",
    "gone": "its target is gone",
    "superseded": "changed by somebody else, left as it is",
    "refused": "refused",
}


def lines_about(event: Event) -> list[str]:
    """The lines that an event is worth in a log: none or one for most."""
    from slochaos.runner import events

    if isinstance(event, events.UndoProgress):
        return _undo_progress(event)
    line = _line_about(event)
    return [line] if line else []


def _line_about(event: Event) -> str:
    from slochaos.runner import events

    line = ""
    match event:
        case events.RunStarted():
            line = f"run {event.run}: {event.title}, on {event.environment}, folder {event.folder}"
        case events.StepStarted(step=step) if step in _STEPS_WORTH_A_LINE:
            lasts = f", {event.seconds:.0f} s" if event.seconds else ""
            line = f"  {_STEPS_WORTH_A_LINE[step]}{lasts}"
        case events.Replayed():
            line = f"  left by run {event.run}: {event.injection} on {event.target}: {event.state}"
        case events.InjectionChanged(state=state) if state in _STATES_WORTH_A_LINE:
            name = event.detail.get("name") or event.injection
            line = f"  {_STATES_WORTH_A_LINE[state]}: {name}{_why(event.detail)}"
        case events.AbortDecided():
            line = f"  aborting: {event.condition}"
        case events.Notice():
            line = f"  {event.text}"
    return line


def _undo_progress(event: UndoProgress) -> list[str]:
    """What is waited for, and for how long; below it the way out for those who cannot wait."""
    far = f"undone: {event.undone} of {event.of}" if event.of else "nothing is in force"
    waits = [f"{name} on {target}" for name, target in zip(event.open, event.on, strict=False)]
    left = f"for up to {event.tries_s:.0f} s" if event.tries_s >= 1 else "a last time"
    trying = f"trying {', '.join(waits)} {left}" if waits else ""
    line = f"  {event.by}{': ' if event.by else ''}" + "; ".join(filter(None, (far, trying, event.doing)))
    return [line, *(f"    by hand: {command}" for command in event.by_hand)]


def _why(detail: Mapping[str, Any]) -> str:
    """What was seen of the fault, and what went wrong, where the guard says so."""
    why = "; ".join(str(detail[key]) for key in ("evidence", "detail") if detail.get(key))
    return f" ({why})" if why else ""
