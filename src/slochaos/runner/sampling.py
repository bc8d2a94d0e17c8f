"""Waiting for samples: pages are read when we want, servers scrape when they want and tell it later."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slochaos import clock
from slochaos.errors import SourceError
from slochaos.runner.loop import turn, while_turning
from slochaos.runner.state import RunState

if TYPE_CHECKING:
    from slochaos.measurement.phases import Cut
    from slochaos.measurement.sampler import Sampler

_FIRST_SAMPLE_WITHIN_S = 5.0
_AFTER_A_SIGNAL_S = 10.0
"""Who interrupts a run waits for its end: what comes later than this is not counted."""

LATE_SCRAPES = 2
"""After a phase a server is given so many scrapes until its samples are final: targets that went, or came, show."""


def check_sources(sampler: Sampler) -> None:
    """Raise SourceError for a server that does not answer: before S0, nothing is injected without it."""
    for name, why in sampler.troubles.items():
        raise SourceError(
            f"the source {name} failed before anything was injected: {why}",
            hint="slochaos doctor --environment NAME says what is wrong with it",
        )


def begin_baseline(run: RunState, sampler: Sampler) -> None:
    """The cut at which the baseline begins: one sample of every source.

    Servers have samples of before we asked. One that was started for this run is given the time to find its targets.
    """
    began, fresh = clock.now(), run.system.environment.self_contained
    until = began + _FIRST_SAMPLE_WITHIN_S + sampler.resolution_s + sampler.delay_s
    while run.baseline_start is None and clock.now() < until:
        turn(run)
        run.interrupts.check()
        if fresh and not sampler.shows_all:
            continue
        run.baseline_start = sampler.begin(began)
        if not fresh and not sampler.history and clock.now() > began + _FIRST_SAMPLE_WITHIN_S:
            break  # a server that runs already would have told something by now
    if run.baseline_start is None:
        check_sources(sampler)
        run.baseline_start = sampler.cut_before(clock.now())


def baseline_seconds(run: RunState, sampler: Sampler) -> float:
    """How long the baseline lasts: as asked for, and of a server at least two scrapes."""
    asked_s = run.system.experiment.baseline_s
    return max(asked_s, 2 * sampler.resolution_s) if asked_s > 0 and sampler.delay_s > 0 else asked_s


def sampled_after(run: RunState, sampler: Sampler, instant: float) -> Cut | None:
    """The first sample of every source that started after `instant`; None when one does not come."""
    within_s = sampler.wait_s if run.findings.signal is None else min(sampler.wait_s, _AFTER_A_SIGNAL_S)
    until = max(clock.now(), instant) + within_s
    asked = False
    while (cut := sampler.cut_after(instant)) is None and clock.now() < until:
        turn(run)
        if clock.now() >= instant and not asked:
            asked = True
            while_turning(run, sampler.sample_now, beating=True)
    return cut


def await_late_samples(run: RunState, sampler: Sampler) -> None:
    """Give servers the time until their samples of the last phase are final. Pages' are so at once."""
    end = run.s2 or run.s1
    if end is None or sampler.delay_s <= 0:
        return
    wanted = end.instant + LATE_SCRAPES * sampler.resolution_s
    until = wanted + sampler.delay_s
    while not sampler.has_until(wanted) and not sampler.troubles and clock.now() < until:
        turn(run)
        run.interrupts.check()
