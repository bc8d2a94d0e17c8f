"""Whether a URL leads through a proxy that faults may use."""

from __future__ import annotations

import pytest

from slochaos.cli.diagnosis.ways import leads_through
from slochaos.spec.targets import AllowedProxy

HOSTS = {
    "localhost": frozenset({"127.0.0.1", "::1"}),
    "127.0.0.1": frozenset({"127.0.0.1", "::1"}),
    "toxiproxy.shop": frozenset({"10.0.0.9"}),
    "10.0.0.9": frozenset({"10.0.0.9"}),
    "prometheus.shop": frozenset({"10.0.0.7"}),
    "db-through-toxiproxy.shop": frozenset({"10.0.0.9"}),
}


def lookup(host: str) -> frozenset[str]:
    """A resolver that asks nobody."""
    return HOSTS.get(host, frozenset({host}))


def proxy(listen: str, server: str = "http://toxiproxy.shop:8474") -> AllowedProxy:
    """One that relays to the API."""
    return AllowedProxy(server, "api", listen, "10.0.0.5:8000")


@pytest.mark.parametrize(
    ("url", "listen", "server"),
    [
        ("http://10.0.0.9:18000/metrics", "10.0.0.9:18000", "http://toxiproxy.shop:8474"),
        ("http://toxiproxy.shop:18000/metrics", "10.0.0.9:18000", "http://toxiproxy.shop:8474"),
        ("http://toxiproxy.shop:18000/metrics", "0.0.0.0:18000", "http://toxiproxy.shop:8474"),
        ("http://db-through-toxiproxy.shop:18000/metrics", ":18000", "http://toxiproxy.shop:8474"),
        ("http://localhost:18000/metrics", "127.0.0.1:18000", "http://127.0.0.1:8474"),
        ("http://127.0.0.1:18000/metrics", "[::]:18000", "http://localhost:8474"),
        ("http://10.0.0.9/metrics", "10.0.0.9:80", "http://toxiproxy.shop:8474"),
        ("https://10.0.0.9/metrics", "10.0.0.9:443", "http://toxiproxy.shop:8474"),
        ("postgresql+psycopg://me:secret@10.0.0.9/ledger", "0.0.0.0:5432", "http://toxiproxy.shop:8474"),
    ],
)
def test_a_url_that_the_proxy_listens_for_leads_through_it(url: str, listen: str, server: str) -> None:
    """Whatever the spelling of the host, and of every address; ports may be those of the scheme."""
    assert leads_through(url, proxy(listen, server), lookup)


@pytest.mark.parametrize(
    ("url", "listen"),
    [
        ("http://10.0.0.9:8000/metrics", "10.0.0.9:18000"),
        ("http://prometheus.shop:18000/metrics", "10.0.0.9:18000"),
        ("http://prometheus.shop:18000/metrics", "0.0.0.0:18000"),
        ("http://10.0.0.5:8000/metrics", "0.0.0.0:18000"),
        ("sqlite:///ledger.db", "0.0.0.0:18000"),
    ],
)
def test_other_ports_other_hosts_and_the_upstream_itself_do_not(url: str, listen: str) -> None:
    """What is read past the proxy sees its fault."""
    assert not leads_through(url, proxy(listen), lookup)
