"""Services of an environment: processes that a run starts, what they need, and when they are ready."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

from slochaos.spec.endpoints import host_port, http_url
from slochaos.spec.fields import Field
from slochaos.spec.nearest import did_you_mean
from slochaos.spec.nodes import quoted


@dataclass(frozen=True)
class Ready:
    """When a service counts as started: `tcp` ("host:port") accepts, or `http` (URL) answers 2xx."""

    tcp: str = ""
    http: str = ""
    within_s: float = 30.0


@dataclass(frozen=True)
class Service:
    """A process that the guard starts for a run and stops after it."""

    name: str
    command: tuple[str, ...]
    ready: Ready = Ready()
    environment: tuple[tuple[str, str], ...] = ()
    directory: str = ""
    needs: tuple[str, ...] = ()
    stop_signal: Literal["TERM", "INT"] = "TERM"


def read_services(fields: Sequence[Field], base: Path) -> tuple[Service, ...]:
    """The services, each after those that it needs. Relative directories start at `base`.

    Raises InvalidInput, for unknown and circular needs too.
    """
    read = [(field, _service(field, base)) for field in fields]
    names: dict[str, Field] = {}
    for field, service in read:
        if service.name in names:
            first = names[service.name].where
            raise field.error(f"a second service named {service.name!r}, the first is at {first}")
        names[service.name] = field
    for field, service in read:
        for need in service.needs:
            if need not in names:
                raise field.error(f"needs {quoted(need)}, which is no service", did_you_mean(need, names))
    return _in_order(read)


def _in_order(read: list[tuple[Field, Service]]) -> tuple[Service, ...]:
    """Sorted by need, otherwise in the order of the file."""
    ordered: dict[str, Service] = {}
    waiting = read
    while waiting:
        ready = [service for _, service in waiting if set(service.needs) <= ordered.keys()]
        if not ready:
            field, service = waiting[0]
            names = ", ".join(each.name for _, each in waiting)
            raise field.error(f"{service.name!r} needs itself in the end", f"look at the needs of {names}")
        ordered |= {service.name: service for service in ready}
        waiting = [pair for pair in waiting if pair[1].name not in ordered]
    return tuple(ordered.values())


def _service(field: Field, base: Path) -> Service:
    section = field.section(
        required=("name", "command"), optional=("environment", "directory", "ready", "needs", "stop")
    )
    command = tuple(part.scalar() for part in section.items("command"))
    if not command:
        raise section["command"].error(
            "is empty", 'a program and its arguments: ["python", "-m", "http.server"]'
        )
    variables = section["environment"].members() if "environment" in section else {}
    return Service(
        name=section["name"].name(),
        command=command,
        ready=section.get("ready", _ready, Ready()),
        environment=tuple((_variable(name, value), value.scalar()) for name, value in variables.items()),
        directory=str(base / section.get("directory", Field.text, "")),
        needs=tuple(need.name() for need in section.items("needs")),
        stop_signal=cast("Literal['TERM', 'INT']", section.get("stop", _stop_signal, "TERM")),
    )


def _stop_signal(field: Field) -> str:
    return field.one_of("TERM", "INT")


def _variable(name: str, value: Field) -> str:
    if not name or "=" in name:
        raise value.error(f"{quoted(name)} is no name of an environment variable")
    return name


def _ready(field: Field) -> Ready:
    section = field.section(optional=("tcp", "http", "within"))
    section.exactly_one("tcp", "http")
    return Ready(
        tcp=section.get("tcp", lambda each: each.parsed(host_port), ""),
        http=section.get("http", lambda each: each.parsed(http_url), ""),
        within_s=section.get("within", lambda each: each.seconds(least=0.1, most=3600), Ready.within_s),
    )
