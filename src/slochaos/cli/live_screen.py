"""The live display of a run on a terminal: phase, time left, each objective's rate and cost, the faults."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from slochaos.cli.progress import lines_about
from slochaos.cli.streams import one_line

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.table import Table

    from slochaos.runner.events import Event, Measured, Reading

_LINES_KEPT = 4
_NUMBERS = {"GOOD": 8, "BAD OF ALL": 22, "COST": 8, "MAY COST": 8}


class LiveScreen:
    """Redraws a block of lines four times a second, and leaves nothing behind: the result follows."""

    def __init__(self, terminal: Console) -> None:
        from rich.live import Live

        self._heading = "slochaos"
        self._step = ""
        self._measured: Measured | None = None
        self._recent: deque[str] = deque(maxlen=_LINES_KEPT)
        self._waits_for: list[str] = []
        self._live = Live(console=terminal, auto_refresh=False, transient=True, redirect_stdout=False)
        self._live.start()

    def show(self, event: Event) -> None:
        """Take note of one event, and draw."""
        from slochaos.runner import events

        match event:
            case events.RunStarted():
                self._heading = f"{event.title}   {event.environment}   run {event.run}"
            case events.StepStarted():
                self._step, self._measured = event.step, None
            case events.ServiceProgress():
                self._recent.append(event.text)
            case events.Measured():
                self._measured = event
            case events.InjectionChanged(state="applied"):
                pass  # the next measurement shows what is in force
            case events.UndoProgress():
                self._waits_for = lines_about(event)
            case _:
                self._recent.extend(line.strip() for line in lines_about(event))
        self._live.update(self._drawing(), refresh=True)

    def close(self) -> None:
        """Remove the display."""
        self._live.stop()

    def _drawing(self) -> RenderableType:
        from rich.console import Group
        from rich.text import Text

        lines: list[RenderableType] = [Text(one_line(self._heading), style="bold"), Text(self._phase_line())]
        if self._measured is not None:
            if self._measured.in_force:
                in_force = "in force: " + ", ".join(self._measured.in_force)
                lines.append(Text(one_line(in_force), style="bold red"))
            if self._measured.readings:
                lines.append(_table(self._measured.readings))
        recent = (Text(one_line(line), "dim", no_wrap=True, overflow="ellipsis") for line in self._recent)
        # A command to be typed is of no use without its end: this wraps.
        waits_for = (Text(one_line(line)) for line in self._waits_for)
        return Group(*lines, *recent, *waits_for)

    def _phase_line(self) -> str:
        if self._measured is None:
            return self._step
        left = self._measured.left_s
        remaining = f", {left:.0f} s left" if left is not None else ""
        return f"{self._measured.phase}: {self._measured.elapsed_s:.0f} s{remaining}"


def _table(readings: tuple[Reading, ...]) -> Table:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("OBJECTIVE", no_wrap=True)
    for title, width in _NUMBERS.items():  # of a fixed width, so that the table does not jump
        table.add_column(title, justify="right", min_width=width, no_wrap=True)
    for reading in readings:
        table.add_row(*(Text(one_line(cell), style=_style(reading)) for cell in _cells(reading)))
    return table


def _cells(reading: Reading) -> tuple[str, str, str, str, str]:
    limit = "" if reading.limit_percent is None else f"{reading.limit_percent:.3g} %"
    cost = "" if reading.cost_percent is None else f"{reading.cost_percent:.2f} %"
    if reading.good is None or reading.total is None:
        return reading.objective, "no data", reading.reason, cost, limit
    rate = f"{100 * reading.good / reading.total:.2f} %" if reading.total else "-"
    return reading.objective, rate, f"{reading.total - reading.good:,} of {reading.total:,}", cost, limit


def _style(reading: Reading) -> str:
    """Red over the limit, yellow from half of it on."""
    if reading.cost_percent is None or not reading.limit_percent:
        return ""
    used = reading.cost_percent / reading.limit_percent
    return "red" if used > 1 else "yellow" if used >= 0.5 else ""
