"""What an environment's budget policy lets pass although a budget is used up: as for runs, and said. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from slochaos.clock import timestamp
from slochaos.spec.environment import BudgetPolicy


def excuses(names: Iterable[str], policy: BudgetPolicy, at: float) -> dict[str, str]:
    """By objective, of those whose budget is used up, why that fails nothing at `at` (epoch seconds): a sentence.

    A policy that only advises excuses all of them; otherwise a person who has overridden it, as long as that lasts.
    """
    found = {name: _excuse(name, policy, at) for name in names}
    return {name: why for name, why in found.items() if why}


def _excuse(name: str, policy: BudgetPolicy, at: float) -> str:
    if policy.mode == "advise":
        return f"{name}: the budget is used up; the policy advises only, so the exit code does not say so"
    override = next((o for o in policy.overrides if o.objective in ("", name) and o.until > at), None)
    if override is None:
        return ""
    return (
        f"{name}: the budget is used up; the policy was overridden by {override.by} until "
        f"{timestamp(override.until)} ({override.reason})"
    )
