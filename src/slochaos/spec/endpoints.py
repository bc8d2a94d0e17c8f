"""Addresses in files: HTTP URLs and host:port pairs. Checks text only; opens and resolves nothing."""

from __future__ import annotations

import ipaddress
import re
import socket
from urllib.parse import urlsplit

from slochaos.errors import InvalidInput

_HOST_PORT = re.compile(r"(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9._-]*)):([0-9]{1,5})")
_UNPRINTABLE = re.compile(r"[\x00-\x20\x7f-\x9f\\]")


def http_url(text: str) -> str:
    """An absolute http or https URL without credentials or fragment, not on a link-local address.

    Link-local addresses serve cloud credentials (169.254.169.254). Raises InvalidInput.
    """
    try:
        url = urlsplit(text)
        host, port = url.hostname or "", url.port
    except ValueError as problem:
        raise InvalidInput(f"{text[:80]!r} is not a URL: {problem}") from problem
    if url.scheme not in ("http", "https") or not host or _UNPRINTABLE.search(text) or port == 0:
        raise InvalidInput(
            f"{text[:80]!r} is not an http:// or https:// URL", hint="such as http://127.0.0.1:8474"
        )
    if url.username is not None or url.password is not None:
        raise InvalidInput("credentials do not belong into a URL", hint="remove what stands before @")
    if url.fragment:
        raise InvalidInput(f"{text[:80]!r} has a fragment", hint="remove what follows #")
    _refuse_link_local(host)
    return text


def host_port(text: str) -> str:
    """`host:port`; IPv6 in brackets, an empty host is every address. Raises InvalidInput."""
    match = _HOST_PORT.fullmatch(text)
    if match is None or not 0 < int(match[3]) < 65_536:
        raise InvalidInput(
            f"{text[:80]!r} is not host:port", hint="such as 127.0.0.1:5432, with a port of 1 to 65535"
        )
    _refuse_link_local(match[1] or match[2] or "")
    return text


def is_loopback(host: str) -> bool:
    """Whether `host` is a machine's own loopback by itself, without asking a name server."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _refuse_link_local(host: str) -> None:
    address = _address(host)
    if address is None:
        return
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    if address.is_link_local or (mapped and mapped.is_link_local):
        raise InvalidInput(
            f"{host} is a link-local address", hint="such addresses serve a cloud machine's credentials"
        )


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The address that a literal stands for, in the odd spellings too that resolvers take (`0xa9fea9fe`)."""
    try:
        return ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        pass
    try:
        return ipaddress.IPv4Address(socket.inet_aton(host))
    except (OSError, ValueError):
        return None
