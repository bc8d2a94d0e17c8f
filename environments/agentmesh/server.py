"""Serving an ASGI application on a loopback port, with a plain message where that is not possible."""

from __future__ import annotations

import socket
import sys

import uvicorn
from starlette.types import ASGIApp

HOST = "127.0.0.1"
_GRACE_S = 3


def listen(port: int, name: str) -> socket.socket:
    """A socket bound to the port. Ends the process with a message if that is taken."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
    except OSError as error:
        listener.close()
        sys.exit(f"{name}: cannot listen on {HOST}:{port}: {error.strerror}")
    return listener


async def serve(application: ASGIApp, listener: socket.socket) -> None:
    """Serve until SIGTERM or SIGINT."""
    config = uvicorn.Config(
        application,
        loop="none",
        lifespan="off",
        access_log=False,
        log_level="warning",
        timeout_keep_alive=75,
        timeout_graceful_shutdown=_GRACE_S,
    )
    with listener:
        await uvicorn.Server(config).serve(sockets=[listener])
