"""The prober's configuration file."""

from __future__ import annotations

from pathlib import Path

import pytest

from slochaos.errors import InvalidInput
from slochaos.prober import config
from slochaos.prober.config import variations

AGENTMESH = Path(__file__).parents[3] / "environments" / "agentmesh" / "prober.yaml"
GOOD = """
variables: {rate: "50"}
rate: "${rate}"
timeout: 2s
max_in_flight: 10
journeys:
  - {name: read, weight: 3, get: "${api}/items/{8-10}"}
  - {name: write, weight: 1, post: "${api}/items", json: {name: x}}
uptime: {url: "${api}/health", every: 1s, timeout: 900ms}
"""


def load(tmp_path: Path, text: str, **overrides: str) -> config.Config:
    """The configuration that this text stands for."""
    path = tmp_path / "prober.yaml"
    path.write_text(text, encoding="utf-8")
    return config.load(path, {"api": "http://127.0.0.1:1", **overrides})


def test_agentmesh_is_probed_at_300_requests_a_second() -> None:
    """The file that ships loads, and its journeys cover reading, writing and running."""
    loaded = config.load(AGENTMESH, {"api": "http://127.0.0.1:1", "database": "postgresql://127.0.0.1:2/x"})
    assert loaded.rate == 300
    assert {journey.method for journey in loaded.journeys} == {"GET", "POST"}
    assert loaded.sql is not None
    assert loaded.timeout_s == 2


def test_a_setting_overrides_a_variable(tmp_path: Path) -> None:
    """`--set rate=7` wins over the file's own value."""
    assert load(tmp_path, GOOD).rate == 50
    assert load(tmp_path, GOOD, rate="7").rate == 7


def test_a_range_stands_for_one_url_per_number(tmp_path: Path) -> None:
    """{8-10} is 8, 9 and 10."""
    urls = load(tmp_path, GOOD).journeys[0].urls
    assert urls == tuple(f"http://127.0.0.1:1/items/{number}" for number in (8, 9, 10))


@pytest.mark.parametrize(
    ("good", "bad", "message"),
    [
        ('"${rate}"', "0", "rate: is outside"),
        ('"${rate}"', "fast", "rate"),
        ("timeout: 2s", "timeout: 2", "timeout"),
        ("timeout: 900ms", "timeout: 2s", "uptime.timeout"),
        ("weight: 3", "weight: 0", "journeys[0].weight"),
        ("name: write", "name: read", "each name once"),
        ("get:", "fetch:", "fetch"),
        ('get: "${api}', 'post: "x", get: "${api}', "exactly one"),
        ("{8-10}", "{10-8}", "rising"),
        ("{8-10}", "{1-99999999}", "at most"),
        ("max_in_flight: 10", "max_in_flight: 10\nretries: 3", "retries"),
        ("${api}/health", "${nowhere}/health", "nowhere"),
    ],
)
def test_what_is_wrong_is_named_with_file_and_line(tmp_path: Path, good: str, bad: str, message: str) -> None:
    """Each mistake is one message that starts with the file and the line."""
    with pytest.raises(InvalidInput, match=r"prober\.yaml:\d+: ") as caught:
        load(tmp_path, GOOD.replace(good, bad, 1))
    assert message in str(caught.value)


def test_a_url_that_is_not_http_is_refused() -> None:
    """The prober speaks HTTP only."""
    with pytest.raises(InvalidInput, match="not an http URL"):
        variations("ftp://example.org/")
