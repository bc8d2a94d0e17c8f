"""The prober's configuration file: journeys, rate, checks. All its input checks are here."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from slochaos.errors import InvalidInput
from slochaos.spec.documents import load as load_document
from slochaos.spec.fields import Field, Section

MAX_RATE = 20_000
MAX_VARIATIONS = 10_000

_RANGE = re.compile(r"\{(\d{1,9})-(\d{1,9})\}")
_METHODS = ("get", "post")


@dataclass(frozen=True)
class Journey:
    """One kind of request: its share of the traffic, and the URLs of which one is drawn each time."""

    name: str
    weight: int
    method: str
    urls: tuple[str, ...]
    body: bytes | None


@dataclass(frozen=True)
class UptimeCheck:
    """A GET that has to answer 2xx in time. Seconds."""

    url: str
    every_s: float
    timeout_s: float


@dataclass(frozen=True)
class SqlCheck:
    """Key queries, each asked in every round over one connection of the prober's own. Seconds."""

    url: str
    every_s: float
    timeout_s: float
    queries: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Config:
    """What the prober does."""

    rate: float
    timeout_s: float
    max_in_flight: int
    seed: int
    journeys: tuple[Journey, ...]
    uptime: UptimeCheck
    sql: SqlCheck | None


def load(path: Path, overrides: Mapping[str, str]) -> Config:
    """Read the file, its variables overridden. Raises InvalidInput with file, line and path."""
    document = load_document(path)
    top = Field.of(document).open_section()
    defaults = {str(name): value.scalar() for name, value in top["variables"].members().items()}
    return _config(Field.of(document.filled({**defaults, **overrides})))


def _config(field: Field) -> Config:
    top = field.section(
        required=("variables", "rate", "timeout", "max_in_flight", "journeys", "uptime"),
        optional=("seed", "sql"),
    )
    rate = top["rate"].decimal()
    if not 0 < rate <= MAX_RATE:
        raise top["rate"].error(f"is outside of 0 to {MAX_RATE} requests a second")
    journeys = tuple(_journey(item) for item in top["journeys"].items())
    if not journeys or len({journey.name for journey in journeys}) < len(journeys):
        raise top["journeys"].error("has to list at least one journey, and each name once")
    return Config(
        rate=float(rate),
        timeout_s=top["timeout"].seconds(0.05, 60),
        max_in_flight=top["max_in_flight"].whole(1, 100_000),
        seed=top.get("seed", lambda f: f.whole(0, 2**31), 0),
        journeys=journeys,
        uptime=_uptime(top["uptime"]),
        sql=_sql(top["sql"]) if "sql" in top else None,
    )


def _journey(field: Field) -> Journey:
    section = field.section(required=("name", "weight"), optional=(*_METHODS, "json"))
    method = section.exactly_one(*_METHODS)
    return Journey(
        name=section["name"].name(),
        weight=section["weight"].whole(1, 1_000_000),
        method=method.upper(),
        urls=section[method].parsed(variations),
        body=section.get("json", _body, None),
    )


def _body(field: Field) -> bytes | None:
    return json.dumps({str(name): value.scalar() for name, value in field.members().items()}).encode()


def variations(text: str) -> tuple[str, ...]:
    """The URLs that a template stands for: `/a/{1-3}` is `/a/1`, `/a/2`, `/a/3`. Raises InvalidInput."""
    if not text.startswith(("http://", "https://")):
        raise InvalidInput(f"{text[:60]!r} is not an http URL")
    match = _RANGE.search(text)
    if match is None:
        return (text,)
    low, high = int(match[1]), int(match[2])
    if not low <= high < low + MAX_VARIATIONS or _RANGE.search(text, match.end()):
        raise InvalidInput(f"{text[:60]!r}: one range, rising, of at most {MAX_VARIATIONS} numbers")
    return tuple(f"{text[: match.start()]}{number}{text[match.end() :]}" for number in range(low, high + 1))


def _uptime(field: Field) -> UptimeCheck:
    section = field.section(required=("url", "every", "timeout"))
    url = section["url"].parsed(variations)
    return UptimeCheck(url[0], *_pace(section))


def _sql(field: Field) -> SqlCheck:
    section = field.section(required=("url", "every", "timeout", "queries"))
    queries = []
    for item in section["queries"].items():
        query = item.section(required=("name", "query"))
        queries.append((query["name"].name(), query["query"].text()))
    return SqlCheck(section["url"].text(), *_pace(section), tuple(queries))


def _pace(section: Section) -> tuple[float, float]:
    every = section["every"].seconds(0.1, 3600)
    return every, section["timeout"].seconds(0.01, every)
