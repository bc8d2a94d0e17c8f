"""report.html: one file, offline, printable, to be forwarded.

The page loads nothing: styles, the chart's library and its data are inside, and its content security policy
lets only the scripts written here run. Everything that comes from a record is escaped.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import tempfile
from contextlib import suppress
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from slochaos import wording
from slochaos.errors import StateError
from slochaos.record import Result
from slochaos.redaction import redact
from slochaos.reports import phrases, sheet, story
from slochaos.reports.chart import timeline
from slochaos.reports.plain import printable

_UNIT = re.compile(r"([0-9<>≤≥]) (%|ms|s|min|[0-9])(?![a-z])")


def write(result: Result, path: Path) -> None:
    """Write the report of one run to `path` (0600, replaced as a whole). Raises StateError."""
    page = render(result).encode("utf-8", "replace")
    try:
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(page)
            Path(name).replace(path)
        except OSError:
            with suppress(OSError):
                Path(name).unlink()
            raise
    except OSError as error:
        raise StateError(
            f"the report {path} cannot be written: {error.strerror}",
            hint=f"free some space or check the folder; the run itself is recorded: slochaos show {result.run.id}",
        ) from error


def render(result: Result) -> str:
    """The page of one run. Any record renders, however incomplete."""
    result = Result.model_validate(redact(result.model_dump(by_alias=True)))
    figure = timeline(result)
    library = _chart_library() if figure else ""
    script = _packaged("report.js") if figure else ""
    page = _environment().get_template("report.html.j2")
    return page.render(
        result=result,
        run=result.run,
        objectives=phrases.worst_first(result),
        figure=Markup(_json_in_html(figure)) if figure else "",  # noqa: S704 - escaped for a script element
        library=Markup(library),  # noqa: S704 - Plotly's own file
        script=Markup(script),  # noqa: S704 - ours
        style=Markup(_packaged("report.css")),  # noqa: S704 - ours
        policy=_policy([text for text in (library, script) if text]),
        version=_version(),
    )


def _policy(scripts: list[str]) -> str:
    """Nothing from anywhere, and only these scripts, by their hashes. Plotly sets styles of its own."""
    hashes = " ".join(f"'sha256-{_hash(script)}'" for script in scripts) or "'none'"
    return (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _hash(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


def _json_in_html(value: Any) -> str:
    """JSON that cannot end the script element which holds it."""
    text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _chart_library() -> str:
    """Plotly's JavaScript as its Python package ships it: read, not imported, which is cheap."""
    return (files("plotly") / "package_data" / "plotly.min.js").read_text("utf-8")


def _packaged(name: str) -> str:
    return (files("slochaos.reports") / "templates" / name).read_text("utf-8")


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("slochaos.reports", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(phrases=phrases, sheet=sheet, story=story)
    environment.filters.update(
        share=lambda percentage: wording.percent(percentage / 100),
        exact=wording.exact_percent,
        number=wording.count,
        seconds=wording.seconds,
        time=_time,
        clock=_clock,
        signs=_signs,
    )
    return environment


def _shown(value: Any) -> Any:
    return printable(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _time(moment: str | None, form: str = "%Y-%m-%d %H:%M:%S UTC") -> str:
    """An RFC 3339 time as people read it; as it stands where it is none."""
    try:
        return datetime.fromisoformat(moment or "").astimezone(UTC).strftime(form)
    except ValueError:
        return moment or "-"


def _clock(moment: str | None) -> str:
    """The time of day to the millisecond."""
    shown = _time(moment, "%H:%M:%S.%f")
    return shown[:12] if shown.count(":") == 2 else shown


def _signs(text: str) -> Markup:
    """Typeset: signs of comparison, and numbers that stay on one line with their unit."""
    signs = printable(text).replace(">=", "≥").replace("<=", "≤").replace("+-", "±")
    return Markup.escape(_UNIT.sub("\\1\u00a0\\2", signs))


def _version() -> str:
    try:
        return version("slochaos")
    except PackageNotFoundError:
        return "unknown"
