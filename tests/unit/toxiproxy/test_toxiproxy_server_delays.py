"""When the delaying toxics deliver which bytes."""

from __future__ import annotations

import itertools
import math

from hypothesis import given
from hypothesis import strategies as st

from slochaos.toxiproxy.relay import Link, Side
from slochaos.toxiproxy.stage import DelayingStage
from slochaos.toxiproxy.toxic import Toxic
from slochaos.toxiproxy.toxics import STAGES

CHUNKS = st.lists(st.binary(min_size=1, max_size=3000), min_size=1, max_size=8)


def plan(kind: str, chunks: list[bytes], **attributes: int) -> list[tuple[float, bytes]]:
    """Due times and pieces of chunks that all arrive at second 10."""
    toxic = Toxic.from_json({"type": kind, "attributes": attributes})
    stage = STAGES[kind](toxic, Link(Side(lambda: None), Side(lambda: None)), born=True)
    assert isinstance(stage, DelayingStage)
    return [piece for chunk in chunks for piece in stage.plan(chunk, 10.0)]


@given(CHUNKS, st.integers(-5, 500), st.integers(-5, 500))
def test_latency_never_reorders_and_never_cuts(chunks: list[bytes], latency: int, jitter: int) -> None:
    """Each chunk is due within latency +/- jitter, and not before the one ahead of it."""
    planned = plan("latency", chunks, latency=latency, jitter=jitter)
    assert [data for _, data in planned] == chunks
    dues = [due for due, _ in planned]
    assert dues == sorted(dues)
    spread = max(0, jitter)
    assert all(
        (latency - spread) / 1000 - 1e-9 <= due - 10 <= (latency + spread) / 1000 + 1e-9 for due in dues
    )


@given(CHUNKS, st.integers(1, 2000))
def test_bandwidth_spends_the_time_that_the_bytes_take(chunks: list[bytes], rate: int) -> None:
    """The last byte is due after bytes / rate; no portion is larger than 100 ms of it."""
    planned = plan("bandwidth", chunks, rate=rate)
    sent = b"".join(chunks)
    assert b"".join(data for _, data in planned) == sent
    assert math.isclose(planned[-1][0] - 10, len(sent) / (rate * 1000), rel_tol=1e-9)
    assert max(len(data) for _, data in planned) <= rate * 100


@given(CHUNKS, st.integers(-3, 0))
def test_no_bandwidth_means_never(chunks: list[bytes], rate: int) -> None:
    """A rate of 0 or less holds everything until the toxic changes."""
    assert plan("bandwidth", chunks, rate=rate) == [(math.inf, chunk) for chunk in chunks]


@given(CHUNKS, st.integers(-5, 300), st.integers(-5, 400), st.integers(-5, 5000))
def test_slicer_loses_nothing(chunks: list[bytes], average: int, variation: int, delay: int) -> None:
    """Whatever the sizes, every piece has data, and the pieces are what was sent."""
    planned = plan("slicer", chunks, average_size=average, size_variation=variation, delay=delay)
    assert b"".join(data for _, data in planned) == b"".join(chunks)
    assert all(data for _, data in planned)
    gaps = [later - earlier for (earlier, _), (later, _) in itertools.pairwise(planned)]
    assert all(math.isclose(gap, max(0, delay) / 1e6, abs_tol=1e-9) for gap in gaps)
