"""Parts of the HTTP API's answers as values. Raises KeyError, TypeError, ValueError, ... for what is none. Pure."""

from __future__ import annotations

import math
import re
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from slochaos.measurement.prometheus.answers import Description, RawSeries, Target, Value

_UNITS_S = {"y": 31_536_000, "w": 604_800, "d": 86_400, "h": 3600, "m": 60, "s": 1, "ms": 0.001}
_DURATION = re.compile(r"(\d+)(ms|[ywdhms])", re.ASCII)


def matrix(result: Any) -> tuple[RawSeries, ...]:
    """A matrix: series with their samples. Those that have native histograms only are left out."""
    return tuple(_raw_series(each) for each in result if "values" in each)


def native_names(result: Any) -> tuple[str, ...]:
    """The names of a matrix' native histograms, whose samples are no numbers."""
    return tuple(
        sorted({str(each["metric"].get("__name__", "?")) for each in result if "values" not in each})
    )


def _raw_series(entry: Mapping[str, Any]) -> RawSeries:
    labels = _labels(entry["metric"])
    samples = entry["values"]
    times = array("d", [float(at) for at, _ in samples])
    values = array("d", [float(value) for _, value in samples])
    return RawSeries(labels.pop("__name__", ""), labels, times, values)


def within(series: RawSeries, start: float, end: float) -> RawSeries:
    """Its samples in [start, end], to the millisecond."""
    first = bisect_left(series.times, start - 0.0005)
    stop = bisect_right(series.times, end + 0.0005)
    return RawSeries(series.name, series.labels, series.times[first:stop], series.values[first:stop])


def vector(result: Any) -> tuple[Value, ...]:
    """An instant query's result: a vector, or a scalar as one value without labels."""
    if len(result) == 2 and not isinstance(result[0], dict):
        return (Value({}, float(result[1]), float(result[0])),)
    return tuple(
        Value(_labels(each["metric"]), float(each["value"][1]), float(each["value"][0]))
        for each in result
        if "value" in each
    )


def scalar(result: Any) -> float:
    """The finite value of a scalar."""
    value = vector(result)[0].value
    if not math.isfinite(value):
        raise ValueError(f"{value} is no number")
    return value


def labels(data: Any) -> dict[str, str]:
    """Names and values, as text."""
    return _labels(data)


def texts(data: Any) -> tuple[str, ...]:
    """A list of texts."""
    return tuple(str(each) for each in data)


def label_sets(data: Any) -> tuple[dict[str, str], ...]:
    """A list of label sets."""
    return tuple(_labels(each) for each in data)


def targets(data: Any) -> tuple[Target, ...]:
    """The active targets."""
    return tuple(_target(each) for each in data["activeTargets"])


def _target(entry: Mapping[str, Any]) -> Target:
    last = str(entry.get("lastScrape", ""))
    return Target(
        scrape_url=str(entry["scrapeUrl"]),
        labels=_labels(entry["labels"]),
        health=str(entry["health"]),
        interval_s=duration_s(str(entry["scrapeInterval"])),
        timeout_s=duration_s(str(entry["scrapeTimeout"])),
        error=str(entry.get("lastError", "")),
        last_scrape=_instant(last) if last and not last.startswith("0001-") else None,
    )


def metadata(data: Any) -> tuple[Description, ...]:
    """Of the client's list; one entry per family, the first where targets differ."""
    found: dict[str, Description] = {}
    for each in data:
        name = str(each["metric_name"])
        found.setdefault(name, Description(name, str(each["type"]), str(each["help"]), str(each["unit"])))
    return tuple(found.values())


def retention_s(data: Any) -> float | None:
    """Of runtimeinfo's `15d or 10GB`: the time."""
    text = str(data.get("storageRetention", "")).partition(" ")[0]
    return duration_s(text) if _is_duration(text) else None


def version(data: Any) -> str:
    """Of buildinfo."""
    return str(data.get("version", ""))


def duration_s(text: str) -> float:
    """Seconds of a duration as Prometheus writes it: `1m30s`, `2w`. Raises ValueError."""
    if not _is_duration(text):
        raise ValueError(f"{text[:40]!r} is no duration")
    return float(sum(int(number) * _UNITS_S[unit] for number, unit in _DURATION.findall(text)))


def _is_duration(text: str) -> bool:
    return bool(text) and (text == "0" or not _DURATION.sub("", text))


def _instant(text: str) -> float:
    # Nanoseconds are more than datetime takes.
    return datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", text)).timestamp()


def _labels(data: Any) -> dict[str, str]:
    return {str(name): str(value) for name, value in dict(data).items()}
