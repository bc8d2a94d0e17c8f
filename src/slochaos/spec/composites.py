"""Composites: SLOs whose objectives have an indicator each, and weights.

OpenSLO v1 has the weights but neither a target of the whole nor a formula. Here each part is an objective of
its own, counted, charged and judged like any other; the composite is their weighted mean, with the weights
divided by their sum:

    target = sum(weight x target),  bad share = sum(weight x bad share),  allowed = 1 - target

so that a composite of one part, or of equal parts, is that part, and its burn rate and its cost are the bad
share over the allowed share as everywhere. Exact fractions. Bad events of different parts are never added.
A part without data leaves the composite without data: nothing is known of a mean with a term missing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from slochaos.spec.alerts import AlertPolicy
from slochaos.spec.objectives import Objective


@dataclass(frozen=True)
class Part:
    """One objective of a composite. `weight` is its share of the whole: the weights of all parts sum to 1."""

    objective: Objective
    weight: Fraction


@dataclass(frozen=True)
class Composite:
    """A weighted mean of objectives that share service, window, calendar and budgeting method."""

    name: str
    display_name: str
    parts: tuple[Part, ...]
    alerts: tuple[AlertPolicy, ...] = ()
    description: str = ""
    where: str = ""

    @property
    def target(self) -> Fraction:
        """The weighted mean of the parts' targets."""
        return sum((part.weight * part.objective.target for part in self.parts), Fraction(0))

    @property
    def allowed(self) -> Fraction:
        """The share of the mean that may be bad, 0-1."""
        return 1 - self.target

    def bad_share(self, bad_shares: Mapping[str, Fraction]) -> Fraction | None:
        """The composite's bad share from its parts' by objective name; None unless every part has one."""
        return self._mean(bad_shares, {part.objective.name: part.weight for part in self.parts})

    def spent(self, spent: Mapping[str, Fraction]) -> Fraction | None:
        """The share of the composite's budget, from the shares of their own budgets that the parts spent.

        A part's budget is the bad share that it allows, so that the mean is weighted by weight x allowed.
        None unless every part has one.
        """
        shares = {p.objective.name: p.weight * p.objective.allowed / self.allowed for p in self.parts}
        return self._mean(spent, shares)

    @staticmethod
    def _mean(values: Mapping[str, Fraction], weights: Mapping[str, Fraction]) -> Fraction | None:
        if not weights.keys() <= values.keys():
            return None
        return sum((weight * values[name] for name, weight in weights.items()), Fraction(0))
