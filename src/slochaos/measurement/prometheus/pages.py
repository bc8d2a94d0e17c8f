"""Raw samples put back together as the pages that were scraped, so that they are counted like any page. Pure.

All series of one scrape carry one timestamp, and `up` has one for each scrape, also for one that failed. So a
target's `up` is its timetable, and what else has these timestamps and the target's labels stood on its page.
The timestamp is when the scrape began; the page was made until `scrape_duration_seconds` later.
Series without an `up` (recorded, pushed, federated, or with timestamps of their own) are a source each.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from slochaos.measurement.counters import NEVER_SEEN
from slochaos.measurement.counting import period_of
from slochaos.measurement.phases import Cut, History
from slochaos.measurement.prometheus.answers import RawSeries
from slochaos.measurement.prometheus.windows import Window
from slochaos.measurement.samples import Sample, Series
from slochaos.measurement.selection import PROCESS_START

UP = "up"
DURATION = "scrape_duration_seconds"

EARLY_S = 0.003
"""Timestamps are cut to the millisecond, and moved by two at most to stand at equal distances."""

LOOK_S = 300.0
"""How far before and after a window its enclosing samples are looked for: as far as Prometheus looks back."""

MISSED = 1.5
"""A target that shows nothing for this many of its periods is not scraped any more."""

USUAL_PERIOD_S = 15.0
"""Assumed for a target of which a single scrape is known."""

NOT_RUNNING = "the server has nothing from then"
GONE = "it is not scraped any more"
STARTS, ENDS = "the window starts here", "the window ends here"


RECENT_S = 300.0
"""Newest samples that are older than this are not late: the server has stopped taking any."""


@dataclass
class Page:
    """The samples of one source, by timestamp: failed scrapes too."""

    name: str
    times: set[float]
    labels: frozenset[tuple[str, str]] = frozenset()
    failed: frozenset[float] = frozenset()
    series: list[RawSeries] = field(default_factory=list)


def compose(
    raw: Sequence[RawSeries],
    window: Window,
    now: float,
    *,
    gauge: bool = False,
    slack_s: float | None = None,
) -> History:
    """The history of all sources in `raw`, which holds what there is from LOOK_S before the window to after it.

    Each source has a sample at or before the window's start and, unless its next one is still to come (`now`: the
    server's clock), at or after its end; where none is there, an absent one says why. Sources that were gone
    before, or began after, are left out. `gauge`: only samples within the window, between two absent ones.
    `slack_s`: how long a target may show nothing before it counts as gone (default: MISSED of its periods).
    """
    newest = max((each.times[-1] for each in raw), default=now)
    oldest = min((each.times[0] for each in raw), default=now)
    horizon = newest if now - newest < RECENT_S else now
    frame = _Frame(window, horizon, ran=oldest <= window.start, slack_s=slack_s)
    bound = frame.bound_gauge if gauge else frame.bound
    bounded = {page.name: bound(samples_of(page)) for page in pages_of(raw)}
    return {name: samples for name, samples in bounded.items() if samples}


def bracket(history: History, window: Window) -> tuple[Cut, Cut]:
    """The last samples complete by the window's start, and the first ones begun at or after its end.

    Where the newest sample is older than the end, it is that one.
    """
    starts = {name: _last_page(samples, window.start) for name, samples in history.items()}
    ends = {name: _first_page(samples, window.end) for name, samples in history.items()}
    return Cut(window.start, starts), Cut(window.end, ends)


def _last_page(samples: Sequence[Sample], instant: float) -> Sample:
    stop = bisect_right(samples, instant, key=lambda sample: sample.finished)
    return next((each for each in reversed(samples[:stop]) if not each.failure), samples[0])


def _first_page(samples: Sequence[Sample], instant: float) -> Sample:
    begin = bisect_left(samples, instant, key=lambda sample: sample.started)
    after = next((each for each in samples[begin:] if not each.failure), None)
    return after or next((each for each in reversed(samples) if not each.failure), samples[-1])


@dataclass(frozen=True)
class _Frame:
    """Where a history has to reach, and how far the server's data do. `ran`: it had any at the start."""

    window: Window
    horizon: float
    ran: bool
    slack_s: float | None

    def bound(self, samples: list[Sample]) -> list[Sample]:
        """The samples with absent ones where they are needed; empty for a source that was not there."""
        start, end = self.window.start, self.window.end
        slack_s = self.slack_s or _slack_s(samples)
        pages = [sample for sample in samples if sample.is_page]
        began_after = samples[0].started > end + slack_s and not _ran_before(pages, end)
        if samples[-1].started < start - slack_s or began_after:
            return []
        first, last = samples[0], samples[-1]
        if not pages or pages[0].finished > start:
            samples = _insert(samples, _absence(first, start, self._why_unseen(samples)))
        ended = last.failure or last.started + slack_s < min(self.horizon, end + slack_s)
        if ended and (not pages or pages[-1].started < end):
            samples = _insert(samples, _absence(last, end, last.failure or GONE))
        return samples

    def bound_gauge(self, samples: list[Sample]) -> list[Sample]:
        """Each of a gauge's samples is an event at its own instant, so that only the window's matter."""
        start, end = self.window.start, self.window.end
        inside = [sample for sample in samples if start <= sample.started < end]
        if not inside:
            return []
        before = samples[0].started < start or not self.ran
        gone = inside[-1] is samples[-1] and inside[-1].started + _slack_s(samples) < min(self.horizon, end)
        ends = end if gone or inside[-1] is not samples[-1] else math.nextafter(inside[-1].started, math.inf)
        return [
            _absence(inside[0], start, STARTS if before else NEVER_SEEN),
            *inside,
            _absence(inside[-1], ends, GONE if gone else ENDS),
        ]

    def _why_unseen(self, samples: Sequence[Sample]) -> str:
        before = [sample for sample in samples if sample.finished <= self.window.start]
        if before:
            return before[-1].failure
        return NEVER_SEEN if self.ran else NOT_RUNNING


def _slack_s(samples: Sequence[Sample]) -> float:
    period_s = period_of(samples)
    return MISSED * (period_s if math.isfinite(period_s) else USUAL_PERIOD_S)


def _ran_before(pages: Sequence[Sample], instant: float) -> bool:
    """Whether the process behind a source is known to have run before that instant."""
    first = pages[0].values if pages else {}
    return any(name == PROCESS_START and value < instant for (name, _), value in first.items())


def _absence(like: Sample, at: float, why: str) -> Sample:
    return Sample(like.source, at, at, at, {}, absent=why)


def _insert(samples: Sequence[Sample], sample: Sample) -> list[Sample]:
    at = bisect_right(samples, sample.started, key=lambda each: each.started)
    return [*samples[:at], sample, *samples[at:]]


def samples_of(page: Page) -> list[Sample]:
    """One sample per timestamp. A value that is no number makes it a failed one, as on any page."""
    values: dict[float, dict[Series, float]] = {at: {} for at in sorted(page.times)}
    failures = dict.fromkeys(page.failed, "the scrape failed")
    took: dict[float, float] = {}
    for raw in page.series:
        if raw.name == DURATION:
            took.update(zip(raw.times, raw.values, strict=True))
            continue
        series = raw.series
        for at, value in zip(raw.times, raw.values, strict=True):
            if not math.isfinite(value):
                failures[at] = f"{raw.name} is {value:g}"
            elif at in values:
                values[at][series] = value
    return [
        Sample(
            page.name,
            started=at,
            finished=at + took.get(at, 0.0) + EARLY_S,
            wall=at,
            values={} if at in failures else found,
            failure=failures.get(at, ""),
        )
        for at, found in values.items()
    ]


def pages_of(known: Sequence[RawSeries]) -> list[Page]:
    """The targets by their `up`, then what belongs to none. `up` by itself is a gauge like others."""
    alone = all(each.name == UP for each in known)
    by_address: dict[tuple[str, str], list[Page]] = {}
    for up in () if alone else (each for each in known if each.name == UP):
        failed = frozenset(at for at, value in zip(up.times, up.values, strict=True) if value != 1)
        page = Page(_name(up.labels), set(up.times), frozenset(up.labels.items()), failed)
        by_address.setdefault(_address(up.labels), []).append(page)
    for raw in (each for each in known if alone or each.name != UP):
        _place(by_address.setdefault(_address(raw.labels), []), raw)
    return _named_apart([page for pages in by_address.values() for page in pages])


def _place(pages: list[Page], raw: RawSeries) -> None:
    """Where its timestamps are those of a page: on that one; else on a page of its own."""
    labels = frozenset(raw.labels.items())
    for page in pages:
        if raw.times[-1] in page.times and page.labels <= labels:
            page.series.append(raw)
            if not page.labels:  # without `up`, its series are all that tells when it was read
                page.times.update(raw.times)
            return
    pages.append(Page(_name(raw.labels), set(raw.times), series=[raw]))


def _named_apart(pages: list[Page]) -> list[Page]:
    """Gives each source a name of its own."""
    seen: dict[str, int] = {}
    for page in pages:
        number = seen[page.name] = seen.get(page.name, 0) + 1
        if number > 1:
            page.name = f"{page.name} ({number})"
    return pages


def _name(labels: Mapping[str, str]) -> str:
    return "/".join(part for part in _address(labels) if part) or "recorded"


def _address(labels: Mapping[str, str]) -> tuple[str, str]:
    return labels.get("job", ""), labels.get("instance", "")
