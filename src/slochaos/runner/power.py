"""Whether the traffic can decide each floor: judged from the baseline, and assumed before there is one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction

from slochaos.errors import Refused
from slochaos.measurement.samples import Count, NoData
from slochaos.record import Plan, PowerRecord
from slochaos.spec.environment import Environment
from slochaos.spec.experiment import Experiment
from slochaos.spec.objectives import Objective
from slochaos.verdict import power
from slochaos.wording import count, exact_percent

Floor = tuple[Objective, Fraction]


def judge_power(
    experiment: Experiment,
    environment: Environment,
    baseline: Mapping[str, Count | NoData],
    baseline_s: float,
    fault_s: float,
) -> tuple[PowerRecord, ...]:
    """Each floor against the baseline's traffic and failures; nothing of objectives that have no baseline."""
    return tuple(
        _judged(objective, hold, counted, baseline_s, fault_s)
        for objective, hold in _floors(experiment, environment)
        if isinstance(counted := baseline.get(objective.name), Count) and baseline_s > 0
    )


def assumptions(
    experiment: Experiment,
    environment: Environment,
    known: tuple[PowerRecord, ...],
    fault_s: float,
    *,
    harmless: bool,
) -> tuple[str, ...]:
    """On what the forecast rests, a sentence each: the baseline's traffic, or what has to come where there is none."""
    worst = "" if harmless else "costs: the worst is that everything fails, at the window's usual traffic"
    judged = {record.objective for record in known}
    same = "floors: traffic and failures go on as in the baseline, and the fault adds none" if judged else ""
    open_floors = [floor for floor in _floors(experiment, environment) if floor[0].name not in judged]
    needed = [_assumed(objective, hold, fault_s) for objective, hold in open_floors if fault_s > 0]
    return tuple(filter(None, (worst, same, *needed)))


def refuse_underpowered(plan: Plan, *, allowed: bool) -> None:
    """Raise Refused for a floor that the traffic cannot show, unless that is `allowed`."""
    for record in plan.power:
        if not record.decidable and not allowed:
            raise Refused(
                f"{record.objective}: {_underpowered(record)}",
                hint=" | ".join((*record.ways_out, "--allow-underpowered")),
                reason="underpowered",
            )


def _floors(experiment: Experiment, environment: Environment) -> Iterator[Floor]:
    """Objectives with a floor on their events: slices are a census, and need no power."""
    rules = {rule.objective: rule for rule in experiment.rules}
    for objective in environment.objectives:
        rule = rules.get(objective.name)
        if rule is not None and rule.hold is not None and not objective.in_slices:
            yield objective, rule.hold


def _judged(
    objective: Objective, hold: Fraction, counted: Count, baseline_s: float, fault_s: float
) -> PowerRecord:
    share = Fraction(counted.bad, counted.total) if counted.total else Fraction(0)
    found = power.check(hold, counted.total / baseline_s, fault_s, share)
    return PowerRecord(
        objective=objective.name,
        needed_clean=found.needed_clean,
        expected_events=found.expected_events,
        expected_bad=found.expected_bad,
        decidable=found.decidable,
        ways_out=found.ways_out,
    )


def _assumed(objective: Objective, hold: Fraction, fault_s: float) -> str:
    if hold >= 1:
        return f"{objective.name}: no traffic can show a floor of 100 %"
    needed = power.needed_events(0, 1 - hold)
    return (
        f"{objective.name}: the fault sees {count(needed)} events or more ({needed / fault_s:.3g} per second),"
        f" and none fails without it: that many show {exact_percent(hold)}; the baseline will tell"
    )


def _underpowered(record: PowerRecord) -> str:
    bad = record.expected_bad
    expected = f"{count(record.expected_events)} events are expected during the fault"
    if bad:
        expected += f", {count(bad)} of them bad as in the baseline"
    if not record.needed_clean:
        return f"{expected}, and no number of such events can show the floor"
    without = "without another failure" if bad else "without a failure"
    return f"{expected}, which cannot show the floor (it takes {count(record.needed_clean)} {without})"
