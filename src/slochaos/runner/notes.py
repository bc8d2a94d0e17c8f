"""What has to be said of how a run was measured and recorded, beside its verdict."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from slochaos.measurement.leaps import leap
from slochaos.runner.state import RunState

if TYPE_CHECKING:
    from slochaos.measurement.sampler import Sampler


def measuring_notes(run: RunState) -> tuple[str, ...]:
    """Sentences for the result, after the run."""
    notes = [*run.sampler.remarks, *_leaps(run, run.sampler)] if run.sampler is not None else []
    if run.sampler is not None and run.sampler.write_error:
        notes.append(f"samples.ndjson is incomplete: {run.sampler.write_error}")
    if run.stream.write_error:
        notes.append(f"events.ndjson, or the file of --events, is incomplete: {run.stream.write_error}")
    if run.system_ is not None and run.system.environment.read_leniently:
        notes.append(run.system.environment.read_leniently)
    if run.stream.dropped:
        notes.append(f"{run.stream.dropped} events were not delivered: nobody took them in time")
    return tuple(notes)


def _leaps(run: RunState, sampler: Sampler) -> Iterator[str]:
    """Objectives whose counters leapt, from the baseline to the end."""
    end = run.s2 or run.s1
    if run.baseline_start is None or end is None:
        return
    for objective in run.system.environment.objectives:
        if found := leap(objective, sampler.history, run.baseline_start, end):
            yield found.sentence
