"""The circuit breaker of AgentMesh's API."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from environments.agentmesh.breaker import Breaker


def opened() -> Breaker:
    """A breaker that three failures have opened."""
    breaker = Breaker(failures_to_open=3)
    for _ in range(3):
        breaker.failed()
    return breaker


async def answer(healthy: bool) -> bool:
    """A probe's answer."""
    return healthy


def test_opens_after_consecutive_failures_only() -> None:
    """A success in between starts the count of failures anew."""
    breaker = Breaker(failures_to_open=3)
    for outcome in (breaker.failed, breaker.failed, breaker.succeeded, breaker.failed, breaker.failed):
        outcome()
    assert breaker.state == "closed"
    breaker.failed()
    states = (breaker.state, breaker.allows)
    assert states == ("open", False)


def test_tells_once_when_it_opens() -> None:
    """Failures of calls that were under way when it opened do not open it again."""
    openings: list[str] = []
    breaker = Breaker(failures_to_open=1, on_open=lambda: openings.append("open"))
    breaker.failed()
    breaker.failed()
    assert openings == ["open"]


def test_a_late_success_does_not_close_it() -> None:
    """Only a probe closes it: a call from before the outage says nothing about now."""
    breaker = opened()
    breaker.succeeded()
    assert breaker.state == "open"


@pytest.mark.parametrize(("healthy", "state"), [(True, "closed"), (False, "open")])
def test_a_probe_decides(healthy: bool, state: str) -> None:
    """An open breaker closes when its probe succeeds, and stays open when it fails."""
    breaker = opened()
    asyncio.run(breaker.probe(lambda: answer(healthy)))
    assert breaker.state == state


def test_calls_are_rejected_while_a_probe_is_out() -> None:
    """Half-open lets the probe through, and no request."""
    breaker = opened()
    states: list[tuple[str, bool]] = []

    async def look() -> bool:
        states.append((breaker.state, breaker.allows))
        return True

    asyncio.run(breaker.probe(look))
    assert states == [("half-open", False)]


def test_a_closed_breaker_is_not_probed() -> None:
    """Without an outage the other side gets no probes."""
    breaker = Breaker()

    async def fail() -> bool:
        raise AssertionError("probed")

    asyncio.run(breaker.probe(fail))
    assert breaker.allows


def test_a_probe_that_is_cancelled_leaves_it_open() -> None:
    """Nothing was learnt, so calls stay rejected and the next probe may come."""
    breaker = opened()

    async def cancelled() -> None:
        task = asyncio.create_task(breaker.probe(lambda: asyncio.sleep(60, result=True)))
        await asyncio.sleep(0)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    asyncio.run(cancelled())
    assert breaker.state == "open"


def test_it_has_to_fail_as_often_again_after_closing() -> None:
    """Failures from before the outage are forgotten with it."""
    breaker = opened()
    asyncio.run(breaker.probe(lambda: answer(True)))
    breaker.failed()
    breaker.failed()
    assert breaker.allows
