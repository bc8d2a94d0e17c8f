"""The guard's process: sockets, the watched process, heartbeats, signals, services, and the order of the end.

Started by exec with its configuration on standard input; says one line on standard output once it is armed.
It ends everything when the watched process ends, when its heartbeats stop, on a signal, or when asked.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import hmac
import json
import os
import select
import signal
import sys
import tempfile
from collections.abc import Awaitable, Callable, Iterable, Mapping
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from typing import Any

from slochaos import clock
from slochaos.errors import GuardError, SlochaosError, StateError
from slochaos.faults import catalogue
from slochaos.guard import obituary, wire
from slochaos.guard.config import GuardConfig
from slochaos.guard.held import Held
from slochaos.guard.injector import Injector
from slochaos.guard.services import Services
from slochaos.guard.undolog import UndoLog, read_log
from slochaos.identity import ProcessIdentity, host, is_stopped

TICK_S = 0.02
STALL_S = 0.5
FAREWELL_S = 0.5
EVERYBODYS = ("hello", "subscribe", "inject", "wait", "end_faults", "injections", "stop")
"""Calls that the experiment's process and other terminals may make; the rest is the supervisor's."""


class GuardProcess:
    """One guard. `run` returns when nothing of the run is left, or when that cannot be achieved."""

    def __init__(self, config: GuardConfig) -> None:
        self._config = config
        self._folder = Path(tempfile.mkdtemp(prefix="slochaos-", dir=_runtime_dir()))
        self._socket = self._folder / "guard.sock"
        self._log = self._open_log()
        self._injector = Injector(config, self._log, self._publish_from_thread)
        self._services = Services(config.environment.services, config.run_dir, self._log)
        self._writers: set[asyncio.StreamWriter] = set()
        self._subscribers: set[asyncio.StreamWriter] = set()
        self._child: ProcessIdentity | None = None
        self._last_beat: float | None = None
        self._ending: asyncio.Task[None] | None = None
        self._over = asyncio.Event()
        self._watched = ProcessIdentity.of(config.watch_pid)
        self._loop = asyncio.get_running_loop()
        self._answers: dict[str, Callable[[Mapping[str, Any], asyncio.StreamWriter], Awaitable[Any]]] = {
            "hello": self._hello,
            "subscribe": self._subscribe,
            "open_gate": self._open_gate,
            "adopt": self._adopt,
            "start_services": self._start_services,
            "lock": self._take_lock,
            "inject": self._inject,
            "wait": self._wait,
            "undo_all": self._undo_all,
            "end_faults": self._end_faults,
            "injections": self._injections,
            "stop": self._stop,
            "finish": self._finish,
        }

    async def run(self) -> None:
        """Serve until the end."""
        server = await asyncio.start_unix_server(self._serve, self._socket, limit=wire.LIMIT)
        for name in ("SIGTERM", "SIGINT", "SIGHUP"):
            self._loop.add_signal_handler(getattr(signal, name), self._end_soon, f"the guard got {name}")
        self._watch()
        ticking = asyncio.create_task(self._tick())
        with contextlib.suppress(OSError):  # a supervisor that is gone already: the watch ends the run
            os.write(sys.stdout.fileno(), wire.encode({"armed": str(self._socket), "pid": os.getpid()}))
        await self._over.wait()
        ticking.cancel()
        server.close()
        for writer in list(self._writers):
            writer.close()
        await asyncio.sleep(0)
        self._injector.close()
        with contextlib.suppress(OSError):
            self._socket.unlink(missing_ok=True)
            self._folder.rmdir()

    def _open_log(self) -> UndoLog:
        watched = ProcessIdentity.of(self._config.watch_pid)
        header = {
            "host": host(),
            "guard": vars(ProcessIdentity.of(os.getpid())),
            "watched": vars(watched),
            "socket": str(self._socket),
            "run_dir": str(self._config.run_dir),
            "environment": self._config.environment.name,
            "experiment": self._config.experiment,
            "started_wall": clock.wall(),
            "own_services": bool(self._config.environment.services),
        }
        try:
            return UndoLog.create(self._config.state_dir, self._config.run_id, header)
        except StateError:
            self._folder.rmdir()
            raise

    # What ends a run

    def _watch(self) -> None:
        """Notice the end of the watched process at once."""
        if sys.platform == "linux":
            try:
                descriptor = os.pidfd_open(self._config.watch_pid)
            except ProcessLookupError:
                self._end_soon("the watched process is gone")
                return
        else:
            queue = select.kqueue()
            event = select.kevent(
                self._config.watch_pid,
                select.KQ_FILTER_PROC,
                select.KQ_EV_ADD | select.KQ_EV_ONESHOT,
                select.KQ_NOTE_EXIT,
            )
            queue.control([event], 0)
            descriptor = queue.fileno()
            self._kqueue = queue

        def gone() -> None:
            self._loop.remove_reader(descriptor)
            self._end_soon("the watched process ended")

        self._loop.add_reader(descriptor, gone)

    async def _tick(self) -> None:
        """Deadlines of injections, heartbeats, services that end early."""
        before = clock.now()
        told: set[str] = set()
        while True:
            await asyncio.sleep(TICK_S)
            now = clock.now()
            for held in self._injector.due(now):
                self._injector.submit(held.injection.queue, partial(self._injector.undo, held))
            # After a stall of our own, beats may lie unread in the socket: look again next time.
            silent = self._last_beat is not None and now - self._last_beat > self._config.heartbeat_s
            if silent and self._config.heartbeat_s and now - before < STALL_S:
                self._end_soon(f"no sign of life from the run for {self._config.heartbeat_s:g} s")
            before = now
            if self._config.heartbeat_s and is_stopped(self._config.watch_pid):
                self._end_soon("the process of the run was stopped")
            for name in self._services.ended():
                if name not in told:
                    told.add(name)
                    self._publish(
                        {
                            "kind": "service-ended",
                            "detail": {"name": name, "log": self._services.log_tail(name)},
                        }
                    )

    def _end_soon(self, reason: str) -> None:
        if self._ending is None:
            self._ending = asyncio.create_task(self._end(reason))

    async def _end(self, reason: str) -> None:
        """Close the gate, undo, verify; then the child, the services, the locks, the log. Ends in any case."""
        try:
            self._publish({"kind": "ending", "detail": {"reason": reason}})
            await self._undo_everything()
            watched_gone = not self._watched.alive()
            if self._child is not None and (
                watched_gone or self._stale() or is_stopped(self._config.watch_pid)
            ):
                self._child.kill_session()
            await _all_done(self._injector.release_locks())
            await self._services.stop()
            if watched_gone:
                self._write_obituary(reason)
            self._close_log()
            left = [held.report() for held in self._injector.injections() if held.open]
            self._publish({"kind": "ended", "detail": {"reason": reason, "left": left}})
            with contextlib.suppress(TimeoutError, OSError):
                async with asyncio.timeout(FAREWELL_S):
                    await asyncio.gather(*(writer.drain() for writer in self._subscribers))
        finally:
            self._over.set()

    def _close_log(self) -> None:
        """Delete the log when everything in it has ended; keep it where it cannot be deleted or something is open."""
        with contextlib.suppress(OSError, StateError):
            run = read_log(self._log.path)
            if run is None or not run.open:
                self._log.remove()
                return
        self._log.close()

    def _write_obituary(self, reason: str) -> None:
        run = read_log(self._log.path)
        if run is not None:
            obituary.write(run, [held.report() for held in self._injector.injections()], reason)

    def _stale(self) -> bool:
        return self._last_beat is not None and clock.now() - self._last_beat > self._config.heartbeat_s > 0

    async def _undo_everything(self) -> None:
        self._injector.gate_open = False
        await _all_done(self._injector.undo_all())

    # Connections

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        calls: set[asyncio.Task[None]] = set()
        self._writers.add(writer)
        try:
            while line := await reader.readline():
                message = wire.decode(line)
                if message.get("call") == "beat" and writer in self._subscribers:
                    self._last_beat = clock.now()
                    writer.write(wire.encode({"beat": message.get("id")}))
                    continue
                call = asyncio.create_task(self._answer(message, writer))
                calls.add(call)
                call.add_done_callback(calls.discard)
        except (ConnectionError, ValueError, GuardError):
            pass  # a client that died or speaks nonsense has nothing more to say
        finally:
            self._subscribers.discard(writer)
            self._writers.discard(writer)
            writer.close()

    async def _answer(self, message: Mapping[str, Any], writer: asyncio.StreamWriter) -> None:
        try:
            call = str(message.get("call"))
            handler = self._answers.get(call)
            if handler is None or (call not in EVERYBODYS and writer not in self._subscribers):
                raise GuardError(f"the guard takes no call {call!r} from this process")
            answer = {"id": message.get("id"), "ok": await handler(message, writer)}
        except SlochaosError as error:
            answer = {"id": message.get("id"), "error": wire.error_to_json(error)}
        except Exception as error:  # noqa: BLE001 - a client is never left without an answer
            failed = GuardError(f"the guard could not do {message.get('call')!r}: {error!r}")
            answer = {"id": message.get("id"), "error": wire.error_to_json(failed)}
        if not writer.is_closing():
            writer.write(wire.encode(answer))

    def _publish(self, event: Mapping[str, Any]) -> None:
        line = wire.encode({"event": {"at": clock.now(), "wall": clock.wall(), "injection": "", **event}})
        for writer in list(self._subscribers):
            if writer.transport.get_write_buffer_size() < wire.LIMIT:
                writer.write(line)

    def _publish_from_thread(self, event: Mapping[str, Any]) -> None:
        self._loop.call_soon_threadsafe(self._publish, event)

    # Calls

    async def _hello(self, message: Mapping[str, Any], writer: asyncio.StreamWriter) -> dict[str, Any]:
        environment = self._config.environment
        return {
            "run_id": self._config.run_id,
            "environment": environment.name,
            "environment_path": str(environment.path),
            "variables": environment.variables,
            "protected": environment.protected,
            "placebo": self._config.placebo,
            "seed": self._config.seed,
        }

    async def _subscribe(self, message: Mapping[str, Any], writer: asyncio.StreamWriter) -> None:
        if not hmac.compare_digest(str(message.get("token", "")), self._config.token):
            raise GuardError("only the process that started the guard commands it")
        self._subscribers.add(writer)

    async def _open_gate(self, message: Mapping[str, Any], writer: asyncio.StreamWriter) -> None:
        if self._ending is not None:
            raise GuardError("the guard is ending the run already")
        self._injector.gate_open = True

    async def _adopt(self, message: Mapping[str, Any], writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._child = ProcessIdentity.of(int(message["pid"]))

    async def _start_services(self, message: Mapping[str, Any], writer: asyncio.StreamWriter) -> None:
        await self._services.start(lambda text: self._publish({"kind": "progress", "detail": {"text": text}}))

    async def _take_lock(self, message: Mapping[str, Any], writer: asyncio.StreamWriter) -> None:
        await asyncio.to_thread(self._injector.take_lock, message["kind"], message["parameters"])

    async def _inject(self, message: Mapping[str, Any], writer: asyncio.StreamWriter) -> dict[str, Any]:
        try:
            held = self._injector.prepare(
                str(message["name"]), message["kind"], message["parameters"], message["duration_s"]
            )
            work = self._injector.submit(held.injection.queue, lambda: self._injector.inject(held))
            await asyncio.wrap_future(work)
        except SlochaosError as error:
            self._publish(
                {
                    "kind": "injection-refused",
                    "detail": {"name": message.get("name"), **wire.error_to_json(error)},
                }
            )
            raise
        return held.report()

    async def _wait(self, message: Mapping[str, Any], writer: asyncio.StreamWriter) -> dict[str, Any]:
        held = self._by_id(str(message["injection"]))
        await asyncio.to_thread(held.ended.wait)
        return held.report()

    async def _undo_all(
        self, message: Mapping[str, Any], writer: asyncio.StreamWriter
    ) -> list[dict[str, Any]]:
        await self._undo_everything()
        return [held.report() for held in self._injector.injections()]

    async def _end_faults(
        self, message: Mapping[str, Any], writer: asyncio.StreamWriter
    ) -> list[dict[str, Any]]:
        await _all_done(self._injector.undo_all())
        return [held.report() for held in self._injector.injections()]

    async def _injections(
        self, message: Mapping[str, Any], writer: asyncio.StreamWriter
    ) -> list[dict[str, Any]]:
        return [held.report() for held in self._injector.injections()]

    async def _stop(self, message: Mapping[str, Any], writer: asyncio.StreamWriter) -> None:
        """From another terminal: faults end now; whoever runs the experiment is told and ends the rest."""
        self._publish({"kind": "stop-requested", "detail": {"why": str(message.get("why", ""))}})
        await self._undo_everything()
        if not self._config.heartbeat_s:
            self._end_soon("stopped by an operator")

    async def _finish(self, message: Mapping[str, Any], writer: asyncio.StreamWriter) -> None:
        self._end_soon("finished")

    def _by_id(self, identifier: str) -> Held:
        for held in self._injector.injections():
            if held.id == identifier:
                return held
        raise GuardError(f"there is no injection {identifier!r}")


async def _all_done(work: Iterable[Future[Any]]) -> None:
    """Wait for all; one that failed is a defect, and no reason to leave the others' outcome unknown."""
    await asyncio.gather(*map(asyncio.wrap_future, work), return_exceptions=True)


def _runtime_dir() -> str | None:
    folder = os.environ.get("XDG_RUNTIME_DIR", "")
    return (
        folder
        if folder and Path(folder).is_dir() and os.access(folder, os.W_OK) and len(folder) < 60
        else None
    )


async def _serve(config: GuardConfig) -> None:
    catalogue.load(config.kinds)  # an undo must not depend on what can be imported later
    await GuardProcess(config).run()
    gc.freeze()  # the run waits for this process, and should not wait for a search for garbage


def main() -> None:
    """Read the configuration, serve, and say on standard output why that is not possible."""
    try:
        asyncio.run(_serve(GuardConfig.from_json(sys.stdin.readline())))
    except SlochaosError as error:
        print(json.dumps({"error": wire.error_to_json(error)}), flush=True)  # noqa: T201
        sys.exit(error.exit_code)
    except ProcessLookupError:
        sys.exit(GuardError.exit_code)


if __name__ == "__main__":
    main()
