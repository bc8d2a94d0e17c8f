"""The API of AgentMesh: routes, and the process that serves them. `python -m agentmesh.api --port PORT`.

Environment: DATABASE_URL, DATABASE_PASSWORD, PROVIDER_URL, OUTBOX (a file), RESILIENCE (on | off), and
for independent checks of what was counted ACCESS_LOG and QUERY_LOG (files, optional).
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import json
import os
import socket
import sys
import time
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass
from pathlib import Path

import uvloop
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .completion import Provider
from .outbox import Outbox
from .server import listen, serve
from .service import AgentMesh, Answer, NotFound, Unavailable
from .storage import Database, DatabaseUnavailable
from .telemetry import Telemetry

MAX_BODY = 16 * 1024
MAX_TEXT = 4000
_CODES = {"fresh": 200, "cached": 200, "created": 201, "accepted": 202}


def _answer(answer: Answer) -> Response:
    headers = {"X-Served-From": "cache"} if answer.status == "cached" else None
    return Response(answer.body, _CODES[answer.status], headers, "application/json")


async def _texts(request: Request, *names: str) -> list[str]:
    """The text fields of a JSON body. Raises HTTPException 413 or 422."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY:
            raise HTTPException(413)
    try:
        document = json.loads(body)
        texts = [document[name] for name in names]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise HTTPException(422, f"a JSON object with {', '.join(names)} is needed") from error
    for text in texts:
        if not isinstance(text, str) or not 0 < len(text) <= MAX_TEXT or "\0" in text:
            raise HTTPException(422, f"{', '.join(names)}: texts of 1 to {MAX_TEXT} characters")
    return texts


class Api:
    """The routes."""

    def __init__(self, mesh: AgentMesh, telemetry: Telemetry) -> None:
        self._mesh = mesh
        self._telemetry = telemetry

    def routes(self) -> list[Route]:
        """Each route with its method."""
        return [
            Route("/agents", self.list_agents, methods=["GET"]),
            Route("/agents", self.create_agent, methods=["POST"]),
            Route("/agents/{agent}/tasks", self.list_tasks, methods=["GET"]),
            Route("/agents/{agent}/tasks", self.create_task, methods=["POST"]),
            Route("/tasks/{task}", self.read_task, methods=["GET"]),
            Route("/tasks/{task}/run", self.run_task, methods=["POST"]),
            Route("/health", self.health, methods=["GET"]),
            Route("/metrics", self.metrics, methods=["GET"]),
        ]

    async def list_agents(self, _: Request) -> Response:
        """GET /agents."""
        return _answer(await self._mesh.list_agents())

    async def create_agent(self, request: Request) -> Response:
        """POST /agents {name, model}."""
        name, model = await _texts(request, "name", "model")
        return _answer(await self._mesh.create_agent(name, model))

    async def list_tasks(self, request: Request) -> Response:
        """GET /agents/{agent}/tasks."""
        return _answer(await self._mesh.list_tasks(request.path_params["agent"]))

    async def create_task(self, request: Request) -> Response:
        """POST /agents/{agent}/tasks {prompt}."""
        (prompt,) = await _texts(request, "prompt")
        return _answer(await self._mesh.create_task(request.path_params["agent"], prompt))

    async def read_task(self, request: Request) -> Response:
        """GET /tasks/{task}."""
        return _answer(await self._mesh.read_task(request.path_params["task"]))

    async def run_task(self, request: Request) -> Response:
        """POST /tasks/{task}/run."""
        return _answer(await self._mesh.run_task(request.path_params["task"]))

    async def health(self, _: Request) -> Response:
        """GET /health: 200 while requests can be served, with the database or without it."""
        healthy = await self._mesh.is_healthy()
        status = "ok" if healthy else "degraded" if self._mesh.is_resilient else "unavailable"
        return JSONResponse({"status": status}, 503 if status == "unavailable" else 200)

    async def metrics(self, _: Request) -> Response:
        """GET /metrics."""
        return Response(self._telemetry.page(), media_type="text/plain; version=0.0.4; charset=utf-8")


class CountRequests:
    """ASGI middleware that counts requests once they are answered, but not those of monitoring."""

    NOT_COUNTED = ("/metrics", "/health")

    def __init__(self, app: ASGIApp, telemetry: Telemetry, routes: list[Route]) -> None:
        self._app = app
        self._telemetry = telemetry
        self._paths = {route.endpoint: route.path for route in routes}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and count its answer."""
        if scope["type"] != "http" or scope["path"] in self.NOT_COUNTED:
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        code = 500

        async def note(message: Message) -> None:
            nonlocal code
            if message["type"] == "http.response.start":
                code = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, note)
        finally:
            route = self._paths[scope["endpoint"]] if "endpoint" in scope else "unmatched"
            self._telemetry.request(scope["method"], route, code, time.perf_counter() - started)


async def _not_found(_: Request, error: Exception) -> Response:
    return JSONResponse({"error": str(error)}, 404)


async def _unavailable(_: Request, error: Exception) -> Response:
    return JSONResponse({"error": str(error)}, 503, {"Retry-After": "1"})


def application(mesh: AgentMesh, telemetry: Telemetry) -> ASGIApp:
    """The ASGI application."""
    routes = Api(mesh, telemetry).routes()
    for route in routes:
        if route.path not in CountRequests.NOT_COUNTED:
            for method in (route.methods or set()) - {"HEAD"}:
                telemetry.expect(method, route.path)
    app = Starlette(routes=routes, exception_handlers={NotFound: _not_found, Unavailable: _unavailable})
    return CountRequests(app, telemetry, routes)


@dataclass(frozen=True)
class Settings:
    """How one API process is configured."""

    database: str
    provider: str
    outbox: Path
    resilient: bool
    access_log: str = ""
    query_log: str = ""

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> Settings:
        """From environment variables. Raises ValueError with a message."""
        missing = [name for name in ("DATABASE_URL", "PROVIDER_URL", "OUTBOX") if not environment.get(name)]
        if missing:
            raise ValueError(f"set {', '.join(missing)}")
        resilience = environment.get("RESILIENCE", "on")
        if resilience not in ("on", "off"):
            raise ValueError(f"RESILIENCE is on or off, not {resilience!r}")
        return cls(
            database=environment["DATABASE_URL"],
            provider=environment["PROVIDER_URL"].rstrip("/"),
            outbox=Path(environment["OUTBOX"]),
            resilient=resilience == "on",
            access_log=environment.get("ACCESS_LOG", ""),
            query_log=environment.get("QUERY_LOG", ""),
        )


async def run(settings: Settings, password: str, listener: socket.socket) -> None:
    """Connect, serve until stopped, disconnect. Raises DatabaseUnavailable, OSError or ValueError."""
    telemetry = Telemetry(settings.access_log, settings.query_log)
    database = Database(settings.database, password, telemetry, with_breaker=settings.resilient)
    provider = Provider(settings.provider, with_breaker=settings.resilient)
    outbox = Outbox(settings.outbox) if settings.resilient else None
    mesh = AgentMesh(database, provider, outbox)
    async with contextlib.AsyncExitStack() as stack:
        stack.callback(telemetry.close)
        stack.push_async_callback(provider.close)
        if outbox is not None:
            stack.callback(outbox.close)
            telemetry.outbox_entries.set_function(lambda: len(outbox))
        await database.open()
        stack.push_async_callback(database.close)
        await mesh.warm_up()
        for work in _background(mesh, database, provider):
            task = asyncio.create_task(work)
            stack.push_async_callback(_cancel, task)
        gc.collect()
        gc.freeze()  # what is here stays: later collections need not look at it
        await serve(application(mesh, telemetry), listener)


def _background(mesh: AgentMesh, database: Database, provider: Provider) -> list[Coroutine[None, None, None]]:
    probing = [other.breaker.keep_probing(other.is_back) for other in (database, provider) if other.breaker]
    return [mesh.work_in_background(), *probing] if mesh.is_resilient else []


async def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="agentmesh.api", description="the API of AgentMesh")
    parser.add_argument("--port", type=int, required=True, help="loopback TCP port to listen on")
    port = parser.parse_args().port
    try:
        settings = Settings.read(os.environ)
        with listen(port, "agentmesh.api") as listener:
            uvloop.run(run(settings, os.environ.get("DATABASE_PASSWORD", ""), listener))
    except (DatabaseUnavailable, OSError, ValueError) as error:
        sys.exit(f"agentmesh.api: {error}")


if __name__ == "__main__":
    main()
