"""Which objectives a command means, and which server it asks: an environment's, files', or what presets find."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from slochaos.cli.options import assignments
from slochaos.errors import InvalidInput

if TYPE_CHECKING:
    from slochaos.measurement.prometheus.server import PrometheusServer
    from slochaos.measurement.prometheus.windows import Window
    from slochaos.spec.composites import Composite
    from slochaos.spec.environment import Environment
    from slochaos.spec.objectives import Objective
    from slochaos.spec.sources import PrometheusSource


@dataclass(frozen=True)
class Chosen:
    """What is asked of which server. `notes` have to be said of where the objectives come from."""

    objectives: tuple[Objective, ...]
    composites: tuple[Composite, ...] = ()
    notes: tuple[str, ...] = ()

    def only(self, wanted: Sequence[str]) -> Chosen:
        """Those of these names, all without one, and composites with all of their parts. Raises InvalidInput."""
        from slochaos.spec.nearest import did_you_mean

        by_name = {each.name: each for each in self.objectives}
        for name in wanted:
            if name not in by_name:
                raise InvalidInput(f"there is no objective {name!r}", hint=did_you_mean(name, by_name))
        names = dict.fromkeys(wanted or by_name)
        whole = (c for c in self.composites if all(part.objective.name in names for part in c.parts))
        return Chosen(tuple(by_name[name] for name in names), tuple(whole), self.notes)


def environment_if_meant(name: str, prometheus: str, set_: list[str]) -> Environment | None:
    """None where a server was given and no environment: then $SLOCHAOS_ENVIRONMENT does not matter."""
    from slochaos.cli.environments import load_statically

    overrides = assignments(set_)
    if prometheus and not name:
        if overrides:
            raise InvalidInput("--set is of no use without --environment")
        return None
    chosen = load_statically(name, overrides)
    if not chosen.objectives:
        raise InvalidInput(
            f"the environment {chosen.name} has no objectives", hint=f"add `slos` to {chosen.path}"
        )
    return chosen


def source_of(chosen: Environment | None, prometheus: str, user: str, tenant: str) -> PrometheusSource:
    """The server asked: of the environment, one of its by name, or the one at the URL."""
    from slochaos.cli.servers import server_at, server_of

    if chosen is None:
        return server_at(prometheus, user, tenant)
    own = {name for each in chosen.prometheus_servers for name in (each.name, each.url)}
    if prometheus and prometheus not in own:
        return server_at(prometheus, user, tenant)
    if user or tenant:
        raise InvalidInput("--user and --tenant go with --prometheus URL", hint="the environment has its own")
    return server_of(chosen, prometheus)


@contextmanager
def asking(source: PrometheusSource, chosen: Environment | None) -> Iterator[PrometheusServer]:
    """The server; where it refuses a login that the command line has to give, the message says how."""
    from slochaos.cli.servers import login_by_options
    from slochaos.measurement.prometheus.server import PrometheusServer

    own = chosen.prometheus_servers if chosen else ()
    with nullcontext() if source in own else login_by_options(), PrometheusServer(source) as server:
        yield server


def declared(chosen: Environment) -> Chosen:
    """The environment's objectives."""
    lenient = (chosen.read_leniently,) if chosen.read_leniently else ()
    return Chosen(chosen.objectives, chosen.composites, lenient)


def in_files(files: Sequence[Path]) -> Chosen:
    """The objectives of OpenSLO files and folders, read strictly. Raises InvalidInput."""
    from slochaos.spec import openslo

    catalogue = openslo.load(files, {})
    if not catalogue.objectives:
        raise InvalidInput(f"{files[0]} has no objectives", hint="name files with objects of the kind SLO")
    return Chosen(catalogue.objectives, catalogue.composites)


def discovered(server: PrometheusServer, window: Window, wanted: Sequence[str], now: float) -> Chosen:
    """What presets find in the window, of these names. Raises InvalidInput where that is nothing."""
    from slochaos.slo.discovery import discover

    found = discover(server, window)
    if not found:
        raise _nothing_found(server, window, now)
    kept = Chosen(tuple(each.objective for each in found)).only(wanted).objectives
    notes = (f"{each.objective.name} is assumed: {each.assumed}" for each in found if each.objective in kept)
    return Chosen(kept, notes=tuple(notes))


def _nothing_found(server: PrometheusServer, window: Window, now: float) -> InvalidInput:
    """Nothing known, or nothing at all: then perhaps nothing any more."""
    from slochaos.slo.charge import outside_retention
    from slochaos.slo.discovery import has_samples

    if has_samples(server, window):
        return InvalidInput(
            f"no preset knows a metric of {server.source.url}",
            hint=f"slochaos init --prometheus {server.source.url} shows what comes close, and how to describe it",
        )
    lost = next(outside_retention(server, window, now), "")
    return InvalidInput(
        f"{server.source.url} has no samples of that time",
        hint=lost or "look whether that is the right server, and whether it scrapes anything",
    )
