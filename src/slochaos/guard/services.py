"""The processes of a self-contained environment: started for a run, stopped after it, never left behind.

On Linux they die with the guard by the kernel's parent-death signal. Elsewhere, and should that fail, the
undo log has their identities and the next run or `recover` ends them.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

from slochaos import clock
from slochaos.errors import ServiceError, StateError
from slochaos.guard.undolog import UndoLog
from slochaos.identity import SERVICE, ProcessIdentity
from slochaos.spec.environment import Ready, Service

POLL_S = 0.05
STOP_S = 5.0
PR_SET_PDEATHSIG = 1

_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


class Services:
    """The services of one run. Use from the guard's main thread only: the parent-death signal is that thread's."""

    def __init__(self, services: tuple[Service, ...], run_dir: Path, log: UndoLog) -> None:
        self._services = services
        self._folder = run_dir / "services"
        self._log = log
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self.stopping = False

    async def start(self, progress: Callable[[str], None]) -> None:
        """Start all in the order of their needs and wait until each is ready. Raises ServiceError, StateError."""
        ready = {service.name: asyncio.Event() for service in self._services}

        async def bring_up(service: Service) -> None:
            for need in service.needs:
                await ready[need].wait()
            progress(f"starting {service.name}")
            self._launch(service)
            await self._wait_ready(service)
            ready[service.name].set()

        try:
            async with asyncio.TaskGroup() as group:
                for service in self._services:
                    group.create_task(bring_up(service))
        except* (ServiceError, StateError) as errors:
            raise errors.exceptions[0] from None

    async def stop(self) -> None:
        """Signal all, those started last first, and kill what does not end in time."""
        self.stopping = True
        for service in reversed(self._services):
            process = self._processes.get(service.name)
            if process is not None and process.poll() is None:
                process.send_signal(getattr(signal, f"SIG{service.stop_signal}"))
        deadline = clock.now() + STOP_S
        for name, process in self._processes.items():
            while process.poll() is None and clock.now() < deadline:  # noqa: ASYNC110 (a process is no event)
                await asyncio.sleep(POLL_S)
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            with suppress(StateError):
                self._log.write(
                    {"id": f"service-{name}", "state": "undone", "at": clock.now(), "wall": clock.wall()}
                )
        self._processes.clear()

    def ended(self) -> list[str]:
        """Services that ended although nobody stopped them."""
        return [] if self.stopping else [n for n, p in self._processes.items() if p.poll() is not None]

    def log_tail(self, name: str) -> str:
        """The last lines that a service wrote."""
        with suppress(OSError):
            lines = (self._folder / f"{name}.log").read_text("utf-8", "replace").strip().splitlines()
            return "\n".join(lines[-5:])
        return ""

    def _launch(self, service: Service) -> None:
        if self.stopping:
            raise ServiceError(f"the service {service.name} is not started: the run is ending")
        path = self._folder / f"{service.name}.log"
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            output = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StateError(f"the log {path} cannot be written: {error.strerror}") from error
        try:
            process = subprocess.Popen(
                service.command,
                cwd=service.directory or None,
                env={
                    **os.environ,
                    **dict(service.environment),
                    SERVICE: f"{self._log.path.stem}/{service.name}",
                },
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=_die_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509
            )
        except OSError as error:
            raise ServiceError(
                f"the service {service.name} cannot be started: {service.command[0]}: {error.strerror}",
                hint="see `services` in the environment",
            ) from error
        finally:
            os.close(output)
        self._processes[service.name] = process
        with suppress(ProcessLookupError):
            identity = ProcessIdentity.of(process.pid)
            about = {
                "name": service.name,
                "pid": identity.pid,
                "started": identity.started,
                "boot": identity.boot,
            }
            self._log.write(
                {"id": f"service-{service.name}", "state": "running", "service": about}
                | {"at": clock.now(), "wall": clock.wall()}
            )

    async def _wait_ready(self, service: Service) -> None:
        process = self._processes[service.name]
        deadline = clock.now() + service.ready.within_s
        while not await _is_ready(service.ready):
            if process.poll() is not None:
                raise self._failed(service, f"ended with status {process.returncode} before it was ready")
            if clock.now() > deadline:
                raise self._failed(service, f"was not ready within {service.ready.within_s:g} s")
            await asyncio.sleep(POLL_S)
        if process.poll() is not None:
            raise self._failed(
                service, f"ended with status {process.returncode}, and another program has its port"
            )

    def _failed(self, service: Service, what: str) -> ServiceError:
        tail = self.log_tail(service.name)
        return ServiceError(
            f"the service {service.name} {what}" + (f":\n{tail}" if tail else ""),
            hint=f"its log: {self._folder / f'{service.name}.log'}",
        )


def _die_with_parent() -> None:
    if _libc is not None:
        _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


async def _is_ready(ready: Ready) -> bool:
    """Whether one attempt, of at most a second, finds the service ready."""
    parts = urlsplit(ready.http or f"tcp://{ready.tcp}")
    if not parts.hostname:
        return True
    try:
        async with asyncio.timeout(1.0):
            reader, writer = await asyncio.open_connection(parts.hostname, parts.port or 80)
            try:
                if not ready.http:
                    return True
                path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
                writer.write(
                    f"GET {path} HTTP/1.1\r\nHost: {parts.netloc}\r\nConnection: close\r\n\r\n".encode()
                )
                return (await reader.readline()).partition(b" ")[2].startswith(b"2")
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return False
