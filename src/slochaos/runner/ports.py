"""Free loopback ports for the services of a run."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterable, Mapping

from slochaos.errors import InvalidInput, ServiceError

PREFIX = "port_"


def choose_ports(names: Iterable[str], overrides: Mapping[str, str]) -> dict[str, str]:
    """A free port for each name, as `{"port_api": "40213"}`; `--set port_api=1234` chooses it by hand.

    All are held at once while choosing, so that no two are equal. Raises ServiceError for a port that is
    taken and InvalidInput for one that is no port.
    """
    with contextlib.ExitStack() as held:
        chosen = {}
        for name in names:
            variable = f"{PREFIX}{name}"
            wanted = _port(variable, overrides[variable]) if variable in overrides else 0
            listener = held.enter_context(socket.socket(socket.AF_INET, socket.SOCK_STREAM))
            chosen[variable] = str(_hold(listener, variable, wanted))
        return chosen


def _port(variable: str, text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise InvalidInput(f"--set {variable}: {text!r} is not a port", hint="a number from 1 to 65535")
    return int(text)


def _hold(listener: socket.socket, variable: str, port: int) -> int:
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
    return int(listener.getsockname()[1])
