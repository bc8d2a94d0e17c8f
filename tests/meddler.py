"""A fake in front of a real Toxiproxy's API, for what a real server will not do on demand.

It relays every request unless a rule says otherwise: answer 500, hang, carry it out and never answer
("deaf"), or deliver late, that is after the client has gone, as a retransmitted packet does.
"""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal

Action = Literal["relay", "fail", "hang", "deaf"] | float
Rule = Callable[[str, str, bytes], Action]
"""Method, path and body of a request to what becomes of it; a number delivers it that many seconds late."""


class Meddler:
    """The fake, on a free loopback port."""

    def __init__(self, port: int) -> None:
        self.rule: Rule = lambda _method, _path, _body: "relay"
        self.released = threading.Event()
        meddler = self

        class Handler(BaseHTTPRequestHandler):
            def _any(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                action = meddler.rule(self.command, self.path, body)
                if action == "hang":
                    meddler.released.wait(30)
                    return
                if action == "fail":
                    self._send(500, b'{"error":"made up","status":500}')
                    return
                if action == "deaf":
                    self._relay(body)
                    meddler.released.wait(30)
                    return
                if isinstance(action, float):
                    time.sleep(action)
                self._send(*self._relay(body))

            def _relay(self, body: bytes) -> tuple[int, bytes]:
                relayed = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
                try:
                    relayed.request(self.command, self.path, body)
                    answer = relayed.getresponse()
                    return answer.status, answer.read()
                finally:
                    relayed.close()

            do_GET = do_POST = do_PATCH = do_DELETE = _any  # noqa: N815

            def _send(self, status: int, body: bytes) -> None:
                try:
                    self.send_response(status)
                    self.send_header("Content-Length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)
                except OSError:
                    return  # the client gave up: what a late delivery is about

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        )
        self._thread.start()

    def end(self) -> None:
        """Let hanging requests go and stop."""
        self.released.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@contextmanager
def meddling(port: int) -> Iterator[Meddler]:
    """A meddler before the API on `port`."""
    meddler = Meddler(port)
    try:
        yield meddler
    finally:
        meddler.end()
