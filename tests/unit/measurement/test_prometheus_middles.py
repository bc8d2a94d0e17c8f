"""Samples left out since they change no count: counting the rest gives the same."""

from __future__ import annotations

import math
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from slochaos.measurement.counting import Counting
from slochaos.measurement.prometheus.answers import RawSeries
from slochaos.measurement.prometheus.evidence import Picked
from slochaos.measurement.prometheus.middles import without_middle
from slochaos.measurement.prometheus.pages import bracket, compose
from slochaos.measurement.prometheus.windows import Window
from slochaos.measurement.samples import Count, NoData
from slochaos.spec.objectives import Counter, Indicator, Objective
from slochaos.spec.selectors import parse

STEP_S, SCRAPES = 15, 80
TIMES = [1_000.0 + STEP_S * number for number in range(SCRAPES)]
WINDOW = Window(TIMES[15] + 4, TIMES[60] + 4)
LABELS = {"job": "shop", "instance": "shop:80"}
OBJECTIVE = Objective(
    name="success",
    display_name="",
    service="shop",
    target=1,  # type: ignore[arg-type]
    operator="lte",
    window_s=86_400,
    window="24h",
    method="Occurrences",
    indicator=Indicator(Counter(parse("http_total")), bad=Counter(parse('http_total{code="500"}'))),
)


def series(name: str, values: Sequence[float], first: int = 0, **labels: str) -> RawSeries:
    """A series that appears with the scrape `first`."""
    return RawSeries(name, LABELS | labels, TIMES[first:], values[first:])


def counted(picked: Picked) -> Count | NoData:
    """What the samples say of the window, as exact.measure has it counted."""
    history = compose(picked.series, WINDOW, TIMES[-1])
    start, end = bracket(history, WINDOW)
    counting = Counting(OBJECTIVE, history, start, picked.period_s or picked.quiet_s)
    counting.advance(history, end)
    return counting.count(end, (WINDOW.start, WINDOW.end))


def since(restarts: Sequence[int], increments: Sequence[int]) -> list[float]:
    """A counter that begins anew with each restart."""
    values, value = [], 0.0
    for number, more in enumerate(increments):
        value = more if number in restarts else value + more
        values.append(float(value))
    return values


increments = st.lists(st.integers(0, 9), min_size=SCRAPES, max_size=SCRAPES)
places = st.lists(st.integers(1, SCRAPES - 1), max_size=3, unique=True)


@given(good=increments, bad=increments, restarts=places, born=st.integers(0, SCRAPES - 1))
def test_what_is_left_out_changes_no_count(
    good: list[int], bad: list[int], restarts: list[int], born: int
) -> None:
    """Whatever grows, restarts or appears: the same points, the same intervals, the same reasons."""
    began = [TIMES[max((n for n in restarts if n <= number), default=0)] - 1 for number in range(SCRAPES)]
    picked = Picked(
        [
            series("up", [1.0] * SCRAPES),
            series("process_start_time_seconds", began),
            series("http_total", since(restarts, good), code="200"),
            series("http_total", since(restarts, bad), born, code="500"),
        ],
        [],
    )
    fewer = without_middle(picked, WINDOW)
    assert counted(fewer) == counted(picked)


def test_a_quiet_target_is_counted_from_its_ends() -> None:
    """Of 80 samples eight are kept."""
    picked = Picked([series("up", [1.0] * SCRAPES), series("http_total", TIMES)], [])
    fewer = without_middle(picked, WINDOW)
    assert [len(each.times) for each in fewer.series] == [8, 8]
    assert fewer.quiet_s == WINDOW.length_s


def test_failed_scrapes_gaps_and_other_timetables_are_counted_whole() -> None:
    """Where something may have been missed, every sample is looked at; also where a value is no number."""
    whole = [1.0] * SCRAPES
    down = Picked([series("up", [*whole[:30], 0.0, *whole[31:]]), series("http_total", TIMES)], [])
    gap_times = [*TIMES[:30], *TIMES[40:]]
    gap = Picked([RawSeries(name, LABELS, gap_times, gap_times) for name in ("up", "http_total")], [])
    own = Picked([series("up", whole), RawSeries("http_total", LABELS, [at + 1 for at in TIMES], TIMES)], [])
    broken = Picked([series("up", whole), series("http_total", [*TIMES[:30], math.nan, *TIMES[31:]])], [])
    alone = Picked([series("http_total", TIMES)], [])
    for picked in (down, gap, own, broken, alone):
        assert without_middle(picked, WINDOW) is picked
