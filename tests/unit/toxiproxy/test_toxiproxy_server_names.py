"""Names that expire, and addresses that are allowed."""

from __future__ import annotations

import pytest

from slochaos.toxiproxy import addresses
from slochaos.toxiproxy.addresses import Limits
from slochaos.toxiproxy.errors import ApiError
from slochaos.toxiproxy.expiry import is_outage_tag, lock_expiry, toxic_expiry
from slochaos.toxiproxy.proxy import Proxy


@pytest.mark.parametrize(
    ("name", "epoch", "tag"),
    [
        ("slochaos-7f3a-91c2-1-x1700000000", 1_700_000_000, False),
        ("slochaos-7f3a-91c2-1a-x1700000000", 1_700_000_000, False),
        ("slochaos-7f3a-91c2-1-down-x1700000000", 1_700_000_000, True),
        ("slochaos-a-x5-x1700000000", 1_700_000_000, False),
        ("slochaos-1-x0", 0, False),
        ("slochaos-1", None, False),
        ("slochaos-1-x", None, False),
        ("slochaos-1-x12-down", None, False),
        ("slochaos-1-x1700000000 ", None, False),
        ("slochaos-1-x1700000000\n", None, False),
        ("slochaos-1-x-5", None, False),
        ("slochaos-1-x1٣", None, False),
        ("slochaos-1-x" + "9" * 13, None, False),
        ("latency_downstream", None, False),
        ("my-slochaos-1-x1700000000", None, False),
    ],
)
def test_only_names_of_ours_with_an_epoch_expire(name: str, epoch: int | None, tag: bool) -> None:
    """Anybody else's toxic stays, whatever its name looks like."""
    assert toxic_expiry(name) == epoch
    assert is_outage_tag(name) == tag


@pytest.mark.parametrize(
    ("name", "upstream", "epoch"),
    [
        ("slochaos-lock-db", "slochaos-7f3a-91c2-x1700000000.host:1", 1_700_000_000),
        ("slochaos-lock-db", "slochaos-7f3a-91c2-x1700000000.host.example.com:1", 1_700_000_000),
        ("slochaos-lock-db", "slochaos-7f3a-91c2-x1700000000.:1", 1_700_000_000),
        ("slochaos-lock-db", "slochaos-7f3a-91c2-x1700000000.host:2", None),
        ("slochaos-lock-db", "127.0.0.1:1", None),
        ("database", "slochaos-7f3a-91c2-x1700000000.host:1", None),
    ],
)
def test_only_locks_expire_among_proxies(name: str, upstream: str, epoch: int | None) -> None:
    """A lock is known by its name and by its holder."""
    assert lock_expiry(Proxy(name, "127.0.0.1:0", upstream, Limits())) == epoch


@pytest.mark.parametrize(
    ("address", "parts"),
    [
        ("127.0.0.1:80", ("127.0.0.1", 80)),
        ("[::1]:80", ("::1", 80)),
        ("host.example:0", ("host.example", 0)),
        (":80", ("", 80)),
        ("host:", ("host", 0)),
    ],
)
def test_an_address_is_host_and_port(address: str, parts: tuple[str, int]) -> None:
    """IPv6 hosts stand in brackets; an empty port is port 0."""
    assert addresses.split(address) == parts


@pytest.mark.parametrize(
    "address", ["", "host", "::1:80", "host:port", "host:65536", "host:-1", "[::1]", "h:١"]
)
def test_what_is_no_address_is_refused(address: str) -> None:
    """With the text in the message."""
    with pytest.raises(ApiError, match="address "):
        addresses.split(address)


@pytest.mark.parametrize(
    ("upstream", "allowed"),
    [
        ("127.0.0.1:5432", True),
        ("127.8.8.8:5432", True),
        ("[::1]:5432", True),
        ("localhost:5432", True),
        ("listed.example:5432", True),
        ("listed.example:5433", False),
        ("localhost.evil.example:5432", False),
        ("127.0.0.1.evil.example:5432", False),
        ("169.254.169.254:80", False),
        ("0.0.0.0:5432", False),
        ("10.0.0.1:5432", False),
    ],
)
def test_only_loopback_and_listed_upstreams_are_dialled(upstream: str, allowed: bool) -> None:
    """The text decides; no name server is asked."""
    limits = Limits(upstreams=frozenset({"listed.example:5432"}))
    Limits(any_upstream=True).check_upstream(upstream)
    if allowed:
        limits.check_upstream(upstream)
    else:
        with pytest.raises(ApiError) as refused:
            limits.check_upstream(upstream)
        assert refused.value.status == 403
