"""What reports say where a recovery or a reason is not known."""

from __future__ import annotations

from slochaos.record import Phase, Recovery, Result
from slochaos.reports.phrases import about
from slochaos.reports.story import recovered
from tests.unit import sample_results as samples

LOST = "source app: r_total fell from 8185 to 4092 while its process start stands still"


def uncounted(total: int | None) -> Result:
    """The passed run, not recovered, with so many events after the undo."""
    result = samples.passed_result()
    after = Phase(from_="", to="", good=total, total=total)
    objectives = tuple(
        each.model_copy(update={"phases": {**each.phases, "recovery": after}}) for each in result.objectives
    )
    unknown = Recovery(seconds=None, resolution_seconds=0.25)
    return result.model_copy(update={"objectives": objectives, "recovery": unknown})


def test_a_recovery_that_nothing_could_show_is_unknown() -> None:
    """NOT RECOVERED is said of what was watched, and not of what could not be counted or saw no traffic."""
    assert recovered(uncounted(100)) == "NOT RECOVERED while it was watched"
    assert recovered(uncounted(None)) == recovered(uncounted(0)) == "whether it recovered is not known"


def test_a_reason_is_told_once() -> None:
    """The phase's own reason is that of the decision, led by a word for machines."""
    [first, *_] = samples.passed_result().objectives
    lost = Phase(from_="", to="", reason=f"several-processes: {LOST}")
    objective = first.model_copy(
        update={"verdict": "unproven", "reason": f"{first.name}: {LOST}", "phases": {"fault": lost}}
    )
    assert about(objective) == f"{first.name}: {LOST}"
