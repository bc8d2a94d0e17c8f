"""Free loopback ports for the services of a run."""

from __future__ import annotations

import contextlib
import random
import socket
from collections.abc import Iterable, Mapping

from slochaos.errors import InvalidInput, ServiceError

PREFIX = "port_"
_CHOICE = range(10_000, 32_000)
_TRIES = 100


def choose_ports(names: Iterable[str], overrides: Mapping[str, str]) -> dict[str, str]:
    """A free port for each name, as `{"port_api": "40213"}`; `--set port_api=1234` chooses it by hand.

    All are held at once while choosing, so that no two are equal. They lie below the ports that systems give
    to outgoing connections: one of those would else take a port between choosing it and its service's start.
    Raises ServiceError for a port that is taken and InvalidInput for one that is no port.
    """
    with contextlib.ExitStack() as held:
        chosen = {}
        for name in names:
            variable = f"{PREFIX}{name}"
            listener = held.enter_context(socket.socket(socket.AF_INET, socket.SOCK_STREAM))
            if variable in overrides:
                port = _port(variable, overrides[variable])
                _hold(listener, variable, port)
            else:
                port = _hold_any(listener, variable)
            chosen[variable] = str(port)
        return chosen


def _hold_any(listener: socket.socket, variable: str) -> int:
    for port in random.sample(_CHOICE, _TRIES):
        with contextlib.suppress(ServiceError):
            _hold(listener, variable, port)
            return port
    raise ServiceError(
        f"no free port was found for {variable} among {_TRIES} tried",
        hint=f"choose one: --set {variable}=PORT",
    )


def _port(variable: str, text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise InvalidInput(f"--set {variable}: {text!r} is not a port", hint="a number from 1 to 65535")
    return int(text)


def _hold(listener: socket.socket, variable: str, port: int) -> None:
    try:
        # As servers do: a port in TIME_WAIT counts as free, one that somebody listens on does not.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen(1)
    except OSError as error:
        raise ServiceError(
            f"port {port} ({variable}) cannot be used: {error.strerror}",
            hint=f"end what listens there, or leave --set {variable} out to get a free port",
        ) from error
