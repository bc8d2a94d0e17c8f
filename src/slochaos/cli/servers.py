"""`--prometheus URL` and who is asking, for the commands that need no file."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from slochaos.errors import InvalidInput, LoginRefused

if TYPE_CHECKING:
    from slochaos.spec.environment import Environment
    from slochaos.spec.sources import PrometheusSource

TOKEN_VARIABLE = "SLOCHAOS_PROMETHEUS_TOKEN"  # noqa: S105 - a name, not a secret
PASSWORD_VARIABLE = "SLOCHAOS_PROMETHEUS_PASSWORD"  # noqa: S105

PrometheusOption = Annotated[
    str,
    typer.Option(
        "--prometheus",
        metavar="URL",
        help="A server with Prometheus' HTTP API: Prometheus, Thanos, Mimir. "
        f"A bearer token is taken from ${TOKEN_VARIABLE}.",
        show_default=False,
    ),
]
UserOption = Annotated[
    str,
    typer.Option(
        "--user",
        metavar="NAME",
        help=f"Log in to the server by name; the password is taken from ${PASSWORD_VARIABLE}.",
        show_default=False,
    ),
]
TenantOption = Annotated[
    str,
    typer.Option("--tenant", metavar="NAME", help="The tenant, for Mimir and Thanos.", show_default=False),
]


def server_at(url: str, user: str = "", tenant: str = "") -> PrometheusSource:
    """The server at `url`. Secrets are named here and read when they are sent. Raises InvalidInput."""
    from slochaos.spec.endpoints import http_url
    from slochaos.spec.sources import PrometheusSource, Secret

    try:
        http_url(url)
    except InvalidInput as problem:
        raise InvalidInput(f"--prometheus: {problem.message}", hint=problem.hint) from problem
    if not tenant.isascii() or not tenant.isprintable():
        raise InvalidInput("--tenant: it cannot stand in an HTTP header", hint="printable ASCII")
    return PrometheusSource(
        "prometheus",
        url.rstrip("/"),
        tenant=tenant,
        user=user,
        password=Secret(env=PASSWORD_VARIABLE) if user else None,
        bearer=Secret(env=TOKEN_VARIABLE) if not user and os.environ.get(TOKEN_VARIABLE) else None,
    )


@contextmanager
def login_by_options() -> Iterator[None]:
    """Where the server does not let us in, name the options and variables that log in to it."""
    try:
        yield
    except LoginRefused as refused:
        hint = f"export {TOKEN_VARIABLE}=..., or --user and {PASSWORD_VARIABLE}, and --tenant if it has some"
        raise LoginRefused(refused.message, hint=hint) from refused


def server_of(environment: Environment, wanted: str = "") -> PrometheusSource:
    """The environment's server: its only one, or the one of this name or URL. Raises InvalidInput."""
    servers = environment.prometheus_servers
    chosen = [
        each for each in servers if not wanted or wanted.rstrip("/") in (each.name, each.url.rstrip("/"))
    ]
    if len(chosen) == 1:
        return chosen[0]
    if not servers:
        raise InvalidInput(
            f"the environment {environment.name} has no Prometheus server",
            hint=f"add `prometheus: http://...` to {environment.path}, or give --prometheus URL",
        )
    names = ", ".join(each.name for each in servers)
    raise InvalidInput(
        f"the environment {environment.name} has several Prometheus servers: {names}",
        hint="say which: --prometheus NAME",
    )
