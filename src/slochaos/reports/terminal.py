"""A run, a plan, the history and the budget, at a glance."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from slochaos.ledger.rows import BudgetRow, HistoryRow
from slochaos.record import Plan, Result


def render(result: Result, console: Console, *, report: Path | None = None) -> None:
    """Print how a run ended; `report` is where report.html is (None: looked for in the run's folder)."""
    raise NotImplementedError


def render_plan(plan: Plan, console: Console, *, title: str = "") -> None:
    """Print what an experiment may cost and what stays if the host dies, before anything is injected."""
    raise NotImplementedError


def render_history(rows: Sequence[HistoryRow], console: Console) -> None:
    """Print the latest runs, newest first."""
    raise NotImplementedError


def render_budget(
    rows: Sequence[BudgetRow], console: Console, *, environment: str = "", scope: str = "rolling"
) -> None:
    """Print where each objective's budget stands; `scope` is the environment's `budget.scope`."""
    raise NotImplementedError
