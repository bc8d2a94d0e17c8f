"""The faults as actions of a Chaos Toolkit experiment: inject, hold, undo, verify, return.

Each blocks until its fault is undone and verified; `background: true` overlaps several. All are safe to
call from several threads.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from chaoslib.exceptions import ActivityFailed

from slochaos.errors import Refused, SlochaosError
from slochaos.extension import session
from slochaos.guard.client import ExperimentClient
from slochaos.guard.connection import InjectionState
from slochaos.spec import toxics
from slochaos.spec.draws import DEFAULTS, read_pool
from slochaos.spec.durations import parse_duration

__all__ = ["end_faults", "inject", "nothing", "random_failures", "toxiproxy"]


def toxiproxy(toxic: str, duration: str) -> dict[str, Any]:
    """Apply the preset `toxics/<toxic>.json` to its proxy for `duration` ("20s", "2m"), then undo and verify.

    Returns what was seen of the fault: times, evidence, how it ended. Fails when the guard refuses.
    """
    with _failing_as_activity():
        preset = toxics.load(toxics.find(toxic, session.experiment_path()))
        return _inject(toxic, "toxiproxy", preset.parameters, duration)


def inject(fault: str, duration: str, **parameters: Any) -> dict[str, Any]:
    """Inject the fault of this kind ("docker.pause", "host.cpu") for `duration`, then undo and verify.

    `parameters` are the fault's own, as docs/faults.md lists them. Returns what `toxiproxy` returns.
    """
    with _failing_as_activity():
        return _inject(fault, fault, parameters, duration)


def nothing(duration: str) -> dict[str, Any]:
    """Take the whole path of a fault for `duration` without changing anything."""
    with _failing_as_activity():
        return _inject("nothing", "nothing", {}, duration)


def random_failures(  # noqa: PLR0917 (Chaos Toolkit passes arguments by name)
    pool: list[dict[str, Any]],
    duration: str,
    every: str = DEFAULTS["every"],
    lasts: str = DEFAULTS["lasts"],
    probability: str = DEFAULTS["probability"],
    at_most: int = DEFAULTS["at_most"],
    seed: int | None = DEFAULTS["seed"],
) -> dict[str, Any]:
    """Faults drawn at random from `pool` for `duration`: Chaos Monkey, with a seed that draws the same again.

    Every `every`, each fault of the pool comes with `probability`, in a random order, until `at_most` have;
    each lasts `lasts`. The pool holds `{"fault": KIND, ...parameters}` and `{"toxic": PRESET}`. Without `seed`
    the run's own draws (`slochaos run --seed N`). Returns the seed and what came of each fault that was drawn.
    """
    with _failing_as_activity():
        asked = {"pool": pool, "duration": duration, "every": every, "lasts": lasts}
        drawn_from = read_pool({**asked, "probability": probability, "at_most": at_most, "seed": seed})
        chosen = session.seed() if seed is None else seed
        begin = time.monotonic()
        with ThreadPoolExecutor(max_workers=at_most) as threads:
            ended = [
                threads.submit(
                    _inject_drawn, drawn_from.items[each.item], begin + each.starts_s, each.round, lasts
                )
                for each in drawn_from.draws(chosen)
            ]
        time.sleep(max(begin + drawn_from.duration_s - time.monotonic(), 0.0))
        return {"seed": chosen, "injections": [each.result() for each in ended]}


def end_faults() -> list[str]:
    """Undo every fault of this run that is still in force, now. Does nothing when there is none."""
    with _failing_as_activity(), _guard() as guard:
        return [f"{state.name}: {state.state}" for state in guard.end_faults()]


def _inject_drawn(item: Mapping[str, Any], at: float, number: int, lasts: str) -> dict[str, Any]:
    """One drawn fault at its time (`at`: of the monotonic clock); what the guard refuses is told, and is no end."""
    time.sleep(max(at - time.monotonic(), 0.0))
    try:
        if "toxic" in item:
            name, kind = str(item["toxic"]), "toxiproxy"
            parameters = toxics.load(toxics.find(name, session.experiment_path())).parameters
        else:
            name = kind = str(item["fault"])
            parameters = {key: value for key, value in item.items() if key != "fault"}
        return _inject(name, kind, parameters, lasts)
    except Refused as refusal:
        return {"round": number, "refused": refusal.message}


def _inject(name: str, kind: str, parameters: Mapping[str, Any], duration: str) -> dict[str, Any]:
    seconds = parse_duration(duration)
    with _guard() as guard:
        applied = guard.inject(name, kind, parameters, seconds)
        ended = guard.wait(applied.id)
    held_s = _seconds_in_force(ended)
    return {
        "injection": ended.id,
        "target": ended.target,
        "ended": ended.state,
        "seconds_in_force": held_s,
        "cut_short": held_s is not None and held_s < seconds - 0.1,
        "evidence": ended.evidence,
        "detail": ended.detail,
    }


def _seconds_in_force(state: InjectionState) -> float | None:
    if state.applied is None or state.undone is None:
        return None
    return round(state.undone[0] - state.applied[0], 3)


@contextmanager
def _guard() -> Iterator[ExperimentClient]:
    connection = session.guard()
    try:
        yield connection
    finally:
        connection.close()


@contextmanager
def _failing_as_activity() -> Iterator[None]:
    """Chaos Toolkit records an ActivityFailed with its message; anything else would abort the experiment."""
    try:
        yield
    except SlochaosError as error:
        raise ActivityFailed(str(error)) from error
