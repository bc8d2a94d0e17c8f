"""What toxics leave of a canary's answer."""

from __future__ import annotations

from typing import Any

import pytest

from slochaos.faults.toxiproxy.canary import Effect, Heard


def toxic(kind: str, toxicity: float = 1.0, **attributes: int) -> dict[str, Any]:
    return {"type": kind, "toxicity": toxicity, "attributes": attributes}


LATE = Effect.of([toxic("latency", latency=100, jitter=20), toxic("latency", latency=50)])
SILENT = Effect.of([toxic("timeout", timeout=0)])
SHORT = Effect.of([toxic("limit_data", bytes=100)])


@pytest.mark.parametrize(
    ("effect", "heard", "is_in"),
    [
        (LATE, Heard(130.0, 40), True),
        (LATE, Heard(129.5, 40), True),
        (LATE, Heard(100.0, 40), False),
        (LATE, Heard(None, 0), True),
        (SILENT, Heard(None, 0), True),
        (SILENT, Heard(0.5, 1), False),
        (SHORT, Heard(0.5, 100), True),
        (SHORT, Heard(0.5, 101), False),
    ],
)
def test_an_answer_shows_the_effect_or_refutes_it(effect: Effect | None, heard: Heard, is_in: bool) -> None:
    """Late by the sum of all delays less their jitters, short by the limit, or not there at all."""
    assert effect is not None
    assert effect.is_in(heard) is is_in


@pytest.mark.parametrize(
    "toxics",
    [
        [toxic("latency", toxicity=0.5, latency=100)],
        [toxic("bandwidth", rate=100)],
        [toxic("slow_close", delay=100)],
        [toxic("slicer", average_size=10)],
    ],
)
def test_what_one_short_answer_cannot_show_is_left_to_the_server_to_tell(
    toxics: list[dict[str, Any]],
) -> None:
    """A share of the connections, a rate, a late end."""
    assert Effect.of(toxics) is None


def test_waiting_ends_however_long_the_delay_is() -> None:
    """A look takes two seconds at most."""
    effect = Effect.of([toxic("latency", latency=60_000)])
    assert effect is not None
    assert effect.wait_s == 2.0
