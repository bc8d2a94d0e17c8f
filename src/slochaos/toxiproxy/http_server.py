"""HTTP/1.1 for one small API: reads requests within limits, guards against browsers, writes answers."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from slochaos.spec.endpoints import is_loopback
from slochaos.toxiproxy.errors import ApiError

MAX_HEAD = 32 * 1024
MAX_BODY = 1024 * 1024
IDLE_S = 60.0
READ_S = 15.0

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Request:
    """One request; header names in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes = b""
    keep_alive: bool = True


@dataclass(frozen=True)
class Answer:
    """One answer; `content` is sent as JSON, None as an empty body."""

    status: int
    content: Any = None


class HttpServer:
    """Serves `handle` on connections of an asyncio server. `any_host`: the address is public on purpose."""

    def __init__(self, handle: Callable[[Request], Answer], *, any_host: bool = False) -> None:
        self._handle = handle
        self._any_host = any_host

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer requests until the client goes away, is silent for a minute, or is too slow."""
        try:
            while await self._exchange(reader, writer):
                pass
        except (OSError, TimeoutError, asyncio.IncompleteReadError):
            writer.transport.abort()  # gone, or too slow to wait for
        finally:
            writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """One request and its answer; whether another may follow."""
        try:
            request = await _read_request(reader, writer)
            answer, keep_alive = self._answer(request), request.keep_alive
        except ApiError as error:  # not HTTP, or too large: what follows in the stream is unknown
            answer, keep_alive = Answer(error.status, error.to_json()), False
        writer.write(_encode(answer, keep_alive))
        async with asyncio.timeout(READ_S):
            await writer.drain()
        return keep_alive

    def _answer(self, request: Request) -> Answer:
        try:
            self._refuse_browsers(request)
            return self._handle(request)
        except ApiError as error:
            return Answer(error.status, error.to_json())
        except Exception:  # the border of the process: one bad request must not end a relay
            log.exception("cannot answer %s %s", request.method, request.path)
            return Answer(500, {"error": "internal error, see the server's log", "status": 500})

    def _refuse_browsers(self, request: Request) -> None:
        """A web page must not reach this API: neither directly nor by a name that it made point to loopback."""
        if request.headers.get("user-agent", "").startswith("Mozilla/"):
            raise ApiError(403, "User agent not allowed")
        if "origin" in request.headers or request.headers.get("sec-fetch-site", "none") != "none":
            raise ApiError(403, "cross-origin requests are not allowed")
        try:
            host = urlsplit(f"//{request.headers.get('host', '')}").hostname or ""
        except ValueError:
            host = ""
        if not (self._any_host or is_loopback(host)):
            raise ApiError(403, f"the host {host!r} is not this server's")


async def _read_request(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Request:
    """Read one request. Raises ApiError for what is no HTTP or too large."""
    try:
        async with asyncio.timeout(IDLE_S):
            head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.LimitOverrunError as error:
        raise ApiError(431, "the request's head is too large") from error
    lines = head.decode("latin-1").split("\r\n")
    method, path, version = _request_line(lines[0])
    headers = _headers(lines[1:-2])
    if headers.get("expect", "").lower() == "100-continue":
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    async with asyncio.timeout(READ_S):
        body = await _read_body(reader, headers)
    wanted = headers.get("connection", "").lower()
    keep_alive = wanted != "close" if version == "HTTP/1.1" else wanted == "keep-alive"
    return Request(method, path, headers, body, keep_alive)


def _request_line(line: str) -> tuple[str, str, str]:
    parts = line.split(" ")
    if len(parts) != 3 or parts[2] not in ("HTTP/1.1", "HTTP/1.0") or not parts[1].startswith("/"):
        raise ApiError(400, "not an HTTP/1 request")
    return parts[0], parts[1].partition("?")[0], parts[2]


def _headers(lines: list[str]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        name = name.lower()
        if not colon or name != name.strip() or name in headers.keys() & {"host", "content-length"}:
            raise ApiError(400, "malformed header")
        headers[name] = value.strip()
    return headers


async def _read_body(reader: asyncio.StreamReader, headers: dict[str, str]) -> bytes:
    if "transfer-encoding" in headers:
        if headers["transfer-encoding"].lower() != "chunked" or "content-length" in headers:
            raise ApiError(400, "unsupported transfer encoding")
        return await _read_chunks(reader)
    length = headers.get("content-length", "0")
    if not (length.isascii() and length.isdigit()):
        raise ApiError(400, "malformed content length")
    return await reader.readexactly(_allowed(int(length[:20])))


async def _read_chunks(reader: asyncio.StreamReader) -> bytes:
    body = b""
    while True:
        line = await _line(reader)
        try:
            size = int(line.partition(b";")[0], 16)
        except ValueError as error:
            raise ApiError(400, "malformed chunk") from error
        if size <= 0:
            break
        _allowed(len(body) + size)
        body += await reader.readexactly(size)
        await _line(reader)
    while await _line(reader):
        pass  # trailers
    return body


async def _line(reader: asyncio.StreamReader) -> bytes:
    try:
        return (await reader.readuntil(b"\r\n"))[:-2]
    except asyncio.LimitOverrunError as error:
        raise ApiError(400, "malformed chunk") from error


def _allowed(length: int) -> int:
    if length > MAX_BODY:
        raise ApiError(413, f"a body has at most {MAX_BODY} bytes")
    return length


def _encode(answer: Answer, keep_alive: bool) -> bytes:
    lines = [f"HTTP/1.1 {answer.status} {HTTPStatus(answer.status).phrase}"]
    content = b""
    if answer.content is not None:
        content = json.dumps(answer.content).encode() + b"\n"
        lines.append("Content-Type: application/json")
    if answer.status != 204:
        lines.append(f"Content-Length: {len(content)}")
    if not keep_alive:
        lines.append("Connection: close")
    return "\r\n".join([*lines, "", ""]).encode() + content
