"""Sources in environment files: Prometheus servers, how to log in to them, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from slochaos.errors import InvalidInput
from slochaos.spec import documents
from slochaos.spec.fields import Field
from slochaos.spec.sources import PrometheusSource, Secret, Source, read_sources

FULL = """
sources:
  - name: mimir
    prometheus: https://mimir.example/prometheus
    timeout: 5s
    watch: off
    tenant: team-a
    basic: {user: slochaos, password: {env: MIMIR_PASSWORD}}
    tls: {ca: ca.pem, certificate: client.pem, key: client.key}
"""


def read(text: str, tmp_path: Path) -> tuple[Source, ...]:
    file = tmp_path / "environment.yaml"
    file.write_text(text, encoding="utf-8")
    section = Field.of(documents.load(file)).section(optional=("sources", "prometheus"))
    return read_sources(section, tmp_path)


def test_a_server_takes_everything_that_a_login_needs(tmp_path: Path) -> None:
    """Prefix, timeout, tenant, basic authentication and client certificates, files beside the environment."""
    assert read(FULL, tmp_path) == (
        PrometheusSource(
            name="mimir",
            url="https://mimir.example/prometheus",
            timeout_s=5.0,
            watch_s=None,
            tenant="team-a",
            user="slochaos",
            password=Secret(env="MIMIR_PASSWORD"),
            ca=tmp_path / "ca.pem",
            certificate=tmp_path / "client.pem",
            key=tmp_path / "client.key",
        ),
    )


def test_one_line_is_enough(tmp_path: Path) -> None:
    """`prometheus: URL` is a source of that name."""
    assert read("prometheus: http://127.0.0.1:9090", tmp_path) == (
        PrometheusSource("prometheus", "http://127.0.0.1:9090"),
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sources: [{name: p}]", "has to have exactly one of scrape, prometheus, has none"),
        ("sources: [{name: p, scrape: 'http://a/', prometheus: 'http://b/'}]", "has scrape and prometheus"),
        ("sources: [{name: p, prometheus: 'http://b/', every: 1s}]", "no field of that name"),
        ("sources: [{name: p, prometheus: 'http://u:p@b/'}]", "credentials do not belong into a URL"),
        ("sources: [{name: p, prometheus: 'http://b/', bearer: abc}]", "has to be a mapping"),
        ("sources: [{name: p, prometheus: 'http://b/', bearer: {}}]", "exactly one of env, file"),
        ("sources: [{name: p, prometheus: 'http://b/', basic: {user: u}}]", "'password' is missing"),
        ("sources: [{name: p, prometheus: 'http://b/', tls: {key: k}}]", "of no use without 'certificate'"),
        ('sources: [{name: p, prometheus: "http://b/", tenant: "a\\nb"}]', "cannot stand in an HTTP header"),
        ("prometheus: http://b\nsources: [{name: prometheus, scrape: 'http://a/'}]", "a second source"),
    ],
)
def test_what_makes_no_sense_is_refused(tmp_path: Path, text: str, message: str) -> None:
    """Each mistake gets file, line and what is wrong."""
    with pytest.raises(InvalidInput, match=r"environment\.yaml:\d+: ") as refusal:
        read(text, tmp_path)
    assert message in str(refusal.value)


def test_secrets_are_read_when_they_are_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From a variable or a file, without the newline; what is missing or empty is said without its value."""
    monkeypatch.setenv("TOKEN", "t0ken")
    (tmp_path / "token").write_text("from-a-file\n", encoding="utf-8")
    (tmp_path / "empty").write_text("\n", encoding="utf-8")
    assert Secret(env="TOKEN").read() == "t0ken"
    assert Secret(file=tmp_path / "token").read() == "from-a-file"
    for missing in (Secret(env="NOT_THERE"), Secret(file=tmp_path / "none"), Secret(file=tmp_path / "empty")):
        with pytest.raises(InvalidInput):
            missing.read()
