"""`slochaos init --prometheus URL`: what the server's metrics suggest, shown and written as two files."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from slochaos.cli.options import Format
from slochaos.cli.streams import console, say, write, write_document
from slochaos.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from slochaos.measurement.prometheus.server import PrometheusServer
    from slochaos.slo.suggestions import Found
    from slochaos.slo.survey import Survey
    from slochaos.spec.sources import PrometheusSource

MOST = 60
"""Objectives at most: nobody reads more, and each is measured over a day."""

_RECENT_S = 900.0
"""What had samples within this time is there."""


@dataclass(frozen=True)
class Wanted:
    """What the command line asks for: `name` of the environment, `only` these objectives (all, if empty)."""

    folder: Path
    name: str
    only: tuple[str, ...]
    dry_run: bool

    @property
    def paths(self) -> tuple[Path, Path]:
        """The environment's file and its objectives'."""
        folder = self.folder / "environments"
        return folder / f"{self.name}.yaml", folder / f"{self.name}.slos.yaml"


def check_name(name: str) -> None:
    """Raises InvalidInput for what cannot be an environment's name."""
    from slochaos.spec.fields import DNS_LABEL

    if not DNS_LABEL.fullmatch(name):
        raise InvalidInput(
            f"--name {name[:70]!r} is no name", hint="lower-case letters, digits and '-', such as --name shop"
        )


def proposed(source: PrometheusSource, wanted: Wanted, output: Format) -> tuple[Survey, dict[Path, str]]:
    """What was found, and the text of the two files. Raises SourceError; InvalidInput where nothing is known."""
    from slochaos.measurement.prometheus.server import PrometheusServer
    from slochaos.slo.proposal import environment_text, slos_text
    from slochaos.slo.survey import survey

    with PrometheusServer(source) as server:
        say(f"asking {source.url} what it has ...")
        now = server.now()
        found = _chosen(_found(server, now, output), wanted.only)
        say(f"measuring {len(found)} objectives over the last 24 hours ...")
        surveyed = survey(server, found, now)
    today = datetime.fromtimestamp(now, UTC).date().isoformat()
    texts = environment_text(wanted.name, source, surveyed, today), slos_text(surveyed, today)
    return surveyed, dict(zip(wanted.paths, texts, strict=True))


def show(survey: Survey, files: Mapping[Path, str], wanted: Wanted, output: Format) -> None:
    """Print what was found, and what was or would be written."""
    from slochaos.cli import survey_table

    if output is Format.JSON:
        written = {str(path): text for path, text in files.items()}
        write_document({**survey_table.document(survey), "written": not wanted.dry_run, "files": written})
        return
    survey_table.render(survey, console())
    if wanted.dry_run:
        for path, text in files.items():
            write(f"\n# {path}\n{text}")
        return
    where = "" if wanted.folder == Path() else f"cd {wanted.folder} && "
    write(
        f"Wrote {' and '.join(map(str, files))}: read them, and set the targets that your users need.\n"
        f"Next: {where}slochaos slo check --environment {wanted.name}"
    )


def _found(server: PrometheusServer, now: float, output: Format) -> tuple[Found, ...]:
    """What presets know. Raises InvalidInput where that is nothing, with what looked close."""
    from slochaos.measurement.prometheus.windows import Window
    from slochaos.slo.discovery import discover, has_samples
    from slochaos.slo.nearby import draft, nearby
    from slochaos.wording import seconds

    window = Window(now - _RECENT_S, now)
    if found := discover(server, window):
        return found
    if not has_samples(server, window):
        raise InvalidInput(
            f"{server.source.url} has no samples of the last {seconds(_RECENT_S)}",
            hint="look whether that is the right server, and whether it scrapes anything",
        )
    close = nearby(server, now)
    if close and output is Format.TEXT:
        write(
            "# Something to start from, as environments/NAME.slos.yaml; environments/NAME.yaml then holds\n"
            f"#   prometheus: {server.source.url}\n#   slos: [NAME.slos.yaml]\n{draft(close)}"
        )
    names = "; ".join(map(str, close))
    near = f"closest by name: {names}. Say in an SLO file what counts: all events, and the bad ones"
    none = "no name of its metrics speaks of requests, jobs or checks: scrape the services, or probe them"
    raise InvalidInput(f"no preset knows a metric of {server.source.url}", hint=near if close else none)


def _chosen(found: Sequence[Found], only: Sequence[str]) -> tuple[Found, ...]:
    from slochaos.spec.nearest import did_you_mean

    by_name = {each.objective.name: each for each in found}
    for name in only:
        if name not in by_name:
            raise InvalidInput(f"no objective {name!r} was found", hint=did_you_mean(name, by_name))
    if only:
        return tuple(by_name[name] for name in dict.fromkeys(only))
    if len(found) > MOST:
        left_out = ", ".join(list(by_name)[MOST : MOST + 10])
        say(f"{len(found)} were found, and the first {MOST} are taken; others by --objective: {left_out} ...")
    return tuple(found[:MOST])
