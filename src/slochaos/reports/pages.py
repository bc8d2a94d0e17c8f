"""The other pages in the terminal: a plan, the history, where the budgets stand."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from slochaos.ledger.rows import BudgetRow, HistoryRow, IncidentRow, OverrideRow
from slochaos.record import ForecastRecord, Plan, PowerRecord
from slochaos.reports.screen import MARK_STYLES, Screen
from slochaos.wording import count, percent, seconds

_STATUS_STYLES = {"passed": "green", "failed": "red", "undo-failed": "bold red", "error": "red"}


def render_plan(plan: Plan, console: Console, *, title: str = "") -> None:
    """Print what an experiment may cost and decide, and what stays if this host dies."""
    screen = Screen(console)
    if title:
        screen.line(screen.text("PLAN", "bold"), Text("   "), title)
    _forecast(screen, plan)
    for standing in plan.budget:
        screen.line(
            f"Of {standing.objective}'s budget {percent(standing.consumed_percent / 100)} is used: "
            f"{percent(standing.chaos_percent / 100)} by runs, {percent(standing.organic_percent / 100)} without them."
        )
    for power in plan.power:
        _power(screen, power)
    for assumption in plan.assumptions:
        screen.line(f"Assumed of {assumption}.")
    if plan.detection_seconds:
        screen.line(
            f"A breach is seen after {seconds(plan.detection_seconds)} at most{_detection_cost(plan)}."
        )
    for watched in plan.watch:
        screen.line(f"Abort watch, {watched}.")
    _leave(screen, plan)
    for fate in plan.if_host_dies:
        screen.line(f"If this host dies during {fate.fault!r} on {fate.target}: {fate.outcome}.")


def _leave(screen: Screen, plan: Plan) -> None:
    """By whose leave, within which limits, under which locks."""
    for permission in plan.permissions:
        what = f"{permission.what} on {permission.target}" if permission.target else permission.what
        by = f"allowed by {permission.entry}" if permission.entry else "NOT allowed by the environment"
        screen.line(f"{what}: {by}.")
    for limit in plan.limits:
        screen.line(f"Limits: {limit}.")
    for lock in plan.locks:
        where = f" at {lock.where}" if lock.where else ""
        screen.line(f"Locked while the run lasts: {lock.target}, by {lock.lock}{where}.")


def _forecast(screen: Screen, plan: Plan) -> None:
    if not plan.forecast:
        return
    # Before a run nothing was measured yet: then there is no expectation, and no column for it.
    expects = any(forecast.expected_percent is not None for forecast in plan.forecast)
    head = ("OBJECTIVE", *(["EXPECTED COST"] if expects else []), "WORST COST", "")
    rows = [_forecast_cells(screen, forecast, expects=expects) for forecast in plan.forecast]
    if screen.fits(head, rows):
        screen.table(head, rows, right=range(1, len(head) - 1))
        return
    for forecast in plan.forecast:
        expected = f"expected {_share(forecast.expected_percent)}, " if expects else ""
        screen.line(f"{forecast.objective}: {expected}worst {_share(forecast.worst_percent)} of the budget")
        if remark := _remark(forecast):
            screen.line(remark, indent=4)


def _forecast_cells(screen: Screen, forecast: ForecastRecord, *, expects: bool) -> list[Text]:
    shares = [forecast.expected_percent] if expects else []
    cells = [forecast.objective, *map(_share, [*shares, forecast.worst_percent]), _remark(forecast)]
    return [screen.text(cell) for cell in cells]


def _remark(forecast: ForecastRecord) -> str:
    cut = (
        ""
        if forecast.abort_at_seconds is None
        else f"likely to be cut short at {seconds(forecast.abort_at_seconds)}"
    )
    return "; ".join(filter(None, (cut, forecast.reason)))


def _share(value: float | None) -> str:
    return "unknown" if value is None else percent(value / 100)


def _power(screen: Screen, power: PowerRecord) -> None:
    coming = f"about {count(power.expected_events)} come"
    if power.expected_bad:
        coming += f", {count(power.expected_bad)} of them bad as in the baseline"
    without = "another failure" if power.expected_bad else "a failure"
    needs = f"needs {count(power.needed_clean)} requests without {without}" if power.needed_clean else ""
    enough = ", ".join(filter(None, (needs or "no number of such requests shows it", coming)))
    mark = "+" if power.decidable else "x"
    verdict = "can be decided" if power.decidable else "CANNOT be decided"
    screen.line(Text(f"{mark} ", style=MARK_STYLES[mark]), f"{power.objective} {verdict}: {enough}")
    if not power.decidable and power.ways_out:
        screen.line(f"ways out: {' | '.join(power.ways_out)}", indent=4)


def _detection_cost(plan: Plan) -> str:
    costs = [
        f"{percent(share / 100)} of {name}"
        for name, share in plan.detection_cost_percent.items()
        if share > 0
    ]
    return f"; until then an outage costs {', '.join(costs)}" if costs else ""


def render_history(rows: Sequence[HistoryRow | IncidentRow], console: Console) -> None:
    """Print runs and incidents as they come, newest first. Times are UTC."""
    screen = Screen(console)
    if not rows:
        screen.line("No run yet. Next: slochaos run EXPERIMENT")
        return
    head = ("RUN", "STARTED (UTC)", "STATUS", "EXPERIMENT", "ENVIRONMENT", "TOOK", "DEAREST")
    cells = [_history_cells(screen, row) for row in rows]
    if screen.fits(head, cells):
        screen.table(head, cells)
        return
    for identity, started, status, experiment, environment, took, cost in cells:
        screen.line(Text("  ").join([status, identity, started, took]))
        screen.line(experiment, " on " if experiment else "", environment, Text("  "), cost, indent=4)


def _history_cells(screen: Screen, row: HistoryRow | IncidentRow) -> list[Text]:
    took = "" if row.ended is None else seconds(max(0.0, (row.ended - row.started).total_seconds()))
    # One objective, never a sum: costs of different objectives come from the same seconds.
    dearest = next((f"{name} {percent(share / 100)}" for name, share in row.costs if share > 0), "")
    if isinstance(row, IncidentRow):
        status, experiment, where = "incident", "", row.environment or row.server
    else:
        status = row.status + (" (placebo)" if row.placebo else "")
        status += " (provisional)" if row.provisional else ""
        experiment, where = row.experiment, row.environment
    return [
        screen.text(row.id),
        screen.text(f"{row.started:%Y-%m-%d %H:%M:%S}"),
        screen.text(status, _STATUS_STYLES.get(status, "yellow")),
        screen.text(experiment),
        screen.text(where),
        screen.text(took),
        screen.text(dearest),
    ]


def render_budget(
    rows: Sequence[BudgetRow],
    console: Console,
    *,
    overrides: Sequence[OverrideRow] = (),
    environment: str = "",
    scope: str = "rolling",
) -> None:
    """Print where each objective's budget stands, and which runs went on although the policy objected.

    `scope` is the environment's `budget.scope`.
    """
    screen = Screen(console)
    if not rows:
        screen.line(f"No run has been charged{f' in {environment}' if environment else ''} yet.")
        return
    head = ("OBJECTIVE", "TARGET", "TAKEN", "LEFT WHEN LAST SEEN", "COMES BACK")
    cells = [_budget_cells(screen, row) for row in rows]
    if screen.fits(head, cells):
        screen.table(head, cells)
    else:
        for name, target, taken, left, back in cells:
            screen.line(name, Text("   target "), target)
            for label, text in (("taken", taken), ("left", left), ("back", back)):
                screen.line(Text(f"{label:<7}", style="dim"), text, indent=4)
    if scope == "run":
        screen.line("This environment is started for each run, so that each run begins with a full budget.")
    for each in overrides:
        when = f"{each.used:%Y-%m-%d %H:%M} UTC"
        screen.line(f"Policy overridden by {each.by} for run {each.run_id} ({when}): {each.reason}")
        screen.line(each.objection, indent=4)


def _taken(number: int, of_what: str, share: float) -> str:
    """ "23 % in 2 runs"; empty where there was none."""
    return (
        f"{percent(max(0.0, share) / 100)} in {number} {of_what}{'' if number == 1 else 's'}"
        if number
        else ""
    )


def _budget_cells(screen: Screen, row: BudgetRow) -> list[Text]:
    by_runs = _taken(row.runs, "run", row.caused_percent)
    by_incidents = _taken(row.incidents, "incident", row.incidents_percent)
    taken = ", ".join(filter(None, (by_runs, by_incidents))) or "nothing"
    left = percent(row.left_percent / 100) if row.left_percent >= 0 else "overspent"
    back = next((f"{percent(r.percent / 100)} at {r.at:%Y-%m-%d %H:%M} UTC" for r in row.refunds), "-")
    return [
        screen.text(row.objective),
        screen.text(f"{row.target} / {row.window}"),
        screen.text(taken),
        screen.bar(row.left_percent)
        .append(" ")
        .append_text(screen.text(f"{left} ({row.seen_at:%m-%d %H:%M})")),
        screen.text(back),
    ]
