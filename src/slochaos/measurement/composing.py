"""Composites, from what their parts counted and were charged. Nothing is counted here, and nothing added up."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from slochaos import record
from slochaos.budget.account import Charge
from slochaos.measurement.samples import Count, NoData
from slochaos.spec.composites import Composite


def compose(
    composite: Composite, counts: Mapping[str, Count | NoData], charges: Mapping[str, Charge | None]
) -> record.CompositeResult:
    """The weighted mean of the parts: `counts` and `charges` by objective name. What a part lacks, the whole lacks."""
    shares, missing = _bad_shares(composite, counts)
    bad = composite.bad_share(shares)
    charged = {name: charge for name, charge in charges.items() if charge is not None}
    gross = composite.spent({name: charge.gross_share for name, charge in charged.items()})
    caused = composite.spent({name: charge.attributed_share for name, charge in charged.items()})
    return record.CompositeResult(
        name=composite.name,
        display_name=composite.display_name,
        target=f"{float(100 * composite.target):.10g}%",
        target_fraction=float(composite.target),
        window=composite.parts[0].objective.window,
        parts={part.objective.name: float(part.weight) for part in composite.parts},
        sli=None if bad is None else float(1 - bad),
        cost_percent=None if gross is None else float(100 * gross),
        attributed_percent=None if caused is None else float(100 * caused),
        reason=missing,
    )


def _bad_shares(
    composite: Composite, counts: Mapping[str, Count | NoData]
) -> tuple[dict[str, Fraction], str]:
    """Bad shares by objective, and what is said of the parts that have none."""
    shares: dict[str, Fraction] = {}
    missing = []
    for part in composite.parts:
        name = part.objective.name
        counted = counts.get(name, NoData("not-measured", "it was not measured"))
        if isinstance(counted, NoData):
            missing.append(f"{name}: {counted.detail or counted.reason}")
        elif not counted.total:
            missing.append(f"{name}: no events")
        else:
            shares[name] = Fraction(counted.bad) / counted.total
    return shares, "; ".join(missing)
