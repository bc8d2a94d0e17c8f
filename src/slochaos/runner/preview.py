"""`slochaos plan` and `run --dry-run`: what a run would do, with nothing started and nothing injected."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

from slochaos import clock
from slochaos.errors import InvalidInput, Refused
from slochaos.measurement.samples import Count, NoData
from slochaos.record import Plan
from slochaos.runner.loading import admitted, load
from slochaos.runner.outputs import check_outputs
from slochaos.runner.plan import make_plan
from slochaos.runner.request import RunRequest
from slochaos.spec import environment as environments
from slochaos.spec.environment import Environment
from slochaos.spec.experiment import Experiment

_PAGES_S = 5.0
"""How long pages are read for a rate; servers have the last minute anyway."""
_WATCH_STARTS_S = 2.0
_ANSWER_S = 15.0


@dataclass(frozen=True)
class Preview:
    """Read statically; with `live`, its sources were asked for today's traffic. No target was touched.

    `refusals` are the reasons for which a run would be refused as things stand (a sentence each).
    """

    experiment: Experiment
    environment: Environment
    plan: Plan
    refusals: tuple[str, ...] = ()
    live: bool = False


def preview(request: RunRequest, *, live: bool = False) -> Preview:
    """The plan of a request. Raises InvalidInput, StateError, and SourceError if `live`."""
    check_outputs(request)
    loaded = load(request)
    values = environments.placeholders(loaded.file)
    environment = environments.resolve(loaded.file, values, request.overrides)
    refusals: tuple[str, ...] = ()
    experiment = loaded.experiment
    try:
        experiment = admitted(loaded, environment, request)
    except Refused as refusal:
        refusals = (str(refusal),)
    seen = _look(environment) if live else None
    plan = make_plan(
        experiment,
        environment,
        seen.counts if seen else None,
        seen.lasted_s if seen else 0.0,
        detection_s=seen.detection_s if seen else None,
        allow_foreign=request.allowed_actions(experiment.foreign_actions),
        placebo=request.placebo,
    )
    if seen:
        plan = plan.model_copy(update={"watch": seen.watch})
    return Preview(experiment, environment, plan, refusals, live)


@dataclass(frozen=True)
class _Seen:
    counts: Mapping[str, Count | NoData]
    lasted_s: float
    detection_s: float
    watch: tuple[str, ...]


def _look(environment: Environment) -> _Seen:
    """Today's traffic: the last minute of a server, some seconds of pages. Raises SourceError, InvalidInput."""
    if environment.self_contained or not environment.sources:
        raise InvalidInput(
            f"--live: {environment.name} has nothing that could be asked before a run starts it",
            hint="leave --live out; the baseline of a run tells",
        )
    from slochaos.measurement.phases import Cut, seconds_between
    from slochaos.measurement.sampler import Sampler
    from slochaos.runner.sampling import check_sources

    sampler = Sampler(environment)
    sampler.start()
    try:
        sampler.sample_now(_ANSWER_S)
        check_sources(sampler)
        time.sleep(_PAGES_S if environment.pages else _WATCH_STARTS_S)
        sampler.sample_now(_ANSWER_S)
        check_sources(sampler)
        watch, history = sampler.choose_watch(), sampler.history
        detection_s = sampler.detection_s
        end = sampler.cut_before(clock.now()) or Cut(clock.now(), {})
    finally:
        sampler.stop()
    first = {name: next((s for s in samples if s.is_page), samples[0]) for name, samples in history.items()}
    start = Cut(0.0, first)
    counts = {each.name: sampler.measure(each, history, start, end) for each in environment.objectives}
    lasted_s = seconds_between(start, end) if first else 0.0
    return _Seen(counts, lasted_s, detection_s, watch)
