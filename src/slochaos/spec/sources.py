"""Sources of measurements: metrics pages and Prometheus servers, and how to log in to the latter.

Credentials are named, never written: an environment variable or a file, read anew for each connection, so
that a rotated token is taken up and no value of it can get into a message, a log or a record.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from slochaos.errors import InvalidInput
from slochaos.spec.endpoints import http_url
from slochaos.spec.fields import Field, Section
from slochaos.spec.nodes import quoted

SECRET_LIMIT = 64 * 1024
"""Bytes of a secret's file that are read at most."""


@dataclass(frozen=True)
class Secret:
    """Where a secret stands: in the environment variable `env`, or in the file `file`."""

    env: str = ""
    file: Path | None = None

    def read(self) -> str:
        """The value, without the newline at its end. Raises InvalidInput; the message never holds it."""
        if self.file is None:
            value = os.environ.get(self.env, "")
            if not value:
                raise InvalidInput(
                    f"the environment variable {self.env} is not set", hint=f"export {self.env}=..."
                )
            return value
        try:
            with self.file.open(encoding="utf-8") as file:
                value = file.read(SECRET_LIMIT).strip()
        except (OSError, UnicodeError) as problem:
            reason = getattr(problem, "strerror", None) or "it is not UTF-8"
            raise InvalidInput(f"the secret in {self.file} cannot be read: {reason}") from problem
        if not value:
            raise InvalidInput(f"the secret in {self.file} is empty")
        return value


@dataclass(frozen=True)
class ScrapeSource:
    """A `/metrics` page. Its series get the label `job` = `name` unless they carry one."""

    name: str
    url: str
    every_s: float = 1.0


@dataclass(frozen=True)
class PrometheusSource:
    """A server with Prometheus' HTTP API: Prometheus itself, Thanos, Mimir. `url` may have a path prefix.

    `timeout_s` bounds each answer from the first byte sent to the last one received. `tenant` is sent as
    `X-Scope-OrgID` (Mimir) and `THANOS-TENANT`. `watch_s`: how often the targets' own pages are scraped to
    abort in time; None where that is not wanted.
    """

    name: str
    url: str
    timeout_s: float = 10.0
    watch_s: float | None = 1.0
    tenant: str = ""
    user: str = ""
    password: Secret | None = None
    bearer: Secret | None = None
    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None


Source = ScrapeSource | PrometheusSource


def read_sources(section: Section, folder: Path) -> tuple[Source, ...]:
    """The environment's `sources`, and its `prometheus: URL`, which is short for one of them.

    Files are relative to `folder`, the environment file's. Raises InvalidInput.
    """
    sources: dict[str, Source] = {}
    if "prometheus" in section:
        short = PrometheusSource("prometheus", section["prometheus"].parsed(http_url))
        sources[short.name] = short
    for each in section.items("sources"):
        source = _source(each, folder)
        if source.name in sources:
            raise each.error(f"a second source named {quoted(source.name)}")
        sources[source.name] = source
    return tuple(sources.values())


def _source(field: Field, folder: Path) -> Source:
    kind = field.open_section().exactly_one("scrape", "prometheus")
    if kind == "prometheus":
        return _prometheus(field, folder)
    section = field.section(required=("name", "scrape"), optional=("every",))
    return ScrapeSource(
        section["name"].text(),
        section["scrape"].parsed(http_url),
        section.get("every", lambda period: period.seconds(least=0.05, most=3600), ScrapeSource.every_s),
    )


def _prometheus(field: Field, folder: Path) -> PrometheusSource:
    section = field.section(
        required=("name", "prometheus"), optional=("timeout", "watch", "tenant", "basic", "bearer", "tls")
    )
    if "basic" in section and "bearer" in section:
        raise section["bearer"].error(
            "goes with no 'basic': a server takes one of them", "remove one of the two"
        )
    basic = section["basic"].section(required=("user", "password")) if "basic" in section else None
    tls = section["tls"].section(optional=("ca", "certificate", "key")) if "tls" in section else None
    if tls and "key" in tls and "certificate" not in tls:
        raise tls["key"].error("is of no use without 'certificate'")

    def file(name: str) -> Path | None:
        return folder / tls[name].text() if tls and name in tls else None

    return PrometheusSource(
        name=section["name"].text(),
        url=section["prometheus"].parsed(http_url),
        timeout_s=section.get(
            "timeout", lambda each: each.seconds(least=0.1, most=300), PrometheusSource.timeout_s
        ),
        watch_s=section.get("watch", _watch, PrometheusSource.watch_s),
        tenant=section.get("tenant", _header_value, ""),
        user=basic["user"].text() if basic else "",
        password=_secret(basic["password"], folder) if basic else None,
        bearer=section.get("bearer", lambda each: _secret(each, folder), None),
        ca=file("ca"),
        certificate=file("certificate"),
        key=file("key"),
    )


def _watch(field: Field) -> float | None:
    """A period, or `off`."""
    return None if field.node.value in ("off", False) else field.seconds(least=0.1, most=60)


def _secret(field: Field, folder: Path) -> Secret:
    section = field.section(optional=("env", "file"))
    if section.exactly_one("env", "file") == "env":
        return Secret(env=section["env"].text())
    return Secret(file=folder / section["file"].text())


def _header_value(field: Field) -> str:
    text = field.text()
    if not text.isascii() or not text.isprintable():
        raise field.error(f"{quoted(text)} cannot stand in an HTTP header", "printable ASCII")
    return text
