"""A run that passed, as a record, and ways to break it: shared by the tests of ledger and reports."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from slochaos.record import (
    Abort,
    Charge,
    ContributorRecord,
    ForecastRecord,
    HostDiesRecord,
    InjectionRecord,
    ObjectiveResult,
    Phase,
    Plan,
    PowerRecord,
    Recovery,
    Result,
    RuleRecord,
    Run,
    Timeline,
    TimelinePoint,
    ToolkitVerdict,
)

START = datetime(2025, 3, 4, 14, 2, 0, tzinfo=UTC)
DAY_S, WEEK_S = 86_400, 7 * 86_400


def at(seconds: float) -> str:
    """The RFC 3339 time that many seconds after the sample run began."""
    return (START + timedelta(seconds=seconds)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def charge(bad: int, *, allowed: float, window_events: float, window_s: int, **changes: Any) -> Charge:
    """A charge of `bad` events, all of them caused by the run, on a budget that was full before."""
    percent = 100 * bad / (allowed * window_events)
    values: dict[str, Any] = {
        "bad_gross": bad,
        "bad_gross_interval": (bad, bad),
        "bad_attributed": bad,
        "attributed_interval": (bad * 0.996, bad * 1.004),
        "window_events": window_events,
        "basis": "projected",
        "cost_percent": percent,
        "attributed_percent": percent,
        "attributed_percent_interval": (percent * 0.996, percent * 1.004),
        "consumed_before_percent": 0.0,
        "consumed_after_percent": percent,
        "equivalent_outage_seconds": percent / 100 * allowed * window_s,
        "refund_complete": at(window_s + 72),
    }
    return Charge(**(values | changes))


def phases(bad: int, total: int, *, quiet_total: int = 4_500) -> dict[Any, Phase]:
    """Baseline and recovery without a bad event, `bad` of `total` during the fault."""
    return {
        "baseline": Phase(
            from_=at(5), to=at(20), good=quiet_total, total=quiet_total, sli=1.0, bad_at_most=0.00066
        ),
        "fault": Phase(
            from_=at(20),
            to=at(40.1),
            good=total - bad,
            total=total,
            sli=(total - bad) / total if total else None,
            bad_at_least=0.0,
            bad_at_most=0.0005,
        ),
        "recovery": Phase(from_=at(40.1), to=at(45), good=1_500, total=1_500, sli=1.0, bad_at_most=0.002),
    }


def api(**changes: Any) -> ObjectiveResult:
    """The API's success rate: held its floor, cost nothing."""
    values: dict[str, Any] = {
        "name": "api-success-rate",
        "display_name": "API success rate",
        "target": "99.9%",
        "target_fraction": 0.999,
        "operator": "lte",
        "window": "7d",
        "budgeting_method": "Occurrences",
        "rule": RuleRecord(hold=0.99, cost=0.05),
        "phases": phases(0, 6_012),
        "charge": charge(0, allowed=0.001, window_events=181e6, window_s=WEEK_S),
        "verdict": "kept",
        "would_hold_again": "at most 0.05 % bad at 95 %, if failures are independent; held in 7 of 7 runs",
    }
    return ObjectiveResult(**(values | changes))


def database(**changes: Any) -> ObjectiveResult:
    """The database's error rate: everything failed during the fault, within the cost that was accepted."""
    values: dict[str, Any] = {
        "name": "database-error-rate",
        "display_name": "Database error rate",
        "target": "<0.1%",
        "target_fraction": 0.999,
        "operator": "lt",
        "window": "24h",
        "budgeting_method": "Occurrences",
        "rule": RuleRecord(cost=0.40),
        "phases": phases(5_940, 5_940),
        "charge": charge(5_940, allowed=0.001, window_events=25.7e6, window_s=DAY_S),
        "top_contributors": (
            ContributorRecord(labels={"operation": "SELECT tasks", "outcome": "error"}, bad=5_940),
        ),
        "verdict": "kept",
    }
    return ObjectiveResult(**(values | changes))


def latency(**changes: Any) -> ObjectiveResult:
    """The API's latency: observed only."""
    values: dict[str, Any] = {
        "name": "api-latency-p95",
        "display_name": "API latency, 95th percentile",
        "target": "95%",
        "target_fraction": 0.95,
        "operator": "lte",
        "window": "24h",
        "budgeting_method": "Occurrences",
        "threshold_seconds": 0.3,
        "rule": RuleRecord(),
        "phases": phases(48, 6_012),
        "charge": charge(48, allowed=0.05, window_events=25.9e6, window_s=DAY_S),
        "verdict": "observed",
    }
    return ObjectiveResult(**(values | changes))


def availability(**changes: Any) -> ObjectiveResult:
    """Availability in minute slices: observed only."""
    values: dict[str, Any] = {
        "name": "availability",
        "display_name": "Availability",
        "target": "99.95%",
        "target_fraction": 0.9995,
        "operator": "lte",
        "window": "7d",
        "budgeting_method": "Timeslices",
        "rule": RuleRecord(),
        "phases": phases(0, 2),
        "charge": charge(0, allowed=0.0005, window_events=10_080, window_s=WEEK_S),
        "verdict": "observed",
    }
    return ObjectiveResult(**(values | changes))


def injection(**changes: Any) -> InjectionRecord:
    """The database's proxy, disabled for 20 s, undone and verified."""
    values: dict[str, Any] = {
        "id": "7f3a-91c2-1",
        "name": "PostgreSQL unreachable",
        "kind": "toxiproxy",
        "target": "database",
        "applied": at(20.05),
        "undone": at(40.05),
        "expires": at(45),
        "evidence": "80 of 80 canary connects refused",
        "undo": "verified",
        "undo_milliseconds": 38.0,
        "by_hand": "curl -X POST -d '{\"enabled\": true}' http://127.0.0.1:8474/proxies/database",
    }
    return InjectionRecord(**(values | changes))


def timeline() -> Timeline:
    """72 s in steps of one: all database queries fail from second 20 to 40, a few answers are slow."""

    def points(bad: int) -> tuple[TimelinePoint, ...]:
        return tuple(TimelinePoint(at=s, good=300 - bad * (20 < s <= 40), total=300) for s in range(1, 73))

    return Timeline(
        marks={"fault": 20.0, "undone": 40.1, "recovered": 41.9, "end": 72.0},
        points={
            "api-success-rate": points(0),
            "database-error-rate": points(300),
            "api-latency-p95": points(3),
        },
    )


def passed_run(**changes: Any) -> Run:
    """The header of a run that passed."""
    values: dict[str, Any] = {
        "id": "7f3a-91c2",
        "experiment": "db_outage",
        "environment": "local",
        "started": at(0),
        "ended": at(72),
        "status": "passed",
        "exit_code": 0,
        "host": "sre-laptop",
        "chaos_toolkit": {"chaostoolkit": "1.21.4", "chaostoolkit-lib": "1.45.1"},
    }
    return Run(**(values | changes))


def passed_result(**changes: Any) -> Result:
    """The database was unreachable for 20 s; everything that was asked of the run held."""
    values: dict[str, Any] = {
        "run": passed_run(),
        "objectives": (api(), database(), latency(), availability()),
        "plan": sample_plan(),
        "injections": (injection(),),
        "recovery": Recovery(seconds=1.8, resolution_seconds=0.25),
        "chaos_toolkit": ToolkitVerdict(status="completed", deviated=False, journal="journal.json"),
        "timeline": timeline(),
        "command": "slochaos run experiments/db_outage.json",
    }
    return Result(**(values | changes))


def ended_as(status: str, exit_code: int, reason: str = "", hint: str = "", **changes: Any) -> Result:
    """The sample run with another end."""
    run = passed_run(status=status, exit_code=exit_code, reason=reason, hint=hint)
    return passed_result(run=run, **changes)


def placebo_result() -> Result:
    """The same timeline with the fault left out: the guard's `nothing` went by in its place."""
    left_out = injection(evidence="", undo_milliseconds=0.4, by_hand="true")
    spared = database(
        phases=phases(0, 5_940),
        charge=charge(0, allowed=0.001, window_events=26e6, window_s=DAY_S),
        top_contributors=(),
    )
    return passed_result(
        run=passed_run(placebo=True),
        objectives=(api(would_hold_again=""), spared, latency(), availability()),
        injections=(left_out,),
        recovery=Recovery(seconds=0.0, resolution_seconds=0.25),
    )


def failed_result() -> Result:
    """The API broke its floor, because its resilience was off."""
    broken = api(
        phases=phases(4_010, 6_012),
        charge=charge(4_010, allowed=0.001, window_events=181e6, window_s=WEEK_S),
        verdict="breached",
        reason="66.7 % of requests failed during the fault, where 1 % was allowed",
        top_contributors=(
            ContributorRecord(labels={"route": "/tasks", "code": "503"}, bad=3_910),
            ContributorRecord(labels={"route": "/agents", "code": "503"}, bad=100),
        ),
        would_hold_again="",
    )
    return ended_as(
        "failed",
        1,
        "api-success-rate did not hold 99 %",
        "read the API's log, then run it again",
        objectives=(database(), latency(), broken, availability()),
    )


def undo_failed_result() -> Result:
    """A fault may still be in force."""
    stuck = injection(
        undone=None, undo="failed", undo_milliseconds=None, detail="Toxiproxy did not answer in 10 s"
    )
    return passed_result(
        run=passed_run(
            status="undo-failed", exit_code=6, reason="database could not be put back", also=("failed",)
        ),
        injections=(stuck,),
        recovery=None,
    )


def refused_result() -> Result:
    """Nothing was injected: the lock was held. No objective was measured."""
    return Result(
        run=passed_run(
            ended=at(1.5),
            status="refused",
            exit_code=4,
            reason="lock-held: database is held by run 11aa-22bb of host ci-7 until 14:05:10",
            hint="wait until that run has ended, or see: slochaos status",
        ),
        command="slochaos run experiments/db_outage.json",
    )


def aborted_result() -> Result:
    """An operator stopped the run; nothing was breached."""
    return ended_as(
        "aborted",
        5,
        "stopped by an operator",
        injections=(injection(undone=at(26.0), undo_milliseconds=41.0),),
        abort=Abort(condition="slochaos stop by ada", detected=at(25.95), undone=at(26.0), latency_ms=48.0),
    )


def inconclusive_result() -> Result:
    """The floor was neither shown nor broken, and one source had a gap."""
    unsure = api(
        phases=phases(20, 900),
        verdict="unproven",
        reason="2.2 % of 900 requests failed: too few requests to tell whether 99 % holds",
    )
    gap = availability(
        phases={
            "fault": Phase(
                from_=at(20), to=at(40.1), reason="prober: no samples between 14:02:22 and 14:02:31"
            )
        },
        charge=None,
        reason="no data",
    )
    return ended_as(
        "inconclusive",
        3,
        "api-success-rate is unproven",
        "run it 130 s longer, or at 150 requests/s",
        objectives=(unsure, database(), latency(), gap),
        notes=("The API's counters restarted once during the fault: the counts are lower bounds.",),
    )


def interrupted_result() -> Result:
    """Ctrl-C; the supervisor cut the run, undid everything and wrote what it had."""
    return passed_result(
        run=passed_run(status="interrupted", exit_code=130, reason="SIGINT", ended=at(27)),
        objectives=(),
        injections=(injection(undone=at(26.4)),),
        recovery=None,
        chaos_toolkit=None,
        timeline=Timeline(),
    )


def sample_plan() -> Plan:
    """What was foreseen of the sample run."""
    return Plan(
        forecast=(
            ForecastRecord(objective="api-success-rate", worst_percent=3.31, expected_percent=0.0),
            ForecastRecord(
                objective="database-error-rate",
                worst_percent=40.0,
                expected_percent=23.1,
                abort_at_seconds=34.6,
            ),
        ),
        detection_seconds=0.25,
        detection_cost_percent={"api-success-rate": 0.04, "database-error-rate": 0.29},
        power=(
            PowerRecord(
                objective="api-success-rate", needed_clean=299, expected_events=6_000, decidable=True
            ),
            PowerRecord(
                objective="availability",
                needed_clean=5_990,
                expected_events=20,
                decidable=False,
                ways_out=("130 s longer", "load at 150 requests/s", "hold 99 %"),
            ),
        ),
        if_host_dies=(
            HostDiesRecord(fault="database unreachable", target="database", outcome="stays until recovered"),
        ),
        faults=(
            {
                "name": "database unreachable",
                "kind": "toxiproxy",
                "target": "database",
                "parameters": {"proxy": "database", "enabled": False},
                "duration_s": 20.0,
            },
        ),
    )
