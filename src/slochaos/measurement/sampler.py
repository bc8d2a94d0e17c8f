"""Sampling all sources of an environment for as long as a run lasts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from slochaos.measurement.samples import Sample
from slochaos.spec.environment import Environment


class Sampler:
    """One thread per source, each at its own period on an absolute schedule.

    `history` is a snapshot: what it returns never changes afterwards. All samples of a run are kept.
    `samples_file` (NDJSON, 0600) is written through a bounded queue that never holds up the sampling:
    what does not fit is dropped and counted in `dropped`; `write_error` says why writing ended, if it did.
    """

    write_error: str = ""
    dropped: int = 0

    def __init__(self, environment: Environment, samples_file: Path | None = None) -> None:
        raise NotImplementedError

    def start(self) -> None:
        """Start the threads; the first readings begin at once. Raises SourceError without any source."""
        raise NotImplementedError

    def stop(self) -> None:
        """End the threads, close connections and the file. Returns within a few seconds. Idempotent."""
        raise NotImplementedError

    def sample_now(self, timeout_s: float = 5.0) -> bool:
        """Read every source at once, beside the schedule; wait until each sample (good or failed) is in.

        Only samples that started after the call count. False when one did not come within `timeout_s`.
        """
        raise NotImplementedError

    @property
    def history(self) -> Mapping[str, Sequence[Sample]]:
        """All samples so far, by source. Safe from any thread."""
        raise NotImplementedError

    def metric_names(self) -> Mapping[str, frozenset[str]]:
        """Every metric name on each source's newest page, for `baseline.baseline_problems`."""
        raise NotImplementedError
