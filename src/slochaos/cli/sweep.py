"""`slochaos sweep`: remove what has expired from where it lives, by its names alone, from any host."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

import typer

from slochaos.cli.options import EnvironmentOption, Format, FormatOption
from slochaos.errors import InvalidInput, TargetError

if TYPE_CHECKING:
    from slochaos.guard.sweep import Swept


def sweep(
    servers: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[SERVER...]",
            help="Toxiproxy URLs, Docker daemons (unix:///..., tcp://...). Default: the environment's.",
            show_default=False,
        ),
    ] = None,
    *,
    environment: EnvironmentOption = "",
    every: Annotated[
        str, typer.Option("--every", metavar="DURATION", help="Go on, so often: 5s.", show_default=False)
    ] = "",
    output: FormatOption = Format.TEXT,
) -> int:
    """Remove faults and locks of slochaos whose time is over. Needs no record: both stand in their names.

    For the case that every process of a run died with its host. What others made is left alone.
    """
    from slochaos.cli.failures import errors_as_document

    with errors_as_document(output is Format.JSON):
        if every and output is Format.JSON:
            raise InvalidInput("--every prints more than one document", hint="leave out --format json")
        urls = [_address(server) for server in servers or ()] or _servers_of(environment)
        if every:
            _sweep_for_ever(urls, every)
        _print(_sweep(urls), output)
    return 0


def _address(server: str) -> str:
    from slochaos.guard.sweep import is_daemon
    from slochaos.spec.endpoints import http_url

    return server if is_daemon(server) else http_url(server)


def _servers_of(option: str) -> list[str]:
    from slochaos.cli.environments import load_statically

    environment = load_statically(option)
    proxies = () if environment.self_contained else environment.targets.proxies
    known = [*(each.server for each in proxies), *(each.daemon for each in environment.targets.containers)]
    if not known:
        why = "starts its own for each run" if environment.self_contained else "has none"
        raise InvalidInput(
            f"sweep needs to know the Toxiproxy server: the environment {environment.name} {why}",
            hint="slochaos sweep http://HOST:8474, or --environment NAME",
        )
    return list(dict.fromkeys(known))


def _sweep(urls: list[str]) -> list[Swept]:
    from slochaos.cli.finishing import finishing_first
    from slochaos.guard import sweep as sweeper

    with finishing_first("ending the sweep that was begun"):
        return sweeper.sweep(urls)


def _sweep_for_ever(urls: list[str], every: str) -> None:
    """Until a signal ends it. A server that does not answer is said, and tried again."""
    from slochaos.cli.streams import say
    from slochaos.spec.durations import parse_duration

    period_s = parse_duration(every)
    if period_s <= 0:
        raise InvalidInput(f"--every {every} is no time to wait", hint="--every 5s")
    while True:
        for url in urls:
            try:
                _print(_sweep([url]), Format.TEXT, quiet=True)
            except TargetError as error:
                say(f"Error: {error}")
        time.sleep(period_s)


def _print(swept: list[Swept], output: Format, *, quiet: bool = False) -> None:
    from slochaos.cli.streams import write, write_document

    if output is Format.JSON:
        write_document({"swept": swept})
        return
    for done in swept:
        write(f"{done.server} {done.proxy}: {done.what}")
    if not swept and not quiet:
        write("Nothing of slochaos has expired there.")
