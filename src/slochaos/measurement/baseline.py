"""What has to be right about the sources before anything is injected."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from slochaos.measurement.phases import History
from slochaos.measurement.samples import Count, NoData
from slochaos.measurement.selection import is_wanted, selector_of, series_names
from slochaos.spec.objectives import Metric, Objective, Query
from slochaos.verdict.advice import way_out

_HINTS = {
    "source-down": "start the system, or correct the source's address in the environment file",
}
"""Where a source that has not been read once needs something else than one that was lost."""


@dataclass(frozen=True)
class Problem:
    """Why an objective cannot be measured. `reason` as in NoData; `hint` says what to do."""

    objective: str
    reason: str
    detail: str
    hint: str = ""


def baseline_problems(
    objectives: Iterable[Objective],
    counted: Mapping[str, Count | NoData],
    history: History,
    metric_names: Mapping[str, Iterable[str]] | None = None,
) -> tuple[Problem, ...]:
    """Objectives without data over the baseline, each with its reason. `counted`: what `measure` says of each.

    With `metric_names` (Sampler.metric_names) a selector that matches nothing is answered with the
    nearest names that the pages do have. Good events of which there is not even a series are a problem
    too: everything would count as bad. Bad events may have none yet.
    """
    names = {name for found in (metric_names or {}).values() for name in found}
    return tuple(
        problem
        for objective in objectives
        for problem in _problems(objective, counted[objective.name], history, names)
    )


def _problems(
    objective: Objective, counted: Count | NoData, history: History, names: set[str]
) -> Iterator[Problem]:
    good = objective.indicator.good
    if isinstance(counted, NoData) and counted.reason != "no-series":
        yield Problem(objective.name, counted.reason, counted.detail, _hint_for(counted.reason))
    elif isinstance(counted, NoData) and isinstance(objective.indicator.total, Query):
        yield Problem(
            objective.name, counted.reason, counted.detail, "correct the query: it has to have a result"
        )
    elif isinstance(counted, NoData):
        yield _no_series(objective.name, objective.indicator.total, names)
    elif good is not None and not isinstance(good, Query) and not _is_on_a_page(good, history):
        yield _no_series(objective.name, good, names)


def _hint_for(reason: str) -> str:
    """What to do about a reason for which there are no data before anything was injected."""
    return _HINTS.get(reason) or way_out((reason,))


def _is_on_a_page(metric: Metric, history: History) -> bool:
    newest = (next((s for s in reversed(samples) if not s.failure), None) for samples in history.values())
    return any(
        is_wanted(metric, series) for sample in newest if sample is not None for series in sample.values
    )


def _no_series(objective: str, metric: Metric, names: set[str]) -> Problem:
    """Which part of the selector is at fault: the name, or the labels."""
    wanted = series_names(metric)
    selector = selector_of(metric)
    detail = f"no series matches {selector}"
    if names.intersection(wanted):
        hint = f"{wanted[0]} is on the page, but not with these labels (job is the source's name)"
        return Problem(objective, "no-series", detail, hint)
    near = [match for name in wanted for match in get_close_matches(name, sorted(names), n=3, cutoff=0.6)]
    hint = (
        f"did you mean {' or '.join(dict.fromkeys(near))}?"
        if near
        else "no metric of the pages has a like name"
    )
    return Problem(objective, "no-series", detail, hint if names else "")
