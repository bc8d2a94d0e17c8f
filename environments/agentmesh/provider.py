"""The model provider: a small HTTP service of somebody else. `python -m agentmesh.provider --port PORT`."""

from __future__ import annotations

import argparse
import asyncio

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from .server import listen, serve

THINKING_S = 0.02


async def complete(request: Request) -> Response:
    """Answer a prompt after thinking for a moment."""
    prompt = str((await request.json())["prompt"])
    await asyncio.sleep(THINKING_S)
    return JSONResponse({"text": f"Done: {prompt[:200]}"})


async def health(_: Request) -> Response:
    """Say that it is there."""
    return JSONResponse({"status": "ok"})


def application() -> Starlette:
    """The ASGI application."""
    return Starlette(routes=[Route("/complete", complete, methods=["POST"]), Route("/health", health)])


def main() -> None:
    """Serve until stopped."""
    parser = argparse.ArgumentParser(prog="agentmesh.provider", description="a model provider")
    parser.add_argument("--port", type=int, required=True, help="loopback TCP port to listen on")
    asyncio.run(serve(application(), listen(parser.parse_args().port, "agentmesh.provider")))


if __name__ == "__main__":
    main()
