"""The prober as a process: everything started, and stopped by SIGTERM or SIGINT."""

from __future__ import annotations

import asyncio
import gc
import signal

from aiohttp import web

from slochaos import clock
from slochaos.errors import ServiceError
from slochaos.prober.checks import check_sql, check_uptime
from slochaos.prober.config import Config
from slochaos.prober.load import Load
from slochaos.prober.metrics import Metrics
from slochaos.prober.pages import Pages
from slochaos.prober.schedule import Schedule
from slochaos.prober.tally import Tally

HOST = "127.0.0.1"
_HEAD_START_S = 0.2


async def probe(config: Config, port: int, password: str, log: str) -> None:
    """Probe until stopped. Raises ServiceError if the port cannot be listened on."""
    names = [journey.name for journey in config.journeys]
    metrics = Metrics(names, [name for name, _ in config.sql.queries] if config.sql else [], log)
    tally = Tally(names)
    schedule = Schedule(clock.now() + _HEAD_START_S, config.rate)
    runner = web.AppRunner(
        Pages(schedule, tally, metrics).application(), access_log=None, shutdown_timeout=1.0
    )
    await runner.setup()
    try:
        await _listen(runner, port)
        gc.collect()
        gc.freeze()  # what is here stays: later collections need not look at it
        work = [Load(config, schedule, tally, metrics).run(), check_uptime(config.uptime, metrics)]
        if config.sql is not None:
            work.append(check_sql(config.sql, password, metrics))
        await _until_stopped([asyncio.create_task(coroutine) for coroutine in work])
    finally:
        await runner.cleanup()
        metrics.close()


async def _listen(runner: web.AppRunner, port: int) -> None:
    try:
        await web.TCPSite(runner, HOST, port).start()
    except OSError as error:
        raise ServiceError(
            f"the prober cannot listen on {HOST}:{port}: {error.strerror}", hint="choose another --port"
        ) from error


async def _until_stopped(tasks: list[asyncio.Task[None]]) -> None:
    """Wait for a signal, or for a task that ends, which none should: its exception is raised."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    stopping = asyncio.create_task(stop.wait())
    try:
        done, _ = await asyncio.wait({stopping, *tasks}, return_when=asyncio.FIRST_COMPLETED)
        for task in done - {stopping}:
            task.result()
    finally:
        for task in (stopping, *tasks):
            task.cancel()
        await asyncio.gather(stopping, *tasks, return_exceptions=True)
