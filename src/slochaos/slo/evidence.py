"""What a source says of one objective around an interval: in it, before it, and over the budget's window. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from slochaos.measurement.prometheus.windows import Measured, Window
from slochaos.spec.objectives import Objective


@dataclass(frozen=True)
class Windows:
    """What has to be measured. All in epoch seconds.

    `asked` is the interval as far as it lies in the budget's window `whole`; `clipped` where that is not all
    of it. `before` is the baseline, `passed` the budget's window up to the interval's end.
    """

    asked: Window
    before: Window
    passed: Window
    whole: Window
    clipped: bool = False

    @property
    def each(self) -> tuple[Window, Window, Window]:
        """Interval, baseline and budget, as Evidence takes them."""
        return self.asked, self.before, self.passed


def windows_of(objective: Objective, interval: Window, before: Window) -> Windows:
    """The windows around an interval; a budget is that of the interval's end."""
    # A calendar's window ends with its last instant: what happened before midnight is the old day's.
    whole = Window(*objective.window_at(interval.end - 0.001 if objective.calendar else interval.end))
    start = max(interval.start, whole.start)
    passed = Window(whole.start, min(whole.end, interval.end))
    return Windows(Window(start, interval.end), before, passed, whole, start > interval.start)


@dataclass(frozen=True)
class Evidence:
    """What was measured over these windows."""

    windows: Windows
    interval: Measured
    baseline: Measured
    window: Measured

    @property
    def interval_s(self) -> float:
        """Seconds that the interval's count covers."""
        return (self.interval.observed or self.windows.asked).length_s

    @property
    def baseline_s(self) -> float:
        """Seconds that the baseline's count covers."""
        return (self.baseline.observed or self.windows.before).length_s

    @property
    def window_seen_s(self) -> float:
        """Seconds of the budget's window that have samples."""
        return self.window.observed.length_s if self.window.observed else 0.0

    @property
    def window_passed_s(self) -> float:
        """Seconds of the budget's window that had passed at the interval's end: all of a rolling one."""
        return self.windows.passed.length_s
