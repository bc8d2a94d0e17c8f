"""The scrape source: one `/metrics` page, read over and over on one kept connection."""

from __future__ import annotations

import http.client
import time
from collections.abc import Iterable, Mapping
from urllib.parse import SplitResult, urlsplit

from slochaos import __version__, clock
from slochaos.errors import InvalidInput
from slochaos.measurement.connection import Connection, FetchError, phrase, read_body
from slochaos.measurement.pages import PageError, PageParser, metric_names
from slochaos.measurement.samples import Sample
from slochaos.spec.objectives import Metric
from slochaos.spec.sources import ScrapeSource

BODY_LIMIT = 16 * 1024 * 1024
"""Bytes of a page that are read at most."""

CONNECT_TIMEOUT_S = 1.0
DEADLINE_S = 2.0
"""From the first byte sent to the last byte received; for slow sources their period, at most 10 s."""

_HEADERS = {
    "Accept": "text/plain;version=0.0.4,*/*;q=0.1",
    "Accept-Encoding": "identity",
    "User-Agent": f"slochaos/{__version__}",
}


class ScrapeReader:
    """Reads one source. For one thread at a time.

    `wanted` are the metrics whose series are kept; process starts are kept always. Series get `labels`, else
    `job` (the source's name) and `instance` (host:port), unless they carry them. Raises InvalidInput for
    a URL that cannot be read. Resolving a name is the one thing that no deadline bounds.
    """

    def __init__(
        self,
        source: ScrapeSource,
        wanted: Iterable[Metric],
        deadline_s: float | None = None,
        labels: Mapping[str, str] | None = None,
    ) -> None:
        self.source = source
        self.deadline_s = deadline_s or min(max(DEADLINE_S, source.every_s), 10.0)
        self._url = _checked(source)
        port = self._url.port or (443 if self._url.scheme == "https" else 80)
        own = {"job": source.name, "instance": f"{self._url.hostname}:{port}"}
        self._parser = PageParser(wanted, own if labels is None else labels)
        self._path = (self._url.path or "/") + (f"?{self._url.query}" if self._url.query else "")
        self._connection: Connection | None = None
        self._page = b""

    def read(self) -> Sample:
        """One reading. Never raises for what a source does: a failed Sample says why in `failure`."""
        wall, started = clock.wall(), clock.now()
        values, failure, finished = {}, "", None
        try:
            page = self._fetch(time.monotonic() + self.deadline_s)
            finished = clock.now()
            values = self._parser.parse(page)
            self._page = page
        except (FetchError, PageError) as error:
            failure = str(error)
        return Sample(self.source.name, started, finished or clock.now(), wall, values, failure)

    def metric_names(self) -> frozenset[str]:
        """Every metric name on the newest good page."""
        return metric_names(self._page)

    def close(self) -> None:
        """Close the connection. May be called twice."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _fetch(self, deadline: float) -> bytes:
        """The page's body. A kept connection that the server has closed meanwhile is replaced once."""
        kept = self._connection is not None
        try:
            return self._request(deadline)
        except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError) as error:
            self.close()
            if not kept:
                raise FetchError(phrase(error, self.deadline_s)) from error
        except (OSError, http.client.HTTPException, FetchError) as error:
            self.close()
            raise FetchError(phrase(error, self.deadline_s)) from error
        return self._fetch(deadline)

    def _request(self, deadline: float) -> bytes:
        if self._connection is None:
            self._connection = Connection(self._url, CONNECT_TIMEOUT_S)
        self._connection.set_deadline(deadline)
        self._connection.request("GET", self._path, headers=_HEADERS)
        response = self._connection.getresponse()
        try:
            _check_head(response)
        except FetchError:
            response.close()
            raise
        return _body(response)


def _checked(source: ScrapeSource) -> SplitResult:
    try:
        url = urlsplit(source.url)
        usable = url.scheme in ("http", "https") and bool(url.hostname) and (url.port is None or url.port > 0)
    except ValueError:
        usable = False
    if not usable:
        raise InvalidInput(
            f"source {source.name}: {source.url!r} is no address of a metrics page",
            hint="write it as http://host:port/metrics",
        )
    return url


def _check_head(response: http.client.HTTPResponse) -> None:
    """Raises FetchError for every answer that cannot be a page. A redirect is one: it is not followed."""
    if 300 <= response.status < 400:
        raise FetchError(f"status {response.status}: it redirects, and redirects are not followed")
    if response.status != 200:
        raise FetchError(f"status {response.status}")
    if response.getheader("Content-Type", "").lower().startswith("text/html"):
        raise FetchError("not a metrics page: it is HTML")
    if response.getheader("Content-Encoding", "identity").lower() != "identity":
        raise FetchError("the page is compressed, though that was not asked for")


def _body(response: http.client.HTTPResponse) -> bytes:
    page = read_body(response, BODY_LIMIT, "page")
    openmetrics = response.getheader("Content-Type", "").lower().startswith("application/openmetrics-text")
    if openmetrics and not page.rstrip().endswith(b"# EOF"):
        raise FetchError("the answer is cut off: it has no # EOF")
    return page
