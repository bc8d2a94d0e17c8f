"""How questions reach a Prometheus server: the transport that prometheus-api-client's session stands on.

The client's own way retries for seconds, bounds each read but not the answer, follows redirects with the
credentials in hand, takes proxies from the environment, reads bodies of any size and puts them into its
errors. Here one question is one request: within a deadline, of limited size, checked before anyone parses it.
"""

from __future__ import annotations

import http.client
import io
import json
import ssl
import threading
import time
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import BaseAdapter

from slochaos import __version__
from slochaos.errors import InvalidInput, LoginRefused, SourceError
from slochaos.measurement.connection import Connection, FetchError, TooLarge, phrase, read_body, tls_context
from slochaos.measurement.prometheus.login import Login
from slochaos.redaction import redact
from slochaos.spec.sources import PrometheusSource

ANSWER_LIMIT = 16 * 1024 * 1024
"""Bytes of an answer, unpacked: about 600,000 samples, which take some eight times as much while they are parsed."""

PATH_MOST = 4000
"""Longer questions go as a form: proxies refuse long paths (the client's own POST leaves them in the path)."""

CONNECT_TIMEOUT_S = 3.0
IDLE_MOST = 8
"""Connections that are kept open."""

_SAID_MOST = 300
_UP = "look whether it is up and the URL is right; 'timeout' in the environment gives it longer"


class AnswerTooLarge(SourceError):
    """The answer has more bytes than are read, or more samples than the server loads."""


class Transport(BaseAdapter):
    """requests' adapter for one server. Safe for several threads; each request has a connection for itself."""

    def __init__(self, source: PrometheusSource) -> None:
        super().__init__()
        self.source = source
        self._idle: list[Connection] = []
        self._lock = threading.Lock()
        self._closed = False
        self._heard = threading.local()

    def session(self) -> requests.Session:
        """A session that has nothing but this transport, and sends this source's headers."""
        session = requests.Session()
        session.trust_env = False
        session.adapters.clear()
        session.auth = Login(self.source)
        session.headers.clear()
        session.headers.update(_headers(self.source))
        return session

    @contextmanager
    def listening(self) -> Iterator[list[str]]:
        """Collect the warnings of what this thread asks within the block."""
        outer = getattr(self._heard, "warnings", None)
        heard: list[str] = []
        self._heard.warnings = heard
        try:
            yield heard
        finally:
            self._heard.warnings = outer

    def hear(self, warnings: Any) -> None:
        """Keep what the server warned of: an answer that is not whole."""
        heard = getattr(self._heard, "warnings", None)
        if heard is not None and isinstance(warnings, list):
            heard.extend(str(warning)[:_SAID_MOST] for warning in warnings)

    def error(self, what: str, hint: str = "") -> SourceError:
        """What is wrong with this server, without secrets even where it sent them back."""
        return SourceError(self._named(what), hint=hint or _UP)

    def too_large(self, what: str) -> AnswerTooLarge:
        """An answer that would be larger than is read, here or by the server itself."""
        return AnswerTooLarge(self._named(what), hint="ask for less: a shorter window, a narrower selector")

    def _named(self, what: str) -> str:
        return f"Prometheus server {self.source.name} ({self.source.url}): {redact(what, self._secrets())}"

    def send(  # noqa: PLR0917 - requests' signature
        self,
        request: requests.PreparedRequest,
        stream: bool = False,  # noqa: ARG002 - an answer is always read whole
        timeout: Any = None,  # noqa: ARG002 - theirs is per read; ours is the source's, for the whole answer
        verify: Any = True,  # noqa: ARG002 - so says the source
        cert: Any = None,  # noqa: ARG002 - likewise
        proxies: Any = None,  # noqa: ARG002 - none, ever
    ) -> requests.Response:
        """The server's answer. Raises SourceError for anything but a whole answer with status 200."""
        deadline = time.monotonic() + self.source.timeout_s
        try:
            response, body = self._exchange(request, deadline)
        except TooLarge as error:
            raise self.too_large(str(error)) from error
        except (OSError, http.client.HTTPException, FetchError, zlib.error) as error:
            raise self.error(phrase(error, self.source.timeout_s)) from error
        self._check(response, body)
        answer = _Answer(self)
        answer.status_code, answer.url, answer.request = 200, str(request.url), request
        answer.raw = io.BytesIO(body)
        return answer

    def close(self) -> None:
        """Close the idle connections, and those that are still asking when they have their answer."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def _exchange(
        self, request: requests.PreparedRequest, deadline: float
    ) -> tuple[http.client.HTTPResponse, bytes]:
        """One request. A kept connection that the server has closed meanwhile is replaced."""
        while True:
            with self._lock:
                kept = self._idle.pop() if self._idle else None
            connection = kept or Connection(urlsplit(str(request.url)), CONNECT_TIMEOUT_S, self._tls)
            try:
                answer = self._converse(connection, request, deadline)
            except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError):
                connection.close()
                if kept is None:
                    raise
                continue
            except BaseException:
                connection.close()
                raise
            self._keep(connection)
            return answer

    def _converse(
        self, connection: Connection, request: requests.PreparedRequest, deadline: float
    ) -> tuple[http.client.HTTPResponse, bytes]:
        connection.set_deadline(deadline)
        headers = {str(name): value for name, value in request.headers.items()}
        method, path, form = "GET", request.path_url, None
        if len(path) > PATH_MOST:
            method, (path, _, form) = "POST", path.partition("?")
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        connection.request(method, path, form, headers)
        response = connection.getresponse()
        if 300 <= response.status < 400:
            response.close()
            where = urlsplit(response.getheader("Location", "")).netloc or "elsewhere"
            raise FetchError(
                f"status {response.status}: it redirects to {where}, and redirects are not followed"
            )
        return response, read_body(response, ANSWER_LIMIT)

    def _keep(self, connection: Connection) -> None:
        with self._lock:
            if connection.sock is not None and len(self._idle) < IDLE_MOST and not self._closed:
                self._idle.append(connection)
                return
        connection.close()

    def _check(self, response: http.client.HTTPResponse, body: bytes) -> None:
        status = response.status
        if status in (401, 403):
            raise LoginRefused(
                self._named(f"status {status}: it does not let us in"),
                hint="correct 'basic', 'bearer', 'tls' or 'tenant' of this source in the environment",
            )
        html = (
            response.getheader("Content-Type", "").lower().startswith("text/html")
            or body.lstrip()[:1] == b"<"
        )
        if html:
            raise self.error(
                f"status {status}: it answers with a web page",
                "give the URL below which /api/v1 is, not a log-in page",
            )
        said = "" if status == 200 else _said(body)
        if "too many samples" in said:
            raise self.too_large(said)
        if status != 200:
            raise self.error(f"status {status}: {said}", _hint(status))

    def _tls(self) -> ssl.SSLContext:
        source = self.source
        try:
            return tls_context(source.ca, source.certificate, source.key)
        except OSError as error:
            reason = getattr(error, "reason", None) or error.strerror or "not PEM"
            files = ", ".join(str(path) for path in (source.ca, source.certificate, source.key) if path)
            raise InvalidInput(f"the TLS files of source {source.name} ({files}): {reason}") from error

    def _secrets(self) -> list[str]:
        found = []
        for secret in (self.source.password, self.source.bearer):
            try:
                found.append(secret.read() if secret else "")
            except InvalidInput:
                continue
        return found


class _Answer(requests.Response):
    """An answer whose `json()` is checked to be Prometheus', so that the client's look-ups find what they expect."""

    def __init__(self, transport: Transport) -> None:
        super().__init__()
        self._transport = transport

    def json(self, **_: Any) -> dict[str, Any]:
        """The envelope. Raises SourceError for one that is none, or that says error."""
        try:
            envelope = json.loads(self.content)
        except (ValueError, RecursionError) as error:
            raise self._transport.error("its answer is no JSON") from error
        if not isinstance(envelope, dict) or "data" not in envelope or envelope.get("status") != "success":
            raise self._transport.error(f"its answer is not Prometheus': {_said(self.content)}")
        self._transport.hear(envelope.get("warnings"))
        return envelope


def _headers(source: PrometheusSource) -> Mapping[str, str]:
    headers = {
        "Accept": "application/json",
        "Accept-Encoding": "gzip",
        "User-Agent": f"slochaos/{__version__}",
    }
    if source.tenant:
        headers["X-Scope-OrgID"] = headers["THANOS-TENANT"] = source.tenant
    return headers


def _said(body: bytes) -> str:
    """The error that the server names, or the beginning of what it says."""
    try:
        parsed = json.loads(body) if len(body) < 1_000_000 else None
    except (ValueError, RecursionError):
        parsed = None
    if isinstance(parsed, dict) and isinstance(parsed.get("error"), str):
        return str(parsed["error"])[:_SAID_MOST]
    text = body[:_SAID_MOST].decode(errors="replace").strip()
    return repr(text) if text else "it says nothing"


def _hint(status: int) -> str:
    match status:
        case 404:
            return "give the URL below which /api/v1 is: Mimir has it below /prometheus"
        case 400 | 422:
            return "correct the selector or query"
        case _:
            return ""
