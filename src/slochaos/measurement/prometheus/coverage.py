"""What part of a long window a server has anything of: it may be younger than the window, or have been down."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from slochaos.measurement.prometheus.fetching import Asking
from slochaos.measurement.prometheus.windows import Window

POINTS = 300
"""A window is looked at in so many instants, and then a step of them again, until steps are short enough."""

SHORT_S = 1.0


@dataclass(frozen=True)
class Coverage:
    """First and last scrape of any target within the window, to the second; and what is missing in between.

    `begins`: nothing was scraped at the window's start yet. `ends`: nothing is at its end any more.
    """

    first: float
    last: float
    begins: bool
    ends: bool
    missing_s: float

    @property
    def gap(self) -> str:
        """A reason; empty if nothing is missing."""
        if not self.missing_s:
            return ""
        return f"gap: the server has nothing of {self.missing_s:.0f} s within the window"


def coverage(asking: Asking, ups: Sequence[str], window: Window) -> Coverage:
    """Of the targets whose `up` these selectors select. Raises SourceError."""
    step_s = window.length_s / POINTS
    times = _times(asking, ups, window, step_s)
    if not times:  # nothing there has an `up`: as far as anybody can tell, all of the window
        return Coverage(window.start, window.end, begins=False, ends=False, missing_s=0.0)
    begins, ends = times[0] > window.start + 0.001, times[-1] < window.end - 0.5 * step_s
    first, last = window.start, window.end
    if begins:
        first = _first(asking, ups, Window(times[0] - step_s, times[0]))
    if ends:
        last = _last(asking, ups, Window(times[-1], times[-1] + step_s))
    missing = (later - earlier - step_s for earlier, later in pairwise(times))
    return Coverage(first, last, begins, ends, sum(each for each in missing if each > 0.5 * step_s))


def _times(asking: Asking, ups: Sequence[str], window: Window, step_s: float) -> list[float]:
    """The instants of a grid at which any target was scraped lately."""
    answers = asking.ranges((f"count({text})", window, step_s) for text in ups)
    return sorted({at for found in answers.values() for each in found for at in each.times})


def _first(asking: Asking, ups: Sequence[str], within: Window) -> float:
    """The first timestamp of all, which is seen at the end of `within` and not at its start."""
    while within.length_s > SHORT_S:
        step_s = within.length_s / POINTS
        at = min(_times(asking, ups, within, step_s), default=within.end)
        within = Window(at - step_s, at)
    return min(_stamps(asking, ups, within.end), default=within.end)


def _last(asking: Asking, ups: Sequence[str], within: Window) -> float:
    """The last timestamp of all, which is seen at the start of `within` and not at its end."""
    while within.length_s > SHORT_S:
        step_s = within.length_s / POINTS
        at = max(_times(asking, ups, within, step_s), default=within.start)
        within = Window(at, at + step_s)
    return max(_stamps(asking, ups, within.start), default=within.start)


def _stamps(asking: Asking, ups: Sequence[str], at: float) -> list[float]:
    """When the samples were taken that the server has at an instant."""
    answers = asking.instants((f"timestamp({text})", at) for text in ups)
    return [value.value for found in answers.values() for value in found]
