"""Exposition text to the few series that objectives select.

Lines are picked by metric name before anything is parsed, and each series' text is parsed once, by
prometheus-client: from then on a line costs one look-up. Lines of other metrics are only looked at for
their first character, which is enough to tell a page from an error message.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping

from prometheus_client.parser import text_string_to_metric_families

from slochaos.measurement.samples import Series
from slochaos.measurement.selection import PROCESS_START, created_name, family, is_wanted, series_names
from slochaos.spec.objectives import Metric

KNOWN_SERIES_LIMIT = 200_000
"""Series texts remembered; a page that invents label values without end must not fill the memory."""

_NO_EXPOSITION = re.compile(rb"^[ \t]*[^#a-zA-Z_:{\s]", re.MULTILINE)
_NAME = re.compile(rb"^[ \t]*([a-zA-Z_:][a-zA-Z0-9_:]*)[ \t{]", re.MULTILINE)


class PageError(Exception):
    """A page that does not count as a reading; the message says why."""


class PageParser:
    """Parses the pages of one source. `labels` are added to every series that does not carry them."""

    def __init__(self, wanted: Iterable[Metric], labels: Mapping[str, str]) -> None:
        self._wanted = tuple(wanted)
        self._labels = dict(labels)
        self._known: dict[bytes, Series | None] = {}
        names = {PROCESS_START}
        for metric in self._wanted:
            names.update(series_names(metric), [created_name(family(metric))])
        alternatives = b"|".join(re.escape(name.encode()) for name in sorted(names) if name)
        self._line = re.compile(
            rb"^[ \t]*((?:" + alternatives + rb")(?:[ \t]*\{.*\})?)[ \t]+([^ \t\r\n]+)([^\r\n]*)",
            re.MULTILINE,
        )

    def parse(self, page: bytes) -> dict[Series, float]:
        """The wanted series and their values. Raises PageError for a page that is not whole or not sane."""
        check(page)
        values: dict[Series, float] = {}
        for match in self._line.finditer(page):
            text, number, rest = match.groups()
            if b" # " in text or b" # " in rest:  # an exemplar, or a label value that looks like one
                series, value = self._parse_line(match[0])
            else:
                series, value = self._series(text), number
            if series is None:
                continue
            if series in values:
                raise PageError(f"the page has {_show(series)} twice")
            values[series] = _finite(value, series)
        return values

    def _series(self, text: bytes) -> Series | None:
        try:
            return self._known[text]
        except KeyError:
            if len(self._known) >= KNOWN_SERIES_LIMIT:
                self._known.clear()
            series, _ = self._parse_line(text + b" 0")
            self._known[text] = series
            return series

    def _parse_line(self, line: bytes) -> tuple[Series | None, bytes]:
        """One line by prometheus-client's parser: its series if wanted, and its value's text."""
        try:
            [parsed] = text_string_to_metric_families(line.decode() + "\n")
            [sample] = parsed.samples
        except (ValueError, IndexError, KeyError) as error:
            raise PageError(f"the line {_shorten(line)} cannot be parsed: {error}") from error
        labels = {**self._labels, **{k: v for k, v in sample.labels.items() if v}}
        series = sample.name, tuple(sorted(labels.items()))
        wanted = sample.name == PROCESS_START or any(is_wanted(metric, series) for metric in self._wanted)
        return (series if wanted else None), repr(sample.value).encode()


def check(page: bytes) -> None:
    """Raises PageError for what is no complete exposition page: empty, HTML, an error text, cut off."""
    if not page.strip():
        raise PageError("the page is empty")
    wrong = _NO_EXPOSITION.search(page)
    if wrong:
        end = page.find(b"\n", wrong.start())
        raise PageError(
            f"not a metrics page: it has {_shorten(page[wrong.start() : end if end > 0 else None])}"
        )
    if not page.endswith(b"\n"):
        raise PageError("the page is cut off: its last line has no end")
    if not page.lstrip().startswith(b"#") and not _NAME.search(page):
        raise PageError(f"not a metrics page: it has {_shorten(page)}")


def metric_names(page: bytes) -> frozenset[str]:
    """Every metric name on the page."""
    return frozenset(name.decode() for name in set(_NAME.findall(page)))


def _finite(text: bytes, series: Series) -> float:
    try:
        value = math.nan if b"_" in text else float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise PageError(f"{_show(series)} has the value {_shorten(text)}")
    return value


def _show(series: Series) -> str:
    name, labels = series
    inside = ",".join(f'{key}="{value}"' for key, value in labels)
    return f"{name}{{{inside}}}" if inside else name


def _shorten(text: bytes) -> str:
    return repr(text.strip()[:60].decode(errors="replace"))
