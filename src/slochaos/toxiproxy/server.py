"""The server process: proxies first, then the API, then nothing but events until a signal ends it."""

from __future__ import annotations

import asyncio
import logging
import os
import resource
import signal
import sys
from typing import Any

from slochaos.errors import InvalidInput, ServiceError
from slochaos.toxiproxy import addresses
from slochaos.toxiproxy.addresses import Limits
from slochaos.toxiproxy.api import Api
from slochaos.toxiproxy.collection import ProxyCollection
from slochaos.toxiproxy.errors import ApiError, CannotListen
from slochaos.toxiproxy.expiry import Expiry
from slochaos.toxiproxy.http_server import MAX_HEAD, HttpServer

log = logging.getLogger(__name__)


async def serve(host: str, port: int, proxies: list[dict[str, Any]], limits: Limits) -> None:
    """Serve until SIGTERM or SIGINT end the process.

    Raises InvalidInput for proxies that cannot be, ServiceError where an address cannot be listened on.
    """
    _log_to_stderr()
    _take_all_file_descriptors()
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(_log_failed_callback)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, _end_now)
    collection = ProxyCollection(limits)
    expiry = Expiry(collection)
    _, failure = collection.populate(proxies)
    if failure is not None:
        raise _start_failure(failure)
    server = await _listen(
        host, port, HttpServer(Api(collection, expiry).handle, any_host=limits.listen_elsewhere), limits
    )
    expiry.look()
    log.info("the API listens on http://%s", addresses.join(*server.sockets[0].getsockname()[:2]))
    await server.serve_forever()


async def _listen(host: str, port: int, http: HttpServer, limits: Limits) -> asyncio.Server:
    """Listen for API requests. Raises ServiceError and InvalidInput."""
    host = addresses.LOOPBACK if host == "localhost" else host
    try:
        limits.check_listen(host)
        return await asyncio.start_server(http.serve, host, port, limit=MAX_HEAD)
    except ApiError as error:
        raise _start_failure(error) from error
    except OSError as error:
        raise ServiceError(
            f"cannot listen on {addresses.join(host, port)}: {error.strerror or error}",
            hint="is another Toxiproxy running? --port takes another port",
        ) from error


def _start_failure(error: ApiError) -> InvalidInput | ServiceError:
    if isinstance(error, CannotListen):
        return ServiceError(error.message, hint="is another Toxiproxy running?")
    return InvalidInput(error.message)


def _end_now() -> None:
    """End without waiting: the system closes all sockets, and no thread of a name look-up is waited for."""
    log.info("ended by a signal")
    sys.stderr.flush()
    os._exit(0)


def _log_to_stderr() -> None:
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s", level=logging.INFO, stream=sys.stderr)


def _log_failed_callback(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:  # noqa: ARG001
    log.error("%s: %r", context.get("message"), context.get("exception"))


def _take_all_file_descriptors() -> None:
    """Each connection takes two: use what the system allows, as Go's servers do."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard not in {soft, resource.RLIM_INFINITY}:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
