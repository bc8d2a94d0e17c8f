"""Raw samples put back together as the pages that were scraped."""

from __future__ import annotations

from collections.abc import Iterable

from slochaos.measurement.phases import History
from slochaos.measurement.prometheus.server import PrometheusServer
from slochaos.measurement.prometheus.windows import Window
from slochaos.spec.objectives import Objective


def history(server: PrometheusServer, objectives: Iterable[Objective], window: Window) -> History:
    """The pages of all targets that have series of these objectives, from before `window` to after it.

    One source per scraped target, one Sample per scrape (a failed scrape is a failed Sample), instants are
    epoch seconds. A target that is not scraped for all of the window has `absent` samples at its ends.
    Raises SourceError.
    """
    raise NotImplementedError
