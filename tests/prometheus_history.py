"""A past for a real Prometheus: days of samples, known to the last, that nobody has to wait for."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path

from tests.prometheus_servers import Binaries

Samples = Iterable[tuple[float, float]]
"""(epoch second, value), oldest first."""


def lay_down(found: Binaries, folder: Path, series: Mapping[str, Samples]) -> None:
    """Give the server that `start_prometheus` starts on `folder` these samples of each series.

    Series are named in full, `up{job="shop"}`; those of one metric have to follow one another.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lines = [f"{name} {value!r} {at!r}" for name, samples in series.items() for at, value in samples]
    text = folder / "history.om"
    text.write_text("\n".join([*lines, "# EOF", ""]))
    subprocess.run(
        [
            *(found.path("promtool"), "tsdb", "create-blocks-from", "openmetrics"),
            "--max-block-duration=768h",  # one for all: blocks of two hours, as usual, would take minutes
            *(text, folder / "data"),
        ],
        check=True,
        capture_output=True,
    )
